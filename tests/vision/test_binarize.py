"""Grey to black and white."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from plate_ocr.alphabet import DIGITS, LETTERS
from plate_ocr.vision.binarize import border_share, glyphs_white, otsu, otsu_threshold, sauvola
from plate_ocr.vision.images import Image, read_image, to_gray
from tests.conftest import affine_gray, draw_char, draw_plate, some_pictures

PICTURES = arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=12))


def between_class_variance(gray: Image, threshold: int) -> Fraction:
    """w₀·w₁·(μ₀ - μ₁)², in whole numbers."""
    values = [int(value) for value in gray.ravel()]
    dark = [value for value in values if value <= threshold]
    bright = [value for value in values if value > threshold]
    if not dark or not bright:
        return Fraction(0)
    difference = Fraction(sum(dark), len(dark)) - Fraction(sum(bright), len(bright))
    return Fraction(len(dark) * len(bright), len(values) ** 2) * difference**2


@given(PICTURES)
def test_no_other_threshold_separates_better(gray: Image) -> None:
    best = max(between_class_variance(gray, int(threshold)) for threshold in np.unique(gray))
    chosen = between_class_variance(gray, int(otsu_threshold(gray)))
    assert chosen >= best * Fraction(999_999, 1_000_000)


@pytest.mark.parametrize("char", "08AKQ")
@pytest.mark.parametrize("noise", [0, 5, 25])
def test_otsu_is_opencvs(char: str, noise: int, rng: np.random.Generator) -> None:
    gray = draw_char(char, glyph=190, ground=60)
    gray = np.clip(cv2.GaussianBlur(gray, (5, 5), 1) + rng.normal(0, noise, gray.shape), 0, 255).astype(
        np.uint8
    )
    np.testing.assert_array_equal(otsu(gray), cv2.threshold(gray, 0, 255, cv2.THRESH_OTSU)[1])


@given(arrays(np.uint8, st.tuples(st.integers(1, 4), st.integers(1, 8), st.integers(1, 8))))
def test_a_stack_is_binarised_picture_by_picture(stack: Image) -> None:
    expected = np.array([glyphs_white(otsu(picture)) for picture in stack])
    np.testing.assert_array_equal(glyphs_white(otsu(stack)), expected)


@pytest.mark.parametrize("value", [0, 100, 255])
def test_a_picture_of_one_colour_is_black(value: int) -> None:
    gray = np.full((5, 7), value, np.uint8)
    assert otsu_threshold(gray) == value
    assert not otsu(gray).any()


@given(PICTURES)
def test_the_result_has_two_values_and_the_pictures_shape(gray: Image) -> None:
    for binary in (otsu(gray), glyphs_white(otsu(gray)), sauvola(gray, 5)):
        assert binary.shape == gray.shape
        assert binary.dtype == np.uint8
        assert set(np.unique(binary)) <= {0, 255}


@pytest.mark.parametrize("char", DIGITS + LETTERS)
@pytest.mark.parametrize(("glyph", "ground"), [(240, 20), (20, 240), (130, 100), (100, 130)])
def test_characters_become_white_whatever_their_colours(char: str, glyph: int, ground: int) -> None:
    np.testing.assert_array_equal(
        glyphs_white(otsu(draw_char(char, glyph=glyph, ground=ground))), draw_char(char)
    )


@pytest.mark.parametrize("text", ["AB12C45", "1111111", "8B8B8B8"])
@pytest.mark.parametrize(("glyph", "ground"), [(240, 20), (20, 240)])
def test_plates_become_white_on_black_whatever_their_colours(text: str, glyph: int, ground: int) -> None:
    binary = glyphs_white(otsu(draw_plate(text, glyph=glyph, ground=ground)))
    np.testing.assert_array_equal(binary, draw_plate(text, glyph=255, ground=0))


@pytest.mark.parametrize("gain", [0.3, 0.8])
@pytest.mark.parametrize("offset", [0, 40])
def test_brightness_and_contrast_do_not_matter(gain: float, offset: float) -> None:
    gray = draw_char("5", glyph=200, ground=30)
    np.testing.assert_array_equal(otsu(affine_gray(gray, gain, offset)), otsu(gray))


def test_sauvola_reads_under_uneven_light_where_one_threshold_cannot() -> None:
    mask = draw_plate("AB12C45", glyph=1, ground=0)
    light = np.linspace(10, 180, mask.shape[1])[None]
    gray = (light + 60 * mask).astype(np.uint8)
    glyphs = mask > 0
    one_threshold = np.mean((otsu(gray) > 0) != glyphs)
    local = np.mean((sauvola(gray, 41, 0.1) > 0) != glyphs)
    assert one_threshold > 0.25
    assert local < 0.01


@pytest.mark.parametrize("k", [0.05, 0.2, 0.5])
def test_sauvolas_threshold_is_the_papers(k: float, rng: np.random.Generator) -> None:
    gray = rng.integers(0, 256, (14, 11)).astype(np.uint8)
    window, half = 5, 2
    negative = np.pad(255.0 - gray, half, mode="edge")
    expected = np.zeros_like(gray)
    for y in range(gray.shape[0]):
        for x in range(gray.shape[1]):
            under = negative[y : y + window, x : x + window]
            threshold = under.mean() * (1 + k * (under.std() / 128 - 1))
            expected[y, x] = 255 if negative[y + half, x + half] < threshold else 0
    np.testing.assert_array_equal(sauvola(gray, window, k), expected)


def test_the_border_is_the_outermost_pixels() -> None:
    binary = np.zeros((4, 5), np.uint8)
    binary[1:3, 1:4] = 255
    assert border_share(binary) == 0
    binary[0] = 255
    assert border_share(binary) == pytest.approx(5 / 14)
    np.testing.assert_allclose(border_share(np.stack([binary, 255 - binary])), [5 / 14, 9 / 14])


@pytest.mark.data
@pytest.mark.parametrize("label", "0AZ3")
def test_real_dark_characters_become_white(data_folder: Path, label: str) -> None:
    pictures = [to_gray(read_image(path)) for path in some_pictures(data_folder / "chars/uk" / label, 20)]
    dark_on_light = [gray[glyphs_white(otsu(gray)) > 0].mean() < gray.mean() for gray in pictures]
    assert np.mean(dark_on_light) > 0.9
