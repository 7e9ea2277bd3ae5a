"""White-pixel ratios: a window slides over a binary picture and gives the share of white under it.

In the literature of character recognition these are *zoning features* (Gatos et al., ICDAR 2011).
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from plate_ocr.vision.images import Image

GRID = (5, 5)
"""Rows and columns of windows when none are named: 25 values."""


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
    sums = _window_sums(binary, tops[None], tops[None] + window[0], lefts[None], lefts[None] + window[1])[0]
    return np.asarray(sums / (255 * window[0] * window[1]), np.float32)


def framed_ratios(
    binary: Image,
    boxes: NDArray[np.float64],
    grid: tuple[int, int] = GRID,
    overlap: float = 0.0,
) -> NDArray[np.float32]:
    """White-pixel ratios of many boxes of one picture at once: a row vector each.

    Args:
        binary: uint8 ``(H, W)``, 0 or 255, glyphs white.
        boxes: float64 ``(N, 4)``: left, top, right, bottom in pixels. They may reach over the
            edge of the picture, beyond which all is black.
        grid: rows and columns of windows that tile each box.
        overlap: by how much each window is enlarged over its tile, as a part of the tile.

    Returns:
        float32 ``(N, rows * columns)``, 0..1, in reading order.
    """
    rows, columns = grid
    left, top, right, bottom = (boxes[:, i, None] for i in range(4))
    tile_h, tile_w = (bottom - top) / rows, (right - left) / columns
    tops = top + tile_h * (np.arange(rows) - overlap / 2)
    lefts = left + tile_w * (np.arange(columns) - overlap / 2)
    window_h, window_w = tile_h * (1 + overlap), tile_w * (1 + overlap)
    sums = _window_sums(binary, tops, tops + window_h, lefts, lefts + window_w)
    ratios = sums / (255 * window_h * window_w)[:, :, None]
    return np.asarray(ratios.reshape(len(boxes), rows * columns), np.float32)


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


def _starts(length: float, window: float, stride: float) -> NDArray[np.float64]:
    # The margin forgives rounding, so that five fifths of a length are five windows.
    return np.asarray(np.arange(math.floor((length - window) / stride + 1e-9) + 1) * stride, np.float64)


def _window_sums(
    binary: Image,
    tops: NDArray[np.float64],
    bottoms: NDArray[np.float64],
    lefts: NDArray[np.float64],
    rights: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Sums under windows, from an integral image: edges ``(N, R)`` and ``(N, C)`` to ``(N, R, C)``."""
    # Integers of 32 bits would overflow on pictures of nine megapixels.
    integral = np.asarray(cv2.integral(binary, sdepth=cv2.CV_64F), np.float64)
    upper_left, upper_right = _interpolate(integral, tops, lefts), _interpolate(integral, tops, rights)
    lower_left, lower_right = _interpolate(integral, bottoms, lefts), _interpolate(integral, bottoms, rights)
    return lower_right - upper_right - lower_left + upper_left


def _interpolate(
    integral: NDArray[np.float64], ys: NDArray[np.float64], xs: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Integral image at fractional places: exact, as the picture is constant within a pixel."""
    y0, fy = _split(ys, integral.shape[0] - 1)
    x0, fx = _split(xs, integral.shape[1] - 1)
    stride = integral.shape[1]
    flat = integral.ravel()
    corner = (y0 * stride)[:, :, None] + x0[:, None, :]
    wy, wx = fy[:, :, None], fx[:, None, :]
    above = flat[corner] * (1 - wx) + flat[corner + 1] * wx
    below = flat[corner + stride] * (1 - wx) + flat[corner + stride + 1] * wx
    return np.asarray(above * (1 - wy) + below * wy)


def _split(place: NDArray[np.float64], limit: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    place = np.clip(place, 0, limit)
    whole = np.minimum(place.astype(np.int64), limit - 1)
    return whole, place - whole
