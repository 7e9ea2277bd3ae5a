"""Arabic letters and digits of plates as strokes of a pen, in several styles.

Plates of Egypt and its neighbours have lettering of their own, between Naskh and Ruq'ah and almost as thick
everywhere; fonts for texts are wider and lie lower.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from plate_ocr.rendering.masks import trimmed
from plate_ocr.vision.images import Image

Point: TypeAlias = tuple[float, float]
"""x and y from the top left; 1 is the height from the top of an alef to the bottom of a descender."""

Stroke: TypeAlias = Sequence[Point]
"""Points that a smooth curve passes through; one alone is a dot."""

N_STYLES = 16
"""Number of styles."""

HEIGHT = 96
"""Height of a drawn character, pixels."""

STAMPS = 14
"""Places of the pen between two points of a stroke."""

_BOWL: Stroke = [(0.64, 0.42), (0.66, 0.56), (0.52, 0.68), (0.3, 0.7), (0.08, 0.66), (0, 0.52), (0.04, 0.42)]
_DEEP: Stroke = [(0.54, 0.4), (0.56, 0.66), (0.45, 0.88), (0.26, 0.95), (0.06, 0.86), (0, 0.68), (0.03, 0.56)]
_RA: Stroke = [(0.27, 0.4), (0.33, 0.56), (0.28, 0.76), (0, 0.96)]
_JIM: Sequence[Stroke] = [
    [(0.02, 0.44), (0.14, 0.36), (0.32, 0.42), (0.54, 0.39)],
    [(0.54, 0.39), (0.24, 0.49), (0.05, 0.68), (0.1, 0.88), (0.32, 0.97), (0.54, 0.9)],
]
_SIN: Sequence[Stroke] = [
    [(0.76, 0.4), (0.76, 0.56), (0.7, 0.63), (0.63, 0.56), (0.62, 0.44)],
    [(0.62, 0.44), (0.62, 0.57), (0.56, 0.63), (0.48, 0.56), (0.47, 0.43)],
    [(0.47, 0.43), (0.48, 0.66), (0.4, 0.88), (0.23, 0.95), (0.05, 0.86), (0, 0.68), (0.03, 0.56)],
]
_SAD: Sequence[Stroke] = [
    [(0.42, 0.64), (0.52, 0.47), (0.68, 0.38), (0.8, 0.48), (0.72, 0.62), (0.42, 0.65)],
    [(0.42, 0.5), (0.42, 0.68), (0.36, 0.87), (0.22, 0.95), (0.05, 0.86), (0, 0.68), (0.03, 0.56)],
]
_KAF: Stroke = [(0.58, 0.02), (0.6, 0.4), (0.58, 0.62), (0.46, 0.7), (0.16, 0.7), (0.02, 0.64), (0, 0.52)]
_GAF: Sequence[Stroke] = [
    [(0.66, 0.04), (0.36, 0.16), (0.22, 0.28)],
    [(0.22, 0.28), (0.46, 0.4), (0.6, 0.56), (0.5, 0.69), (0.16, 0.7), (0.02, 0.64), (0, 0.52)],
]
_STEM: Stroke = [(0, 0), (0.05, 0.45), (0.14, 1)]


def _ring(x: float, y: float, width: float, height: float) -> Stroke:
    angles = np.linspace(0, 2 * np.pi, 9)
    return [(x + width * float(np.cos(a)), y + height * float(np.sin(a))) for a in angles]


def _three_dots(x: float, y: float) -> list[Stroke]:
    return [[(x - 0.09, y)], [(x + 0.09, y)], [(x, y - 0.13)]]


LETTERS: dict[str, Sequence[Stroke]] = {
    "ا": [[(0, 0.02), (0.01, 0.4), (0.02, 0.78)]],
    "أ": [
        [(0.14, 0.36), (0.15, 0.6), (0.16, 0.9)],
        [(0.22, 0), (0.08, 0), (0.06, 0.1), (0.2, 0.14)],
        [(0, 0.21), (0.26, 0.14)],
    ],
    "ب": [_BOWL, [(0.33, 0.93)]],
    "پ": [_BOWL, [(0.24, 0.86)], [(0.42, 0.86)], [(0.33, 0.98)]],
    "ت": [_BOWL, [(0.24, 0.3)], [(0.42, 0.3)]],
    "ث": [_BOWL, *_three_dots(0.33, 0.34)],
    "ج": [*_JIM, [(0.34, 0.7)]],
    "ح": _JIM,
    "د": [[(0.1, 0.3), (0.28, 0.44), (0.36, 0.6), (0.27, 0.7), (0, 0.7)]],
    "ر": [_RA],
    "ز": [_RA, [(0.24, 0.2)]],
    "ژ": [_RA, *_three_dots(0.22, 0.22)],
    "س": _SIN,
    "ش": [*_SIN, *_three_dots(0.56, 0.24)],
    "ص": _SAD,
    "ط": [
        [(0.1, 0.66), (0.24, 0.48), (0.46, 0.4), (0.58, 0.52), (0.44, 0.66), (0, 0.69)],
        [(0.14, 0.04), (0.15, 0.4), (0.15, 0.66)],
    ],
    "ع": [
        [(0.44, 0.34), (0.3, 0.26), (0.14, 0.34), (0.18, 0.47), (0.44, 0.48)],
        [(0.44, 0.48), (0.16, 0.56), (0.01, 0.74), (0.08, 0.9), (0.28, 0.97), (0.5, 0.91)],
    ],
    "ف": [
        _ring(0.56, 0.42, 0.1, 0.1),
        [(0.66, 0.42), (0.67, 0.6), (0.54, 0.69), (0.28, 0.71), (0.06, 0.66), (0, 0.52)],
        [(0.56, 0.16)],
    ],
    "ق": [
        _ring(0.42, 0.47, 0.11, 0.11),
        [(0.53, 0.48), (0.55, 0.68), (0.45, 0.89), (0.26, 0.96), (0.06, 0.87), (0, 0.7), (0.03, 0.6)],
        [(0.31, 0.2)],
        [(0.5, 0.2)],
    ],
    "ك": [_KAF, [(0.34, 0.24), (0.24, 0.26), (0.26, 0.36), (0.34, 0.4), (0.2, 0.46)]],
    "ک": _GAF,
    "گ": [*_GAF, [(0.52, 0), (0.3, 0.08), (0.14, 0.18)]],
    "ل": [[(0.42, 0.02), (0.43, 0.5), (0.4, 0.78), (0.24, 0.93), (0.05, 0.85), (0, 0.66)]],
    "م": [
        [(0.4, 0.6), (0.24, 0.54), (0.24, 0.4), (0.36, 0.36), (0.44, 0.48), (0.38, 0.6), (0.2, 0.58)],
        [(0.2, 0.58), (0.06, 0.62), (0.01, 0.75), (0.02, 1)],
    ],
    "ن": [_DEEP, [(0.28, 0.46)]],
    "ه": [
        [(0.14, 0.2), (0.34, 0.28), (0.54, 0.46), (0.54, 0.64), (0.34, 0.7), (0, 0.68)],
        [(0.14, 0.66), (0.1, 0.5), (0.24, 0.42), (0.36, 0.54), (0.3, 0.7)],
    ],
    "و": [
        [(0.36, 0.62), (0.18, 0.62), (0.12, 0.48), (0.24, 0.38), (0.36, 0.48), (0.37, 0.66), (0.26, 0.86)],
        [(0.26, 0.86), (0.14, 0.93), (0, 0.95)],
    ],
    "ى": [
        [(0.58, 0.46), (0.46, 0.38), (0.35, 0.48), (0.44, 0.6), (0.57, 0.7), (0.5, 0.87), (0.26, 0.95)],
        [(0.26, 0.95), (0.06, 0.87), (0, 0.7), (0.04, 0.58)],
    ],
}
"""As they stand alone, but for ه, which plates show as it begins a word."""

DIGITS: dict[str, Sequence[Stroke]] = {
    "٠": [[(0.1, 0.55)], [(0.12, 0.57)]],
    "١": [[(0, 0), (0.06, 0.5), (0.12, 1)]],
    "٢": [_STEM, [(0.02, 0.1), (0.14, 0.24), (0.34, 0.2), (0.4, 0)]],
    "٣": [
        _STEM,
        [(0.02, 0.1), (0.12, 0.23), (0.26, 0.2), (0.29, 0.04)],
        [(0.29, 0.04), (0.36, 0.22), (0.5, 0.2), (0.56, 0)],
    ],
    "٤": [
        [(0.42, 0.02), (0.2, 0.08), (0.06, 0.18), (0.12, 0.34), (0.36, 0.42)],
        [(0.36, 0.42), (0.12, 0.52), (0, 0.74), (0.1, 0.94), (0.28, 1), (0.48, 0.95)],
    ],
    "٥": [_ring(0.26, 0.58, 0.25, 0.38)],
    "٦": [[(0, 0), (0.04, 0.12), (0.2, 0.14), (0.38, 0.1)], [(0.38, 0.08), (0.42, 0.5), (0.48, 1)]],
    "٧": [[(0, 0), (0.14, 0.5), (0.26, 1)], [(0.26, 1), (0.4, 0.5), (0.54, 0)]],
    "٨": [[(0, 1), (0.14, 0.5), (0.28, 0)], [(0.28, 0), (0.4, 0.5), (0.54, 1)]],
    "٩": [
        [(0.38, 0.3), (0.22, 0.42), (0.04, 0.36), (0.02, 0.14), (0.2, 0), (0.36, 0.12), (0.38, 0.3)],
        [(0.37, 0.2), (0.4, 0.6), (0.46, 1)],
    ],
    "۴": [
        [(0, 0.02), (0.05, 0.45), (0.14, 1)],
        [(0.46, 0.04), (0.28, 0.03), (0.2, 0.16), (0.3, 0.28), (0.48, 0.3)],
        [(0.3, 0.29), (0.16, 0.32), (0.04, 0.26)],
    ],
    "۵": [
        [(0.24, 0.12), (0.06, 0.46), (0, 0.78), (0.1, 0.94), (0.24, 0.84), (0.27, 0.7)],
        [(0.27, 0.7), (0.3, 0.86), (0.44, 0.94), (0.54, 0.78), (0.46, 0.46), (0.24, 0.12)],
    ],
    "۶": [
        [(0.44, 0.06), (0.2, 0.02), (0.08, 0.16), (0.18, 0.34), (0.42, 0.34)],
        [(0.24, 0.35), (0.1, 0.62), (0.02, 1)],
    ],
}
"""Persian ones where they look otherwise."""

EGYPTIAN: dict[str, Sequence[Stroke]] = {
    "د": [[(0.16, 0.3), (0.33, 0.46), (0.42, 0.64), (0.3, 0.75), (0.11, 0.75), (0, 0.64)]],
    "ر": [[(0.35, 0.38), (0.42, 0.56), (0.33, 0.78), (0.15, 0.91), (0, 0.9)]],
    "٢": [[(0.42, 0.09), (0.31, 0), (0.1, 0.02), (0, 0.17), (0.08, 0.45), (0.22, 1)]],
    "٤": [
        [(0.42, 0), (0.24, 0.14), (0.08, 0.3), (0.2, 0.4), (0.4, 0.42)],
        [(0.4, 0.42), (0.14, 0.56), (0.02, 0.78), (0.1, 0.94), (0.28, 1), (0.46, 0.9)],
    ],
    "٥": [_ring(0.24, 0.66, 0.23, 0.32)],
}
"""How Egyptian plates have them; drawn in every second style."""


@dataclass(frozen=True)
class PenStyle:
    """How a pen writes.

    Attributes:
        seed: of what is irregular.
        stroke: width of a stroke, as a part of the height.
        width: of characters, against :data:`LETTERS`.
        slant: shift of the top against the bottom, as a part of the height.
        nib: thickness of the pen across against along its edge: 1 is round.
        wobble: standard deviation of the points, as a part of the height.
        rise: shift of what lies between top and bottom, as a part of the height.
    """

    seed: int
    stroke: float
    width: float
    slant: float
    nib: float
    wobble: float
    rise: float


@cache
def pen_style(number: int) -> PenStyle:
    """A style, 0 to :data:`N_STYLES` - 1."""
    rng = np.random.default_rng([number, 1447])
    stroke, width, slant, nib, wobble, rise = rng.random(6).tolist()
    return PenStyle(
        number,
        stroke=0.075 + 0.06 * stroke,
        width=0.8 + 0.45 * width,
        slant=-0.05 + 0.1 * slant,
        nib=0.6 + 0.4 * nib,
        wobble=0.004 + 0.012 * wobble,
        rise=-0.06 + 0.1 * rise,
    )


def draw_arabic(char: str, style: int) -> Image:
    """Draw a letter or digit white on black, between the top of an alef and the bottom of a tail.

    Args:
        char: one of :data:`LETTERS` or :data:`DIGITS`.
        style: which of :data:`N_STYLES`.

    Returns:
        uint8 ``(H, W)``.
    """
    strokes = LETTERS.get(char) or DIGITS[char]
    if style % 2:
        strokes = EGYPTIAN.get(char, strokes)
    pen = pen_style(style % N_STYLES)
    rng = np.random.default_rng([pen.seed, ord(char)])
    thick = pen.stroke * HEIGHT
    dot = thick * (1.05 if char != "٠" else 1.3)
    margin = round(2 * thick + abs(pen.slant) * HEIGHT)
    picture = np.zeros((HEIGHT, round(pen.width * HEIGHT) + 2 * margin), np.uint8)
    for stroke in strokes:
        points = np.array(stroke, np.float64)
        points += rng.normal(0, pen.wobble, points.shape)
        if char in LETTERS:
            # Less where a letter fills the height.
            points[:, 1] += pen.rise * 4 * points[:, 1] * (1 - points[:, 1])
        points[:, 0] = points[:, 0] * pen.width + pen.slant * (0.5 - points[:, 1])
        points = points * (HEIGHT, HEIGHT - 1 - thick) + (margin, thick / 2)
        if len(points) == 1:
            _stamp(picture, points[0], (dot, dot))
            continue
        for place in _curve(points):
            _stamp(picture, place, (thick, thick * pen.nib))
    return trimmed(picture)


def _curve(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """A smooth curve through points: float64 ``(N, 2)``, by Catmull and Rom."""
    around = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    before, start, end, after = around[:-3], around[1:-2], around[2:-1], around[3:]
    t = np.linspace(0, 1, STAMPS)[:, None, None]
    curve = 0.5 * (
        2 * start
        + (end - before) * t
        + (2 * before - 5 * start + 4 * end - after) * t**2
        + (3 * start - before - 3 * end + after) * t**3
    )
    return np.asarray(curve.transpose(1, 0, 2).reshape(-1, 2))


def _stamp(picture: Image, place: NDArray[np.float64], size: tuple[float, float]) -> None:
    """The pen's mark at a place: an ellipse whose longer axis rises to the right."""
    box = (float(place[0]), float(place[1])), size, -45.0
    cv2.ellipse(picture, box, 255, -1, cv2.LINE_AA)
