"""Plates of three lines: rearranged to two, read, and put back."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from plate_ocr import PlateReader
from plate_ocr.readers.three_lines import LINE_HEIGHT, WIDTH, rearrange_three_lines
from plate_ocr.readers.trace import recording
from plate_ocr.rendering.flat_plate import FlatPlate, draw_plate
from plate_ocr.rendering.plates import PlateGenerator
from plate_ocr.vision.images import Image

SIDE = 40
"""Of the plate beside its text, pixels."""


def lines(count: int) -> tuple[Image, NDArray[np.float32]]:
    """A plate with lines of bars, and the corners of its text and of itself."""
    text: Image = np.full((120, 160), 220, np.uint8)
    high = 120 // count
    for line in range(count):
        for bar in range(line + 2):
            text[line * high + 4 : (line + 1) * high - 4, 20 + 30 * bar : 36 + 30 * bar] = 30
    plate = np.pad(text, ((0, 0), (SIDE, SIDE)), constant_values=220)
    inner = np.add(corners(160 / 240, 1), (SIDE / 240, 0))
    return plate, np.concatenate([inner, corners(1, 1)]).astype(np.float32)


def corners(width: float, height: float) -> NDArray[np.float32]:
    """Of a picture, clockwise from the top left."""
    return np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)


def bars(picture: Image) -> int:
    """Number of dark bars across the middle row."""
    dark = picture[len(picture) // 2] < 128
    return int((dark[1:] & ~dark[:-1]).sum())


def test_the_second_line_stands_beside_the_first() -> None:
    three = rearrange_three_lines(*lines(3))
    assert three is not None
    assert three.picture.shape == (2 * LINE_HEIGHT, 2 * WIDTH)
    upper, lower = np.vsplit(three.picture, 2)
    assert [bars(upper[:, :WIDTH]), bars(upper[:, WIDTH:]), bars(lower)] == [2, 3, 4]


def test_faint_lines_are_as_black_and_what_is_between_lines_is_blended() -> None:
    plate, points = lines(3)
    plate[40:80] = np.maximum(plate[40:80], 180)
    # The edge of the plate, at the end of the first line.
    plate[:40, SIDE + 164 : SIDE + 168] = 20
    three = rearrange_three_lines(plate, points)
    assert three is not None
    upper = three.picture[:LINE_HEIGHT]
    assert bars(upper[:, :WIDTH]) == 2
    assert bars(upper[:, WIDTH:]) == 3


@pytest.mark.parametrize("count", [1, 2])
def test_fewer_lines_stay_as_they_are(count: int) -> None:
    assert rearrange_three_lines(*lines(count)) is None


def test_what_has_no_strokes_has_no_lines() -> None:
    plate, points = lines(3)
    assert rearrange_three_lines(np.full_like(plate, 90), points) is None


def test_characters_are_located_on_the_plate() -> None:
    plate, points = lines(3)
    three = rearrange_three_lines(plate, points)
    assert three is not None
    middles = [np.flatnonzero(row < 128).mean() / three.picture.shape[1] for row in three.picture[[20, 55]]]
    of_first = np.flatnonzero(three.picture[20, :WIDTH] < 128)
    extents = [(of_first[0] / 256, of_first[-1] / 256), (0.6, 0.7), (middles[1] - 0.01, middles[1] + 0.01)]
    placed, starts = three.located(extents, [], 2)
    # The bars of the first line begin and end so in the plate.
    assert placed[0] == pytest.approx(((SIDE + 20) / 240, (SIDE + 66) / 240), abs=0.01)
    assert sum(placed[2]) / 2 == pytest.approx((SIDE + 73) / 240, abs=0.01)
    assert placed[1][0] < placed[1][1]
    assert starts == [1, 2]
    assert three.located(extents, None, 2)[1] is None
    # Corners beyond the picture are reported at its edge.
    points[4:] = np.subtract(corners(1.3, 1.2), (0.15, 0.1))
    beyond = rearrange_three_lines(plate, points)
    assert beyond is not None
    np.testing.assert_allclose(beyond.located(extents, [], 2)[0], placed)


@pytest.fixture(scope="module")
def drawn() -> list[FlatPlate]:
    """Plates of three lines."""
    generator = PlateGenerator(None, ["any"], not_plates=0)
    (layout, *_) = [each for each in generator.regions[0].layouts if each.name == "three lines"]
    return [draw_plate(np.random.default_rng(i), layout, generator.glyphs, 1.0, 0) for i in range(20)]


def test_three_lines_are_read_and_their_characters_located(
    shipped_plates: Path, drawn: list[FlatPlate]
) -> None:
    reader = PlateReader(shipped_plates, input="plate", threads=1)
    right = told = 0
    for flat in drawn:
        for plate in reader(flat.gray).plates:
            if plate.text != flat.text:
                continue
            right += 1
            assert plate.lines == 3
            assert plate.groups in (None, flat.groups)
            told += plate.groups is not None
            height, width = flat.gray.shape
            assert np.abs(np.array(plate.corners) - corners(width, height)).max() < 12
            assert all(char.x0 is not None for char in plate.chars)
            starts = np.cumsum([0, *map(len, flat.groups)])
            for start, end in pairwise(starts):
                middles = [(char.x0 or 0) + (char.x1 or 0) for char in plate.chars[start:end]]
                assert middles == sorted(middles)
    assert right >= 15
    assert told >= 10


def test_the_trace_tells_of_it(shipped_plates: Path, drawn: list[FlatPlate]) -> None:
    reader = PlateReader(shipped_plates, input="plate", threads=1)
    with recording() as trace:
        (plate,) = reader(drawn[0].gray).plates
    attempts = trace.candidates[0].attempts
    assert attempts[-1].three_lines is not None
    assert attempts[-1].reading.plate is not None
    assert attempts[-1].reading.plate.text == plate.text == drawn[0].text
