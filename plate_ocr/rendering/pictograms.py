"""Small pictures on plates, between groups or beside them: an orange, a cactus, a wheelchair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from plate_ocr.rendering.canvas import Painter, random_index
from plate_ocr.vision.images import Image

SHIFT = 4
"""Fractional bits of coordinates in OpenCV's drawing functions."""


@dataclass(frozen=True)
class Shape:
    """A part of a pictogram.

    Attributes:
        type: an area, a line, an ellipse, or its outline.
        points: x and y in 0..1; of an ellipse, its middle and its radii.
        tone: of the pictogram's contrast with the plate.
        thick: width of a line, as a part of the pictogram's smaller side.
    """

    type: Literal["area", "line", "ellipse", "ring"]
    points: Sequence[tuple[float, float]]
    tone: float = 1.0
    thick: float = 0.1


def _area(*points: tuple[float, float], tone: float = 1.0) -> Shape:
    return Shape("area", points, tone)


def _line(*points: tuple[float, float], thick: float = 0.1, tone: float = 1.0) -> Shape:
    return Shape("line", points, tone, thick)


def _disc(x: float, y: float, wide: float, high: float, tone: float = 1.0) -> Shape:
    return Shape("ellipse", ((x, y), (wide, high)), tone)


def _ring(x: float, y: float, radius: float, thick: float = 0.08) -> Shape:
    return Shape("ring", ((x, y), (radius, radius)), 1.0, thick)


_SUN = [
    _line((0.5 + dx, 0.5 + dy), (0.5 + 2.3 * dx, 0.5 + 2.3 * dy), thick=0.06)
    for dx, dy in ((0.2, 0), (-0.2, 0), (0, 0.2), (0, -0.2), (0.15, 0.15), (-0.15, 0.15), (0.15, -0.15))
]
_STAR = [(0.5, 0), (0.62, 0.38), (1, 0.38), (0.69, 0.6), (0.8, 1), (0.5, 0.75)]
_STAR += [(1 - x, y) for x, y in _STAR[4:0:-1]]

PICTOGRAMS: Mapping[str, Sequence[Shape]] = {
    "oranges": [
        _disc(0.36, 0.42, 0.34, 0.3),
        _disc(0.66, 0.66, 0.32, 0.28, 0.85),
        _disc(0.62, 0.28, 0.09, 0.12, -0.5),
        _disc(0.24, 0.76, 0.16, 0.09, 1.4),
        _disc(0.82, 0.36, 0.12, 0.08, 1.4),
    ],
    "peach": [
        _disc(0.5, 0.56, 0.46, 0.42, 0.7),
        _line((0.5, 0.16), (0.46, 0.6), thick=0.04),
        _disc(0.66, 0.12, 0.2, 0.09),
    ],
    "cactus": [
        _line((0.5, 1), (0.5, 0.06), thick=0.2),
        _line((0.5, 0.7), (0.16, 0.66), (0.16, 0.32), thick=0.13),
        _line((0.5, 0.6), (0.84, 0.56), (0.84, 0.2), thick=0.13),
    ],
    "wheelchair": [
        _disc(0.36, 0.09, 0.1, 0.09),
        _line((0.36, 0.2), (0.4, 0.55), (0.7, 0.55), (0.86, 0.9)),
        _line((0.38, 0.36), (0.66, 0.36), thick=0.08),
        _ring(0.44, 0.68, 0.28),
    ],
    "fir": [
        _area((0.5, 0), (0.75, 0.35), (0.25, 0.35)),
        _area((0.5, 0.2), (0.88, 0.65), (0.12, 0.65)),
        _area((0.5, 0.4), (1, 0.9), (0, 0.9)),
        _line((0.5, 0.88), (0.5, 1), thick=0.14),
    ],
    "palm": [
        _line((0.56, 1), (0.48, 0.5), (0.52, 0.3), thick=0.1),
        *[
            _line((0.52, 0.3), (x, y), (u, v), thick=0.09)
            for x, y, u, v in (
                (0.2, 0.1, 0, 0.3),
                (0.3, 0.3, 0.1, 0.55),
                (0.84, 0.1, 1, 0.3),
                (0.75, 0.3, 0.9, 0.55),
            )
        ],
    ],
    "heart": [
        _disc(0.27, 0.28, 0.25, 0.26),
        _disc(0.73, 0.28, 0.25, 0.26),
        _area((0.04, 0.38), (0.5, 0.3), (0.96, 0.38), (0.5, 1)),
    ],
    "sun": [_ring(0.5, 0.5, 0.17, 0.07), *_SUN],
    "star": [_area(*_STAR)],
    "flower": [
        *[
            _disc(x, y, 0.2, 0.2, 0.7)
            for x, y in ((0.5, 0.22), (0.78, 0.44), (0.67, 0.78), (0.33, 0.78), (0.22, 0.44))
        ],
        _disc(0.5, 0.52, 0.16, 0.16, -0.6),
    ],
    "rider": [
        _area(
            (0.1, 0.62),
            (0.3, 0.45),
            (0.62, 0.5),
            (0.86, 0.22),
            (1, 0.34),
            (0.86, 0.48),
            (0.8, 0.7),
            (0.4, 0.72),
        ),
        _line((0.2, 0.6), (0.08, 0.98), thick=0.1),
        _line((0.36, 0.68), (0.3, 1), thick=0.1),
        _line((0.74, 0.6), (0.94, 0.72), (0.84, 0.86), thick=0.08),
        _line((0.44, 0.5), (0.46, 0.2), thick=0.16),
        _line((0.46, 0.28), (0.66, 0.36), thick=0.07),
        _line((0.32, 0.12), (0.6, 0.1), thick=0.06),
        _disc(0.46, 0.07, 0.09, 0.08),
    ],
    "keystone": [
        _area((0.14, 0), (0.86, 0), (1, 0.26), (0.86, 0.3), (0.78, 1), (0.22, 1), (0.14, 0.3), (0, 0.26))
    ],
    "stars and bars": [
        *[_disc(x, 0.16, 0.1, 0.08) for x in (0.15, 0.5, 0.85)],
        _line((0.02, 0.48), (0.98, 0.48), thick=0.2),
        _line((0.02, 0.84), (0.98, 0.84), thick=0.2),
    ],
    "lighthouse": [
        _area((0.36, 0.26), (0.64, 0.26), (0.76, 1), (0.24, 1)),
        _area((0.3, 0.14), (0.7, 0.14), (0.7, 0.26), (0.3, 0.26), tone=0.4),
        _disc(0.5, 0.08, 0.12, 0.08),
    ],
    "bell": [
        _area((0.4, 0.06), (0.6, 0.06), (0.74, 0.6), (0.94, 0.84), (0.06, 0.84), (0.26, 0.6)),
        _disc(0.5, 0.9, 0.1, 0.09),
    ],
    "anchor": [
        _ring(0.5, 0.12, 0.1, 0.06),
        _line((0.5, 0.22), (0.5, 0.96), thick=0.08),
        _line((0.28, 0.34), (0.72, 0.34), thick=0.07),
        _line((0.06, 0.66), (0.2, 0.9), (0.5, 0.96), (0.8, 0.9), (0.94, 0.66), thick=0.08),
    ],
    "arch": [_line((0.12, 1), (0.12, 0.4), (0.3, 0.1), (0.7, 0.1), (0.88, 0.4), (0.88, 1), thick=0.2)],
    "bird": [
        _area(
            (0, 0.35), (0.3, 0.5), (0.5, 0.3), (1, 0.05), (0.74, 0.5), (0.8, 0.95), (0.5, 0.7), (0.24, 0.72)
        )
    ],
}


