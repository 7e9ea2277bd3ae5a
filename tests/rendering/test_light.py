"""Light on a plate leaves it legible."""

from __future__ import annotations

import numpy as np
import pytest

from plate_ocr.rendering import light as of_light
from plate_ocr.rendering.light import MAX_REFLECTION, light

TEXT_HEIGHT = 30.0


def test_a_reflection_takes_part_of_the_contrast_of_a_small_place() -> None:
    for seed in range(100):
        dark, bright = np.full((64, 200), 30, np.float32), np.full((64, 200), 190, np.float32)
        for picture in (dark, bright):
            of_light._reflect(np.random.default_rng(seed), picture, TEXT_HEIGHT)
        left = (bright - dark) / 160
        assert left.min() > 1 - MAX_REFLECTION - 1e-3
        assert 0 < (left < 0.99).mean() < 0.4, seed
        assert dark.max() > 30
        assert bright.min() >= 190


def test_few_plates_have_reflections(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []
    monkeypatch.setattr(of_light, "_reflect", lambda *args: drawn.append(1))
    for seed in range(400):
        picture = np.full((40, 120), 128, np.float32)
        lit = light(np.random.default_rng(seed), picture, TEXT_HEIGHT)
        assert (lit.shape, lit.dtype) == (picture.shape, picture.dtype)
    assert 8 < len(drawn) < 70
