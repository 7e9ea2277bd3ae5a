"""Arabic letters and digits of strokes."""

from __future__ import annotations

import numpy as np
import pytest

from plate_ocr.alphabet import ARABIC, ARABIC_DIGITS, PERSIAN_DIGITS
from plate_ocr.rendering.arabic import DIGITS, HEIGHT, LETTERS, N_STYLES, draw_arabic

ALL = ARABIC + ARABIC_DIGITS + PERSIAN_DIGITS


def test_all_that_plates_show_is_drawn() -> None:
    assert LETTERS.keys() == set(ARABIC)
    assert DIGITS.keys() == set(ARABIC_DIGITS + PERSIAN_DIGITS)


@pytest.mark.parametrize("style", range(N_STYLES))
def test_characters_fit_and_are_apart(style: int) -> None:
    drawn = {char: draw_arabic(char, style) for char in ALL}
    width = max(picture.shape[1] for picture in drawn.values())
    cells = {char: np.zeros((HEIGHT, width)) for char in ALL}
    for char, picture in drawn.items():
        assert picture.shape[0] == HEIGHT
        assert picture.max() == 255
        assert char in "٠١ا" or (picture > 127).mean() < 0.6
        cells[char][:, : picture.shape[1]] = picture
    for one in ALL:
        assert all(one == other or np.abs(cells[one] - cells[other]).mean() > 1 for other in ALL)


def test_styles_vary_and_do_not_change() -> None:
    assert len({draw_arabic("س", style).tobytes() for style in range(N_STYLES)}) == N_STYLES
    assert np.array_equal(draw_arabic("ع", 3), draw_arabic("ع", 3 + N_STYLES))