def draw_pictogram(painter: Painter, box: tuple[int, int, int, int]) -> None:
    """Draw a pictogram or the outline of a state about a box, faintly where it reaches under characters.

    Args:
        painter: the plate.
        box: left, top, right, bottom, pixels.
    """
    rng = painter.rng
    left, top, right, bottom = box
    growth = 1 + 0.6 * float(rng.random()) ** 2
    width, height = round((right - left) * growth), round((bottom - top) * growth)
    x, y = (left + right - width) // 2, (top + bottom - height) // 2
    number = random_index(rng, len(PICTOGRAMS) + 6)
    if number < len(PICTOGRAMS):
        shapes = [*PICTOGRAMS.values()][number]
    elif number < len(PICTOGRAMS) + 3:
        # The most frequent ones.
        shapes = PICTOGRAMS["rider" if number == len(PICTOGRAMS) else "wheelchair"]
    else:
        turns = np.sort(rng.random(9)) * 2 * np.pi
        reach = rng.uniform(0.28, 0.5, 9)
        edge = [
            (float(u), float(v))
            for u, v in zip(0.5 + reach * np.cos(turns), 0.5 + reach * np.sin(turns), strict=True)
        ]
        shapes = [Shape("area", edge) if rng.random() < 0.7 else Shape("line", [*edge, edge[0]], thick=0.06)]
    most = 0.55 if growth > 1.1 else 1.0
    strength = 0.15 + (most - 0.15) * float(rng.random()) ** 0.6
    contrast = (painter.foreground - painter.background) * strength
    mirrored = rng.random() < 0.5
    for shape in shapes:
        mask = _mask(shape, height, width)
        level = painter.background + contrast * shape.tone + 12 * (float(rng.random()) - 0.5)
        painter.blend(mask[:, ::-1] if mirrored else mask, x, y, level)


def _mask(shape: Shape, height: int, width: int) -> Image:
    mask: Image = np.zeros((height, width), np.uint8)
    points = np.rint(np.array(shape.points) * ((width - 1) << SHIFT, (height - 1) << SHIFT)).astype(np.int32)
    thick = max(1, round(shape.thick * min(width, height)))
    if shape.type == "area":
        cv2.fillPoly(mask, [points], 255, cv2.LINE_AA, SHIFT)
    elif shape.type == "line":
        cv2.polylines(mask, [points], False, 255, thick, cv2.LINE_AA, SHIFT)
    else:
        middle, radii = points.tolist()
        filled = -1 if shape.type == "ellipse" else thick
        cv2.ellipse(mask, middle, radii, 0, 0, 360, 255, filled, cv2.LINE_AA, SHIFT)
    return mask
