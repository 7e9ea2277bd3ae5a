"""Plates of three lines.

The network reads two rows. The second line is set beside the first, so that two rows hold all three, and the
picture that this gives is read as a plate of two lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from plate_ocr.readers.spacing import UNIT
from plate_ocr.vision.geometry import rectify
from plate_ocr.vision.images import Image
from plate_ocr.vision.plate_input import preprocess_plate

HEIGHT, WIDTH = 96, 128
"""Size of the rectified text, pixels."""

MARGIN = (0.05, 0.06)
"""Around the text, as parts of its width and height."""

LINE_HEIGHT = 32
"""Height of a line in the rearranged picture, pixels."""

LINE_STARTS = (0.0, 0.5, 0.25)
"""Left ends of the three lines in it, as parts of its width."""

PERCENTILES, GREYS = (5, 95), (28, 228)
"""Percentiles of the pixels of a line, and what becomes of them: lines may lie in different light."""

SEAM = 3
"""Pixels on each side of the seam of the first two lines that are blended: an edge there looks like a 1."""

OVERLAP = 2
"""Pixels of :data:`HEIGHT` that lines are cut out beyond the gaps between them."""

GAPS = ((0.22, 0.45), (0.52, 0.78))
"""Where the gaps between three lines may be, as parts of the height."""

MAX_EDGES_IN_GAP = 0.9
"""Upright edges in the row of a gap against those of the fainter line beside it, at most."""

SMOOTHING = 1.2
"""Standard deviation of the blur of the sums of edges, rows."""

MAX_EDGE = 4.0
"""How many times the mean edge a stronger one counts: a badge is no line."""


@dataclass(frozen=True)
class ThreeLines:
    """Three lines of text, two of them beside each other.

    Attributes:
        picture: uint8 ``(2 * LINE_HEIGHT, 2 * WIDTH)``: the first and the second line, below them the third
            in the middle.
        to_plate: float64 ``(3, 3)``: homography from the pixels of the rectified text to the plate, whose
            sides are 0 and 1.
        gaps: rows of the rectified text.
    """

    picture: Image
    to_plate: NDArray[np.float64]
    gaps: tuple[int, int]

    def located(
        self, extents: Sequence[tuple[float, float]], starts: Sequence[int] | None, upper: int
    ) -> tuple[list[tuple[float, float]], list[int] | None]:
        """Places of characters in the picture as those on the plate.

        Args:
            extents: where each character begins and ends along the picture's width, 0..1.
            starts: indices of characters that begin a group, but the first; None where that is not known.
            upper: number of characters in the first two lines.

        Returns:
            The same along the plate's width; each line begins a group.
        """
        first = sum(left + right < 1 for left, right in extents[:upper])
        lines = [0 if i < first else 1 if i < upper else 2 for i in range(len(extents))]
        along = [
            (self._along(left, line), self._along(right, line))
            for (left, right), line in zip(extents, lines, strict=True)
        ]
        return along, None if starts is None else sorted({*starts, first, upper} - {0, len(extents)})

    def _along(self, x: float, line: int) -> float:
        ends = 0, *self.gaps, HEIGHT
        pixel = 2 * (x - LINE_STARTS[line]) * WIDTH, (ends[line] + ends[line + 1]) / 2
        return float(np.clip(cv2.perspectiveTransform(np.array([[pixel]]), self.to_plate)[0, 0, 0], 0, 1))


def rearrange_three_lines(picture: Image, points: NDArray[np.float32]) -> ThreeLines | None:
    """Set the second of three lines beside the first.

    Args:
        picture: uint8 ``(H, W)``: a crop of a plate.
        points: float32 ``(8, 2)``: corners of its text, then of the plate, as parts of the picture's width
            and height.

    Returns:
        None if no two gaps cut the text into three lines.
    """
    size = picture.shape[::-1]
    text, plate = points[:4] * size, np.clip(points[4:], 0, 1) * size
    crop = rectify(picture, text.astype(np.float64), MARGIN)
    rectified = preprocess_plate(crop.picture, HEIGHT, WIDTH)
    gaps = _find_gaps(rectified)
    if gaps is None:
        return None
    ends = (0, *gaps, HEIGHT)
    first, second, third = (
        _stretched(preprocess_plate(rectified[max(0, start - OVERLAP) : end + OVERLAP], LINE_HEIGHT, WIDTH))
        for start, end in pairwise(ends)
    )
    side = WIDTH // 2
    below = cv2.copyMakeBorder(third, 0, 0, side, side, cv2.BORDER_REPLICATE)
    height, width = crop.picture.shape
    scale = np.diag([width / WIDTH, height / HEIGHT, 1.0])
    to_plate = cv2.getPerspectiveTransform(plate.astype(np.float32), UNIT) @ crop.matrix @ scale
    return ThreeLines(np.vstack([_side_by_side(first, second), below]), to_plate, gaps)


def _stretched(line: Image) -> Image:
    """A line, uint8 ``(H, W)``, as light and as rich in contrast as any other."""
    low, high = np.percentile(line, PERCENTILES)
    scale = (GREYS[1] - GREYS[0]) / max(1.0, high - low)
    return np.asarray(np.clip(GREYS[0] + (line - low) * scale, 0, 255), np.uint8)


def _side_by_side(left: Image, right: Image) -> Image:
    """Two lines, uint8 ``(H, W)`` each, blended where they meet."""
    share = np.arange(1, 2 * SEAM + 1) / (2 * SEAM + 1)
    blend = left[:, [-SEAM - 1]] * (1 - share) + right[:, [SEAM]] * share
    return np.hstack([left[:, :-SEAM], blend.astype(np.uint8), right[:, SEAM:]])


def _find_gaps(rectified: Image) -> tuple[int, int] | None:
    """Rows ``(HEIGHT,)`` without strokes between three lines of text; None if there are no such two."""
    edges = np.abs(cv2.Sobel(rectified, cv2.CV_32F, 1, 0))
    rows = np.minimum(edges, MAX_EDGE * edges.mean()).mean(1)
    rows = cv2.GaussianBlur(rows[:, None], (1, 0), 0, sigmaY=SMOOTHING)[:, 0]
    first, second = (
        (start := int(low * HEIGHT)) + int(rows[start : int(high * HEIGHT)].argmin()) for low, high in GAPS
    )
    above, between, below = rows[:first].max(), rows[first:second].max(), rows[second:].max()
    if rows[first] >= MAX_EDGES_IN_GAP * min(above, between):
        return None
    if rows[second] >= MAX_EDGES_IN_GAP * min(between, below):
        return None
    return first, second
