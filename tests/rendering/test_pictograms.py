"""Pictograms on plates."""

from __future__ import annotations

import numpy as np
import pytest

from plate_ocr.region_files.parser import load_region
from plate_ocr.rendering.canvas import Painter
from plate_ocr.rendering.glyphs import Glyphs
from plate_ocr.rendering.pictograms import PICTOGRAMS, draw_pictogram

GLYPHS, LAYOUT = Glyphs(None), load_region("us").layouts[0]


def painter(seed: int) -> Painter:
    return Painter(np.random.default_rng(seed), LAYOUT, GLYPHS, 0.4)


def test_pictograms_stay_about_their_box_and_differ() -> None:
    drawn = set()
    for seed in range(80):
        one = painter(seed)
        before = one.canvas.copy()
        draw_pictogram(one, (40, 15, 60, 45))
        changed = np.argwhere(one.canvas != before)
        assert len(changed)
        (top, left), (bottom, right) = changed.min(0), changed.max(0)
        # At most 1.6 times as large.
        assert left >= 33
        assert right <= 67
        assert top >= 5
        assert bottom <= 55
        drawn.add((one.canvas != before).tobytes())
    assert len(drawn) > 60


def test_pictograms_are_fainter_than_text_where_they_reach_under_it() -> None:
    for seed in range(80):
        one = painter(seed)
        draw_pictogram(one, (40, 15, 60, 45))
        outside = np.delete(one.canvas, range(40, 60), axis=1)
        share = (outside - one.background) / (one.foreground - one.background)
        assert share.max() < 0.95


@pytest.mark.parametrize("name", PICTOGRAMS)
def test_pictograms_fill_their_box(name: str) -> None:
    points = np.concatenate(
        [
            np.array(shape.points)
            if shape.type in ("area", "line")
            else np.add(shape.points[0], np.multiply([[-1, -1], [1, 1]], shape.points[1]))
            for shape in PICTOGRAMS[name]
        ]
    )
    assert points.min() > -0.01
    assert points.max() < 1.01
    assert np.ptp(points[:, 1]) > 0.6
