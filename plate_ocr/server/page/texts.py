"""The texts of the page, in every language."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from importlib.resources import files

LANGUAGES: Mapping[str, str] = {"en": "English", "de": "Deutsch", "zh": "中文"}
"""Codes and own names."""

DEFAULT = "en"

COOKIE = "plate-ocr-language"
"""Name of the cookie of a chosen language."""


def load_texts() -> dict[str, dict[str, str]]:
    """The texts of each language by their keys, which ``texts.toml`` holds."""
    table = tomllib.loads(files(__package__).joinpath("texts.toml").read_text("utf-8"))
    return {code: {key: texts[code] for key, texts in table.items()} for code in LANGUAGES}


TEXTS = load_texts()


def module_of(language: str) -> str:
    """A JavaScript module that exports the texts of a language."""
    return f"export default {json.dumps(TEXTS[language], ensure_ascii=False)};\n"


def choose_language(chosen: str | None, accepted: str) -> str:
    """The language of an answer.

    Args:
        chosen: the value of the cookie.
        accepted: the header ``Accept-Language``.
    """
    if chosen is not None and chosen in LANGUAGES:
        return chosen
    wanted: list[tuple[float, str]] = []
    for entry in accepted.split(","):
        code, _, quality = entry.partition(";q=")
        try:
            wanted.append((-float(quality or 1), code.strip().lower().partition("-")[0]))
        except ValueError:
            continue
    found = (
        code for quality, code in sorted(wanted, key=lambda one: one[0]) if quality and code in LANGUAGES
    )
    return next(found, DEFAULT)
