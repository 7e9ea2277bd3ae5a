"""Classical plate segmentation: straighten the line of characters, binarise it, propose cuts."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from plate_ocr.vision.binarize import sauvola
from plate_ocr.vision.images import Image

WORK_HEIGHT = 72
"""Height to which plates are scaled before they are straightened, pixels."""

LINE_HEIGHT = 40
"""Height of the characters in a straightened line, pixels."""

MARGIN = 5
"""Rows kept above and below the characters, pixels."""

TRIM = 3
"""Rows of :data:`MARGIN` that are removed before a segment is read: the others are for slanted characters."""

MIN_CHAR_ASPECT, MAX_CHAR_ASPECT = 0.08, 0.95
"""Width of a character, as a part of its height."""

MIN_CHAR_HEIGHT = 0.65
"""Minimum height of a character, as a part of the line's: lower segments are dots, hyphens or rivets."""

MAX_FRAME_WIDTH, MIN_FRAME_INK = 0.35, 0.6
"""Maximum width, as a part of the line's height, and minimum share of white rows above and below the line, of
a segment that is a side of the frame."""


@dataclass(frozen=True)
class Line:
    """A straightened line of characters.

    Attributes:
        gray: uint8 ``(LINE_HEIGHT + 2 * MARGIN, W)``, glyphs bright.
        binary: uint8, same shape, 0 or 255, glyphs white.
        inverted: whether the plate had dark glyphs, so that ``gray`` is its negative.
        to_plate: float64 ``(2, 3)``: affine map from pixels of the line to pixels of the plate.
    """

    gray: Image
    binary: Image
    inverted: bool
    to_plate: NDArray[np.float64]


@dataclass(frozen=True)
class Segments:
    """Segments of a line that may be characters.

    Attributes:
        cuts: int64 ``(C,)``: columns of the cuts, ascending.
        first: int64 ``(S,)``: index of each segment's left cut.
        last: int64 ``(S,)``: index of its right cut.
        skip: float64 ``(C,)``: cost of skipping everything before each cut.
    """

    cuts: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    skip: NDArray[np.float64]

    def cut(self, line: Image) -> list[Image]:
        """The segments of a picture of the line, without the outer rows, which show rivets and the frame."""
        line = line[TRIM : len(line) - TRIM]
        return [line[:, self.cuts[i] : self.cuts[j]] for i, j in zip(self.first, self.last, strict=True)]


