"""The input of the plate network: one function for reading and training."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from plate_ocr.vision.images import Image

HEIGHT, WIDTH = 64, 256
"""Size of the network's input, pixels."""

TEXT_MARGIN = (0.05, 0.11)
"""Margin around the text in the view that the network reads, as parts of the view's width and height."""


def preprocess_plate(gray: Image, height: int = HEIGHT, width: int = WIDTH) -> Image:
    """Stretch a crop of a plate to the network's input size, whatever its aspect ratio.

    Args:
        gray: uint8 ``(H, W)``.
        height: of the result, pixels.
        width: of the result, pixels.

    Returns:
        uint8 ``(height, width)``.
    """
    # OpenCV averages only if both axes shrink: first shrink, then enlarge.
    small = (min(width, gray.shape[1]), min(height, gray.shape[0]))
    gray = np.asarray(cv2.resize(gray, small, interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(cv2.resize(gray, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


@cache
def view_weights(height: int, width: int) -> NDArray[np.float32]:
    """Bilinear weights of the text's corners for each pixel of a view that the text fills.

    Args:
        height: of the view, pixels.
        width: of the view, pixels.

    Returns:
        float32 ``(height * width, 4)``; multiplied by the corners ``(4, 2)`` they give the places of the
        view's pixels: interpolated within the text, extrapolated into the margin of :data:`TEXT_MARGIN`.
    """
    across, down = TEXT_MARGIN
    t = ((np.arange(height) + 0.5) / height - down) / (1 - 2 * down)
    s = ((np.arange(width) + 0.5) / width - across) / (1 - 2 * across)
    t, s = np.meshgrid(t, s, indexing="ij")
    weights = np.stack([(1 - s) * (1 - t), s * (1 - t), s * t, (1 - s) * t], -1)
    return np.asarray(weights.reshape(-1, 4), np.float32)


def text_view(picture: Image, corners: NDArray[np.float32]) -> Image:
    """The rectified view of the text, which the network reads.

    Args:
        picture: uint8 ``(height, width)``: as of :func:`preprocess_plate`.
        corners: float32 ``(4, 2)``: of the text, as parts of the picture's width and height.

    Returns:
        uint8 ``(height / 2, width / 2)``: the text with a margin of :data:`TEXT_MARGIN`.
    """
    height, width = picture.shape
    size = height // 2, width // 2
    pixels = corners * np.array([width, height], np.float32) - np.float32(0.5)
    with np.errstate(all="ignore"):  # some matrix kernels for ARM warn of numbers beside the operands
        places = view_weights(*size) @ pixels
    x, y = np.ascontiguousarray(places.T.reshape(2, *size))
    view = cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(view, np.uint8)


def text_views(pictures: Image, corners: NDArray[np.float32]) -> Image:
    """The views of several pictures, as of :func:`text_view`.

    Args:
        pictures: uint8 ``(N, height, width)``, at least one.
        corners: float32 ``(N, 4, 2)``.

    Returns:
        uint8 ``(N, height / 2, width / 2)``.
    """
    return np.stack([text_view(*pair) for pair in zip(pictures, corners, strict=True)])
