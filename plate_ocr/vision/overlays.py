"""Overlays told from plates: a clock, a date or a name in a black box that a camera prints at the edge."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from plate_ocr.vision.images import Image

AROUND = (1.5, 1.0)
"""A box is looked for in what is about a plate, left and right, above and below, in heights of the plate."""

DARK, MAX_MEDIAN = 10, 2
"""Levels: of a box's ground, at most, and of half of it: black that no lens has seen."""

MIN_BRIGHT = 200
"""The 97th percentile of a box's levels, at least: its letters are white."""

MIN_SIDE = 0.97
"""Part of each outermost row and column of a box that is dark, at least: it lies along the pixels' rows."""

MIN_GROUND = 0.4
"""Part of a box that is its ground, at least: the frame of a white plate has less."""

SIZE = (0.6, 2.5)
"""Area of a box, by that of the plate's upright hull."""

MAX_GAP = 0.5
"""How far the box is from the picture's edge, at most, in heights of the box."""


def is_overlay(gray: Image, corners: NDArray[np.float64]) -> bool:
    """Whether what was read as a plate is white text in a black box that was printed into a picture.

    Such a box is black without noise, lies exactly along the rows and columns of pixels, ends within the
    picture, and is near the picture's edge. Text without a box is not told from a plate.

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
    part = gray[top:bottom, left:right]
    _, labels, stats, _ = cv2.connectedComponentsWithStats((part <= DARK).astype(np.uint8))
    if len(stats) < 2:
        return False
    number = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    x, y, width, height = (int(value) for value in stats[number, :4])
    ground, box = labels[y : y + height, x : x + width] == number, part[y : y + height, x : x + width]
    gaps = np.array([left + x, top + y, size[0] - left - x - width, size[1] - top - y - height])
    inner = np.array([x, y, right - left - x - width, bottom - top - y - height])
    hull = float((high - low).prod())
    sides = (ground[0], ground[-1], ground[:, 0], ground[:, -1])
    return bool(
        gaps.min() <= MAX_GAP * height
        # It ends where the part does only at the picture's edge.
        and (inner[gaps > 0] > 0).all()
        and SIZE[0] * hull <= width * height <= SIZE[1] * hull
        and min(side.mean() for side in sides) >= MIN_SIDE
        and ground.mean() >= MIN_GROUND
        and np.median(box[ground]) <= MAX_MEDIAN
        and np.percentile(box, 97) >= MIN_BRIGHT
    )
