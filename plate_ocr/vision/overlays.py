"""Distinguishes overlays from plates: a clock, a date or a name in a black box at the picture's edge."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from plate_ocr.vision.images import Image

AROUND = (1.5, 1.0)
"""Search margin around a plate, horizontal and vertical, in heights of the plate."""

MAX_LEVEL, MAX_MEDIAN = 10, 2
"""Maximum grey level of a box's background, and of its median: darker than cameras record."""

MIN_BRIGHT = 200
"""Minimum of the 97th percentile of a box's grey levels: its letters are white."""

MIN_SIDE = 0.97
"""Minimum dark part of each outermost row and column of a box: it is aligned with the pixel grid."""

MIN_BACKGROUND = 0.4
"""Minimum part of a box that is background: the frame of a white plate has less."""

AREA_RATIO = (0.6, 2.5)
"""Bounds of the box's area, relative to the plate's upright bounding box."""

MAX_GAP = 0.5
"""Maximum distance of the box from the picture's edge, in heights of the box."""


def is_overlay(gray: Image, corners: NDArray[np.float64]) -> bool:
    """Whether a detected plate is an overlay: white text in a black box.

    Such a box is black without noise, aligned with the pixel grid, inside the picture
    and near its edge. Text without a box cannot be distinguished from a plate.

    Args:
        gray: uint8 ``(H, W)``: the picture.
        corners: float64 ``(4, 2)``: of the plate, pixels.
    """
    low, high, size = corners.min(0), corners.max(0), np.array(gray.shape[::-1])
    reach = np.array(AROUND) * (high[1] - low[1])
    left, top = np.clip(np.floor(low - reach), 0, size).astype(int)
    right, bottom = np.clip(np.ceil(high + reach), 0, size).astype(int)
    if left >= right or top >= bottom:
        return False
    if min(left, top, size[0] - right, size[1] - bottom) > MAX_GAP * (bottom - top):
        return False  # too far from the edge for any box
    part = gray[top:bottom, left:right]
    _, labels, stats, _ = cv2.connectedComponentsWithStats((part <= MAX_LEVEL).astype(np.uint8))
    if len(stats) < 2:
        return False
    number = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    x, y, width, height = (int(value) for value in stats[number, :4])
    background, box = labels[y : y + height, x : x + width] == number, part[y : y + height, x : x + width]
    gaps = np.array([left + x, top + y, size[0] - left - x - width, size[1] - top - y - height])
    inner = np.array([x, y, right - left - x - width, bottom - top - y - height])
    hull = float((high - low).prod())
    sides = (background[0], background[-1], background[:, 0], background[:, -1])
    return bool(
        gaps.min() <= MAX_GAP * height
        # It reaches the edge of the searched part only at the picture's edge.
        and (inner[gaps > 0] > 0).all()
        and AREA_RATIO[0] * hull <= width * height <= AREA_RATIO[1] * hull
        and min(side.mean() for side in sides) >= MIN_SIDE
        and background.mean() >= MIN_BACKGROUND
        and np.median(box[background]) <= MAX_MEDIAN
        and np.percentile(box, 97) >= MIN_BRIGHT
    )
