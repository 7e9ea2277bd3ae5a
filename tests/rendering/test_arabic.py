"""Arabic letters and digits of strokes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from plate_ocr.alphabet import ARABIC, ARABIC_DIGITS, PERSIAN_DIGITS
from plate_ocr.rendering import arabic
from plate_ocr.rendering.arabic import (
    DIGITS,
    EGYPTIAN,
    HEIGHT,
    LETTERS,
    N_STYLES,
    Stroke,
    draw_arabic,
    pen_style,
)

ALL = ARABIC + ARABIC_DIGITS + PERSIAN_DIGITS


def test_all_that_plates_show_is_drawn() -> None:
    assert LETTERS.keys() == set(ARABIC)
    assert DIGITS.keys() == set(ARABIC_DIGITS + PERSIAN_DIGITS)


@pytest.mark.parametrize("style", range(N_STYLES))
def test_characters_fit_and_are_apart(style: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # Wobble, which differs between characters, would keep equal skeletons apart.
    steady = dataclasses.replace(pen_style(style), wobble=0.0)
    monkeypatch.setattr(arabic, "pen_style", lambda number: steady)
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


@pytest.mark.parametrize("forms", [{}, EGYPTIAN], ids=["general", "egyptian"])
def test_skeletons_differ(forms: Mapping[str, Sequence[Stroke]]) -> None:
    skeletons = {**LETTERS, **DIGITS, **forms}
    assert len({repr(strokes) for strokes in skeletons.values()}) == len(skeletons)


def test_styles_vary_and_do_not_change() -> None:
    assert len({draw_arabic("س", style).tobytes() for style in range(N_STYLES)}) == N_STYLES
    assert np.array_equal(draw_arabic("ع", 3), draw_arabic("ع", 3 + N_STYLES))
