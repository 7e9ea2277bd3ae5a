"""White-pixel ratios: the share of white under a window that slides over a binary picture.

In the literature of character recognition these are *zoning features* (Gatos et al., ICDAR 2011).
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from plate_ocr.vision.images import Image
from plate_ocr.vision.settings import GRID


def white_ratios(
    binary: Image,
    window: tuple[float, float] | None = None,
    stride: tuple[float, float] | None = None,
) -> NDArray[np.float32]:
    """Share of white under a window that slides over a binary picture.

    It is a box filter sampled at the stride. An integral image makes every window cost four
    look-ups, whatever its size. Edges may fall inside pixels: those count by the part covered.

    Args:
        binary: uint8 ``(H, W)``, 0 or 255, glyphs white.
        window: height and width in pixels; a fifth of the picture each by default.
        stride: step down and to the right in pixels; by default the window's size, so that the
            windows tile the picture.

    Returns:
        float32 ``(rows, columns)``, 0..1; ``rows = floor((H - window height) / stride + 1)``.
        With the defaults 5×5, whose 25 values in reading order are the row vector for the network.

    Raises:
        ValueError: if the window is larger than the picture or a size is not positive.
    """
    height, width = binary.shape
    window = (height / GRID[0], width / GRID[1]) if window is None else window
    stride = window if stride is None else stride
    if min(*window, *stride) <= 0:
        raise ValueError(f"window {window} and stride {stride} must be positive")
    if window[0] > height or window[1] > width:
        raise ValueError(f"window {window} is larger than the picture {(height, width)}")
    tops = _starts(height, window[0], stride[0])
    lefts = _starts(width, window[1], stride[1])
    # Integers of 32 bits would overflow on pictures of nine megapixels.
    integral = np.asarray(cv2.integral(binary, sdepth=cv2.CV_64F), np.float64)
    bottoms, rights = tops + window[0], lefts + window[1]
    sums = (
        _interpolate(integral, bottoms, rights)
        - _interpolate(integral, tops, rights)
        - _interpolate(integral, bottoms, lefts)
        + _interpolate(integral, tops, lefts)
    )
    return np.asarray(sums / (255 * window[0] * window[1]), np.float32)


def framed_ratios(
    binary: NDArray[np.uint8],
    boxes: NDArray[np.float64],
    grid: tuple[int, int] = GRID,
    overlap: float = 0.0,
) -> NDArray[np.float32]:
    """White-pixel ratios of a box in each of many pictures: one row vector per picture.

    A window's share of white is a weighted sum of pixels, and its weight a product of one for the row
    and one for the column. So the ratios of a picture B are R·B·Cᵀ, which for pictures as small as
    characters costs less than an integral image.

    Args:
        binary: uint8 ``(N, H, W)``, 0 or 255, glyphs white.
        boxes: float64 ``(N, 4)``: left, top, right, bottom in pixels of each picture. They may extend
            beyond its edge, where all is black.
        grid: rows and columns of windows that tile each box.
        overlap: enlargement of each window beyond its tile, as a part of the tile.

    Returns:
        float32 ``(N, rows * columns)``, 0..1, in reading order.
    """
    left, top, right, bottom = (boxes[:, i, None] for i in range(4))
    down = _window_weights(top, bottom, grid[0], overlap, binary.shape[1])
    across = _window_weights(left, right, grid[1], overlap, binary.shape[2])
    ratios = np.matmul(np.matmul(down, binary.astype(np.float32)), across.transpose(0, 2, 1))
    return np.asarray(ratios.reshape(len(binary), grid[0] * grid[1]) / 255, np.float32)


def frame(boxes: NDArray[np.float64], aspect: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Widen boxes to a common proportion, so that a 1 stays narrow.

    Args:
        boxes: float64 ``(N, 4)``: left, top, right, bottom.
        aspect: width over height, one number or float64 ``(N,)``. Narrower boxes are widened to
            it on both sides alike; wider ones stay as they are.

    Returns:
        float64 ``(N, 4)``.
    """
    left, top, right, bottom = boxes.T
    missing = np.maximum(0, aspect * (bottom - top) - (right - left)) / 2
    return np.stack([left - missing, top, right + missing, bottom], axis=1)


def _window_weights(
    low: NDArray[np.float64], high: NDArray[np.float64], count: int, overlap: float, length: int
) -> NDArray[np.float32]:
    """The share of each window that each pixel covers: ``(N, 1)`` ends to ``(N, count, length)`` weights."""
    tile = (high - low) / count
    window = (tile * (1 + overlap))[:, :, None]
    start = (low + tile * (np.arange(count) - overlap / 2))[:, :, None]
    pixel = np.arange(length)
    covered = np.minimum(start + window, pixel + 1) - np.maximum(start, pixel)
    return np.asarray(np.clip(covered, 0, 1) / window, np.float32)


def _starts(length: float, window: float, stride: float) -> NDArray[np.float64]:
    # The margin forgives rounding, so that five fifths of a length are five windows.
    return np.asarray(np.arange(math.floor((length - window) / stride + 1e-9) + 1) * stride, np.float64)


def _interpolate(
    integral: NDArray[np.float64], ys: NDArray[np.float64], xs: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Integral image at fractional places, ``(R,)`` and ``(C,)`` to ``(R, C)``: exact, as the picture is
    constant within a pixel.
    """
    y, fy = _split(ys, integral.shape[0] - 1)
    x, fx = _split(xs, integral.shape[1] - 1)
    rows = integral[y] * (1 - fy)[:, None] + integral[y + 1] * fy[:, None]
    return np.asarray(rows[:, x] * (1 - fx) + rows[:, x + 1] * fx, np.float64)


def _split(place: NDArray[np.float64], limit: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    place = np.clip(place, 0, limit)
    whole = np.minimum(place.astype(np.int64), limit - 1)
    return whole, place - whole
