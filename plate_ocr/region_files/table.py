"""The formats of all bundled regions, in one table made from their files by ``make formats``.

So reading opens no region file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from plate_ocr.alphabet import LONGEST, PROVINCES, Alphabet
from plate_ocr.errors import AlphabetError
from plate_ocr.formats import PlateFormat

TABLE = Path(__file__).parent / "formats.json"


@cache
def bundled_formats() -> Mapping[str, tuple[PlateFormat, ...]]:
    """What stands where on the plates of each region that comes with the package, by its name."""
    table = json.loads(TABLE.read_text(encoding="utf-8"))
    return {
        region: tuple(
            PlateFormat(tuple(places), shortest, tuple((a, b) for a, b in alike), prior)
            for places, shortest, alike, prior in formats
        )
        for region, formats in table.items()
    }


def formats_for(alphabet: Alphabet, region: str | None = None) -> tuple[PlateFormat, ...]:
    """The formats of a region, or else those that an alphabet can write.

    Without a region these are China's where the alphabet has provinces, and any text without them.

    Raises:
        AlphabetError: if the region is unknown.
    """
    if region is not None:
        if region not in (table := bundled_formats()):
            raise AlphabetError(f"there is no region {region!r}; there are {', '.join(table)}")
        return table[region]
    anything = "".join(c for c in alphabet.characters if c not in PROVINCES)
    if anything == alphabet.characters or not anything:
        return (PlateFormat((alphabet.characters,) * LONGEST),)
    china = [
        form
        for form in bundled_formats()["cn"]
        if all(any(char in alphabet for char in place) for place in form.places)
    ]
    return *china, PlateFormat((anything,) * LONGEST)
