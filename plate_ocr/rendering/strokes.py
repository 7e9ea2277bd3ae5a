"""Characters drawn as strokes, in the styles of a family of fonts.

Real plates use hundreds of stamping dies that no font file has: flat-topped 3s, square Os, 1s with a foot,
Is with serifs. A :class:`FontStyle` is one such set of forms; see :mod:`plate_ocr.rendering.families`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from plate_ocr.rendering.letterforms import Form, Path, letter_forms
from plate_ocr.rendering.masks import HEIGHT, trimmed
from plate_ocr.vision.images import Image

Points: TypeAlias = NDArray[np.float64]
"""Corners of a stroke, float64 ``(N, 2)``, pixels."""

STEPS = 6
"""Line segments per rounded corner."""

SHIFT = 4
"""Fractional bits of coordinates in OpenCV's drawing functions."""

DETAIL = 2
"""Characters are drawn so many times larger: the width of a stroke is a whole number of pixels."""

WITH_COUNTERS = "04689ABDOPQR"
"""Characters that a stencil's bridges cut."""

_MANY_STROKES = {"M": 4.4, "W": 4.4, "Ж": 4.6, "Ш": 4.8, "Щ": 5.2, "Ю": 5.0, "Ї": 2.6, "Ф": 4.6}
"""Minimum widths of letters, as multiples of a stroke's."""

MIN_ROUNDING: Mapping[str, float] = {"D": 0.4, "0": 0.33, "O": 0.33, "Q": 0.33, "Ө": 0.33}
"""In every style a D is round on its right only and a 0 everywhere: else they look the same."""


@dataclass(frozen=True)
class FontStyle:
    """The style of a stroke font.

    Attributes:
        seed: of what is irregular in a painted style.
        stroke: width of a stroke, as a part of the height.
        aspect: width of an H, as a part of the height.
        digits: width of digits against letters.
        rounding: radius of corners, as a part of the width; 0.5 makes an O of half circles.
        weight: of the conic curves of corners: 0.7 is an ellipse, more is squarer.
        flat: strokes end in straight cuts, not in half circles.
        contrast: width of upright strokes against level ones.
        slant: shift of the top against the bottom, as a part of the height.
        tail: length of open ends, as a part of the height.
        waist: height of the middle of B, 8 and S, from the top.
        wobble: standard deviation of corners, as a part of the height.
        bridge: width of a stencil's bridges, as a part of the height; 0: none.
        forms: the name of each character's form.
    """

    seed: int
    stroke: float
    aspect: float
    digits: float
    rounding: float
    weight: float
    flat: bool
    contrast: float
    slant: float
    tail: float
    waist: float
    wobble: float
    bridge: float
    forms: Mapping[str, str]


@dataclass(frozen=True)
class Pen:
    """What strokes are drawn with.

    Attributes:
        thick: width of a stroke, pixels.
        radius: of corners, pixels.
        weight: of the conic curves of corners, see :class:`FontStyle`.
        flat: whether ends are cut straight and sharp corners pointed.
    """

    thick: int
    radius: float
    weight: float
    flat: bool


def draw_character(char: str, style: FontStyle) -> Image | None:
    """Draw a digit or letter white on black, filling the picture's height.

    Returns:
        uint8 ``(HEIGHT, W)``; None if the character has no strokes here.
    """
    forms = letter_forms(style.tail, style.waist).get(char)
    if forms is None:
        return None
    paths, width = forms[style.forms[char]]
    aspect = style.aspect * (style.digits if char.isdigit() else 1.0)
    # Between the strokes of the widest letters there is room for one more.
    if char in _MANY_STROKES:
        width = max(width, _MANY_STROKES[char] * style.stroke / aspect)
    rounding = max(style.rounding, MIN_ROUNDING.get(char, 0.0))
    changed = dataclasses.replace(
        style, aspect=aspect, rounding=rounding, bridge=style.bridge if char in WITH_COUNTERS else 0.0
    )
    return draw_form((paths, width), changed, ord(char))


def draw_form(form: Form, style: FontStyle, seed: int) -> Image:
    """Draw strokes white on black, filling the picture's height.

    Args:
        form: the strokes and their width against an H.
        style: of the font; a bridge cuts any form.
        seed: of what is irregular in a painted style, beside the style's own.

    Returns:
        uint8 ``(HEIGHT, W)``.
    """
    paths, width = form
    full = DETAIL * HEIGHT
    wide, tall = full * style.aspect, round(full * style.contrast)
    pen = Pen(max(1, round(full * style.stroke)), style.rounding * wide, style.weight, style.flat)
    margin = 2 * pen.thick + round(abs(style.slant) * tall)
    rng = np.random.default_rng((style.seed, seed)) if style.wobble else None

    def move(points: Points) -> None:
        if rng is not None:
            points += rng.normal(0, style.wobble * tall, points.shape)
        points[:, 0] += margin + style.slant * (tall / 2 - points[:, 1])

    size = max(1.0, wide * width - pen.thick), tall - pen.thick
    picture = draw_paths(paths, size, pen, margin, move)
    if style.bridge:
        half, middle = round(full * style.bridge / 2), picture.shape[1] // 2
        picture[:, middle - half : middle + half + 1] = 0
    return shrunk(trimmed(picture))


