"""Pieces cut out about plates."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from plate_ocr.vision.geometry import crop_box, rectify

FLAT = np.array([[0, 0], [120, 0], [120, 40], [0, 40]], np.float64)


def turned(degrees: float, squeeze: float = 0.0) -> NDArray[np.float64]:
    """A homography that turns a flat plate and brings one of its ends nearer."""
    turn = np.eye(3)
    turn[:2] = cv2.getRotationMatrix2D((60, 20), degrees, 1.0)
    turn[:2, 2] += (140, 130)
    return np.asarray(turn @ np.array([[1, 0, 0], [0, 1, 0], [squeeze, 0, 1.0]]))


@pytest.mark.parametrize(("degrees", "squeeze"), [(0.0, 0.0), (25.0, 0.0), (-10.0, 0.001), (180.0, 0.0)])
def test_a_plate_is_straightened_by_its_corners(degrees: float, squeeze: float) -> None:
    flat = np.zeros((40, 120), np.uint8)
    cv2.rectangle(flat, (10, 8), (50, 30), 255, -1)
    matrix = turned(degrees, squeeze)
    photo = np.asarray(cv2.warpPerspective(flat, matrix, (400, 300)), np.uint8)
    corners = cv2.perspectiveTransform(FLAT[None], matrix)[0]
    cut = rectify(photo, corners)
    seen = cv2.resize(cut.picture, (120, 40), interpolation=cv2.INTER_LINEAR)
    assert np.abs(seen.astype(int) - flat).mean() < 12
    margin = rectify(photo, corners, (0.1, 0.25))
    height, width = margin.picture.shape
    assert (width / cut.picture.shape[1], height / cut.picture.shape[0]) == pytest.approx(
        (1.2, 1.5), abs=0.05
    )
    # Inside the margin lies the plate.
    left, top = round(width / 12), round(height / 6)
    inside = [[left, top], [width - left, top], [width - left, height - top], [left, height - top]]
    np.testing.assert_allclose(margin.to_image(inside), corners, atol=2.5)


def test_a_piece_as_it_stands_stays_in_the_picture() -> None:
    picture = np.arange(100 * 200, dtype=np.int64).reshape(100, 200).astype(np.uint8)
    corners = np.array([[20.0, 30], [60, 34], [58, 50], [18, 46]])
    cut = crop_box(picture, corners, (0.5, 0.0))
    np.testing.assert_array_equal(cut.picture, picture[30:50, 0:81])
    np.testing.assert_allclose(cut.to_image([[5.0, 7.0]]), [[5, 37]])
    for away in (-1000.0, 1000.0):
        assert crop_box(picture, corners + away, (0.1, 0.1)).picture.shape == (1, 1)


@pytest.mark.parametrize(
    "corners",
    [
        np.zeros((4, 2)),
        np.array([[0.0, 0], [50, 0], [50, 0], [0, 0]]),
        # Crossed, and turned inwards.
        np.array([[0.0, 0], [50, 0], [0, 20], [50, 20]]),
        np.array([[0.0, 0], [50, 0], [12, 5], [0, 20]]),
        FLAT - 5000,
        FLAT * 1e4,
        FLAT * 1e10,
    ],
)
@pytest.mark.parametrize("shape", [(1, 1), (30, 60), (30, 60, 3), (20, 40_000)])
def test_corners_that_are_no_plates_do_no_harm(corners: NDArray[np.float64], shape: tuple[int, ...]) -> None:
    cut = rectify(np.full(shape, 7, np.uint8), corners, (0.1, 0.1))
    assert min(cut.picture.shape[:2]) >= 2
    assert cut.picture.size < 3 * np.prod(shape) + 100
    assert np.isfinite(cut.to_image(FLAT)).all()


def test_a_plate_in_a_very_wide_picture() -> None:
    picture = np.zeros((60, 40_000), np.uint8)
    picture[20:40, 39_000:39_100] = 255
    corners = np.array([[39_000, 20], [39_100, 20], [39_100, 40], [39_000, 40]], np.float64)
    cut = rectify(picture, corners)
    assert cut.picture.shape == (20, 100)
    assert cut.picture.mean() > 240
    np.testing.assert_allclose(cut.to_image([[0.0, 0.0]]), [[39_000, 20]], atol=0.5)
