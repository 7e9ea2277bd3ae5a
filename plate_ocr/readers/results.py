"""What was read: characters, plates, pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import accumulate, pairwise
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from plate_ocr.alphabet import UNKNOWN
from plate_ocr.readers.lazy import Lazy, ready
from plate_ocr.region_files.native import native_text
from plate_ocr.text import latin_digits, persian_digits

ALTERNATIVES = 3
"""How many other classes a reading names beside its own."""

Extent: TypeAlias = tuple[float, float] | tuple[None, None]
"""Where a character begins and ends along the plate's own width, 0..1; None where nothing says so."""

NOWHERE: Lazy[Extent] = ready((None, None))
NO_GROUPS: Lazy[tuple[str, ...] | None] = ready(None)

EDGE = 0.01
"""Parts of a picture's width and height: a plate with a corner so near its edge touches it."""


@dataclass(frozen=True, repr=False)
class Char:
    """One character of a plate.

    Attributes:
        char: the character, or None where none was recognised.
        confidence: probability of the likeliest class, 0..1, less where it may be none of the alphabet's
            characters, and at most half where it is none.
        alternatives: the next likely characters with their probabilities, likeliest first; less where
            ``confidence`` is.
        extent: gives :attr:`x0` and :attr:`x1`.
        unknown: probability that it is none of the alphabet, where ``confidence`` does not allow for it yet.
    """

    char: str | None
    confidence: float
    alternatives: tuple[tuple[str, float], ...]
    extent: Lazy[Extent] = field(default=NOWHERE, kw_only=True)
    unknown: float = field(default=0.0, kw_only=True)

    @property
    def x0(self) -> float | None:
        """Where it begins along the plate's own width, 0..1 from its left side; None where not known."""
        return self.extent()[0]

    @property
    def x1(self) -> float | None:
        """Where it ends."""
        return self.extent()[1]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.char or UNKNOWN} {self.confidence:.2f}>"

    def to_dict(self) -> dict[str, Any]:
        """What ``plate-ocr predict --json`` writes of it."""
        return {
            "char": self.char,
            "confidence": round(self.confidence, 4),
            "alternatives": [[other, round(share, 4)] for other, share in self.alternatives],
            "x0": _rounded(self.x0),
            "x1": _rounded(self.x1),
        }


Why: TypeAlias = Literal["exact", "look-alike", "alternative"]
"""How a known plate was recognised."""


@dataclass(frozen=True)
class Known:
    """A known plate that was recognised.

    Attributes:
        name: whose it is, as it was given.
        plate: its text, as it was given.
        distance: characters that were read as others.
        why: ``"exact"``; ``"look-alike"`` where the others look the same (O and 0); ``"alternative"`` where
            one character is the alternative of the one that was read.
    """

    name: str
    plate: str
    distance: int
    why: Why


@dataclass(frozen=True)
class PlateRegion:
    """Where a plate is from.

    Attributes:
        code: of a country (ISO 3166-1) in lower case; of a Chinese province ``cn-`` and its character; of a
            state or province that its number tells, both codes of ISO 3166-2, as ``us-ca``.
        confidence: its probability, 0..1.
        alternatives: the next likely ones with their probabilities, likeliest first.
    """

    code: str
    confidence: float
    alternatives: tuple[tuple[str, float], ...]

    @property
    def country(self) -> str:
        """The code of the country alone."""
        return self.code.partition("-")[0]

    def to_dict(self) -> dict[str, Any]:
        """What ``plate-ocr predict --json`` writes of it."""
        return {
            "code": self.code,
            "confidence": round(self.confidence, 4),
            "alternatives": [[other, round(share, 4)] for other, share in self.alternatives],
        }


NO_REGION: Lazy[PlateRegion | None] = ready(None)


@dataclass(frozen=True, repr=False)
class Plate:
    """One plate.

    Attributes:
        text: upper case, without separators; ``?`` for an unknown character.
        confidence: mean confidence of its characters, 0..1.
        min_confidence: the least of them: a mean hides a bad one.
        lines: lines of text, which are joined from top to bottom.
        corners: x and y of its four corners in pixels, clockwise from its own top left.
        chars: its characters.
        touches_edge: whether a corner is within 1 % of the picture's size from its edge: some of it may lie
            beyond.
        grouping: gives :attr:`groups`.
        known: which known plate it is, see :class:`plate_ocr.KnownPlates`; None if it is none.
        detection: score of the detector that found it in a photo, 0..1; None where nothing had to be found.
        origin: gives :attr:`region`.
    """

    text: str
    confidence: float
    min_confidence: float
    lines: int
    corners: tuple[tuple[float, float], ...]
    chars: tuple[Char, ...]
    touches_edge: bool = False
    grouping: Lazy[tuple[str, ...] | None] = NO_GROUPS
    known: Known | None = None
    detection: float | None = None
    origin: Lazy[PlateRegion | None] = NO_REGION

    @property
    def region(self) -> PlateRegion | None:
        """Where it is from; None if that cannot be told."""
        return self.origin()

    @property
    def groups(self) -> tuple[str, ...] | None:
        """Its text, cut at spaces, hyphens, dots, badges and ends of lines; None where not known."""
        return self.grouping()

    @property
    def text_latin_digits(self) -> str:
        """The text with Arabic-Indic and Persian digits as 0 to 9."""
        return latin_digits(self.text)

    @property
    def text_native(self) -> str | None:
        """What a plate that says the same in two scripts has beside its Latin line; else None."""
        return native_text(self.text, self.region.country if self.region else None)

    @property
    def height(self) -> float:
        """The mean of its left and right side, pixels."""
        (x1, y1), (x2, y2), (x3, y3), (x4, y4) = self.corners
        return (math.hypot(x4 - x1, y4 - y1) + math.hypot(x3 - x2, y3 - y2)) / 2

    def placed(self, offset: tuple[int, int], size: tuple[int, int]) -> Plate:
        """The same plate in a larger picture.

        Args:
            offset: x and y in it of the upper left corner of the picture that was read.
            size: its width and height.
        """
        corners = tuple((x + offset[0], y + offset[1]) for x, y in self.corners)
        near = any(
            not EDGE * side < value < (1 - EDGE) * side
            for point in corners
            for value, side in zip(point, size, strict=True)
        )
        return replace(self, corners=corners, touches_edge=near)

    def __repr__(self) -> str:
        width, height = np.ptp(np.array(self.corners), axis=0)
        return f"<Plate {self.text} {self.confidence:.2f}, {width:.0f}×{height:.0f}>"

    def to_dict(self) -> dict[str, Any]:
        """What ``plate-ocr predict --json`` writes of it."""
        return {
            "text": self.text,
            "confidence": round(self.confidence, 4),
            "min_confidence": round(self.min_confidence, 4),
            "lines": self.lines,
            "corners": [[round(x, 1), round(y, 1)] for x, y in self.corners],
            "touches_edge": self.touches_edge,
            "chars": [char.to_dict() for char in self.chars],
            "groups": None if self.groups is None else [*self.groups],
            "known": None if self.known is None else asdict(self.known),
            "detection": _rounded(self.detection),
            "region": self.region and self.region.to_dict(),
            "text_latin_digits": self.text_latin_digits,
            "text_native": self.text_native,
        }


