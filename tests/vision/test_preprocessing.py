"""The one way from a picture of a character to its row vector."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from plate_ocr.vision.images import Image, read_image, to_gray
from plate_ocr.vision.preprocessing import CHUNK, Candidates, find_candidates, row_vectors, stack_characters
from plate_ocr.vision.settings import Preprocessing
from tests.conftest import affine_gray, draw_char, some_pictures

SETTINGS = Preprocessing()


def row_of(picture: Image, settings: Preprocessing = SETTINGS) -> NDArray[np.float32]:
    """The row vector of a picture that has only one candidate."""
    candidates = find_candidates(stack_characters([picture], settings), settings)
    assert len(candidates.ratios) == 1
    return np.asarray(candidates.ratios[0])


def candidates(pictures: Sequence[Image] | NDArray[np.uint8]) -> Candidates:
    return find_candidates(stack_characters(pictures, SETTINGS), SETTINGS)


@pytest.mark.parametrize("shape", [(72, 56), (100, 31), (20, 60), (9, 7), (36, 28), (1, 1), (3, 400)])
def test_stretching_is_opencvs(shape: tuple[int, int], rng: np.random.Generator) -> None:
    picture = rng.integers(0, 256, shape).astype(np.uint8)
    stack = stack_characters([picture], SETTINGS)
    assert stack.gray.shape == (1, 36, 28)
    assert stack.aspect[0] == shape[1] / shape[0]
    if shape[0] >= 36 and shape[1] >= 28:
        expected = cv2.resize(picture, (28, 36), interpolation=cv2.INTER_AREA)
        assert np.abs(stack.gray[0].astype(int) - expected).max() <= 1
    if shape[0] <= 36 and shape[1] <= 28:
        expected = cv2.resize(picture, (28, 36), interpolation=cv2.INTER_CUBIC)
        assert np.abs(stack.gray[0].astype(int) - expected).max() <= 1


def test_pictures_of_any_sizes_keep_their_order(rng: np.random.Generator) -> None:
    shapes = [(20, 10), (30, 40), (20, 10), (7, 7), (30, 40)]
    pictures = [np.full(shape, 40 * i, np.uint8) for i, shape in enumerate(shapes)]
    stack = stack_characters(pictures, SETTINGS)
    np.testing.assert_array_equal(stack.gray[:, 5, 5], [0, 40, 80, 120, 160])
    np.testing.assert_allclose(stack.aspect, [w / h for h, w in shapes])


def test_an_array_of_pictures_is_a_list_of_them(rng: np.random.Generator) -> None:
    pictures = rng.integers(0, 256, (CHUNK + 5, 21, 13)).astype(np.uint8)
    from_array, from_list = stack_characters(pictures, SETTINGS), stack_characters(list(pictures), SETTINGS)
    np.testing.assert_array_equal(from_array.gray, from_list.gray)
    np.testing.assert_array_equal(from_array.aspect, from_list.aspect)


def test_many_pictures_give_the_row_vectors_of_each_alone(rng: np.random.Generator) -> None:
    some = [draw_char(c, glyph=g, ground=120) for c in "0258" for g in (20, 240)]
    some[3] = np.full_like(some[0], 9)
    count = 2 * CHUNK + 3
    many = candidates([some[i % len(some)] for i in range(count)])
    for i in [0, 1, 3, CHUNK - 1, CHUNK, 2 * CHUNK, count - 1]:
        alone = candidates([some[i % len(some)]])
        mine = many.owner == i
        np.testing.assert_allclose(many.ratios[mine], alone.ratios, atol=1e-5)
        np.testing.assert_array_equal(many.inverted[mine], alone.inverted)
        np.testing.assert_array_equal(many.plausible[mine], alone.plausible)


def test_no_pictures_have_no_candidates() -> None:
    nothing = candidates([])
    assert nothing.ratios.shape == (0, 25)
    assert nothing.ratios.dtype == np.float32
    assert len(nothing.owner) == len(nothing.inverted) == len(nothing.plausible) == 0


@pytest.mark.parametrize("char", "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ")
@pytest.mark.parametrize(("glyph", "ground"), [(230, 30), (30, 230)])
def test_the_border_tells_the_polarity(char: str, glyph: int, ground: int) -> None:
    found = candidates([draw_char(char, glyph=glyph, ground=ground)])
    np.testing.assert_array_equal(found.inverted, [glyph < ground])
    np.testing.assert_allclose(found.ratios[0], row_of(draw_char(char)), atol=1e-6)


def test_both_polarities_are_tried_where_the_border_does_not_tell() -> None:
    halves = np.zeros((36, 28), np.uint8)
    halves[:18] = 255
    found = candidates([halves])
    np.testing.assert_array_equal(found.owner, [0, 0])
    np.testing.assert_array_equal(found.inverted, [False, True])
    np.testing.assert_allclose(found.ratios[0], found.ratios[1])


def test_what_lies_along_the_border_is_less_plausible() -> None:
    loose = np.pad(draw_char("8", height=24, width=18, thick=2), ((6, 6), (5, 5)))
    np.testing.assert_array_equal(candidates([loose]).plausible, [1])
    # Half of the border is white: neighbours beside a white glyph, or the ground round dark ones.
    ambiguous = loose.copy()
    ambiguous[:, :2] = ambiguous[:, -2:] = 255
    found = candidates([ambiguous])
    np.testing.assert_array_equal(found.inverted, [False, True])
    assert found.plausible[0] == 1
    assert 0 < found.plausible[1] < 1


@pytest.mark.parametrize("difference", [0, SETTINGS.contrast - 1])
def test_a_picture_with_hardly_any_contrast_is_blank(difference: int) -> None:
    flat = draw_char("8", glyph=100 + difference, ground=100, height=36, width=28)
    assert len(candidates([flat]).owner) == 0
    seen = draw_char("8", glyph=100 + SETTINGS.contrast, ground=100, height=36, width=28)
    assert len(candidates([seen]).owner) == 1


SHARP = draw_char("R", glyph=200, ground=60, height=90, width=70, thick=6)
PHOTO: Image = np.asarray(cv2.GaussianBlur(SHARP, (7, 7), 0), np.uint8)


@pytest.mark.parametrize(("gain", "offset"), [(1, 55), (1, -60), (0.3, 0), (0.3, 180), (1.5, -80), (-1, 255)])
def test_the_row_vector_ignores_brightness_contrast_and_polarity(gain: float, offset: float) -> None:
    changed = row_of(affine_gray(PHOTO, gain, offset))
    assert np.abs(changed - row_of(PHOTO)).max() < 0.04


@pytest.mark.parametrize(
    ("glyph", "ground"),
    [((255, 255, 255), (160, 60, 20)), ((0, 0, 0), (40, 210, 250)), ((20, 20, 200), (230, 230, 230))],
    ids=["white on blue", "black on yellow", "red on white"],
)
def test_the_row_vector_ignores_colour(glyph: tuple[int, int, int], ground: tuple[int, int, int]) -> None:
    share = ((PHOTO.astype(np.float64) - 60) / 140)[:, :, None]
    colour = np.rint(share * glyph + (1 - share) * ground).astype(np.uint8)
    assert np.abs(row_of(to_gray(colour)) - row_of(PHOTO)).max() < 0.04


def large(char: str) -> Image:
    return draw_char(char, height=90, width=68, thick=6)


@pytest.mark.parametrize("char", "27K1")
def test_a_character_stays_itself_wherever_it_stands_and_however_large_it_is(char: str) -> None:
    alphabet = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
    rows = np.array([row_of(large(other)) for other in alphabet])
    loose = cv2.copyMakeBorder(large(char), 12, 4, 3, 15, cv2.BORDER_CONSTANT, value=0)
    small = cv2.resize(large(char), None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    for changed in (loose, np.asarray(small, np.uint8)):
        distance = np.linalg.norm(rows - row_of(np.asarray(changed, np.uint8)), axis=1)
        nearest, second = np.argsort(distance)[:2]
        assert alphabet[nearest] == char
        assert distance[nearest] < 0.5 * distance[second]


def test_different_characters_have_different_row_vectors() -> None:
    rows = np.array([row_of(draw_char(char)) for char in "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"])
    distance = np.abs(rows[:, None] - rows).max(2) + np.eye(len(rows))
    assert distance.min() > 0.05


def test_a_narrow_character_has_black_beside_it() -> None:
    bar = np.zeros((40, 20), np.uint8)
    bar[4:36, 8:12] = 255
    grid = row_of(bar, Preprocessing(overlap=0.0)).reshape(5, 5)
    assert grid[:, [0, 1, 3, 4]].max() < 0.3
    assert grid[:, 2].min() > 0.9


@pytest.mark.parametrize("grid", [(5, 5), (12, 9), (1, 3)])
def test_the_grid_decides_the_length(grid: tuple[int, int]) -> None:
    settings = Preprocessing(grid=grid)
    assert len(row_of(draw_char("4"), settings)) == settings.values == grid[0] * grid[1]


def test_where_nothing_is_white_no_character_is_found() -> None:
    binary = np.stack([np.zeros((36, 28), np.uint8), draw_char("3", height=36, width=28, thick=2)])
    ratios, found = row_vectors(binary, np.array([0.75, 0.75]), SETTINGS)
    np.testing.assert_array_equal(found, [False, True])
    assert not ratios[0].any()
    assert ratios[1].any()
    assert ratios.min() >= 0
    assert ratios.max() <= 1 + 1e-6


@pytest.mark.data
@pytest.mark.parametrize("name", ["chars/uk", "chars/easypr"])
def test_real_characters_are_nearest_to_the_mean_of_their_class(data_folder: Path, name: str) -> None:
    means, rows, labels = [], [], []
    for label, char in enumerate("1470"):
        pictures = [to_gray(read_image(path)) for path in some_pictures(data_folder / name / char, 40)]
        vectors = np.array([row_of(p) for p in pictures if len(candidates([p]).owner) == 1])
        assert len(vectors) >= 10
        means.append(vectors[::2].mean(0))
        rows.append(vectors[1::2])
        labels += [label] * len(vectors[1::2])
    distance = ((np.concatenate(rows)[:, None] - np.array(means)) ** 2).sum(2)
    assert (distance.argmin(1) == labels).mean() > 0.9
