"""What cameras print into pictures is told from plates."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from plate_ocr.readers.auto import PlateReader
from plate_ocr.rendering.plates import PlateGenerator
from plate_ocr.vision.images import Image
from plate_ocr.vision.overlays import is_overlay

BOX = (10, 8, 181, 43)
"""x, y, width and height of the clock."""


def street(rng: np.random.Generator) -> Image:
    """A ground with noise: uint8 ``(360, 640)``."""
    return np.clip(rng.normal(90, 4, (360, 640)), 0, 255).astype(np.uint8)


def clock(
    picture: Image, x: int = BOX[0], y: int = BOX[1], black: int = 0, text: str = "18:38:17"
) -> NDArray[np.float64]:
    """Print a clock, or another text, into a picture; the corners of its box."""
    w, h = BOX[2:]
    picture[y : y + h, x : x + w] = black
    cv2.putText(picture, text, (x + 12, y + 32), cv2.FONT_HERSHEY_SIMPLEX, 1.1, 255, 3)
    return np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]], np.float64)


@pytest.mark.parametrize("place", [(10, 8), (0, 0), (440, 8), (230, 300)])
def test_a_clock_at_the_edge_is_no_plate(place: tuple[int, int], rng: np.random.Generator) -> None:
    picture = street(rng)
    corners = clock(picture, *place)
    stored = np.asarray(cv2.imdecode(cv2.imencode(".jpg", picture)[1], cv2.IMREAD_GRAYSCALE), np.uint8)
    for gray in (picture, stored):
        assert is_overlay(gray, corners)
        assert is_overlay(gray, corners + np.array([[4, 6], [-8, 6], [-8, -6], [4, -6]]))


def test_what_differs_in_one_thing_may_be_a_plate(rng: np.random.Generator) -> None:
    inside = street(rng)
    assert not is_overlay(inside, clock(inside, 230, 150))
    gray = street(rng)
    assert not is_overlay(gray, clock(gray, black=30))
    noisy = street(rng)
    corners = clock(noisy)
    seen = np.clip(noisy + rng.normal(0, 12, noisy.shape), 0, 255).astype(np.uint8)
    assert not is_overlay(seen, corners)
    tilted = street(rng)
    corners = clock(tilted)
    turn = cv2.getRotationMatrix2D((100, 30), 2, 1)
    tilted = np.asarray(cv2.warpAffine(tilted, turn, (640, 360), borderMode=cv2.BORDER_REPLICATE), np.uint8)
    assert not is_overlay(tilted, cv2.transform(corners[None], turn)[0])
    night = np.zeros((360, 640), np.uint8)
    assert not is_overlay(night, clock(night))


def test_a_white_plate_with_a_black_frame_is_a_plate(rng: np.random.Generator) -> None:
    picture = street(rng)
    picture[20:100, 20:400] = 0
    picture[24:96, 24:396] = 255
    cv2.putText(picture, "AB 123 CD", (40, 80), cv2.FONT_HERSHEY_SIMPLEX, 2, 0, 6)
    assert not is_overlay(picture, np.array([[20, 20], [400, 20], [400, 100], [20, 100]], np.float64))


@pytest.mark.parametrize("shape", [(1, 1), (40, 60), (3, 500)])
def test_pictures_and_corners_of_any_form_do_no_harm(shape: tuple[int, int]) -> None:
    for level in (0, 255):
        for shift in (-900.0, -3.0, 0.0, 900.0):
            corners = np.array([[0, 0], [30, 0], [30, 9], [0, 9]]) + shift
            assert not is_overlay(np.full(shape, level, np.uint8), corners)
            assert not is_overlay(np.full(shape, level, np.uint8), corners * 0)


def test_rendered_dark_plates_at_the_edge_are_plates() -> None:
    generator, dark = PlateGenerator(None, ["us", "eu", "uz"], not_plates=0.0), 0
    for index in range(60):
        plate = generator(7, index, (64, 256))
        for image in (plate.image, 255 - plate.image):
            if np.median(image) < 110:
                dark += 1
                picture = np.full((360, 640), 120, np.uint8)
                picture[6:70, 8:264] = image
                assert not is_overlay(picture, plate.outline * (256.0, 64.0) + (8.0, 6.0))
    assert dark > 20


def test_what_a_camera_prints_is_not_reported(
    rng: np.random.Generator, shipped_plates: Path, shipped_detector: Path
) -> None:
    picture = street(rng)
    clock(picture, text="KA365CP")
    with PlateReader(threads=1) as auto, PlateReader(input="photo", threads=1) as photos:
        assert auto(picture).plates == photos(picture).plates == ()
    # The reader alone takes it for a plate, as a clock now and then.
    with PlateReader(input="plate", threads=1) as plates:
        x, y, w, h = BOX
        assert plates(picture[y : y + h, x : x + w]).text == "KA365CP"
