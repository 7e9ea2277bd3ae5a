"""Rendering characters from fonts."""

from __future__ import annotations

import numpy as np
import PIL.ImageFont
import pytest

from plate_ocr.alphabet import DIGITS, LETTERS
from plate_ocr.rendering.characters import cut_tight, render_character, render_characters
from plate_ocr.rendering.fonts import bundled_fonts


@pytest.fixture(scope="module")
def fonts() -> list[PIL.ImageFont.FreeTypeFont]:
    return bundled_fonts()


@pytest.mark.parametrize("char", DIGITS + LETTERS)
def test_every_bundled_font_draws_every_digit_and_letter(
    fonts: list[PIL.ImageFont.FreeTypeFont], char: str
) -> None:
    for font in fonts:
        picture = render_character(char, font)
        assert picture is not None
        assert picture.dtype == np.uint8
        assert picture.max() == 255
        margin = round(0.08 * (len(picture) / 1.16))
        assert margin >= 3
        edge = picture.copy()
        edge[margin:-margin, margin:-margin] = 0
        assert not edge.any()
        inside = picture[margin:-margin, margin:-margin]
        assert all(line.max() > 127 for line in (inside[0], inside[-1], inside[:, 0], inside[:, -1]))


def test_a_one_is_narrower_than_an_eight(fonts: list[PIL.ImageFont.FreeTypeFont]) -> None:
    sans = [font for font in fonts if font.getname()[0] == "DejaVu Sans"]
    for font in sans:
        one, eight = render_character("I", font), render_character("8", font)
        assert one is not None
        assert eight is not None
        assert one.shape[1] / one.shape[0] < 0.75 * eight.shape[1] / eight.shape[0]


def test_tight_cutting_keeps_the_drawing_and_adds_a_margin() -> None:
    picture = np.zeros((90, 60), np.uint8)
    picture[20:70, 10:30] = 200
    tight = cut_tight(picture)
    assert tight is not None
    assert tight.shape == (50 + 2 * 4, 20 + 2 * 4)
    np.testing.assert_array_equal(tight[4:-4, 4:-4], np.full((50, 20), 200))
    assert cut_tight(np.zeros((5, 5), np.uint8)) is None


def test_what_a_font_lacks_is_left_out(fonts: list[PIL.ImageFont.FreeTypeFont]) -> None:
    pictures, labels = render_characters("0皖A ", fonts[:2])
    assert labels == ["0", "A", "0", "A"]
    assert len(pictures) == 4
