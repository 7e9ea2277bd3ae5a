"""Stroke fonts of plates: characters drawn as strokes, in many styles.

Real plates use hundreds of stamping dies that no font file has: flat-topped 3s, square Os, 1s with a foot,
Is with serifs. A :class:`FontStyle` is one such set of forms, made from a number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from plate_ocr.vision.images import Image

Path: TypeAlias = Sequence[tuple[float, float]]
"""Corners of a stroke, x and y in 0..1 from the top left; inner corners are rounded."""

N_STYLES = 240
"""Number of styles; glyphs of each are cached."""

STEPS = 6
"""Line segments per rounded corner."""

SHIFT = 4
"""Fractional bits of coordinates in OpenCV's drawing functions."""


@dataclass(frozen=True)
class FontStyle:
    """The style of a stroke font.

    Attributes:
        stroke: width of a stroke, as a part of the height.
        aspect: width of an H, as a part of the height.
        rounding: radius of corners, as a part of the width; 0.5 makes an O of half circles.
        variants: 0..1, selects the form of each character that has several.
    """

    stroke: float
    aspect: float
    rounding: float
    variants: tuple[float, ...]


def font_style(number: int) -> FontStyle:
    """The style of a number: thin strokes below ``N_STYLES / 3``, thick ones above ``2 * N_STYLES / 3``."""
    rng = np.random.default_rng([number, 20260])
    low = (0.085, 0.11, 0.14)[number * 3 // N_STYLES]
    stroke = float(rng.uniform(low, low + 0.03))
    return FontStyle(
        stroke=stroke,
        # A counter stays at least as wide as a stroke.
        aspect=float(rng.uniform(max(0.38, 3.6 * stroke), 0.7)),
        rounding=float(rng.choice([0.5, 0.42, 0.3, 0.2]) * rng.uniform(0.85, 1.0)),
        variants=tuple(rng.random(16).tolist()),
    )


def draw_character(char: str, style: FontStyle, height: int) -> Image | None:
    """Draw a digit or letter white on black, filling the picture's height.

    Returns:
        uint8 ``(height, W)``; None if the character has no strokes here.
    """
    paths, width = _paths(char, style)
    if not paths:
        return None
    if char in "MW":
        width = max(width, 4.4 * style.stroke / style.aspect)
    thick = style.stroke * height
    inner_h, inner_w = height - thick, max(1.0, style.aspect * width * height - thick)
    picture = np.zeros((height, max(3, round(inner_w + thick))), np.uint8)
    scale = np.array([inner_w, inner_h])
    # In every style a D is round on its right only and a 0 everywhere: else they look the same.
    min_rounding = {"D": 0.4, "0": 0.33, "O": 0.33, "Q": 0.33}.get(char, 0.0)
    radius = max(style.rounding, min_rounding) * style.aspect * height
    for path in paths:
        points = _rounded(np.array(path) * scale, radius) + thick / 2 - 0.5
        fixed = np.rint(points * (1 << SHIFT)).astype(np.int32)
        cv2.polylines(picture, [fixed], False, 255, max(1, round(thick)), cv2.LINE_AA, SHIFT)
    return picture


def _rounded(points: NDArray[np.float64], radius: float) -> NDArray[np.float64]:
    """Replace inner corners by quadratic curves."""
    out = [points[0]]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        one, two = before - corner, after - corner
        len_one, len_two = float(np.hypot(*one)), float(np.hypot(*two))
        reach = min(radius, 0.5 * len_one if before is not points[0] else len_one, 0.5 * len_two)
        if reach < 1e-6:
            out.append(corner)
            continue
        a, b = corner + one / len_one * reach, corner + two / len_two * reach
        t = np.linspace(0, 1, STEPS + 1)[:, None]
        # Between a quarter of a circle (weight 1) and the corner itself: close enough to both.
        curve = (1 - t) ** 2 * a + 2 * t * (1 - t) * corner + t**2 * b
        out.extend(curve)
    out.append(points[-1])
    return np.array(out)


def _ring(left: float, top: float, right: float, bottom: float) -> Path:
    """A closed stroke that begins in the middle of a side, so that all corners are rounded."""
    middle = (left + right) / 2
    return [(middle, top), (right, top), (right, bottom), (left, bottom), (left, top), (middle, top)]


def _paths(char: str, style: FontStyle) -> tuple[list[Path], float]:
    """Strokes of a character in a style, and its width against an H."""
    h = style.variants
    # Thick strokes must not close the gap over a tail: a 9 or S would be an 8.
    tail = min(0.2 + 0.1 * h[0], 0.42 - 1.7 * style.stroke)
    waist = 0.44 + 0.06 * h[1]
    forms: dict[str, tuple[list[Path], float]] = {
        "0": ([_ring(0, 0, 1, 1)], 1.0 if h[2] < 0.7 else 0.85),
        "O": ([_ring(0, 0, 1, 1)], 1.0 if h[2] < 0.5 else 1.15),
        "2": ([[(0, tail), (0, 0), (1, 0), (1, waist), (0, 1)], [(0, 1), (1, 1)]], 1.0),
        "4": (
            [[(0.72, 0), (0, 0.7)], [(0, 0.7), (1, 0.7)], [(0.72, 0), (0.72, 1)]]
            if h[3] < 0.6
            else [[(0.55, 0), (0, 0.72)], [(0, 0.72), (1, 0.72)], [(0.75, 0.4), (0.75, 1)]],
            1.05,
        ),
        "5": (
            [
                [(0.95, 0), (0.08, 0)],
                [(0.08, 0), (0.02, 0.45)],
                [(0.02, 0.47), (0.1, 0.38), (1, 0.38), (1, 1), (0, 1), (0, 1 - tail)],
            ],
            1.0,
        ),
        "7": (
            [[(0, 0), (1, 0)], [(1, 0), (0.35, 1)]] if h[4] < 0.7 else [[(0, 0), (1, 0), (1, 0.2), (0.3, 1)]],
            1.0,
        ),
        "8": ([_ring(0.06 * h[5], 0, 1 - 0.06 * h[5], waist + 0.02), _ring(0, waist + 0.02, 1, 1)], 1.0),
        "A": (
            [[(0, 1), (0.5, 0)], [(0.5, 0), (1, 1)], [(0.18, 0.68), (0.82, 0.68)]]
            if h[6] < 0.8
            else [[(0, 1), (0, 0), (1, 0), (1, 1)], [(0, 0.6), (1, 0.6)]],
            1.1,
        ),
        "B": (
            [
                [(0, 0), (0, 1)],
                [(0, 0), (0.95, 0), (0.95, waist), (0, waist)],
                [(0, waist), (1, waist), (1, 1), (0, 1)],
            ],
            1.0,
        ),
        "C": ([[(1, tail), (1, 0), (0, 0), (0, 1), (1, 1), (1, 1 - tail)]], 1.0),
        "D": ([[(0, 0), (0, 1)], [(0, 0), (1, 0), (1, 1), (0, 1)]], 1.0),
        "E": (
            [[(0, 0), (0, 1)], [(0, 0), (1, 0)], [(0, 1), (1, 1)], [(0, 0.48), (0.85, 0.48)]],
            0.88 + 0.12 * h[7],
        ),
        "F": ([[(0, 0), (0, 1)], [(0, 0), (1, 0)], [(0, 0.48), (0.85, 0.48)]], 0.88 + 0.12 * h[7]),
        "G": (
            [[(1, tail), (1, 0), (0, 0), (0, 1), (1, 1), (1, 0.56)], [(1, 0.56), (0.5, 0.56)]]
            if h[8] < 0.7
            else [
                [(1, tail), (1, 0), (0, 0), (0, 1), (1, 1), (1, 0.5)],
                [(1, 0.5), (0.55, 0.5)],
                [(1, 0.5), (1, 1)],
            ],
            1.0,
        ),
        "H": ([[(0, 0), (0, 1)], [(1, 0), (1, 1)], [(0, 0.48), (1, 0.48)]], 1.0),
        "J": (
            [[(1, 0), (1, 1), (0, 1), (0, 0.72)]]
            if h[9] < 0.7
            else [[(1, 0), (1, 1), (0, 1), (0, 0.72)], [(0.45, 0), (1, 0)]],
            0.95,
        ),
        "K": ([[(0, 0), (0, 1)], [(0.95, 0), (0, 0.62)], [(0.32, 0.42), (1, 1)]], 1.05),
        "L": ([[(0, 0), (0, 1)], [(0, 1), (1, 1)]], 0.9),
        "M": (
            [
                [(0, 1), (0, 0)],
                [(0, 0), (0.5, (0.45, 0.65, 0.9)[int(3 * h[10])])],
                [(0.5, (0.45, 0.65, 0.9)[int(3 * h[10])]), (1, 0)],
                [(1, 0), (1, 1)],
            ],
            1.0 + 0.45 * h[11],
        ),
        "N": ([[(0, 1), (0, 0)], [(0, 0), (1, 1)], [(1, 1), (1, 0)]], 1.0 + 0.1 * h[11]),
        "P": ([[(0, 0), (0, 1)], [(0, 0), (1, 0), (1, 0.54), (0, 0.54)]], 1.0),
        "Q": ([_ring(0, 0, 1, 1), [(0.55, 0.7), (1, 1)]], 1.05),
        "R": ([[(0, 0), (0, 1)], [(0, 0), (1, 0), (1, 0.52), (0, 0.52)], [(0.45, 0.52), (1, 1)]], 1.05),
        "S": (
            [[(1, tail), (1, 0), (0, 0), (0, waist), (1, waist + 0.06), (1, 1), (0, 1), (0, 1 - tail)]],
            1.0,
        ),
        "T": ([[(0, 0), (1, 0)], [(0.5, 0), (0.5, 1)]], 1.0),
        "U": ([[(0, 0), (0, 1), (1, 1), (1, 0)]], 1.0),
        "V": ([[(0, 0), (0.5, 1)], [(0.5, 1), (1, 0)]], 1.08),
        "W": (
            [
                [(0, 0), (0.22, 1)],
                [(0.22, 1), (0.5, (0.1, 0.35)[h[12] < 0.5])],
                [(0.5, (0.1, 0.35)[h[12] < 0.5]), (0.78, 1)],
                [(0.78, 1), (1, 0)],
            ]
            if h[13] < 0.6
            else [[(0, 0), (0, 1)], [(0, 1), (0.5, 0.4)], [(0.5, 0.4), (1, 1)], [(1, 1), (1, 0)]],
            1.1 + 0.4 * h[11],
        ),
        "X": ([[(0, 0), (1, 1)], [(1, 0), (0, 1)]], 1.05),
        "Y": ([[(0, 0), (0.5, 0.5)], [(1, 0), (0.5, 0.5)], [(0.5, 0.5), (0.5, 1)]], 1.08),
        "Z": ([[(0, 0), (1, 0)], [(1, 0), (0, 1)], [(0, 1), (1, 1)]], 1.0),
    }
    if char in forms:
        return forms[char]
    stem: Path = [(0.5, 0), (0.5, 1)]
    serifs: list[Path] = [[(0, 0), (1, 0)], [(0, 1), (1, 1)]]
    flag: Path = [(0.0, 0.22), (0.5, 0)] if h[14] < 0.8 else [(0.05, 0.16), (0.5, 0.12), (0.5, 0)]
    paths: list[Path] = []
    width = 1.0
    if char == "1" and h[14] < 0.3:
        paths, width = [stem], 0.2
    elif char == "1":
        paths, width = [stem, flag, *(serifs[1:] if h[0] > 0.55 else [])], 0.75
    elif char == "I":
        paths, width = ([stem], 0.2) if h[15] < 0.5 else ([stem, *serifs], 0.5 + 0.4 * h[14])
    elif char == "3":
        lower: Path = [(0.4, waist), (1, waist), (1, 1), (0, 1), (0, 1 - tail)]
        round_top: list[Path] = [[(0, tail), (0, 0), (0.97, 0), (0.97, waist), (0.4, waist)]]
        flat_top: list[Path] = [[(0, 0), (1, 0)], [(1, 0), (0.4, waist)]]
        paths = [*(flat_top if h[1] < 0.3 else round_top), lower]
    elif char in "69":
        neck: Path = (
            [(1, tail), (1, 0), (0, 0), (0, 0.7)] if h[5] < 0.65 else [(0.75, 0), (0, 0.55), (0, 0.72)]
        )
        six = [neck, _ring(0, 0.42, 1, 1)]
        paths = six if char == "6" else [[(1 - x, 1 - y) for x, y in path] for path in six]
    return paths, width
