"""Grey to black and white, glyphs white whatever the plate's colours.

Functions here take one picture ``(H, W)`` or a stack of pictures of one size ``(..., H, W)``.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from plate_ocr.vision.images import Image

Stack = NDArray[np.uint8]
"""uint8 ``(..., H, W)``: one picture or several of one size."""


def otsu_threshold(gray: Stack) -> NDArray[np.uint8]:
    """The threshold that separates dark from bright best.

    It maximises the variance between the two classes, w₀·w₁·(μ₀ - μ₁)²
    (Otsu, *A Threshold Selection Method from Gray-Level Histograms*, 1979).

    Args:
        gray: uint8 ``(..., H, W)``.

    Returns:
        uint8 ``(...)``: pixels above it are bright. For a picture of one colour, that colour.
    """
    pictures = gray.reshape(-1, gray.shape[-2] * gray.shape[-1])
    count = len(pictures)
    cells = pictures + 256 * np.arange(count, dtype=np.int64)[:, None]
    histogram = np.bincount(cells.ravel(), minlength=256 * count).reshape(count, 256).astype(np.float32)
    dark = np.cumsum(histogram, axis=1)
    dark_sum = np.cumsum(histogram * np.arange(256, dtype=np.float32), axis=1)
    bright = dark[:, -1:] - dark
    # w₀w₁(μ₀-μ₁)² = (total·S₀ - w₀·S)² / (w₀w₁), up to a constant factor.
    between = (dark_sum * dark[:, -1:] - dark * dark_sum[:, -1:]) ** 2
    between /= np.maximum(dark * bright, 1)
    between[(dark == 0) | (bright == 0)] = -1
    best = between.argmax(axis=1)
    flat = between.max(axis=1) < 0
    best[flat] = pictures[flat, 0]
    return np.asarray(best.astype(np.uint8).reshape(gray.shape[:-2]))


def otsu(gray: Stack) -> Stack:
    """Bright pixels white, with one threshold per picture.

    Args:
        gray: uint8 ``(..., H, W)``.

    Returns:
        uint8 ``(..., H, W)``: 0 or 255.
    """
    return (gray > otsu_threshold(gray)[..., None, None]).astype(np.uint8) * np.uint8(255)


def sauvola(gray: Image, window: int, k: float = 0.2) -> Image:
    """Bright pixels white, by a threshold of each pixel's surroundings: for uneven light.

    The threshold is m·(1 + k·(s/R - 1)) with the mean m and standard deviation s under the window and
    R = 128 (Sauvola and Pietikäinen, *Adaptive document image binarization*, 2000). The formula
    expects dark glyphs; it is applied to the negative, so that bright glyphs need contrast.

    Args:
        gray: uint8 ``(H, W)``.
        window: side of the square window, pixels, at least 3.
        k: how far flat surroundings push the threshold away from their mean.

    Returns:
        uint8 ``(H, W)``: 0 or 255.
    """
    negative = 255.0 - gray.astype(np.float32)
    mean = cv2.boxFilter(negative, -1, (window, window), borderType=cv2.BORDER_REPLICATE)
    square = cv2.sqrBoxFilter(negative, cv2.CV_32F, (window, window), borderType=cv2.BORDER_REPLICATE)
    deviation = np.sqrt(np.maximum(square - mean * mean, 0))
    return (negative < mean * (1 + k * (deviation / 128 - 1))).astype(np.uint8) * np.uint8(255)


def border_share(binary: Stack) -> NDArray[np.float64]:
    """Share of white among the outermost pixels.

    Args:
        binary: uint8 ``(..., H, W)``, 0 or 255.

    Returns:
        float64 ``(...)``, 0..1.
    """
    height, width = binary.shape[-2:]
    edge = np.ones((height, width), bool)
    edge[1:-1, 1:-1] = False
    return np.asarray(np.count_nonzero(binary[..., edge], axis=-1) / np.count_nonzero(edge))


def glyphs_white(binary: Stack) -> Stack:
    """Invert the pictures whose background is white.

    The background is the majority of the border: glyphs are inside.

    Args:
        binary: uint8 ``(..., H, W)``, 0 or 255.

    Returns:
        uint8 ``(..., H, W)``: glyphs 255 on 0.
    """
    return np.where(border_share(binary)[..., None, None] > 0.5, 255 - binary, binary).astype(np.uint8)
