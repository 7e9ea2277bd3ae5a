"""``plate-ocr benchmark``, by what it prints and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from plate_ocr.app.commands import benchmark
from plate_ocr.app.commands.benchmark import CROP, PHOTO, TEXT, drawn_crop, drawn_photo
from plate_ocr.model.onnx_session import available_threads
from plate_ocr.readers.auto import PlateReader
from tests.app.conftest import Run


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch, shipped_plates: Path, shipped_detector: Path) -> None:
    """Few readings."""
    monkeypatch.setattr(benchmark, "N_RUNS", 2)
    monkeypatch.setattr(benchmark, "SECONDS", 0.01)


def test_a_crop_and_a_photo_are_measured(run: Run) -> None:
    code, out, err = run("benchmark")
    assert (code, err) == (0, "")
    device, crop, photo = out.splitlines()
    assert device == f"device: cpu, {available_threads()} cores"
    assert crop.startswith("crop, 260×55 pixels: ")
    assert photo.startswith("photo, 1280×960 pixels: ")
    assert " per second with one core, " in crop


def test_json_has_all_figures(run: Run) -> None:
    code, out, _ = run("benchmark", "--json")
    measured = json.loads(out)
    assert code == 0
    assert measured["device"] == "cpu"
    assert measured["cores"] >= 1
    for kind, size in (("crop", CROP), ("photo", PHOTO)):
        figures = measured[kind]
        assert figures.pop("size") == list(size)
        assert set(figures) == {"ms", "per_second_one_core", "per_second"}
        assert all(value > 0 for value in figures.values())
    assert measured["crop"]["ms"] < measured["photo"]["ms"]


def test_the_plate_of_the_photo_is_found_where_it_is() -> None:
    crop = drawn_crop()
    photo = drawn_photo(crop)
    assert photo.shape == (*PHOTO[::-1], 3)
    (plate,) = PlateReader(threads=1)(photo).plates
    assert plate.text == TEXT
    (left, top), (right, bottom) = plate.corners[0], plate.corners[2]
    np.testing.assert_allclose([left, top, right, bottom], [510, 680, 770, 735], atol=16)


def test_a_plate_that_is_misread_is_not_timed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "TEXT", "XX")
    monkeypatch.setattr(benchmark, "drawn_crop", lambda: np.full((55, 260, 3), 235, np.uint8))
    code, out, err = run("benchmark")
    assert (code, out) == (1, "")
    assert "the drawn plate XX was read as" in err
