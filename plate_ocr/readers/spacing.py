"""Where the characters of a line stand, and the groups into which spaces, hyphens, dots and badges cut it.

A text is cut only where two witnesses agree, the gap between the ink of two characters and the distance of
their centers; where they do not, or where characters touch, nothing is said. The bounds were chosen on
rendered plates of one seed and measured on those of another, see ``benchmarks/spacing.py``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from plate_ocr.alphabet import PROVINCES
from plate_ocr.vision.images import Image

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

HEIGHT, WIDTH = 40, 256
"""Size of the picture of a line of text, pixels."""

WINDOW, NIBLACK_K = 41, (0.1, 0.4, 0.7, 1.0)
"""Ink is brighter than the mean of so many pixels about it by so many standard deviations (Niblack, 1986): of
these bounds the first that leaves the most characters isolated."""

MIN_CHAR_HEIGHT, MIN_PIECE_HEIGHT = 0.5, 0.25
"""Height of a character's ink against the line's, at least; of a part of a Chinese one."""

MAX_OFFSET, OFFSET_SLACK = 0.45, 0.1
"""How far from a character's center its ink may lie, and its center from its ink, in pitches."""

MIN_CUT_GAP, MAX_JOIN_GAP = 0.18, 0.1
"""How much wider than the line's median a gap is that cuts, at least, and any other, at most; in pitches."""

MIN_CUT_DISTANCE, MAX_JOIN_DISTANCE = 1.05, 1.35
"""The same of the distance of centers, in pitches."""

MIN_JOIN_HEIGHT = 0.85
"""Height of a character against its neighbour's in one group, at least: some write a region smaller."""

TYPICAL_GAP = 0.25
"""Of a line that is too short for a median, in pitches."""

MIN_CHARS_FOR_MEDIAN = 3
"""Characters of a line that has a median."""

VIEW_MARGIN = 0.05
"""What the picture of a line shows beyond each end of its text, as a part of its width: as the plate network
sees it."""

PROVINCE_OFFSET = 0.5
"""The network names a province so far before its center, in pitches."""

UNIT = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)


@dataclass(frozen=True)
class CharExtents:
    """Where the characters of a line stand.

    Attributes:
        left: float64 ``(N,)``: of each character, in any unit along the line.
        right: likewise.
        isolated: bool ``(N,)``: whether its own ink was seen, so that both are no guess.
        height: float64 ``(N,)``: of its ink, pixels; 0 where none was seen, not a number of Chinese ones.
    """

    left: Floats
    right: Floats
    isolated: Flags
    height: Floats

    @property
    def centers(self) -> Floats:
        """float64 ``(N,)``."""
        return (self.left + self.right) / 2


@dataclass(frozen=True)
class TextLine:
    """A line of text, cut out of a plate.

    Attributes:
        picture: uint8 ``(HEIGHT, WIDTH)``.
        to_plate: float64 ``(3, 3)``: homography from its pixels to the plate, whose sides are 0 and 1.
    """

    picture: Image
    to_plate: Floats


def cut_lines(picture: Image, text: ArrayLike, plate: ArrayLike, count: int) -> list[TextLine]:
    """Cut the lines of text out of the picture of a plate.

    Args:
        picture: uint8 ``(H, W)``.
        text: ``(4, 2)``: the corners of the text, pixels, clockwise from its own top left.
        plate: likewise of the plate.
        count: of lines, 1 or 2.
    """
    quads = [np.asarray(text, np.float32)]
    if count == 2:
        top, bottom = quads[0][:2], quads[0][:1:-1]
        halfway = (top + bottom) / 2
        quads = [np.concatenate([a, b[::-1]]) for a, b in ((top, halfway), (halfway, bottom))]
    to_plate = cv2.getPerspectiveTransform(np.asarray(plate, np.float32), UNIT)
    inner = (UNIT * (1 - 2 * VIEW_MARGIN, 1) + (VIEW_MARGIN, 0)) * (WIDTH, HEIGHT)
    lines = []
    for corners in quads:
        # Pixels lie half a pixel beside their coordinates.
        matrix = cv2.getPerspectiveTransform(inner.astype(np.float32) - 0.5, corners - 0.5)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        line = cv2.warpPerspective(
            picture, matrix, (WIDTH, HEIGHT), flags=flags, borderMode=cv2.BORDER_REPLICATE
        )
        lines.append(TextLine(np.asarray(line, np.uint8), np.asarray(to_plate @ matrix, np.float64)))
    return lines