def draw_paths(
    paths: Sequence[Path],
    size: tuple[float, float],
    pen: Pen,
    margin: int = 0,
    move: Callable[[Points], None] = lambda points: None,
) -> Image:
    """Draw strokes white on black, :data:`DETAIL` times as large.

    Args:
        paths: the strokes, in the unit square.
        size: width and height of the square that their middles fill, pixels.
        pen: what they are drawn with.
        margin: black on the left and right, pixels.
        move: changes the corners of each stroke, pixels.

    Returns:
        uint8 ``(H, W)``.
    """
    picture = np.zeros((round(size[1]) + pen.thick, round(size[0]) + pen.thick + 2 * margin), np.uint8)
    for path in paths:
        points = np.array([point[:2] for point in path]) * size + pen.thick / 2 - 0.5
        move(points)
        radii = [pen.radius * (point[2] if len(point) > 2 else 1.0) for point in path]
        line = _rounded(points, radii, pen.weight)
        cv2.polylines(picture, [_fixed(line)], False, 255, pen.thick, cv2.LINE_AA, SHIFT)
        if pen.flat:
            _square(picture, points, radii, pen.thick)
            _cut(picture, line, pen.thick)
    return picture


def shrunk(picture: Image) -> Image:
    """A drawing of :func:`draw_paths` in the size of a glyph: uint8 ``(HEIGHT, W)``."""
    size = max(3, round(picture.shape[1] / DETAIL)), HEIGHT
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _fixed(points: Points) -> NDArray[np.int32]:
    return np.rint(points * (1 << SHIFT)).astype(np.int32)


@lru_cache(maxsize=64)
def _conic(weight: float) -> NDArray[np.float64]:
    """Shares of a conic curve's start, corner and end in its points: float64 ``(STEPS + 1, 3)``."""
    t = np.linspace(0, 1, STEPS + 1)
    shares = np.stack([(1 - t) ** 2, 2 * weight * t * (1 - t), t**2], 1)
    return np.asarray(shares / shares.sum(1, keepdims=True))


def _rounded(points: Points, radii: list[float], weight: float) -> NDArray[np.float64]:
    """Replace inner corners by conic curves."""
    out = [points[:1]]
    lengths = np.hypot(*np.diff(points, axis=0).T).tolist()
    last = len(points) - 2
    for i in range(1, len(points) - 1):
        before, after = lengths[i - 1], lengths[i]
        reach = min(radii[i], before if i == 1 else 0.5 * before, after if i == last else 0.5 * after)
        if reach < 1e-6:
            out.append(points[i : i + 1])
            continue
        ends = points[[i - 1, i, i + 1]]
        ends[0] = ends[1] + (ends[0] - ends[1]) * (reach / before)
        ends[2] = ends[1] + (ends[2] - ends[1]) * (reach / after)
        out.append(_conic(weight) @ ends)
    return np.concatenate([*out, points[-1:]])


def _cut(picture: Image, line: Points, thick: int) -> None:
    """Make a stroke's round ends square; ends at the top and bottom reach the picture's edge."""
    for end, inner in ((line[0], line[1]), (line[-1], line[-2])):
        ahead = end - inner
        ahead /= max(1e-6, float(np.hypot(*ahead)))
        # A leg of A or V that leans is cut level.
        at_edge = min(end[1], picture.shape[0] - 1 - end[1]) < 0.6 * thick and abs(ahead[1]) > 0.5
        far = end + ahead * thick * (1.2 if at_edge else 0.5)
        side = np.array([-ahead[1], ahead[0]]) * (thick / 2)
        quad = np.array([end - side, end + side, far + side, far - side])
        cv2.fillConvexPoly(picture, _fixed(quad), 255, cv2.LINE_AA, SHIFT)


def _square(picture: Image, points: Points, radii: list[float], thick: int) -> None:
    """Give a stroke's sharp corners a point."""
    for i in range(1, len(points) - 1):
        if radii[i]:
            continue
        one, two = points[i] - points[i - 1], points[i + 1] - points[i]
        one, two = one / np.hypot(*one), two / np.hypot(*two)
        turn = float(one[0] * two[1] - one[1] * two[0])
        along = float(one @ two)
        if along < -0.9 or abs(turn) < 0.1:
            continue
        outward = -np.sign(turn) * thick / 2
        first, second = outward * np.array([-one[1], one[0]]), outward * np.array([-two[1], two[0]])
        tip = (first + second) / (1 + along)
        quad = np.array([points[i], points[i] + first, points[i] + tip, points[i] + second])
        cv2.fillConvexPoly(picture, _fixed(quad), 255, cv2.LINE_AA, SHIFT)
