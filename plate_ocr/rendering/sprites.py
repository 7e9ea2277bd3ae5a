"""Characters cut out of photos, as masks, and drawn ones as coarse as these."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np

from plate_ocr.rendering.masks import HEIGHT, resized
from plate_ocr.vision.images import Image

N_SPRITES = 140
"""Number of cut-out characters per class and source, sampled evenly."""

N_COARSE = 40
"""Number of pictures of a Chinese character, coarse ones where fewer were cut out."""

MIN_CORRELATION = 0.45
"""Minimum correlation of a cut-out character with the drawn glyph; others are illegible or mislabelled."""

MIN_CHINESE_CORRELATION = 0.6
"""The same for Chinese characters: a network would learn merged strokes as features of a class."""


def read_gray(path: Path) -> Image | None:
    """A picture in shades of grey; its name may not be ASCII, which OpenCV cannot open everywhere."""
    gray = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_GRAYSCALE)
    return None if gray is None else np.asarray(gray, np.uint8)


def cut_out(folder: Path, template: Image) -> list[Image]:
    """Masks of the pictures of a character.

    Args:
        folder: of the pictures, by name the character.
        template: the drawn glyph; pictures that do not look like it are left out.
    """
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    pictures = (read_gray(path) for path in paths[:: math.ceil(len(paths) / N_SPRITES) or 1])
    least = MIN_CORRELATION if folder.name.isascii() else MIN_CHINESE_CORRELATION
    masks = (_mask(gray, template, least) for gray in pictures if gray is not None)
    return [mask for mask in masks if mask is not None]


def coarse(glyph: Image, seed: tuple[int, int]) -> Image:
    """A drawn Chinese character as coarse as cut-out ones, for a class that has none or few.

    If it were sharp, or always one of the same few, it would be known by that.
    """
    rng = np.random.default_rng(seed)
    height = int(rng.integers(20, 31))
    small = resized(glyph, max(3, round(height * glyph.shape[1] / HEIGHT)), height)
    small = np.asarray(cv2.GaussianBlur(small, (0, 0), float(rng.uniform(0.2, 0.6))), np.uint8)
    gain = float(rng.uniform(1.1, 1.7))
    level = np.clip((small.astype(np.float32) - 20) * gain, 0, 255).astype(np.uint8)
    return resized(level, glyph.shape[1])


def _mask(gray: Image, template: Image, min_correlation: float) -> Image | None:
    """Turn a cut-out character into a mask; None if its correlation with the drawn glyph is too low.

    Its polarity is that of its correlation with the glyph.
    """
    wide = resized(gray, round(gray.shape[1] * HEIGHT / gray.shape[0])).astype(np.float32)
    low, high = np.percentile(wide, (8, 94))
    if high - low < 20:
        return None
    level = np.clip((wide - low) / (high - low), 0, 1)
    columns = level.max(0) > 0.5 if gray.shape[0] == gray.shape[1] else np.ones(level.shape[1], bool)
    used = np.flatnonzero(columns)
    if not len(used):
        return None
    level = level[:, used[0] : used[-1] + 1]
    drawn = resized(template, level.shape[1]).astype(np.float32)
    alike = float(np.corrcoef(level.ravel(), drawn.ravel())[0, 1]) if level.std() > 0 else 0.0
    # A tightly cut "1" fills the picture.
    if not abs(alike) >= min_correlation:
        return None
    level = level if alike > 0 else 1 - level
    # An uneven background must not show as a box around the character.
    return np.asarray(np.clip(level * 1.25 - 0.2, 0, 1) * 255, np.uint8)