def straighten(gray: Image) -> list[Line]:
    """Find the line of characters on a plate and turn it upright.

    The slope of the line is the vertical shear that makes the row profile of horizontal contrast
    sharpest, the slant of the characters the horizontal shear that does so for the column profile.

    Args:
        gray: uint8 ``(H, W)``: a crop of a plate, tight or loose.

    Returns:
        Lines with different guesses of the characters' top and bottom, best guess first;
        empty if the picture has no contrast.
    """
    scale = WORK_HEIGHT / gray.shape[0]
    width = int(np.clip(round(gray.shape[1] * scale), 8, 16 * WORK_HEIGHT))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    work = np.asarray(cv2.resize(gray, (width, WORK_HEIGHT), interpolation=method), np.uint8)
    if int(work.max()) - int(work.min()) < 12:
        return []
    smooth = cv2.GaussianBlur(work.astype(np.float32), (0, 0), 1.5)
    contrast = np.abs(cv2.Sobel(smooth, cv2.CV_32F, 1, 0, ksize=3))
    contrast = np.minimum(contrast, np.quantile(contrast, 0.95))
    slope = _sharpest_shear(contrast, np.linspace(-0.3, 0.3, 61))
    profile = _sheared_profile(contrast, slope)

    to_work = np.diag([width / gray.shape[1], WORK_HEIGHT / gray.shape[0], 1.0])
    lines: list[Line] = []
    for top, bottom in _bands(profile):
        high = bottom - top
        upright = np.array([[1, 0, 0], [slope, 1, -slope * width / 2], [0, 0, 1.0]])
        band = _warp(work, upright @ _scale_map(top, high, 0.0), width, high)
        rows = np.abs(cv2.Sobel(cv2.GaussianBlur(band, (0, 0), 1.5).astype(np.float32), cv2.CV_32F, 1, 0)).T
        slant = _sharpest_shear(np.ascontiguousarray(rows), np.linspace(-0.45, 0.45, 37))
        matrix = upright @ _scale_map(top, high, slant)
        line = _warp(work, matrix, width, high)
        inverted = _dark_glyphs(line)
        if inverted:
            line = 255 - line
        binary = sauvola(line, 2 * (LINE_HEIGHT // 2) + 1, 0.1)
        lines.append(Line(line, binary, inverted, (np.linalg.inv(to_work) @ matrix)[:2]))
    return lines


def propose_segments(binary: Image) -> Segments:
    """Propose cuts wherever characters may begin or end.

    Args:
        binary: uint8 ``(LINE_HEIGHT + 2 * MARGIN, W)``, 0 or 255, glyphs white.

    Returns:
        The segments between any two cuts whose width is that of a character.
    """
    ink = (binary[MARGIN:-MARGIN] > 0).sum(0) / LINE_HEIGHT
    smooth = cv2.GaussianBlur(ink[None].astype(np.float32), (0, 0), 1.0)[0]
    padded = np.concatenate([[np.inf], smooth, [np.inf]])
    valley = (padded[1:-1] <= padded[:-2]) & (padded[1:-1] <= padded[2:]) & (smooth < 0.6)
    empty = ink <= 1 / LINE_HEIGHT
    edges = np.flatnonzero(np.diff(np.concatenate([[1], empty.astype(np.int8), [1]])))
    places = np.unique(np.concatenate([[0], edges, np.flatnonzero(valley & ~empty), [len(ink)]]))
    cuts = [int(places[0])]
    for place in places[1:]:
        if place - cuts[-1] >= 2:
            cuts.append(int(place))
    columns = np.array(cuts, np.int64)
    wide = columns[None] - columns[:, None]
    first, last = np.nonzero(
        (wide >= MIN_CHAR_ASPECT * LINE_HEIGHT) & (wide <= MAX_CHAR_ASPECT * LINE_HEIGHT)
    )
    rows = np.concatenate([np.zeros((LINE_HEIGHT, 1)), np.cumsum(binary[MARGIN:-MARGIN] > 0, axis=1)], axis=1)
    inked = rows[:, columns[last]] > rows[:, columns[first]]
    tall = LINE_HEIGHT - inked.argmax(0) - inked[::-1].argmax(0) >= MIN_CHAR_HEIGHT * LINE_HEIGHT
    tall &= inked.any(0)
    # A side of the frame is as thin as a 1, but extends above and below the characters.
    outside = np.concatenate([binary[:MARGIN], binary[-MARGIN:]]) > 0
    sums = np.concatenate([np.zeros((2 * MARGIN, 1)), np.cumsum(outside, axis=1)], axis=1)
    beyond = (sums[:, columns[last]] > sums[:, columns[first]]).mean(0)
    tall &= (beyond < MIN_FRAME_INK) | (wide[first, last] > MAX_FRAME_WIDTH * LINE_HEIGHT)
    cost = np.concatenate([[0], np.cumsum(np.minimum(1, 2 * ink))]) / LINE_HEIGHT
    return Segments(columns, first[tall], last[tall], cost[columns])


def best_path(
    segments: Segments,
    rewards: NDArray[np.float64],
    shortest: int = 1,
    *,
    clutter: float = 5.0,
    ends: float = 0.5,
) -> tuple[list[int], float]:
    """The most likely segmentation of a line: a shortest path over its cuts.

    Every column belongs either to a character, at the cost of its negative log-probability, or to
    clutter (a dot, a rivet, the frame), at a cost that grows with its white pixels.

    Args:
        segments: S segments.
        rewards: float64 ``(places, S)``: log-probability that each segment is a character that is
            allowed in each place of the text.
        shortest: minimum number of characters.
        clutter: cost of skipped white columns, per height of a character.
        ends: factor of that cost before the first and after the last character.

    Returns:
        Indices of the chosen segments, from left to right, and the value of the path; empty and minus
        infinity if the line has too few segments.
    """
    cuts, places = len(segments.cuts), len(rewards)
    skip = clutter * segments.skip
    # best[cut, n]: the best value of reading n characters up to a cut.
    best = np.full((cuts, places + 1), -np.inf)
    piece = np.full((cuts, places + 1), -1)
    best[:, 0] = -ends * skip
    by_end: list[list[int]] = [[] for _ in range(cuts)]
    for i, end in enumerate(segments.last):
        by_end[end].append(i)
    for cut in range(1, cuts):
        best[cut, 1:] = best[cut - 1, 1:] - (skip[cut] - skip[cut - 1])
        for i in by_end[cut]:
            offered = best[segments.first[i], :-1] + rewards[:, i]
            better = offered > best[cut, 1:]
            best[cut, 1:][better] = offered[better]
            piece[cut, 1:][better] = i
    totals = best - ends * (skip[-1] - skip)[:, None]
    totals[:, :shortest] = -np.inf
    cut, count = (int(i) for i in np.unravel_index(totals.argmax(), totals.shape))
    value = float(totals[cut, count])
    if value == -np.inf:
        return [], value
    chosen: list[int] = []
    while count:
        if piece[cut, count] < 0:
            cut -= 1
        else:
            chosen.append(int(piece[cut, count]))
            cut, count = int(segments.first[chosen[-1]]), count - 1
    return chosen[::-1], value


def _sharpest_shear(weight: NDArray[np.float32], slopes: NDArray[np.float64]) -> float:
    """The shear of rows along columns whose row profile has the largest sum of squared steps."""

    def sharpness(slope: float) -> float:
        profile = _sheared_profile(weight, slope)
        return float((np.diff(profile) ** 2).sum())

    return float(max(slopes, key=sharpness))


def _sheared_profile(weight: NDArray[np.float32], slope: float) -> NDArray[np.float64]:
    """Row sums after each column was moved up by slope times its distance from the middle."""
    height, width = weight.shape
    rows = np.arange(height)[:, None] - slope * (np.arange(width) - width / 2)
    place = np.clip(np.rint(rows), 0, height - 1).astype(np.int64)
    profile = np.bincount(place.ravel(), weight.ravel(), minlength=height)
    # The first and last row contain what was moved out of the picture.
    profile[0] = profile[-1] = 0
    return np.convolve(profile, [0.25, 0.5, 0.25], mode="same")


def _bands(profile: NDArray[np.float64]) -> list[tuple[float, float]]:
    """Guesses of the first and last row of the characters, from the row profile."""
    height = len(profile)
    peak = np.quantile(profile, 0.9)
    center = int(np.argmax(np.convolve(profile, np.ones(height // 3), mode="same")))
    bands: list[tuple[float, float]] = []
    for level in (0.5, 0.35, 0.65):
        top = bottom = center
        while top > 0 and profile[top - 1] > level * peak:
            top -= 1
        while bottom < height - 1 and profile[bottom + 1] > level * peak:
            bottom += 1
        band = (float(top), float(bottom + 1))
        if bottom + 1 - top >= 0.2 * height and band not in bands:
            bands.append(band)
    return bands or [(0.1 * height, 0.9 * height)]


def _scale_map(top: float, high: float, slant: float) -> NDArray[np.float64]:
    """From the line's pixels to the straightened plate's: scale, shift down, slant."""
    scale = high / LINE_HEIGHT
    middle = MARGIN + LINE_HEIGHT / 2
    return np.array(
        [[scale, slant * scale, -slant * scale * middle], [0, scale, top - MARGIN * scale], [0, 0, 1.0]]
    )


def _warp(work: Image, matrix: NDArray[np.float64], width: int, high: float) -> Image:
    size = (max(8, round(width * LINE_HEIGHT / high)), LINE_HEIGHT + 2 * MARGIN)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(
        cv2.warpAffine(work, matrix[:2], size, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


def _dark_glyphs(line: Image) -> bool:
    """Whether the glyphs are darker than the background: they cover less of the line."""
    inside = line[MARGIN:-MARGIN].astype(np.float32)
    background = cv2.blur(inside, (LINE_HEIGHT | 1, LINE_HEIGHT | 1))
    return bool((inside > background).mean() > 0.5)
