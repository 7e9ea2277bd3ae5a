"""Texts of plates: how they are written, and how alike two of them are."""

from __future__ import annotations

import unicodedata
from collections.abc import Container
from functools import lru_cache

from plate_ocr.alphabet import ARABIC_DIGITS, DIGITS, PERSIAN_DIGITS, UNKNOWN

_LATIN = str.maketrans(
    {"Æ": "AE", "Œ": "OE", "Þ": "TH"}
    # With a stroke, which Unicode does not take for a mark.
    | dict(zip("ØĐÐŁĦŦ", "ODDLHT", strict=True))
    # Cyrillic, then Greek.
    | dict(zip("АВЕКМНОРСТУҮХІЈЅ", "ABEKMHOPCTYYXIJS", strict=True))
    | dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX", strict=True))
)
"""Letters, and the Latin ones that they are written as or look like."""

_PERSIAN_DIGITS = "۰۱۲۳۴۵۶۷۸۹"
_ARABIC = str.maketrans(
    # Letters and digits that look the same where they stand alone; the tatweel is no letter.
    dict(zip("یيھہ", "ىىهه", strict=True))
    | dict(zip(_PERSIAN_DIGITS, ARABIC_DIGITS, strict=True))
    | {"ـ": ""}
)
_LATIN_DIGITS = str.maketrans(ARABIC_DIGITS + _PERSIAN_DIGITS, 2 * DIGITS)
_PERSIAN = str.maketrans(ARABIC_DIGITS, _PERSIAN_DIGITS)
_ALIKE = {
    ord(persian): arabic
    for persian, arabic in zip(_PERSIAN_DIGITS, ARABIC_DIGITS, strict=True)
    if persian not in PERSIAN_DIGITS
}

_SEPARATORS = "_.·•・∙⋅‧−"
_SEPARATOR_CATEGORIES = ("Cc", "Cf", "Pd", "Zs")
"""Unicode's, of other separators: what is not seen, dashes, spaces."""


def normalize_text(text: str, keep: Container[str] = "") -> str:
    """A plate's text as it is compared, in labels, lists of known plates and region files.

    Upper case, without spaces, dashes, dots and underscores, which fill columns. Letters lose their marks
    (``Ü`` is ``U``, ``Ø`` is ``O``, ``Đ`` is ``D``, ``Æ`` is ``AE``); Cyrillic and Greek letters become the
    Latin ones that look the same, full-width characters ASCII. Hangul is composed to syllables, Arabic
    letters are those that look the same alone, Persian digits Arabic-Indic ones. Everything else stays.

    Args:
        text: as it is written.
        keep: characters that stay too, in upper case: those that a model tells apart.
    """
    if text.isascii() and text.isalnum():
        return text.upper()
    composed = unicodedata.normalize("NFC", text.upper())
    return "".join(char if char in keep else _as_compared(char) for char in composed)


@lru_cache(maxsize=4096)
def _as_compared(char: str) -> str:
    if char in _SEPARATORS or unicodedata.category(char) in _SEPARATOR_CATEGORIES:
        return ""
    base = "".join(c for c in unicodedata.normalize("NFKD", char) if not unicodedata.combining(c))
    latin = base.translate(_LATIN).upper()
    if latin.isascii() and latin.isalnum():
        return latin
    # Arabic letters have code points of their own for each of their forms.
    return unicodedata.normalize("NFKC", char).translate(_ARABIC)


def latin_digits(text: str) -> str:
    """A text with its Arabic-Indic and Persian digits as 0 to 9."""
    return text.translate(_LATIN_DIGITS)


def persian_digits(text: str) -> str:
    """A text with its Arabic-Indic digits as Persian ones: as Iranian plates are written."""
    return text.translate(_PERSIAN)


def arabic_digits(text: str) -> str:
    """A text with its Persian digits as Arabic-Indic ones where both look the same: as texts are compared."""
    return text.translate(_ALIKE)


_LOOKALIKES = _ALIKE | str.maketrans("OIÄÖÜÅØŠČĆŽĐÑÇ", "01A0UA0SCCZDNC")


def fold_lookalikes(text: str) -> str:
    """A text with O as 0 and I as 1, which look the same in some countries' lettering and labels.

    Letters lose their marks, which many labels leave out; Persian digits become Arabic-Indic ones if alike.
    """
    return text.translate(_LOOKALIKES)


def edit_alignment(text: str, target: str) -> list[tuple[int | None, int | None]]:
    """Lay a reading against what is written, with the fewest changes (Levenshtein, 1966).

    Returns:
        In order, pairs of a place in ``text`` and one in ``target``: those of a character and what it
        was read as; with None for one of them where a character is too many or was passed over.
    """
    # Of each pair of ends, the changes that make one of the other.
    changes = [
        [len(text) + len(target) - i - j for j in range(len(target) + 1)] for i in range(len(text) + 1)
    ]
    for i in range(len(text) - 1, -1, -1):
        for j in range(len(target) - 1, -1, -1):
            either = min(changes[i + 1][j], changes[i][j + 1]) + 1
            changes[i][j] = min(changes[i + 1][j + 1] + (text[i] != target[j]), either)
    pairs: list[tuple[int | None, int | None]] = []
    i = j = 0
    while i < len(text) and j < len(target):
        if changes[i][j] == changes[i + 1][j + 1] + (text[i] != target[j]):
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif changes[i][j] == changes[i + 1][j] + 1:
            pairs.append((i, None))
            i += 1
        else:
            pairs.append((None, j))
            j += 1
    return [
        *pairs,
        *((rest, None) for rest in range(i, len(text))),
        *((None, rest) for rest in range(j, len(target))),
    ]


def correct_characters(text: str, target: str) -> list[bool]:
    """Which characters of a reading are right, where the reading may lack some or have some too many."""
    pairs = edit_alignment(text, target)
    return [j is not None and text[i] == target[j] for i, j in pairs if i is not None]


def similarity(text: str, other: str) -> float:
    """Share of the longer text that is the same in the other, 0..1.

    An unknown character is like any, O like 0 and I like 1.
    """
    text, other = fold_lookalikes(text), fold_lookalikes(other)
    pairs = edit_alignment(text, other)
    same = sum(
        i is not None and j is not None and (text[i] == other[j] or UNKNOWN in (text[i], other[j]))
        for i, j in pairs
    )
    return same / max(len(text), len(other), 1)


def is_part(text: str, other: str) -> bool:
    """Whether a text is a longer one of which some is covered; O is like 0 and I like 1.

    Of at least four characters, the first or the last may be another: half covered, it is misread.
    """
    text, other = fold_lookalikes(text), fold_lookalikes(other)
    if len(text) >= len(other):
        return False
    rest = iter(other)
    return all(char in rest for char in text) or (
        len(text) >= 4 and (text[1:] in other or text[:-1] in other)
    )
