"""What stands where on the plates of a region."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from plate_ocr.alphabet import DIGITS, LETTERS, LONGEST, PROVINCES, SPECIAL, Alphabet
from plate_ocr.errors import AlphabetError


@dataclass(frozen=True)
class PlateFormat:
    """What stands where on a kind of plate.

    Attributes:
        places: for each place the characters that may stand there.
        shortest: the least number of characters.
        alike: pairs of a character that the format lacks and the one that it must be instead.
        prior: log of how much likelier a text of this form is than any other text that was read as surely.
    """

    places: tuple[str, ...]
    shortest: int = 1
    alike: tuple[tuple[str, str], ...] = ()
    prior: float = 0.0


_CN_LETTERS = "".join(c for c in LETTERS if c not in "IO")
_CN_ANY, _CN_ENERGY = _CN_LETTERS + DIGITS, "ABCDEFGHJK"
_CN_ALIKE = (("O", "0"), ("I", "1"))
CHINA = (
    PlateFormat((PROVINCES, _CN_LETTERS, *[_CN_ANY] * 5), 7, _CN_ALIKE, prior=1.0),
    PlateFormat((PROVINCES, _CN_LETTERS, _CN_ENERGY, _CN_ANY, *[DIGITS] * 4), 8, _CN_ALIKE),
    PlateFormat((PROVINCES, _CN_LETTERS, *[DIGITS] * 5, _CN_ENERGY), 8, _CN_ALIKE),
)
"""Province, letter and five more; new-energy plates of small and of large cars have six, one of them
a letter for the kind of drive. There is no I and no O (GA 36-2018)."""


def _patterns(*patterns: str, prior: float = 0.0) -> tuple[PlateFormat, ...]:
    """Formats from words: ``#`` a digit, ``@`` a letter, ``?`` either, all else itself."""
    kinds = {"#": DIGITS, "@": LETTERS, "?": LETTERS + DIGITS}
    return tuple(
        PlateFormat(tuple(kinds.get(char, char) for char in pattern), len(pattern), prior=prior)
        for pattern in patterns
    )


_FREE = (PlateFormat((LETTERS + DIGITS,) * LONGEST, 4),)
"""Letters and digits of the Latin script."""

_RARE = (PlateFormat((LETTERS + DIGITS,) * LONGEST, 4, prior=-4.0),)
"""The same where there are formats: old plates and those of officials."""

REGIONS: Mapping[str, tuple[PlateFormat, ...]] = {
    "ar": (*_patterns("@@@###", "@@###@@", "@###@@@"), *_RARE),
    "br": (*_patterns("@@@####", "@@@#@##"), *_RARE),
    "cn": (
        *CHINA,
        PlateFormat((PROVINCES, _CN_LETTERS, *[_CN_ANY] * 4, SPECIAL), 7, _CN_ALIKE, prior=-1.0),
    ),
    "eu": _FREE,
    "gb": (*_patterns("@@##@@@", "@###@@@", "@@@###@"), *_RARE),
    "in": (*_patterns("@@##@@####", "@@##@####", "@@#@@####", "@@#@####"), *_RARE),
    "tr": (
        *_patterns("##@####", "##@#####", "##@@###", "##@@####", "##@@@##", "##@@@###"),
        *_RARE,
    ),
    "us": _FREE,
    "uz": (*_patterns("##@###@@", "#####@@@", "##@######"), *_RARE),
    "vn": (*_patterns("##@####", "##@#####", "##@######", "##@@#####"), *_RARE),
}
"""What stands where on the plates of a region. Where texts are free, only the script is known."""


def formats_for(alphabet: Alphabet, region: str | None = None) -> tuple[PlateFormat, ...]:
    """The formats of a region, or else those that an alphabet can write.

    Without a region these are China's where the alphabet has provinces, and any text without them.

    Raises:
        AlphabetError: if the region is unknown.
    """
    if region is not None:
        if region not in REGIONS:
            raise AlphabetError(f"there is no region {region!r}; there are {', '.join(REGIONS)}")
        return REGIONS[region]
    anything = "".join(c for c in alphabet.characters if c not in PROVINCES)
    if anything == alphabet.characters or not anything:
        return (PlateFormat((alphabet.characters,) * LONGEST),)
    return *CHINA, PlateFormat((anything,) * LONGEST)
