"""Small pictures on plates, between groups or beside them: an orange, a cactus, a wheelchair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.random import Generator

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
    "paw": [
        _disc(0.5, 0.7, 0.3, 0.28),
        *[_disc(x, y, 0.12, 0.17) for x, y in ((0.13, 0.42), (0.37, 0.18), (0.63, 0.18), (0.87, 0.42))],
    ],
    "ribbon": [_line((0.14, 1), (0.7, 0.34), (0.62, 0.06), (0.38, 0.06), (0.3, 0.34), (0.86, 1), thick=0.16)],
    "wheel": [
        _ring(0.5, 0.5, 0.44, 0.09),
        *[_line((x, y), (1 - x, 1 - y), thick=0.06) for x, y in ((0.06, 0.5), (0.28, 0.12), (0.72, 0.12))],
        _disc(0.5, 0.5, 0.13, 0.13),
    ],
    "seal": [
        _ring(0.5, 0.5, 0.46, 0.05),
        _ring(0.5, 0.5, 0.34, 0.04),
        _area(*[(0.5 + 0.5 * (x - 0.5), 0.5 + 0.5 * (y - 0.5)) for x, y in _STAR]),
    ],
    "round emblem": [
        _disc(0.5, 0.5, 0.5, 0.5),
        _disc(0.5, 0.5, 0.38, 0.38, -0.4),
        _area((0.5, 0.2), (0.74, 0.66), (0.26, 0.66)),
        _line((0.3, 0.76), (0.7, 0.76), thick=0.06),
    ],
    "flag on a pole": [
        _line((0.08, 0), (0.08, 1), thick=0.07),
        *[
            _area((0.12, y), (0.5, y + 0.06), (1, y), (1, y + 0.1), (0.5, y + 0.16), (0.12, y + 0.1))
            for y in (0.04, 0.22, 0.4)
        ],
    ],
    "spider": [
        _disc(0.5, 0.6, 0.14, 0.2),
        _disc(0.5, 0.34, 0.1, 0.09),
        *[
            _line((0.5, 0.45), (0.5 + side * 0.3, bend), (0.5 + side * reach, end), thick=0.05)
            for side in (-1, 1)
            for bend, reach, end in ((0.16, 0.4, 0), (0.32, 0.5, 0.3), (0.5, 0.5, 0.72), (0.62, 0.36, 1))
        ],
    ],
    "whale's tail": [
        _area(
            (0, 0.1),
            (0.3, 0.06),
            (0.5, 0.26),
            (0.8, 0),
            (1, 0.1),
            (0.72, 0.34),
            (0.6, 0.42),
            (0.8, 1),
            (0.1, 1),
        ),
    ],
    "fish": [
        _disc(0.42, 0.5, 0.42, 0.32),
        _area((0.7, 0.5), (1, 0.16), (0.92, 0.5), (1, 0.84)),
        _disc(0.18, 0.44, 0.05, 0.05, -0.6),
    ],
    "sailing ship": [
        _area((0.46, 0), (0.46, 0.66), (0.06, 0.66)),
        _area((0.54, 0.14), (0.94, 0.66), (0.54, 0.66), tone=0.6),
        _area((0, 0.74), (1, 0.74), (0.82, 1), (0.16, 1)),
    ],
    "butterfly": [
        *[_disc(x, 0.3, 0.23, 0.28, 0.7) for x in (0.24, 0.76)],
        *[_disc(x, 0.76, 0.17, 0.22) for x in (0.3, 0.7)],
        _line((0.5, 0.1), (0.5, 0.95), thick=0.1),
    ],
    "tree": [
        *[_disc(x, y, 0.28, 0.2) for x, y in ((0.5, 0.2), (0.28, 0.4), (0.72, 0.4))],
        _area((0.44, 0.5), (0.56, 0.5), (0.66, 1), (0.34, 1)),
    ],
    "animal": [
        _disc(0.45, 0.46, 0.32, 0.2),
        _disc(0.84, 0.24, 0.14, 0.12),
        _line((0.66, 0.4), (0.82, 0.24), thick=0.16),
        *[
            _line((x, 0.5), (x + lean, 1), thick=0.09)
            for x, lean in ((0.22, -0.06), (0.34, 0.04), (0.6, 0), (0.7, 0.06))
        ],
        _line((0.14, 0.4), (0.02, 0.62), thick=0.06),
    ],
    "dinosaur": [
        _line((0, 0.9), (0.3, 0.62), (0.66, 0.62), (0.82, 0.1), (0.98, 0.1), thick=0.12),
        _disc(0.46, 0.64, 0.24, 0.17),
        *[_line((x, 0.68), (x, 1), thick=0.12) for x in (0.34, 0.6)],
    ],
    "tower": [
        _area((0.5, 0), (0.68, 0.26), (0.32, 0.26)),
        _area((0.34, 0.28), (0.66, 0.28), (0.66, 0.62), (0.34, 0.62), tone=0.7),
        _area((0.16, 0.62), (0.84, 0.62), (0.92, 1), (0.08, 1)),
        _area((0.42, 0.76), (0.58, 0.76), (0.58, 1), (0.42, 1), tone=-0.3),
    ],
    "moon and palmetto": [
        _disc(0.2, 0.16, 0.17, 0.15),
        _disc(0.28, 0.11, 0.14, 0.11, 0.0),
        _line((0.6, 1), (0.6, 0.4), thick=0.09),
        *[
            _line((0.6, 0.42), (x, y), thick=0.08)
            for x, y in ((0.3, 0.5), (0.38, 0.26), (0.6, 0.14), (0.84, 0.26), (0.94, 0.5))
        ],
    ],
    "cross of firefighters": [
        *[
            _area((0.5, 0.5), *ends)
            for ends in (
                ((0.24, 0), (0.76, 0)),
                ((1, 0.24), (1, 0.76)),
                ((0.76, 1), (0.24, 1)),
                ((0, 0.76), (0, 0.24)),
            )
        ],
        _disc(0.5, 0.5, 0.22, 0.22),
        _disc(0.5, 0.5, 0.13, 0.13, -0.3),
    ],
    "mountains": [
        _area((0, 0.92), (0.34, 0.2), (0.5, 0.56), (0.68, 0.08), (1, 0.92)),
        _area((0.68, 0.08), (0.78, 0.34), (0.68, 0.3), (0.58, 0.36), tone=-0.4),
    ],
    "guitar": [
        _disc(0.3, 0.76, 0.28, 0.23),
        _disc(0.46, 0.54, 0.2, 0.16),
        _line((0.46, 0.54), (0.92, 0.04), thick=0.08),
        _disc(0.36, 0.68, 0.08, 0.07, -0.4),
    ],
    "eagle": [
        _area(
            (0, 0.1),
            (0.36, 0.28),
            (0.5, 0.2),
            (0.64, 0.28),
            (1, 0.1),
            (0.86, 0.52),
            (0.62, 0.62),
            (0.7, 0.94),
            (0.3, 0.94),
            (0.38, 0.62),
            (0.14, 0.52),
        ),
        _disc(0.5, 0.14, 0.1, 0.1, 0.6),
    ],
    "shield of stripes": [
        _area((0, 0), (1, 0), (1, 0.55), (0.5, 1), (0, 0.55), tone=0.5),
        *[_area((x, 0.3), (x + 0.12, 0.3), (x + 0.12, 0.7), (x, 0.7)) for x in (0.14, 0.44, 0.74)],
        _area((0, 0), (1, 0), (1, 0.24), (0, 0.24)),
    ],
    "bow": [
        _area((0, 0.16), (0.5, 0.46), (0, 0.76)),
        _area((1, 0.16), (0.5, 0.46), (1, 0.76)),
        _line((0.5, 0.46), (0.26, 0.98), thick=0.1),
        _line((0.5, 0.46), (0.74, 0.98), thick=0.1),
    ],
}

_ALL = tuple(PICTOGRAMS.values())


def draw_pictogram(painter: Painter, box: tuple[int, int, int, int], most: float = 1.0) -> None:
    """Draw a pictogram or a state's outline about a box, faintly where it reaches under characters.

    Args:
        painter: the plate.
        box: left, top, right, bottom, pixels.
        most: maximum contrast as a part of the characters'.
    """
    rng = painter.rng
    left, top, right, bottom = box
    growth = 1 + 0.6 * float(rng.random()) ** 2
    width, height = round((right - left) * growth), round((bottom - top) * growth)
    x, y = (left + right - width) // 2, (top + bottom - height) // 2
    choice = float(rng.random())
    if choice < 0.12:
        # The most frequent ones.
        shapes = PICTOGRAMS["rider" if choice < 0.04 else "wheelchair"]
    elif choice < 0.78:
        shapes = _ALL[random_index(rng, len(_ALL))]
    else:
        shapes = _outline(rng)
    most = min(most, 0.5 if growth > 1.1 else 1.0)
    strength = 0.15 + (most - 0.15) * float(rng.random()) ** 0.45
    contrast = (painter.foreground - painter.background) * strength
    if rng.random() < 0.1:
        # Lighter than the plate where characters are darker.
        contrast *= -0.5
    mirrored = rng.random() < 0.5
    for shape in shapes:
        mask = _mask(shape, height, width)
        level = painter.background + contrast * shape.tone + 12 * (float(rng.random()) - 0.5)
        painter.blend(mask[:, ::-1] if mirrored else mask, x, y, level)


def _outline(rng: Generator) -> Sequence[Shape]:
    """A state's outline, or a figure that is alike on the left and the right, filled or not."""
    turns = np.sort(rng.random(9)) * 2 * np.pi
    reach = rng.uniform(0.22, 0.5, 9)
    across, down = 0.5 + reach * np.cos(turns), 0.5 + reach * np.sin(turns)
    edge = [(float(u), float(v)) for u, v in zip(across, down, strict=True)]
    if rng.random() < 0.35:
        half = [(0.5 + abs(u - 0.5), v) for u, v in sorted(edge, key=lambda point: point[1])]
        edge = [*half, *((1 - u, v) for u, v in reversed(half))]
    if rng.random() < 0.3:
        return [Shape("line", [*edge, edge[0]], thick=0.06)]
    inner = [(0.5 + 0.5 * (u - 0.5), 0.5 + 0.5 * (v - 0.5)) for u, v in edge]
    return [Shape("area", edge), Shape("area", inner, 1.4 * float(rng.random()) - 0.2)]


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
