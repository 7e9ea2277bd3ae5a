"""Rendered scenes: where plates are in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from plate_ocr.errors import DataError
from plate_ocr.readers.auto import PlateReader
from plate_ocr.rendering.scenes import HEIGHT, MAX_ANGLE, MIN_VISIBLE, WIDTH, Scene, SceneGenerator
from plate_ocr.rendering.shards import MAX_PLATES
from plate_ocr.text import normalize_text
from plate_ocr.vision.geometry import overlap
from plate_ocr.vision.images import Image

COUNT = 120


@pytest.fixture(scope="module")
def generator() -> SceneGenerator:
    return SceneGenerator(None, ["us", "eu", "br"])


@pytest.fixture(scope="module")
def scenes(generator: SceneGenerator) -> list[Scene]:
    return [generator(5, index) for index in range(COUNT)]


def test_the_same_numbers_give_the_same_scene(generator: SceneGenerator, scenes: list[Scene]) -> None:
    other = SceneGenerator(None, ["us", "eu", "br"])
    for index in (7, 0, 30):
        again = other(5, index)
        np.testing.assert_array_equal(again.image, scenes[index].image)
        np.testing.assert_array_equal(again.corners, scenes[index].corners)
        assert again.texts == scenes[index].texts
    assert not np.array_equal(generator(6, 0).image, scenes[0].image)


def test_scenes_have_none_to_several_plates(scenes: list[Scene]) -> None:
    counts = np.bincount([len(scene.texts) for scene in scenes], minlength=MAX_PLATES + 1)
    assert len(counts) == MAX_PLATES + 1
    assert 0.03 * COUNT < counts[0] < 0.5 * COUNT
    assert counts[2:].sum() > 0.05 * COUNT
    for scene in scenes:
        assert scene.image.shape == (HEIGHT, WIDTH)
        assert scene.image.dtype == np.uint8
        assert scene.corners.shape == (len(scene.texts), 4, 2)
        assert all(scene.texts)


def angles(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """By how many degrees the text of each plate rises to the right, y pointing down."""
    along = boxes[:, 1] - boxes[:, 0] + boxes[:, 2] - boxes[:, 3]
    return np.asarray(np.degrees(np.arctan2(along[:, 1], along[:, 0])), np.float32)


def test_corners_lie_in_the_picture_and_go_clockwise(scenes: list[Scene]) -> None:
    boxes = np.concatenate([scene.corners for scene in scenes])
    edge = np.array([[0, 0], [WIDTH, 0], [WIDTH, HEIGHT], [0, HEIGHT]], np.float32)
    for box in boxes:
        inside = cv2.intersectConvexConvex(box, edge)[0]
        assert inside >= MIN_VISIBLE * abs(cv2.contourArea(box)) - 1
    sides = np.roll(boxes, -1, axis=1) - boxes
    following = np.roll(sides, -1, axis=1)
    # To the right at each corner, y pointing down; the first side is the upper one.
    assert (sides[..., 0] * following[..., 1] - sides[..., 1] * following[..., 0] > 0).all()
    assert np.abs(angles(boxes)).max() < MAX_ANGLE + 10
    assert np.quantile(np.abs(angles(boxes)), 0.9) > 20
    assert np.quantile(np.abs(angles(boxes)), 0.5) < 12
    widths = np.linalg.norm(sides[:, 0], axis=1)
    assert widths.min() < 35
    assert widths.max() > 0.7 * WIDTH


@pytest.mark.parametrize("degrees", [-38.0, 38.0])
def test_corners_turn_with_the_picture(
    degrees: float, generator: SceneGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plate_ocr.rendering.scenes._roll", lambda rng: degrees)
    boxes = np.concatenate([generator(5, index).corners for index in range(12)])
    assert len(boxes) > 5
    assert np.median(angles(boxes)) == pytest.approx(degrees, abs=7)


@pytest.mark.parametrize("degrees", [90.0, 180.0, 270.0])
def test_plates_on_their_side_or_head_are_there_and_not_labelled(
    degrees: float, generator: SceneGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plate_ocr.rendering.scenes._roll", lambda rng: degrees)
    drawn: list[Any] = []
    add_car = SceneGenerator._add_car

    def counted(self: SceneGenerator, *args: Any, **options: Any) -> Any:
        found = add_car(self, *args, **options)
        drawn.extend([found] if found else [])
        return found

    monkeypatch.setattr(SceneGenerator, "_add_car", counted)
    scenes = [generator(5, index) for index in range(8)]
    assert len(drawn) > 4
    assert all(not scene.texts and not len(scene.corners) for scene in scenes)


def test_plates_of_a_scene_do_not_overlap(scenes: list[Scene]) -> None:
    pairs = [
        (scene.corners[i].astype(np.float64), scene.corners[j].astype(np.float64))
        for scene in scenes
        for j in range(len(scene.texts))
        for i in range(j)
    ]
    assert len(pairs) > 5
    assert all(overlap(one, other) == 0 for one, other in pairs)


def cut_out(image: Image, corners: NDArray[np.float32]) -> Image:
    """What lies between the corners, a little enlarged, upright."""
    around = corners.mean(0) + (corners - corners.mean(0)) * 1.1
    target = np.array([[0, 0], [256, 0], [256, 64], [0, 64]], np.float32)
    matrix = cv2.getPerspectiveTransform(around.astype(np.float32), target)
    return np.asarray(
        cv2.warpPerspective(image, matrix, (256, 64), borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


def test_texts_can_be_read_between_the_corners(scenes: list[Scene], shipped_plates: Path) -> None:
    reader = PlateReader(shipped_plates, input="plate", threads=1)
    right, tilted = [], []
    for scene in scenes:
        for corners, text in zip(scene.corners, scene.texts, strict=True):
            if np.linalg.norm(corners[1] - corners[0]) >= 110:
                plates = reader(cut_out(scene.image, corners)).plates
                right.append(bool(plates) and plates[0].text == normalize_text(text))
                tilted.append(abs(angles(corners[None])[0]) > 15)
    assert len(right) > 15
    assert np.mean(right) > 0.55
    assert sum(tilted) > 3
    assert np.mean(np.array(right)[tilted]) > 0.4


def test_an_unknown_region_is_named() -> None:
    with pytest.raises(DataError, match="atlantis"):
        SceneGenerator(None, ["atlantis"])
