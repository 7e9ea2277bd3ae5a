"""The classes a model tells apart, and their one-hot vectors."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from plate_ocr.errors import AlphabetError

UNKNOWN = "?"
"""What stands in a text for a character that was not recognised."""

DIGITS = "0123456789"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
PROVINCES = "京津沪渝冀晋蒙辽吉黑苏浙皖闽赣鲁豫鄂湘粤桂琼川贵云藏陕甘青宁新"
"""The 31 provinces of mainland China as they stand on plates (GA 36-2018)."""

SPECIAL = "警学挂使领港澳"
"""What else stands on Chinese plates: police, learner, trailer, embassy, consulate, Hong Kong, Macau."""
PLATE_CHARACTERS = DIGITS + LETTERS + PROVINCES + SPECIAL
"""All that the plate network tells apart."""

LONGEST = 10
"""Characters on a plate, at most."""

_BARE = str.maketrans("ČŠŽĆĐ", "CSZCD", "-.·•")


def bare(text: str) -> str:
    """What is written on a plate as it is read: upper case, without spaces, hyphens and dots, and letters
    without their marks, as registers write them.
    """
    return unicodedata.normalize("NFC", "".join(text.split())).upper().translate(_BARE)


@dataclass(frozen=True)
class Alphabet:
    """An ordered set of characters; a character's place is its class.

    Args:
        characters: each character once, e.g. ``"0123456789"``.

    Raises:
        AlphabetError: if it is empty, holds a character twice, or holds ``?`` or white space.
    """

    characters: str
    _index: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.characters:
            raise AlphabetError("an alphabet needs at least one character")
        index = {char: i for i, char in enumerate(self.characters)}
        if len(index) != len(self.characters):
            twice = sorted(c for c in index if self.characters.count(c) > 1)
            raise AlphabetError(f"the alphabet holds {', '.join(twice)} more than once")
        if bad := [c for c in self.characters if c == UNKNOWN or c.isspace()]:
            raise AlphabetError(f"{bad[0]!r} cannot be a character of an alphabet")
        object.__setattr__(self, "_index", index)

    def __len__(self) -> int:
        return len(self.characters)

    def __getitem__(self, index: int) -> str:
        return self.characters[index]

    def __contains__(self, char: object) -> bool:
        return char in self._index

    def encode(self, text: Iterable[str]) -> NDArray[np.int64]:
        """Characters to classes.

        Returns:
            int64 ``(len(text),)``, each in ``[0, len(self))``.

        Raises:
            AlphabetError: naming the characters that are not in the alphabet.
        """
        text = list(text)
        if unknown := sorted({c for c in text if c not in self._index}):
            raise AlphabetError(f"{', '.join(map(repr, unknown))} not in the alphabet {self.characters}")
        return np.array([self._index[c] for c in text], dtype=np.int64)

    def decode(self, classes: Iterable[int]) -> str:
        """Classes to characters: the inverse of :meth:`encode`.

        Raises:
            AlphabetError: if a class is outside ``[0, len(self))``.
        """
        classes = [int(c) for c in classes]
        if bad := [c for c in classes if not 0 <= c < len(self)]:
            raise AlphabetError(f"class {bad[0]} is outside 0..{len(self) - 1}")
        return "".join(self.characters[c] for c in classes)

    def one_hot(self, text: Iterable[str]) -> NDArray[np.float32]:
        """Characters to one-hot rows.

        Returns:
            float32 ``(len(text), len(self))``: a single 1 in each row, at the character's class.

        Raises:
            AlphabetError: as :meth:`encode`.
        """
        return np.eye(len(self), dtype=np.float32)[self.encode(text)]


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
