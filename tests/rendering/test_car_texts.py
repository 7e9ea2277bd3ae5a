"""Texts that are no plates, in pictures without a plate."""

from __future__ import annotations

import numpy as np

from plate_ocr.rendering.car_texts import COUNTRIES, NAMES, add_car_text
from plate_ocr.rendering.clutter import not_a_plate
from plate_ocr.rendering.glyphs import Glyphs


def test_texts_are_named_once() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert len(set(COUNTRIES)) == len(COUNTRIES)


def test_a_text_changes_a_picture_of_any_size_and_depends_on_the_randomness_alone() -> None:
    glyphs, changed = Glyphs(None), 0
    for seed in range(120):
        shape = (16 + seed % 40, 48 + 7 * seed % 130)
        one, two = np.full((2, *shape), 90, np.uint8)
        for scene in (one, two):
            add_car_text(np.random.default_rng(seed), scene, glyphs)
        assert one.tobytes() == two.tobytes()
        changed += int(np.ptp(one.astype(int)) > 10)
    # Some lie beyond the edge.
    assert changed > 90


def test_pictures_without_a_plate_have_the_size_that_is_asked_for() -> None:
    glyphs = Glyphs(None)
    pictures = [not_a_plate(np.random.default_rng(seed), 30, 90, glyphs) for seed in range(60)]
    assert {picture.shape for picture in pictures} == {(30, 90)}
    assert {picture.dtype for picture in pictures} == {np.dtype(np.uint8)}
