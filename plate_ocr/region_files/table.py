"""The formats of all bundled regions, in one table made from their files by ``make formats``.

So reading opens no region file but the user's own.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TypeAlias

from plate_ocr.alphabet import LONGEST, PROVINCES, Alphabet
from plate_ocr.formats import PlateFormat

TABLE = Path(__file__).parent / "formats.json"

NO_COUNTRY = ("any", "eu")
"""Regions that are no country's."""


Region: TypeAlias = str | os.PathLike[str]
"""A code such as ``"cn"``, in upper or lower case, or a region file."""


@cache
def bundled_formats() -> Mapping[str, tuple[PlateFormat, ...]]:
    """What stands where on the plates of each region that comes with the package, by its name."""
    table = json.loads(TABLE.read_text(encoding="utf-8"))
    return {
        region: tuple(
            PlateFormat(
                tuple(places), shortest, tuple((a, b) for a, b in alike), prior, subdivision, tuple(names)
            )
            for places, shortest, alike, prior, subdivision, names in formats
        )
        for region, formats in table.items()
    }


def formats_for(
    alphabet: Alphabet, region: Region | Sequence[Region] | None = None
) -> tuple[PlateFormat, ...]:
    """The formats of one or several regions together, or else those that an alphabet can write.

    Without a region these are China's where the alphabet has provinces, and any text without them.

    Raises:
        DataError: if a region is unknown or its file has a mistake.
    """
    if region:
        regions = [region] if isinstance(region, str | os.PathLike) else region
        return tuple(dict.fromkeys(form for one in regions for form in _formats_of(one)))
    anything = "".join(c for c in alphabet.characters if c not in PROVINCES)
    if anything == alphabet.characters or not anything:
        return (PlateFormat((alphabet.characters,) * LONGEST),)
    china = [
        form for form in bundled_formats()["cn"] if all(_can_write(alphabet, place) for place in form.places)
    ]
    return *china, PlateFormat((anything,) * LONGEST)


def _can_write(alphabet: Alphabet, place: str) -> bool:
    """Whether an alphabet has all characters of a place, but for some of the provinces."""
    lacking = set(place) - set(alphabet.characters)
    return len(lacking) < len(place) and lacking <= set(PROVINCES)


def _formats_of(region: Region) -> Iterator[PlateFormat]:
    table = bundled_formats()
    if (code := os.fspath(region).lower()) in table:
        yield from table[code]
        return
    # Most calls name a region that comes with the package, or none.
    from plate_ocr.region_files.parser import load_region

    yield from load_region(region).formats
