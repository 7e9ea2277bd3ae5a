"""Text overlays of cameras, mostly at the edges: clocks, dates, names, places, speeds."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from plate_ocr.rendering.glyphs import Glyphs
from plate_ocr.rendering.masks import HEIGHT
from plate_ocr.rendering.signs import camera_text, text_mask
from plate_ocr.vision.images import Image

PRINTED = (
    cv2.FONT_HERSHEY_PLAIN, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX_SMALL, cv2.FONT_HERSHEY_TRIPLEX,
)  # fmt: skip
"""Stroke fonts as in many cameras."""


def add_overlay(rng: Generator, glyphs: Glyphs, picture: Image, spare: Sequence[NDArray[np.float64]]) -> None:
    """Print one to five texts over a picture, with or without boxes, but not over plates.

    Args:
        rng: random generator.
        glyphs: the fonts.
        picture: uint8 ``(H, W)``; it is changed.
        spare: corners of the plates in it, ``(4, 2)`` each.
    """
    high = 5 + round(19 * float(rng.random()) ** 2)
    bright = rng.random() < 0.7
    foreground, background = (235 + 20 * float(rng.random()), 30 * float(rng.random()))[
        :: 1 if bright else -1
    ]
    choice = rng.random()
    opacity = 0.0 if choice < 0.4 else 1.0 if choice < 0.8 else 0.3 + 0.5 * float(rng.random())
    pad = 1 + round(high * 0.5 * float(rng.random()))
    if rng.random() < 0.12:
        # A bar along the whole edge.
        bar = high + 2 * pad + 2
        rows = slice(0, bar) if rng.random() < 0.5 else slice(picture.shape[0] - bar, None)
        if all(box[:, 1].min() > bar and box[:, 1].max() < picture.shape[0] - bar for box in spare):
            picture[rows] = round(background)
    style = float(rng.random())
    for _ in range(1 + int(rng.random() * 4)):
        mask = _line(rng, glyphs, camera_text(rng), high, style)
        mask = mask[:, : picture.shape[1] - 2 * pad]
        size = np.array([mask.shape[1], mask.shape[0]]) + 2 * pad
        low = _place(rng, size, np.array(picture.shape[::-1]))
        if any((box.max(0) > low).all() and (box.min(0) < low + size).all() for box in spare):
            continue
        part = picture[low[1] : low[1] + size[1], low[0] : low[0] + size[0]]
        area = part + (background - part.astype(np.float32)) * np.float32(opacity)
        letters = np.pad(mask, pad).astype(np.float32)[: part.shape[0], : part.shape[1]] / 255
        if opacity == 0 and rng.random() < 0.6:
            # An outline around each letter.
            area += (background - area) * cv2.dilate(letters, np.ones((3, 3), np.uint8))
        part[:] = np.clip(area + (foreground - area) * letters, 0, 255).astype(np.uint8)


def _line(rng: Generator, glyphs: Glyphs, text: str, high: int, style: float) -> Image:
    """A line of text: uint8 ``(high, W)``."""
    if style < 0.45:
        font = PRINTED[int(style / 0.45 * len(PRINTED))]
        thick = 1 + int(rng.random() * 3)
        (wide, tall), below = cv2.getTextSize(text, font, 2.0, thick)
        mask = np.zeros((tall + below + 2, wide + 4), np.uint8)
        cv2.putText(mask, text, (2, tall), font, 2.0, 255, thick, cv2.LINE_AA)
    else:
        mask = text_mask(rng, glyphs, text)
        mask = np.asarray(mask[:, : HEIGHT * 30], np.uint8)
    stretch = 0.85 + 0.4 * float(rng.random())
    wide = max(3, round(mask.shape[1] * high / mask.shape[0] * stretch))
    return np.asarray(cv2.resize(mask, (wide, high), interpolation=cv2.INTER_AREA), np.uint8)


def _place(rng: Generator, size: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.int64]:
    """The upper left corner of a box: mostly along an edge of the picture, at its corners above all."""
    room = np.maximum(whole - size, 0)
    across, down = float(rng.random()), float(rng.random()) ** 2 * 0.12
    choice = rng.random()
    if choice < 0.6:
        across = 0.1 * across if rng.random() < 0.5 else 1 - 0.1 * across
    if choice > 0.93:
        down = float(rng.random())
    elif rng.random() < 0.5:
        down = 1 - down
    return np.asarray(np.rint(room * (across, down)), np.int64)
