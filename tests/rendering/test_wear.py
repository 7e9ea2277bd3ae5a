"""Worn and dirty plates stay legible."""

from __future__ import annotations

import numpy as np

from plate_ocr.region_files.parser import load_region
from plate_ocr.rendering.canvas import Painter
from plate_ocr.rendering.glyphs import Glyphs
from plate_ocr.rendering.wear import add_dirt, paint_text

GLYPHS = Glyphs(None)
LAYOUT = load_region("us").layouts[0]


def painter(seed: int) -> Painter:
    return Painter(np.random.default_rng(seed), LAYOUT, GLYPHS, 0.4)


def bars(shape: tuple[int, int]) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """A text of upright strokes, 4 pixels wide."""
    mask = np.zeros(shape, np.float32)
    for x in range(20, 100, 12):
        mask[15:45, x : x + 4] = 1
    return mask


def test_painted_text_keeps_a_third_of_its_contrast_or_its_edges() -> None:
    edges, shares = [], []
    for seed in range(200):
        one = painter(seed)
        mask = bars(one.shape)
        paint_text(one, mask, 30.0, one.foreground)
        contrast = abs(one.foreground - one.background)
        shares.append(abs(float(one.canvas[mask > 0].mean()) - one.background) / contrast)
        edges.append(float(np.abs(np.diff(one.canvas[30])).max()) / contrast)
    assert min(edges) > 0.25
    assert np.mean(np.array(shares) > 0.6) > 0.85
    # But some are worn.
    assert min(shares) < 0.6


def test_dirt_hides_no_more_than_a_small_part_of_a_plate() -> None:
    changed = []
    for seed in range(200):
        one = painter(seed)
        one.canvas[:] = one.background
        mask = bars(one.shape) > 0
        one.canvas[mask] = one.foreground
        before = one.canvas.copy()
        add_dirt(one, 30.0)
        assert one.canvas.shape == before.shape
        changed.append((one.canvas != before).any())
        sign = np.sign(one.foreground - one.background)
        text, plate = sign * one.canvas[mask], sign * one.canvas[15:45, 20:100][~mask[15:45, 20:100]]
        contrast = abs(one.foreground - one.background)
        assert np.median(text) - np.median(plate) > 0.25 * contrast, seed
    assert np.mean(changed) > 0.9
