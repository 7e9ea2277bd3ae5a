"""Masks of characters: uint8 ``(H, W)``, 255 on the character."""

from __future__ import annotations

import cv2
import numpy as np

from plate_ocr.vision.images import Image

HEIGHT = 64
"""Height of a glyph, pixels: text on plates is smaller."""

MIN_INK = 40
"""Grey level that a column of a character exceeds somewhere; what is fainter lies beside it."""


def resized(mask: Image, width: int, height: int = HEIGHT) -> Image:
    """A mask in another size."""
    method = cv2.INTER_AREA if mask.shape[0] > height else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(mask, (width, height), interpolation=method), np.uint8)


def scaled(mask: Image, height: int, max_width: int) -> Image:
    """A mask in another height, and narrower where it would be wider than the maximum."""
    width = min(max_width, max(3, round(mask.shape[1] * height / mask.shape[0])))
    return np.asarray(cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def trimmed(mask: Image) -> Image:
    """A mask without the empty columns on its left and right."""
    used = np.flatnonzero(mask.max(0) > MIN_INK)
    return np.ascontiguousarray(mask[:, used[0] : used[-1] + 1])
