"""What was read: characters, plates, pictures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plate_ocr.alphabet import UNKNOWN

ALTERNATIVES = 3
"""How many other classes a reading names beside its own."""


@dataclass(frozen=True, repr=False)
class Char:
    """One character of a plate.

    Attributes:
        char: the character, or None where none was recognised.
        confidence: probability of the likeliest class, 0..1.
        alternatives: the next likely characters with their probabilities, likeliest first.
    """

    char: str | None
    confidence: float
    alternatives: tuple[tuple[str, float], ...]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.char or UNKNOWN} {self.confidence:.2f}>"

    def to_dict(self) -> dict[str, Any]:
        """What ``plate-ocr predict --json`` writes of it."""
        return {
            "char": self.char,
            "confidence": round(self.confidence, 4),
            "alternatives": [[other, round(share, 4)] for other, share in self.alternatives],
        }


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
    """

    text: str
    confidence: float
    min_confidence: float
    lines: int
    corners: tuple[tuple[float, float], ...]
    chars: tuple[Char, ...]

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
            "chars": [char.to_dict() for char in self.chars],
        }


@dataclass(frozen=True, repr=False)
class Reading:
    """What was read in one picture.

    Attributes:
        width: of the picture in pixels, after EXIF rotation.
        height: of the picture in pixels.
        ms: time to decode and to read it, milliseconds; of pictures that are read in one batch, the batch's
            time through their number. An array, as is a picture of a video, is decoded already.
        plates: what was found; empty if nothing was.
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


@dataclass(frozen=True, repr=False)
class CharReading(Char):
    """What was read in the picture of one character.

    Attributes:
        scores: float32 ``(classes,)``: probabilities in the alphabet's order; all 0 for a blank picture.
    """

    scores: NDArray[np.float32] = field(compare=False)


def plate_of(chars: tuple[Char, ...], corners: tuple[tuple[float, float], ...], lines: int = 1) -> Plate:
    """A plate of these characters, with these corners and so many lines."""
    confidences = [char.confidence for char in chars]
    text = "".join(char.char or UNKNOWN for char in chars)
    return Plate(text, sum(confidences) / len(confidences), min(confidences), lines, corners, chars)


def whole_picture(width: int, height: int) -> tuple[tuple[float, float], ...]:
    """The corners of a picture."""
    return (0.0, 0.0), (float(width), 0.0), (float(width), float(height)), (0.0, float(height))
