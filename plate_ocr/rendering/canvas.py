"""The canvas of a plate, and helpers for drawing on it."""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from plate_ocr.region_files.schema import Box, Color, Layout
from plate_ocr.rendering.glyphs import Glyphs
from plate_ocr.vision.images import Image

Canvas: TypeAlias = NDArray[np.float32]

MIN_CONTRAST = 60.0
"""Minimum contrast of background and foreground before the camera reduces it, grey levels."""


class Painter:
    """A canvas, and the random choices that hold for the whole plate."""

    def __init__(self, rng: Generator, layout: Layout, glyphs: Glyphs, scale: float) -> None:
        self.rng, self.layout, self.glyphs, self.scale = rng, layout, glyphs, scale
        weights = np.array([0.299, 0.587, 0.114])
        # Cameras differ in spectral sensitivity, infrared ones most.
        weights = weights * np.exp(rng.normal(0, 0.25, 3)) if rng.random() < 0.9 else rng.dirichlet([0.7] * 3)
        self.weights = weights / weights.sum()
        background, foreground = layout.colors[random_index(rng, len(layout.colors))]
        self.background, self.foreground = self.shade(background), self.shade(foreground)
        if abs(self.background - self.foreground) < MIN_CONTRAST:
            bright = _luma(background) > _luma(foreground)
            self.foreground = self.background + (-MIN_CONTRAST if bright else MIN_CONTRAST)
        width, height = layout.size
        self.shape = max(8, round(height * scale)), max(8, round(width * scale))
        self.canvas: Canvas = np.full(self.shape, self.background, np.float32)
        self.font = layout.fonts[random_index(rng, len(layout.fonts))]
        self.style = int(rng.integers(1 << 16))

    def shade(self, color: Color) -> float:
        """Grey level of a colour, with this camera's spectral sensitivity."""
        red, green, blue = color
        level = float(self.weights[0] * red + self.weights[1] * green + self.weights[2] * blue)
        return level + float(self.rng.normal(0, 6))

    def pixels(self, box: Box) -> tuple[int, int, int, int]:
        """A box of the layout in pixels; minimum size 1 × 1."""
        left, top, right, bottom = (round(v * self.scale) for v in box)
        return left, top, max(right, left + 1), max(bottom, top + 1)

    def blend(self, mask: Image, x: int, y: int, level: float) -> None:
        """Blend a grey level into the canvas by a mask, clipped at the canvas's edges."""
        blend(self.canvas, mask * np.float32(1 / 255), x, y, level)


def blend(picture: Canvas | Image, shares: Canvas, x: int, y: int, level: float) -> None:
    """Blend a grey level into a picture, clipped at its edges.

    Args:
        picture: float32 or uint8 ``(H, W)``; it is changed.
        shares: float32 ``(h, w)``: 1 where the level replaces what is there.
        x: the left column of the shares in the picture.
        y: their upper row in it.
        level: the grey level.
    """
    left, top = max(x, 0), max(y, 0)
    part = picture[top : max(y + shares.shape[0], 0), left : max(x + shares.shape[1], 0)]
    inside = shares[top - y :, left - x :][: part.shape[0], : part.shape[1]]
    part[:] = (part + (level - part) * inside).astype(part.dtype)


def random_index(rng: Generator, count: int) -> int:
    """A random index; several times faster than ``rng.integers``."""
    return min(int(rng.random() * count), count - 1)


def _luma(color: Color) -> float:
    return 0.299 * color[0] + 0.587 * color[1] + 0.114 * color[2]


def uniform(rng: Generator, bounds: tuple[float, float]) -> float:
    """A random number between bounds."""
    return bounds[0] + (bounds[1] - bounds[0]) * float(rng.random())


def smooth_noise(rng: Generator, shape: tuple[int, int], rows: int, columns: int) -> Canvas:
    """Smooth noise, about -1..1."""
    small = rng.random((rows, columns), dtype=np.float32) * 2 - 1
    return np.asarray(cv2.resize(small, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR), np.float32)


def corners(box: Box) -> NDArray[np.float64]:
    """Corners of a box, clockwise from the top left, float64 ``(4, 2)``."""
    left, top, right, bottom = box
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float64)


def widened(box: Box, aspect: float, width: float) -> Box:
    """A box, widened on both sides to an aspect ratio as far as a picture of this width reaches."""
    left, top, right, bottom = box
    more = max(0.0, aspect * (bottom - top) - (right - left)) / 2
    return max(min(left, 0.0), left - more), top, min(max(right, width), right + more), bottom
