"""The picture of a plate that the plate network looks at: reading and training make it in the same way."""

from __future__ import annotations

import cv2
import numpy as np

from plate_ocr.vision.images import Image

HEIGHT, WIDTH = 64, 256
"""Size of the network's input, pixels."""


def preprocess_plate(gray: Image, height: int = HEIGHT, width: int = WIDTH) -> Image:
    """Stretch a crop of a plate to the network's size, whatever its form.

    Args:
        gray: uint8 ``(H, W)``.
        height: of the result, pixels.
        width: of the result, pixels.

    Returns:
        uint8 ``(height, width)``.
    """
    # OpenCV averages only where both axes shrink: one axis after the other.
    small = (min(width, gray.shape[1]), min(height, gray.shape[0]))
    gray = np.asarray(cv2.resize(gray, small, interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(cv2.resize(gray, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
