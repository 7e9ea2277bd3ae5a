"""What of a film is looked at: where it changes, and plates until their reading is sure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from plate_ocr.readers.auto import PlateReader
from plate_ocr.readers.results import Plate, with_chars
from plate_ocr.video.looking import Looker
from plate_ocr.video.motion import ChangeMap
from plate_ocr.video.vehicle import VehicleTrack
from plate_ocr.vision.detection import Detection
from plate_ocr.vision.images import Image
from tests.conftest import text_picture

RATE = 25


def frame(*plates: tuple[float, float, float], noise: np.random.Generator | None = None) -> Image:
    """A grey frame with plates: x and y of the middle and the width of each, pixels."""
    shown = np.full((480, 640), 90, np.uint8)
    for x, y, wide in plates:
        plate = text_picture("KA365CP")
        size = round(wide), round(wide * plate.shape[0] / plate.shape[1])
        left, top = round(x - size[0] / 2), round(y - size[1] / 2)
        shown[top : top + size[1], left : left + size[0]] = cv2.resize(plate, size)
    if noise is None:
        return shown
    return np.clip(shown + noise.normal(0, 6, shown.shape), 0, 255).astype(np.uint8)


class Counted:
    """A reader's looker, how often plates were read one by one, and in which windows they were searched."""

    def __init__(self, reader: PlateReader, monkeypatch: pytest.MonkeyPatch) -> None:
        assert reader.photos is not None
        self.looker, self.read = Looker(reader), 0
        self.windows = list[tuple[int, int, int, int]]()
        read, detect = reader.photos.read_places, reader.photos.detect_window

        def read_places(gray: Image, places: Sequence[Detection]) -> tuple[Plate, ...]:
            self.read += len(places)
            return read(gray, places)

        def detect_window(
            gray: Image, window: tuple[int, int, int, int], scale: float, *, weak: bool = False
        ) -> list[Detection]:
            self.windows.append(window)
            return detect(gray, window, scale, weak=weak)

        monkeypatch.setattr(reader.photos, "read_places", read_places)
        monkeypatch.setattr(reader.photos, "detect_window", detect_window)

    def follow(self, frames: Iterable[Image]) -> list[VehicleTrack]:
        """Every car of frames."""
        found = list[VehicleTrack]()
        for number, shown in enumerate(frames):
            found += self.looker.update(shown, number / RATE)[1]
        return found + self.looker.tracker.finish()


@pytest.fixture
def reader(shipped_plates: Path, shipped_detector: Path) -> PlateReader:
    return PlateReader(shipped_plates, input="photo", threads=1)


def test_noise_is_no_change_and_what_moves_is() -> None:
    changes, rng = ChangeMap(), np.random.default_rng(0)
    changes.update(frame(noise=rng), 0.0)
    assert changes.hull(-1.0) == (0, 0, 640, 480)
    for i in range(1, 20):
        changes.update(frame(noise=rng), float(i))
    assert changes.hull(0.0) is None
    changes.update(frame((200, 300, 100), noise=rng), 20.0)
    hull = changes.hull(0.0)
    assert hull is not None
    assert np.abs(np.subtract(hull, (150, 287, 250, 313))).max() <= 12
    assert changes.hull(20.0) is None
    assert changes.has_changed(np.array([[190.0, 290.0], [210.0, 310.0]]), 19.0)
    assert not changes.has_changed(np.array([[390.0, 290.0], [410.0, 310.0]]), 19.0)
    changes.update(np.zeros((96, 128, 3), np.uint8), 21.0)
    assert changes.hull(20.0) == (0, 0, 128, 96)


def test_a_sure_plate_is_read_again_only_when_it_is_larger(
    reader: PlateReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    for end, best in (((440.0, 240.0, 150.0), 1.0), ((320.0, 300.0, 290.0), 1.4)):
        counted = Counted(reader, monkeypatch)
        way = np.linspace((200.0, 240.0, 150.0), end, 45)
        (car,) = counted.follow(frame((x, y, wide)) for x, y, wide in way)
        assert car.plate.text == "KA365CP"
        assert 30 <= car.frames <= 45
        assert car.end > 1.4
        assert counted.read < 15
        assert np.ptp(car.plate.corners, axis=0)[0] > best * 150


def test_what_is_read_of_a_part_is_as_sure_as_what_is_read_of_a_frame(
    reader: PlateReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    def doubtful(_: PlateReader, plate: Plate) -> Plate:
        return with_chars(plate, tuple(replace(char, confidence=0.5) for char in plate.chars))

    monkeypatch.setattr(PlateReader, "discounted", doubtful)
    counted = Counted(reader, monkeypatch)
    (car,) = counted.follow(frame((x, 240, 150)) for x in range(200, 440, 8))
    assert counted.read
    assert car.plate.text == "KA365CP"
    assert [char.confidence for char in car.plate.chars] == pytest.approx([0.5] * 7)


def test_a_plate_that_stands_is_not_looked_at(reader: PlateReader, monkeypatch: pytest.MonkeyPatch) -> None:
    counted, rng = Counted(reader, monkeypatch), np.random.default_rng(0)
    (car,) = counted.follow(frame((320, 240, 150), noise=rng) for _ in range(100))
    assert car.plate.text == "KA365CP"
    assert car.frames >= 95
    assert counted.looker.stats.skipped >= 90


def test_a_clock_is_searched_alone(reader: PlateReader, monkeypatch: pytest.MonkeyPatch) -> None:
    def clock(number: int) -> Image:
        shown = frame()
        cv2.putText(shown, f"08:15:{number // RATE:02}", (20, 40), cv2.FONT_HERSHEY_SIMPLEX, 0.8, 255, 2)
        return shown

    counted = Counted(reader, monkeypatch)
    assert counted.follow(clock(number) for number in range(100)) == []
    assert counted.windows
    assert all(right < 320 and bottom < 160 for _, _, right, bottom in counted.windows)


def test_what_is_outside_the_region_of_interest_is_not_searched(
    shipped_plates: Path, shipped_detector: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    way = np.linspace((120.0, 400.0, 150.0), (520.0, 400.0, 150.0), 45)
    for roi, texts in (((0, 0, 640, 300), []), ((0, 300, 640, 180), ["KA365CP"])):
        roi_reader = PlateReader(shipped_plates, input="photo", threads=1, roi=roi)
        counted = Counted(roi_reader, monkeypatch)
        cars = counted.follow(frame((x, y, wide)) for x, y, wide in way)
        assert [car.plate.text for car in cars] == texts
        assert [round(float(np.mean(car.last_corners, axis=0)[1]), -1) for car in cars] == [400] * len(texts)
