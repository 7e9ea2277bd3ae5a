"""Pictures that are turned, looked at in part, and hidden in: by the command line and from Python."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from plate_ocr.app.output import CSV_COLUMNS
from plate_ocr.readers.auto import PlateReader
from plate_ocr.video import VehicleTrack, watch
from plate_ocr.vision.drawing import draw_text
from plate_ocr.vision.images import Image, read_image, to_gray
from tests.app.conftest import Run

TEXT = "AB123CD"


def add_plate(picture: Image, left: int, top: int, width: int) -> Image:
    """Draw a plate into a picture, uint8 ``(H, W, 3)``; the same picture."""
    large = np.full((220, 1040, 3), 245, np.uint8)
    cv2.rectangle(large, (8, 8), (1031, 211), (20, 20, 20), 10)
    draw_text(large, "AB 123 CD", (90, 170), 180, (20, 20, 20))
    size = width, round(width * 220 / 1040)
    picture[top : top + size[1], left : left + size[0]] = cv2.resize(
        large, size, interpolation=cv2.INTER_AREA
    )
    return picture


def scene(height: int, width: int) -> Image:
    """A car's body before an uneven ground: uint8 ``(height, width, 3)``."""
    rng = np.random.default_rng(0)
    noise = rng.normal(90, 6, (height // 4, width // 4, 3))
    picture = np.clip(cv2.resize(noise, (width, height)), 0, 255).astype(np.uint8)
    left, right, top = width // 4, 3 * width // 4, height // 4
    cv2.rectangle(picture, (left, top), (right, 9 * height // 10), (40, 40, 120), -1)
    cv2.rectangle(picture, (left + 80, top + 30), (right - 80, height // 2), (60, 60, 60), -1)
    return picture


def tilted(picture: Image, degrees: float) -> Image:
    """A picture turned about its middle."""
    height, width = picture.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    turned = cv2.warpAffine(picture, turn, (width, height), borderMode=cv2.BORDER_REFLECT)
    return np.asarray(turned, np.uint8)


@pytest.fixture(scope="module")
def photo() -> Image:
    """One plate, 160 pixels wide."""
    return add_plate(scene(720, 1280), 560, 480, 160)


@pytest.fixture
def upside(tmp_path: Path, photo: Image) -> Path:
    """The photo upside down."""
    path = tmp_path / "upside.png"
    cv2.imwrite(str(path), photo[::-1, ::-1])
    return path


def results(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def test_a_turned_picture_is_read_and_written_turned(
    run: Run, upside: Path, photo: Image, tmp_path: Path, shipped_plates: Path, shipped_detector: Path
) -> None:
    status, out, err = run(
        "predict", "--json", "--input", "photo", "--rotate", 180, "--roi", "400,300,999,999", upside,
        "--annotate", tmp_path / "a", "--crops", tmp_path / "c", "--blur", tmp_path / "b",
        "--csv", tmp_path / "t.csv",
    )  # fmt: skip
    assert (status, err) == (0, "plate-ocr: something was hidden in every picture\n")
    ((plate,),) = [found["plates"] for found in results(out)]
    assert (plate["text"], plate["touches_edge"]) == (TEXT, False)
    assert np.abs(np.array(plate["corners"][0]) - (560, 480)).max() < 12
    hidden = read_image(tmp_path / "b" / "upside.png.jpg")
    assert np.abs(hidden[:300].astype(int) - photo[:300]).mean() < 4
    assert np.abs(hidden[480:514, 560:720].astype(int) - photo[480:514, 560:720]).mean() > 30
    crop = to_gray(read_image(tmp_path / "c" / "upside.png.1.png"))
    assert PlateReader(input="plate", threads=1)(crop).text == TEXT
    assert read_image(tmp_path / "a" / "upside.png.jpg").shape == photo.shape
    row = (tmp_path / "t.csv").read_text(encoding="utf-8").splitlines()[1].split(",")
    assert row[2] == f'"{TEXT}"'
    assert row[CSV_COLUMNS.index("touches_edge")] == "0"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--roi", "1,2,3"), "Invalid value for --roi: '1,2,3': four whole numbers x,y,w,h are expected"),
        (("--roi", ""), "Invalid value for --roi: ''"),
        (("--ignore", "1,2,3,4", "--ignore", "1,2,3,0"), "Invalid value for --ignore: '1,2,3,0'"),
        (("--rotate", "45"), "'45' is not one of '90', '180', '270'"),
        (("--min-height", "-1"), "Invalid value for '--min-height'"),
        (("--min-plate-confidence", "2"), "Invalid value for '--min-plate-confidence'"),
        (("--roi", "1280,0,9,9"), "upside.png: roi 1280,0,9,9 lies outside the picture of 1280×720 pixels"),
        (("-j", 2, "--rotate", 90, "--ignore", "0,1280,9,9"), "upside.png: ignore 0,1280,9,9 lies outside"),
    ],
)
def test_wrong_boxes_and_bounds_are_wrong_usage(
    options: tuple[str, ...], message: str, run: Run, upside: Path, tmp_path: Path, shipped_detector: Path
) -> None:
    status, out, err = run("predict", *options, "--csv", tmp_path / "t.csv", upside)
    assert (status, out) == (2, "")
    assert message in err
    assert not (tmp_path / "t.csv").exists()


def test_boxes_and_turns_hold_for_videos(
    run: Run, tmp_path: Path, photo: Image, shipped_plates: Path, shipped_detector: Path
) -> None:
    path, name = tmp_path / "v.avi", str(tmp_path / "v.avi")
    lying = np.rot90(cv2.resize(photo, (640, 360), interpolation=cv2.INTER_AREA))
    writer = cv2.VideoWriter(name, cv2.VideoWriter.fourcc(*"MJPG"), 10, (360, 640))
    for _ in range(4):
        writer.write(np.ascontiguousarray(lying))
    writer.release()
    (car,) = watch(path, PlateReader(input="photo", threads=1, rotate=90))
    assert isinstance(car, VehicleTrack)
    assert (car.plate.text, car.reading.width, car.plate.touches_edge) == (TEXT, 640, False)
    assert car.picture is not None
    assert car.picture.shape == (360, 640, 3)
    status, out, _ = run(
        "predict", "--json", "--rotate", 90, "--ignore", "270,230,100,40", "--blur", tmp_path, path
    )
    assert status == 0
    assert [found["plates"] for found in results(out)] == [[]]
    status, _, err = run("predict", "--roi", "360,0,9,9", path)
    assert status == 2
    assert "v.avi: roi 360,0,9,9 lies outside the picture of 360×640 pixels" in err
    status, _, _ = run("predict", "--rotate", 90, "--blur", tmp_path / "b", path)
    assert status == 0
    good, turned = cv2.VideoCapture(str(tmp_path / "b" / "v.avi.mp4")).read()
    assert good
    assert turned.shape == (360, 640, 3)


def read_enlarged(picture: Image, left: int, top: int, width: int) -> str:
    """What is read where a plate is, enlarged."""
    reach = width // 4
    part = picture[
        max(0, top - reach) : top + width // 4 + reach, max(0, left - reach) : left + width + reach
    ]
    large = cv2.resize(part, None, fx=320 / width, fy=320 / width, interpolation=cv2.INTER_CUBIC)
    return PlateReader(input="plate", threads=1)(np.asarray(large, np.uint8)).text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("size", "plates"),
    [
        ((720, 1280), [(620, 480, 38)]),
        ((720, 1280), [(490, 450, 300), (200, 150, 44)]),
        ((3000, 4000), [(1700, 2000, 300), (700, 500, 38)]),
        ((120, 200), [(90, 85, 38)]),
    ],
)
def test_plates_of_all_sizes_are_hidden(
    size: tuple[int, int], plates: list[tuple[int, int, int]], shipped_plates: Path, shipped_detector: Path
) -> None:
    picture = scene(*size)
    for place in plates:
        add_plate(picture, *place)
    assert any(len(read_enlarged(picture, *place)) >= 4 for place in plates)
    hidden = PlateReader(input="photo", threads=2).blur(picture)
    for left, top, width in plates:
        assert len(read_enlarged(hidden, left, top, width)) < 3
        rows, columns = slice(top, top + width // 5), slice(left, left + width)
        assert (hidden[rows, columns] != picture[rows, columns]).any(2).mean() > 0.9
    assert (hidden != picture).any(2).mean() < 0.1


@pytest.mark.slow
def test_a_tilted_plate_is_hidden_though_it_is_not_read(
    run: Run, tmp_path: Path, photo: Image, shipped_plates: Path, shipped_detector: Path
) -> None:
    picture = tilted(photo, 20)
    cv2.imwrite(str(tmp_path / "tilted.png"), picture)
    cv2.imwrite(str(tmp_path / "empty.png"), np.full((300, 400), 90, np.uint8))
    status, _, err = run("predict", tmp_path / "tilted.png", tmp_path / "empty.png", "--blur", tmp_path / "b")
    assert status == 0
    assert err == f"plate-ocr: nothing was hidden in 1 of 2 pictures: {tmp_path / 'empty.png'}\n"
    hidden = tilted(read_image(tmp_path / "b" / "tilted.png.jpg"), -20)
    assert len(read_enlarged(tilted(picture, -20), 560, 480, 160)) >= 6
    assert len(read_enlarged(hidden, 560, 480, 160)) < 3
