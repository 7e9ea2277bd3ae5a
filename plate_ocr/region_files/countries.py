"""Regions of plates in label files: codes and English names of countries."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from plate_ocr.region_files.table import bundled_formats

COUNTRIES = Path(__file__).parent / "countries.txt"
"""A code of ISO 3166-1 on each line, or ``eu`` or ``xk``, and the country's English names."""

NO_REGION = ("", "unknown")


def region_code(text: str) -> str | None:
    """The code of a region or a country.

    Args:
        text: a code such as ``"de"`` or ``"any"``, or an English name such as ``"Germany"``, in any case,
            with or without accents; or one of :data:`NO_REGION`.

    Returns:
        The code in lower case; empty if the text names no region, None if it is unknown.
    """
    name = _simplified(text)
    if name in NO_REGION:
        return ""
    # A code before a name: ST is São Tomé, and short for Saint in others.
    return _codes().get(text.strip().lower()) or _codes().get(name)


@cache
def _codes() -> Mapping[str, str]:
    """Codes by code and by simplified name."""
    codes = {code: code for code in bundled_formats()}
    for line in COUNTRIES.read_text(encoding="utf-8").splitlines():
        code, _, names = line.partition(" ")
        codes |= dict.fromkeys((code, *map(_simplified, names.split("|"))), code)
    return codes


def _simplified(name: str) -> str:
    """A name in lower case, as ASCII where it can be, without articles, signs and short forms."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    words = re.sub(
        r"[^\w]+", " ", plain.casefold().replace("&", " and ").replace("'", "").replace(".", "")
    ).split()
    return " ".join("saint" if word == "st" else word for word in words if word != "the")
