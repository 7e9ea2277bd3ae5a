"""What is on plates and around them besides their text."""

from __future__ import annotations

import numpy as np

from plate_ocr.region_files.parser import load_region
from plate_ocr.rendering.flat_plate import draw_plate
from plate_ocr.rendering.glyphs import Glyphs


def test_dealers_frames_have_texts_above_below_or_both_and_never_over_the_plates_own() -> None:
    glyphs, layout = Glyphs(None), load_region("us").layouts[0]
    rooms = set()
    for seed in range(60):
        plate = draw_plate(np.random.default_rng(seed), layout, glyphs, 0.4, frame=1.0)
        left, top, right, bottom = plate.plate_box
        below = plate.gray.shape[0] - bottom
        rooms.add((top > 0.09 * (bottom - top), below > 0.09 * (bottom - top)))
        text = plate.text_box
        assert left <= text[0] < text[2] <= right
        assert top <= text[1] < text[3] <= bottom
    assert rooms == {(False, False), (False, True), (True, False), (True, True)}