def locate_chars(
    lines: Sequence[TextLine], rows: Sequence[tuple[str, Floats]]
) -> tuple[list[tuple[float, float]], list[int] | None]:
    """Where the characters of a plate stand, and where its text is cut into groups.

    Args:
        lines: of text, one or two.
        rows: of each line what it says, and float64 ``(N,)``: where in what the network sees of it the
            centers of its characters are, 0..1.

    Returns:
        Where each character begins and ends along the plate's width, 0..1; and the indices of characters that
        begin a group, but the first, or None where that cannot be told.
    """
    ends: list[tuple[float, float]] = []
    starts: list[int] = []
    sure = True
    for line, (chars, centers) in zip(lines, rows, strict=True):
        extents, found = _measure_line(line.picture, chars, centers, PROVINCE_OFFSET)
        sure = sure and found is not None
        # A line begins a group, too.
        starts += [len(ends) + i for i in (*([0] if ends else []), *(found or []))]
        sides = np.concatenate([extents.left, extents.right])
        points = np.stack([sides, np.full(len(sides), HEIGHT / 2)], axis=1)[None]
        along = np.clip(cv2.perspectiveTransform(points, line.to_plate)[0, :, 0], 0, 1).tolist()
        ends += zip(along[: len(chars)], along[len(chars) :], strict=True)
    return ends, starts if sure else None


def find_group_starts(line: Image, text: str, centers: Floats) -> list[int] | None:
    """Where a line of text that was cut out is cut into groups.

    Args:
        line: uint8 ``(H, W)``: the text from top to bottom and from its first to its last character.
        text: what it says.
        centers: float64 ``(N,)``: where along it the centers of its characters are, 0..1.

    Returns:
        As :func:`locate_chars`.
    """
    width = round(WIDTH * (1 - 2 * VIEW_MARGIN))
    inner = cv2.resize(line, (width, HEIGHT), interpolation=cv2.INTER_AREA)
    left = (WIDTH - width) // 2
    view = cv2.copyMakeBorder(inner, 0, 0, left, WIDTH - width - left, cv2.BORDER_REPLICATE)
    return _measure_line(np.asarray(view, np.uint8), text, (left + centers * width) / WIDTH)[1]


def _measure_line(
    line: Image, text: str, centers: Floats, province_offset: float = 0.0
) -> tuple[CharExtents, list[int] | None]:
    """Where the characters of a line ``(HEIGHT, WIDTH)`` stand, and where groups begin.

    Args:
        line: uint8.
        text: what it says.
        centers: of its characters, 0..1.
        province_offset: how far before its center a province is named, in pitches.
    """
    chinese = np.array([not char.isascii() for char in text])
    rough = centers * WIDTH
    rough += province_offset * _pitch(rough) * np.array([char in PROVINCES for char in text])
    extents = _find_extents(line, rough, chinese)
    return extents, _group_starts(extents, np.where(chinese, extents.centers, rough))


def _find_extents(line: Image, centers: Floats, chinese: Flags) -> CharExtents:
    """Where the characters of a line stand, by the ink about their centers.

    Args:
        line: uint8 ``(HEIGHT, WIDTH)``: its text from top to bottom.
        centers: float64 ``(N,)``: where the characters are, roughly, pixels; ascending.
        chinese: bool ``(N,)``: which may be of several pieces.
    """
    pitch = _pitch(centers)
    best = None
    for binary in _binarized(line):
        extents = _extents_of(binary, centers, chinese, pitch)
        if best is None or extents.isolated.sum() > best.isolated.sum():
            best = extents
        if best.isolated.all():
            break
    assert best is not None
    return best


