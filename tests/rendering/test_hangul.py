"""Korean syllables of strokes."""

from __future__ import annotations

import numpy as np
import pytest

from plate_ocr.alphabet import HANGUL
from plate_ocr.rendering.hangul import N_STYLES, draw_hangul, hangul_style
from plate_ocr.rendering.masks import HEIGHT


@pytest.mark.parametrize("style", range(N_STYLES))
def test_syllables_are_apart_fill_their_cell_and_do_not_clog(style: int) -> None:
    drawn = {char: draw_hangul(char, style) for char in HANGUL}
    pictures = {char: picture for char, picture in drawn.items() if picture is not None}
    assert pictures.keys() == set(HANGUL)
    assert len({picture.shape for picture in pictures.values()}) == 1
    for char, picture in pictures.items():
        assert len(picture) == HEIGHT
        ink = picture > 127
        assert ink[:, :3].any() or ink[:, -3:].any()
        assert 0.15 < ink.mean() < 0.66, char
    small = {char: picture[::4, ::4].astype(float) for char, picture in pictures.items()}
    for one in HANGUL:
        assert all(one == other or np.abs(small[one] - small[other]).mean() > 2 for other in HANGUL)


def test_styles_vary_and_do_not_change() -> None:
    for char in HANGUL:
        pictures = [draw_hangul(char, style) for style in range(N_STYLES)]
        assert len({picture.tobytes() for picture in pictures if picture is not None}) == N_STYLES
    before = draw_hangul("한", 3)
    hangul_style.cache_clear()
    after = draw_hangul("한", 3)
    assert before is not None
    assert after is not None
    assert np.array_equal(before, after)


@pytest.mark.parametrize("char", ["A", "ㄱ", "京", "까", "값", "왜"])
def test_what_no_plate_has_is_not_drawn(char: str) -> None:
    assert draw_hangul(char, 0) is None
