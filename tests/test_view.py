"""Which part of a picture is looked at, and in whose pixels coordinates are."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from plate_ocr import BoxError, PlateReader
from plate_ocr.readers.results import Char, Plate
from plate_ocr.readers.view import View
from plate_ocr.vision.images import Image
from tests.conftest import text_picture

UPPER, LOWER = (40, 50, 180, 40), (300, 300, 112, 30)
"""Boxes of the two plates in the photo."""

WHOLE = ((40.0, 50.0), (220.0, 50.0), (220.0, 90.0), (40.0, 90.0))


@pytest.fixture(scope="module")
def photo() -> Image:
    """Two plates on an even ground: AB1234 and, smaller, KA365CP."""
    picture = np.full((400, 500), 90, np.uint8)
    for text, (x, y, w, h) in (("AB1234", UPPER), ("KA365CP", LOWER)):
        picture[y : y + h, x : x + w] = cv2.resize(text_picture(text), (w, h), interpolation=cv2.INTER_AREA)
    return picture


def texts(picture: Image, **settings: Any) -> set[str]:
    with PlateReader(input="photo", threads=1, **settings) as reader:
        return {plate.text for plate in reader(picture).plates}


def test_boxes_and_heights_say_which_plates_are_read(
    photo: Image, shipped_plates: Path, shipped_detector: Path
) -> None:
    assert texts(photo) == {"AB1234", "KA365CP"}
    assert texts(photo, roi=(0, 0, 250, 150)) == {"AB1234"}
    assert texts(photo, roi=(-50, 200, 9999, 9999)) == {"KA365CP"}
    assert texts(photo, ignore=[UPPER]) == {"KA365CP"}
    assert texts(photo, ignore=[LOWER, (-10, -10, 20, 20)]) == {"AB1234"}
    assert texts(photo, ignore=[UPPER, LOWER]) == set()
    assert texts(photo, min_height=36) == {"AB1234"}
    assert texts(photo, min_plate_confidence=1) == set()


def test_bounds_do_not_make_a_character_of_a_plate(shipped_plates: Path, shipped_detector: Path) -> None:
    plate = np.full((110, 110), 90, np.uint8)
    plate[40:70, 5:105] = cv2.resize(text_picture("AB1234"), (100, 30), interpolation=cv2.INTER_AREA)
    for min_height, text in ((0, "AB1234"), (60, "")):
        with PlateReader(threads=1, min_height=min_height) as reader:
            assert reader(plate).text == text


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_coordinates_are_pixels_of_the_turned_picture(
    degrees: int, photo: Image, shipped_plates: Path, shipped_detector: Path
) -> None:
    lying = np.rot90(photo, degrees // 90)  # against the clock
    with PlateReader(input="photo", threads=1, rotate=degrees, roi=(20, 30, 200, 90)) as reader:
        reading = reader(lying)
    assert (reading.width, reading.height) == (500, 400)
    (plate,) = reading.plates
    assert plate.text == "AB1234"
    assert np.abs(np.array(plate.corners) - WHOLE).max() < 15


@pytest.mark.parametrize("settings", [{"roi": (500, 0, 9, 9)}, {"ignore": [UPPER, (0, 400, 9, 9)]}])
def test_a_box_outside_the_picture_is_an_error(
    settings: dict[str, Any], photo: Image, tiny_plate_model: Path
) -> None:
    reader = PlateReader(tiny_plate_model, input="plate", threads=1, **settings)
    with pytest.raises(BoxError, match=r"at index 1: .*,9,9 lies outside the picture of 500×400 pixels"):
        reader([np.zeros((999, 999), np.uint8), photo])
    (error,) = reader([photo], on_error="return")
    assert isinstance(error, BoxError)
    with pytest.raises(BoxError):
        reader.detect(photo)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rotate": 45}, "rotate=45: 0, 90, 180 or 270 degrees"),
        ({"rotate": "90"}, "rotate='90'"),
        ({"roi": (1, 2, 3)}, r"roi=\(1, 2, 3\): four whole numbers"),
        ({"roi": (1, 2, 0, 3)}, "at least 1"),
        ({"roi": (1, 2.5, 3, 3)}, "whole numbers"),
        ({"roi": "1,2,3,4"}, "roi='1,2,3,4'"),
        ({"roi": 5}, "roi=5"),
        ({"ignore": (1, 2, 3, 4)}, "ignore=1: four whole numbers"),
        ({"ignore": 7}, "ignore=7: a list of boxes"),
        ({"min_height": -1}, "min_height=-1: a number of pixels from 0"),
        ({"min_height": float("nan")}, "min_height=nan"),
        ({"min_height": None}, "min_height=None"),
        ({"min_plate_confidence": 2}, "min_plate_confidence=2: a number from 0 to 1"),
    ],
)
def test_wrong_settings_are_named(settings: dict[str, Any], message: str, tiny_plate_model: Path) -> None:
    with pytest.raises(ValueError, match=message):
        PlateReader(tiny_plate_model, **settings)


def test_settings_are_pickled(tiny_plate_model: Path) -> None:
    settings: dict[str, Any] = {"rotate": 90, "roi": (1, 2, 3, 4), "ignore": [np.array([5, 6, 7, 8])]}
    copy = pickle.loads(pickle.dumps(PlateReader(tiny_plate_model, min_height=3, **settings)))
    assert copy.view == View(90, (1, 2, 3, 4), ((5, 6, 7, 8),))


def plate(*corners: tuple[float, float]) -> Plate:
    return Plate("A", 0.9, 0.9, 1, corners, (Char("A", 0.9, ()),))


def test_the_height_of_a_plate_is_the_mean_of_its_left_and_right_side() -> None:
    assert plate((0, 0), (30, 40), (30, 60), (0, 10)).height == 15
    assert plate((0, 0), (0, 90), (-30, 90), (-30, 0)).height == 30


@pytest.mark.parametrize(
    ("shift", "touches"),
    [
        ((40, 40), False),
        ((2, 40), True),
        ((2.1, 40), False),
        ((40, 1), True),
        ((168, 40), True),
        ((40, 89), True),
    ],
)
def test_a_plate_near_the_edge_touches_it(shift: tuple[float, float], touches: bool) -> None:
    x, y = shift
    corners = ((x, y), (x + 30, y), (x + 30, y + 10), (x, y + 10))
    placed = plate(*corners).placed((0, 0), (200, 100))
    assert placed.touches_edge == touches
    assert placed.to_dict()["touches_edge"] == touches
    assert placed.corners == corners


def test_the_edge_is_that_of_the_picture_and_not_that_of_the_roi() -> None:
    small = plate((0, 0), (30, 0), (30, 10), (0, 10))
    assert small.placed((0, 50), (200, 100)).touches_edge
    assert small.placed((50, 50), (200, 100)) == plate((50, 50), (80, 50), (80, 60), (50, 60))
