"""Texts that are no plates: signs, what cameras print, and the dark around plates."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.random import Generator

from plate_ocr.rendering.clutter import darken
from plate_ocr.rendering.glyphs import Glyphs
from plate_ocr.rendering.masks import HEIGHT
from plate_ocr.rendering.overlays import add_overlay
from plate_ocr.rendering.signs import camera_text, draw_sign, sign_text, text_mask

BOX = np.array([[20.0, 8], [90, 12], [88, 34], [18, 30]])


@pytest.fixture(scope="module")
def glyphs() -> Glyphs:
    return Glyphs(None)


@pytest.mark.parametrize("write", [camera_text, sign_text])
def test_texts_vary_and_leave_nothing_to_fill(write: Callable[[Generator], str]) -> None:
    rng = np.random.default_rng(0)
    texts = [write(rng) for _ in range(200)]
    assert len(set(texts)) > 60
    assert all(text and not set("{}") & set(text) for text in texts)


def test_longer_texts_are_wider(glyphs: Glyphs) -> None:
    short, long = (text_mask(np.random.default_rng(1), glyphs, text) for text in ("12:30", "12:30 12:30"))
    assert short.shape[0] == long.shape[0] == HEIGHT
    assert long.shape[1] > 2 * short.shape[1]
    assert short.max() == 255


def test_signs_are_legible(glyphs: Glyphs) -> None:
    for seed in range(30):
        sign = draw_sign(np.random.default_rng(seed), glyphs)
        assert sign.dtype == np.uint8
        assert 20 <= sign.shape[0] <= 200
        assert np.ptp(sign.astype(int)) > 80


def test_a_camera_prints_over_its_picture_but_over_no_plate(glyphs: Glyphs) -> None:
    inside = np.zeros((128, 176), bool)
    inside[13:30, 22:86] = True
    printed = 0
    for seed in range(40):
        picture = np.full((128, 176), 120, np.uint8)
        add_overlay(np.random.default_rng(seed), glyphs, picture, [BOX])
        changed = picture != 120
        assert not changed[inside].any()
        printed += changed.any()
    assert printed > 30


def test_at_night_the_plate_is_what_is_seen() -> None:
    inside = np.zeros((128, 176), bool)
    inside[13:30, 22:86] = True
    shares = []
    for seed in range(20):
        scene = np.full((128, 176), 150, np.uint8)
        darken(np.random.default_rng(seed), scene, [BOX])
        shares.append(scene[inside].mean() / max(1.0, float(np.median(scene))))
    assert min(shares) > 1
    assert np.median(shares) > 2