@dataclass(frozen=True, repr=False)
class Reading:
    """What was read in one picture.

    Attributes:
        width: of the picture in pixels, after EXIF rotation and the reader's ``rotate``.
        height: of the picture in pixels.
        ms: time to decode and to read it, milliseconds; of pictures that are read in one batch, the batch's
            time through their number. An array, as is a picture of a video, is decoded already.
        plates: what was found, the surest first; empty if nothing was.
    """

    width: int
    height: int
    ms: float
    plates: tuple[Plate, ...]

    def __repr__(self) -> str:
        found = ", ".join(f"{plate.text} {plate.confidence:.2f}" for plate in self.plates)
        return f"<Reading {found or 'without a plate'}, {self.width}×{self.height}>"

    @property
    def text(self) -> str:
        """The text of the first plate; empty where there is none."""
        return self.plates[0].text if self.plates else ""

    def to_dict(self) -> dict[str, Any]:
        """The object of ``plate-ocr predict --json``, without its ``image`` and ``error``."""
        return {
            "width": self.width,
            "height": self.height,
            "ms": round(self.ms, 2),
            "plates": [plate.to_dict() for plate in self.plates],
        }


def reading_values(name: str, reading: Reading | None, error: str | None = None) -> dict[str, Any]:
    """The object of ``plate-ocr predict --json``: of a reading, or of an error without one.

    Args:
        name: of the picture.
        reading: what was read; None after an error.
        error: one sentence.
    """
    nothing = dict.fromkeys(("width", "height", "ms"))
    values: dict[str, Any] = {"image": name, **nothing, "error": error, "plates": []}
    return values | (reading.to_dict() if reading else {})


@dataclass(frozen=True, repr=False)
class CharReading(Char):
    """What was read in the picture of one character.

    Attributes:
        scores: float32 ``(classes,)``: probabilities in the alphabet's order; all 0 for a blank picture.
    """

    scores: NDArray[np.float32] = field(compare=False)


def plate_of(
    chars: tuple[Char, ...],
    corners: tuple[tuple[float, float], ...],
    lines: int = 1,
    cuts: Sequence[int] | None = None,
) -> Plate:
    """A plate of these characters.

    Args:
        chars: at least one.
        corners: four.
        lines: of text.
        cuts: the indices of characters that begin a group, but the first; None where that cannot be told.
    """
    confidences = [char.confidence for char in chars]
    text = "".join(char.char or UNKNOWN for char in chars)
    mean = sum(confidences) / len(confidences)
    return Plate(text, mean, min(confidences), lines, corners, chars, grouping=ready(groups_of(text, cuts)))


def with_chars(plate: Plate, chars: tuple[Char, ...]) -> Plate:
    """A plate whose characters are these, one for each of its own; nothing else of it changes."""
    other = plate_of(chars, plate.corners)

    def grouped() -> tuple[str, ...] | None:
        return plate.groups and groups_of(other.text, [*accumulate(map(len, plate.groups))][:-1])

    return replace(
        plate,
        text=other.text,
        confidence=other.confidence,
        min_confidence=other.min_confidence,
        chars=chars,
        grouping=plate.grouping if other.text == plate.text else Lazy(grouped),
    )


def with_region(plate: Plate, origin: Lazy[PlateRegion | None]) -> Plate:
    """A plate and what tells where it is from; those of Iran have Persian digits."""
    plate = replace(plate, origin=origin)
    if persian_digits(plate.text) == plate.text or plate.region is None or plate.region.country != "ir":
        return plate
    chars = tuple(replace(char, char=char.char and persian_digits(char.char)) for char in plate.chars)
    return with_chars(plate, chars)


def groups_of(text: str, cuts: Sequence[int] | None) -> tuple[str, ...] | None:
    """A text cut before these characters; None where ``cuts`` is None."""
    return None if cuts is None else tuple(text[a:b] for a, b in pairwise((0, *cuts, len(text))))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def whole_picture(width: int, height: int) -> tuple[tuple[float, float], ...]:
    """The corners of a picture."""
    return (0.0, 0.0), (float(width), 0.0), (float(width), float(height)), (0.0, float(height))