def _group_starts(extents: CharExtents, centers: Floats) -> list[int] | None:
    """Where a line of text is cut into groups.

    Args:
        extents: of N characters.
        centers: float64 ``(N,)``: of the characters, by something else than their ink.

    Returns:
        The indices of characters that begin a group, but the first; None where that cannot be told.
    """
    if len(centers) < 2:
        return []
    if not extents.isolated.all() or (np.diff(centers) <= 0).any():
        return None
    gaps = extents.left[1:] - extents.right[:-1]
    pitch = _pitch(extents.centers)
    if len(centers) < MIN_CHARS_FOR_MEDIAN:
        wider, far, near = gaps / pitch - TYPICAL_GAP, np.ones(1, bool), np.ones(1, bool)
    else:
        wider, distances = (gaps - median(gaps.tolist())) / pitch, np.diff(centers) / _pitch(centers)
        far, near = distances >= MIN_CUT_DISTANCE, distances <= MAX_JOIN_DISTANCE
    smaller, taller = np.sort([extents.height[1:], extents.height[:-1]], axis=0)
    cut = (wider >= MIN_CUT_GAP) & far
    join = (wider <= MAX_JOIN_GAP) & near & ~(smaller < MIN_JOIN_HEIGHT * taller)
    return (np.flatnonzero(cut) + 1).tolist() if (cut | join).all() else None


def _pitch(centers: Floats) -> float:
    """Median distance of characters; of a single one the width of its line."""
    if len(centers) < 2:
        return float(WIDTH)
    # Of a dozen numbers, NumPy's median takes ten times as long.
    return float(max(1.0, median(b - a for a, b in pairwise(centers.tolist()))))


def _binarized(line: Image) -> Iterator[Flags]:
    """Ink, ``(HEIGHT, WIDTH)``, by each of :data:`NIBLACK_K`; glyphs cover less than half of a line."""
    inner = np.ascontiguousarray(line[HEIGHT // 7 : -(HEIGHT // 7), WIDTH // 16 : -(WIDTH // 16)])
    _, above = cv2.threshold(inner, 0, 255, cv2.THRESH_OTSU)
    bright = (line if 2 * cv2.countNonZero(above) <= above.size else 255 - line).astype(np.float32)
    mean, square = (cv2.blur(values, (WINDOW, WINDOW)) for values in (bright, bright * bright))
    deviation = np.sqrt(np.maximum(square - mean * mean, 0))
    return (bright > mean + k * deviation for k in NIBLACK_K)


def _extents_of(binary: Flags, centers: Floats, chinese: Flags, pitch: float) -> CharExtents:
    _, _, stats, _ = cv2.connectedComponentsWithStats(binary.view(np.uint8), connectivity=4)
    # A dozen numbers at a time: lists are faster than arrays.
    middles, several = centers.tolist(), chinese.tolist()
    left, right = [math.inf] * len(middles), [-math.inf] * len(middles)
    isolated, heights = [False] * len(middles), [0.0] * len(middles)
    slack, most = OFFSET_SLACK * pitch, MAX_OFFSET * pitch
    for x, _, width, height, _ in stats[1:].tolist():
        if height < MIN_PIECE_HEIGHT * HEIGHT or width < 3 or width >= 0.95 * WIDTH:
            continue
        middle, end = x + width / 2, x + width
        near = [i for i, at in enumerate(middles) if abs(at - middle) < most]
        if height < MIN_CHAR_HEIGHT * HEIGHT and not any(several[i] for i in near):
            continue
        inside = [i for i, at in enumerate(middles) if x - slack <= at <= end + slack]
        if not inside and near and width <= 2 * most:
            inside = [min(near, key=lambda i: abs(middles[i] - middle))]
        if len(inside) == 1:
            isolated[inside[0]] = True
        # Characters that touch share their ink halfway between their centers.
        edges = [x, *((middles[i] + middles[j]) / 2 for i, j in pairwise(inside)), end]
        for i, (begin, stop) in zip(inside, pairwise(edges), strict=False):
            left[i], right[i], heights[i] = min(left[i], begin), max(right[i], stop), max(heights[i], height)
    widths = [b - a for a, b in zip(left, right, strict=True) if b > a]
    half = (median(widths) if widths else 0.7 * pitch) / 2
    seen = np.isfinite(left)
    return CharExtents(
        np.where(seen, left, centers - half),
        np.where(seen, right, centers + half),
        np.array(isolated),
        np.where(chinese, np.nan, heights),
    )
