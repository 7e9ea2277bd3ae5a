"""From photos to what the detector looks at, and from its answers to places."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from plate_ocr.vision.detection import (
    CELL,
    MARGIN,
    STRIDE,
    TILE,
    UNIT,
    decode_detections,
    preprocess_photo,
    run_tiled,
)
from plate_ocr.vision.geometry import overlap
from plate_ocr.vision.images import Image

SQUARE = np.array([[0, 0], [10, 0], [10, 10], [0, 10]], np.float64)


@pytest.mark.parametrize(
    ("shape", "longest", "size", "scale"),
    [
        ((480, 640), 640, (480, 640), 1.0),
        ((100, 33), 640, (224, 96), 2.0),
        ((1, 1), 640, (32, 32), 2.0),
        ((400, 500), 640, (512, 640), 1.28),
        ((960, 1280), 640, (480, 640), 0.5),
        ((1000, 2000), 640, (320, 640), 0.32),
        ((3000, 2), 96, (96, 32), 0.032),
    ],
)
def test_photos_are_shrunk_and_filled_up(
    shape: tuple[int, int], longest: int, size: tuple[int, int], scale: float
) -> None:
    picture, found = preprocess_photo(np.full(shape, 77, np.uint8), longest)
    assert picture.shape == size
    assert picture.dtype == np.uint8
    assert all(side % STRIDE == 0 for side in picture.shape)
    assert found == pytest.approx(scale)
    assert (picture == 77).all()


def test_a_photo_keeps_its_pixels_and_repeats_its_edge(rng: np.random.Generator) -> None:
    photo = rng.integers(0, 256, (40, 70)).astype(np.uint8)
    picture, scale = preprocess_photo(photo, 70)
    assert scale == 1
    np.testing.assert_array_equal(picture[:40, :70], photo)
    np.testing.assert_array_equal(picture[40:, :70], np.repeat(photo[-1:], 24, 0))
    np.testing.assert_array_equal(picture[:40, 70:], np.repeat(photo[:, -1:], 26, 1))


def test_what_is_where_in_a_shrunk_photo() -> None:
    photo = np.zeros((900, 1200), np.uint8)
    photo[300:360, 600:720] = 255
    picture, scale = preprocess_photo(photo, 320)
    rows, columns = np.nonzero(picture > 127)
    expected = np.array([300, 360, 600, 720]) * scale
    np.testing.assert_allclose(
        [rows.min(), rows.max() + 1, columns.min(), columns.max() + 1], expected, atol=1
    )


@pytest.mark.parametrize("shape", [(32, 32), (256, 1280), (1280, 1312), (1920, 2560), (64, 4000)])
def test_tiles_say_what_the_whole_picture_would(shape: tuple[int, int], rng: np.random.Generator) -> None:
    picture = rng.integers(0, 256, shape).astype(np.uint8)
    sizes: list[tuple[int, ...]] = []

    def look(tile: Image) -> NDArray[np.float32]:
        """A pixel of each cell, and how far cells are from the tile's edge."""
        sizes.append(tile.shape)
        rows, columns = (np.arange(side // CELL) for side in tile.shape)
        edge = np.minimum(np.minimum(rows, rows[::-1])[:, None], np.minimum(columns, columns[::-1]))
        return np.stack([tile[::CELL, ::CELL], edge, *[edge * 0] * 7]).astype(np.float32)

    answer, whole = run_tiled(look, picture), look(picture)
    np.testing.assert_array_equal(answer[0], whole[0])
    # What a tile's edge would cut is seen by the neighbour, unless it is the picture's edge.
    assert (answer[1] >= np.minimum(whole[1], MARGIN // CELL)).all()
    del sizes[-1]
    assert len(set(sizes)) == 1
    assert max(sizes[0]) <= TILE
    assert all(side % STRIDE == 0 for side in sizes[0])
    assert len(sizes) == 1 or sum(high * wide for high, wide in sizes) < 2 * picture.size


def answer_with(
    rows: int, columns: int, peaks: dict[tuple[int, int], tuple[float, NDArray[np.float64]]]
) -> NDArray[np.float32]:
    """An answer that has logits and corners, in pixels of the network's picture, in these cells."""
    answer = np.zeros((9, rows, columns), np.float32)
    answer[0] = -9
    for (row, column), (logit, corners) in peaks.items():
        middle = (np.array([column, row]) + 0.5) * CELL
        answer[0, row, column] = logit
        answer[1:, row, column] = ((corners - middle) / UNIT).ravel()
    return answer


@pytest.mark.parametrize("scale", [1.0, 0.25])
def test_peaks_become_places_in_the_photo_the_surest_first(scale: float) -> None:
    one, other = SQUARE * (6, 2) + (10, 20), SQUARE * (3, 1.5) + (90, 40)
    answer = answer_with(8, 16, {(3, 4): (1.0, one), (6, 13): (2.0, other), (0, 0): (-1.5, SQUARE)})
    places = decode_detections(answer, scale, 0.3)
    assert [place.score for place in places] == pytest.approx([1 / (1 + np.exp(-2)), 1 / (1 + np.exp(-1))])
    np.testing.assert_allclose(places[0].corners, other / scale, atol=1e-3)
    np.testing.assert_allclose(places[1].corners, one / scale, atol=1e-3)
    assert len(decode_detections(answer, scale, 0.1)) == 3
    assert [place.score for place in decode_detections(answer, scale, 0.3, max_count=1)] == [places[0].score]


def test_a_cell_beside_a_surer_one_is_no_peak() -> None:
    for row, column in ((2, 3), (3, 4), (2, 2)):
        answer = answer_with(6, 6, {(3, 3): (2.0, SQUARE), (row, column): (1.9, SQUARE + 1)})
        (place,) = decode_detections(answer, 1.0, 0.3)
        np.testing.assert_allclose(place.corners, SQUARE, atol=1e-4)
    apart = answer_with(6, 6, {(3, 3): (2.0, SQUARE), (3, 5): (1.9, SQUARE + 1)})
    assert len(decode_detections(apart, 1.0, 0.3)) == 2


def test_an_answer_without_a_peak_has_no_places() -> None:
    assert decode_detections(answer_with(4, 4, {}), 1.0, 0.3) == []
    assert decode_detections(answer_with(1, 1, {}), 1.0, 0.3) == []


@pytest.mark.parametrize(
    ("other", "share"),
    [
        (SQUARE, 1),
        (np.add(SQUARE, (5, 0)), 50 / 150),
        (np.add(SQUARE, (5, 5)), 25 / 175),
        (SQUARE * 0.5 + 2, 25 / 100),
        (np.add(SQUARE, (10, 0)), 0),
        (np.add(SQUARE, (40, 0)), 0),
        (np.array([[0, 0], [10, 0], [10, 5], [0, 5]]), 50 / 100),
        # The rhombus that has its corners at the middles of the sides.
        (np.array([[5, 0], [10, 5], [5, 10], [0, 5]]), 50 / 100),
        (SQUARE * 0, 0),
        (np.array([[0, 0], [10, 0], [20, 0], [30, 0]]), 0),
    ],
)
def test_overlap_is_as_computed_by_hand(other: NDArray[np.float64], share: float) -> None:
    turned = np.roll(np.asarray(other, np.float64), 1, axis=0)
    for box in (turned, turned[::-1]):
        assert overlap(SQUARE, box) == pytest.approx(share, abs=1e-6)
        assert overlap(box, SQUARE) == pytest.approx(share, abs=1e-6)
