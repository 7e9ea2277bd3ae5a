"""White-pixel ratios against plain loops over the pixels."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from plate_ocr.vision.binarize import glyphs_white, otsu
from plate_ocr.vision.features import frame, framed_ratios, white_ratios
from plate_ocr.vision.images import Image, read_image, to_gray
from tests.conftest import affine_gray, draw_char, some_pictures

Edge = float | Fraction


def covered(low: Edge, high: Edge, pixel: int) -> float:
    """How much of a pixel lies between two edges."""
    return float(max(0, min(high, pixel + 1) - max(low, pixel)))


def ratio_under(binary: Image, top: Edge, bottom: Edge, left: Edge, right: Edge) -> float:
    """The share of white under one window, pixel by pixel; black beyond the picture."""
    white = 0.0
    for y in range(binary.shape[0]):
        for x in range(binary.shape[1]):
            if binary[y, x]:
                white += covered(top, bottom, y) * covered(left, right, x)
    return white / float((bottom - top) * (right - left))


def sliding(
    binary: Image, window: tuple[Fraction, Fraction], stride: tuple[Fraction, Fraction]
) -> NDArray[np.float64]:
    """Every window in turn."""
    rows, columns = (
        math.floor((length - size) / step) + 1
        for length, size, step in zip(binary.shape, window, stride, strict=True)
    )
    ratios = np.empty((rows, columns))
    for i in range(rows):
        for j in range(columns):
            top, left = i * stride[0], j * stride[1]
            ratios[i, j] = ratio_under(binary, top, top + window[0], left, left + window[1])
    return ratios


@st.composite
def sliding_windows(
    draw: st.DrawFn,
) -> tuple[Image, tuple[Fraction, Fraction], tuple[Fraction, Fraction]]:
    """A binary picture, a window that fits into it and a stride; sizes may be fractions of a pixel."""
    height, width = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    binary = draw(arrays(np.uint8, (height, width), elements=st.sampled_from([0, 255])))

    def size(most: int) -> Fraction:
        return draw(st.fractions(Fraction(1, 3), most, max_denominator=7))

    return binary, (size(height), size(width)), (size(height), size(width))


@given(sliding_windows())
def test_ratios_are_those_of_a_double_loop(
    case: tuple[Image, tuple[Fraction, Fraction], tuple[Fraction, Fraction]],
) -> None:
    binary, window, stride = case
    expected = sliding(binary, window, stride)
    ratios = white_ratios(binary, (float(window[0]), float(window[1])), (float(stride[0]), float(stride[1])))
    assert ratios.dtype == np.float32
    assert ratios.shape == expected.shape
    np.testing.assert_allclose(ratios, expected, atol=1e-6)


@given(st.integers(1, 200), st.integers(1, 200))
def test_a_picture_of_any_size_gives_25_values(height: int, width: int) -> None:
    ratios = white_ratios(np.full((height, width), 255, np.uint8))
    assert ratios.shape == (5, 5)
    np.testing.assert_allclose(ratios, 1, atol=1e-6)


def test_the_windows_tile_the_picture_by_default(rng: np.random.Generator) -> None:
    binary = (rng.random((20, 15)) < 0.4).astype(np.uint8) * np.uint8(255)
    expected = [
        [(binary[4 * i : 4 * i + 4, 3 * j : 3 * j + 3] > 0).mean() for j in range(5)] for i in range(5)
    ]
    np.testing.assert_allclose(white_ratios(binary), expected, atol=1e-6)


@pytest.mark.parametrize(("length", "parts"), [(5, 3), (7, 6), (13, 7), (19, 7)])
def test_an_nth_of_a_length_is_a_window_n_times_whatever_its_rounding(length: int, parts: int) -> None:
    window = (length / parts, length / parts)
    assert white_ratios(np.zeros((length, length), np.uint8), window).shape == (parts, parts)


def test_the_stride_is_the_windows_size_by_default(rng: np.random.Generator) -> None:
    binary = (rng.random((11, 9)) < 0.5).astype(np.uint8) * np.uint8(255)
    np.testing.assert_array_equal(white_ratios(binary, (3, 2)), white_ratios(binary, (3, 2), (3, 2)))


@given(
    arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.sampled_from([0, 255]))
)
def test_the_mean_of_the_tiles_is_the_share_of_white_and_the_negative_has_the_rest(binary: Image) -> None:
    ratios = white_ratios(binary)
    assert ratios.mean() == pytest.approx((binary > 0).mean(), abs=1e-6)
    np.testing.assert_allclose(white_ratios(255 - binary), 1 - ratios, atol=1e-6)


def test_a_large_white_picture_does_not_overflow() -> None:
    # 9 million pixels of 255 add up to more than 2³¹.
    ratios = white_ratios(np.full((3000, 3000), 255, np.uint8), (3000, 3000))
    np.testing.assert_allclose(ratios, [[1]])


@pytest.mark.parametrize(
    ("window", "stride", "message"),
    [
        ((0, 2), None, "positive"),
        ((2, -1), None, "positive"),
        ((2, 2), (0, 1), "positive"),
        ((2, 2), (1, -1), "positive"),
        ((6, 2), None, r"larger than the picture \(5, 4\)"),
        ((2, 4.5), None, "larger"),
    ],
)
def test_impossible_windows_are_refused(
    window: tuple[float, float], stride: tuple[float, float] | None, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        white_ratios(np.zeros((5, 4), np.uint8), window, stride)


Box = tuple[float, float, float, float]
BOXES = st.tuples(st.floats(-6, 8), st.floats(-6, 8), st.floats(0.5, 12), st.floats(0.5, 12)).map(
    lambda box: (box[0], box[1], box[0] + box[2], box[1] + box[3])
)


@st.composite
def framed_pictures(draw: st.DrawFn) -> tuple[Image, list[Box]]:
    """A stack of binary pictures and a box for each, which may reach over the edge."""
    shape = draw(st.tuples(st.integers(1, 3), st.integers(1, 8), st.integers(1, 8)))
    binary = draw(arrays(np.uint8, shape, elements=st.sampled_from([0, 255])))
    return binary, draw(st.lists(BOXES, min_size=shape[0], max_size=shape[0]))


@given(
    framed_pictures(),
    st.tuples(st.integers(1, 4), st.integers(1, 4)),
    st.sampled_from([0.0, 0.5, 1.0]),
)
def test_framed_ratios_are_those_of_a_loop_even_beyond_the_edge(
    case: tuple[Image, list[Box]], grid: tuple[int, int], overlap: float
) -> None:
    stack, boxes = case
    ratios = framed_ratios(stack, np.array(boxes), grid, overlap)
    expected = []
    for binary, (left, top, right, bottom) in zip(stack, boxes, strict=True):
        high, wide = (bottom - top) / grid[0], (right - left) / grid[1]
        extra_y, extra_x = overlap / 2 * high, overlap / 2 * wide
        expected.append(
            [
                ratio_under(
                    binary,
                    top + i * high - extra_y,
                    top + (i + 1) * high + extra_y,
                    left + j * wide - extra_x,
                    left + (j + 1) * wide + extra_x,
                )
                for i in range(grid[0])
                for j in range(grid[1])
            ]
        )
    assert ratios.dtype == np.float32
    np.testing.assert_allclose(ratios, expected, atol=1e-5)


def test_a_frame_round_the_whole_picture_gives_the_tiles(rng: np.random.Generator) -> None:
    binary = (rng.random((17, 13)) < 0.4).astype(np.uint8) * np.uint8(255)
    framed = framed_ratios(binary[None], np.array([[0.0, 0.0, 13.0, 17.0]]))
    np.testing.assert_allclose(framed.reshape(5, 5), white_ratios(binary), atol=1e-6)


def test_narrow_boxes_are_widened_alike_on_both_sides() -> None:
    boxes = np.array([[10.0, 0.0, 14.0, 40.0], [0.0, 0.0, 30.0, 40.0]])
    np.testing.assert_allclose(frame(boxes, 0.5), [[2, 0, 22, 40], [0, 0, 30, 40]])
    np.testing.assert_allclose(frame(boxes, np.array([0.1, 1.0])), [[10, 0, 14, 40], [-5, 0, 35, 40]])


@pytest.mark.parametrize("char", "17AQ")
@pytest.mark.parametrize(("gain", "offset"), [(1.0, 50), (0.25, 0), (0.25, 180), (-0.8, 230)])
def test_the_row_vector_ignores_brightness_contrast_and_polarity(
    char: str, gain: float, offset: float
) -> None:
    gray = draw_char(char, glyph=200, ground=20)
    expected = white_ratios(draw_char(char))
    np.testing.assert_array_equal(white_ratios(glyphs_white(otsu(affine_gray(gray, gain, offset)))), expected)


@pytest.mark.parametrize(
    ("glyph", "ground"),
    [((255, 255, 255), (160, 60, 20)), ((0, 0, 0), (40, 210, 250)), ((20, 20, 200), (230, 230, 230))],
    ids=["white on blue", "black on yellow", "red on white"],
)
def test_the_row_vector_ignores_colour(glyph: tuple[int, int, int], ground: tuple[int, int, int]) -> None:
    mask = draw_char("B")
    colour = np.where(mask[:, :, None] > 0, np.array(glyph), np.array(ground)).astype(np.uint8)
    np.testing.assert_array_equal(white_ratios(glyphs_white(otsu(to_gray(colour)))), white_ratios(mask))


@pytest.mark.data
@pytest.mark.parametrize("name", ["chars/uk", "chars/easypr"])
def test_real_characters_have_ink_where_their_shape_has_it(data_folder: Path, name: str) -> None:
    def mean_tiles(label: str) -> NDArray[np.float32]:
        pictures = [to_gray(read_image(path)) for path in some_pictures(data_folder / name / label, 30)]
        return np.asarray(
            np.mean([white_ratios(glyphs_white(otsu(picture))) for picture in pictures], axis=0)
        )

    zero, seven, ell = mean_tiles("0"), mean_tiles("7"), mean_tiles("L")
    assert zero[2, 2] < 0.5 * zero[2, [0, 1, 3, 4]].max()
    assert seven[0].mean() > 1.3 * seven[4].mean()
    assert ell[4].mean() > 1.3 * ell[0].mean()
