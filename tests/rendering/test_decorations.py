"""What is on plates and around them besides their text."""

from __future__ import annotations

import numpy as np
import pytest

from plate_ocr.region_files.parser import load_region
from plate_ocr.region_files.schema import Box, Decoration
from plate_ocr.rendering.canvas import Painter
from plate_ocr.rendering.decorations import draw_decoration
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


def drawn(decoration: Decoration, seed: int) -> Painter:
    painter = Painter(np.random.default_rng(seed), load_region("us").layouts[0], Glyphs(None), 0.4)
    draw_decoration(painter, decoration)
    return painter


def test_stacks_without_texts_are_small_characters_of_any_kind_inside_their_box() -> None:
    pictures = set()
    for seed in range(20):
        painter = drawn(Decoration("stack", (20, 40, 50, 110), 1.0, (), ()), seed)
        changed = np.argwhere(painter.canvas != painter.background)
        (top, left), (bottom, right) = changed.min(0), changed.max(0)
        assert 16 <= top < 20
        assert 38 <= bottom <= 44
        assert 8 <= left < right <= 20
        pictures.add((painter.canvas != painter.background).tobytes())
    assert len(pictures) > 18


@pytest.mark.parametrize("box", [(6, 36, 66, 120), (100, 36, 205, 120)])
def test_badges_under_characters_are_fainter_than_these(box: Box) -> None:
    for seed in range(60):
        painter = drawn(Decoration("badge", box, 1.0, (), ()), seed)
        share = (painter.canvas - painter.background) / (painter.foreground - painter.background)
        assert (share != 0).any()
        assert share.max() < 0.95
