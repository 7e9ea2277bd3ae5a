"""Labels that the reader proposes."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from plate_ocr.alphabet import PLATE_CHARACTERS, Alphabet
from plate_ocr.labels import list_plates
from plate_ocr.vision.images import read_image
from tests.app.conftest import Run

SAMPLE = Path("data/plate.png").resolve()


@pytest.fixture
def shots(tmp_path: Path, shipped_plates: Path) -> Path:
    """A plate, a blurred one, and a picture without a plate."""
    assert shipped_plates
    folder = tmp_path / "shots"
    folder.mkdir()
    picture = read_image(SAMPLE)
    cv2.imwrite(str(folder / "clear.png"), picture)
    cv2.imwrite(str(folder / "blurred.png"), cv2.GaussianBlur(picture, (0, 0), 4))
    cv2.imwrite(str(folder / "empty.png"), np.full((300, 400), 90, np.uint8))
    return folder


def test_pictures_are_labelled_the_least_confident_first(run: Run, shots: Path, tmp_path: Path) -> None:
    table = tmp_path / "labels" / "plates.csv"
    code, out, err = run("label", shots, "-o", table)
    assert (code, out, err) == (0, f"{table}\n", "")
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["image_path"] for row in rows] == [
        "../shots/empty.png",
        "../shots/blurred.png",
        "../shots/clear.png",
    ]
    confidences = [float(row["confidence"]) for row in rows]
    assert confidences == sorted(confidences)
    assert confidences[0] == 0
    assert [rows[0][key] for key in ("plate_text", "x", "y", "w", "h")] == [""] * 5
    assert rows[2]["plate_text"] == "皖A512T3"
    crops = [read_image(table.parent / row["crop"]) for row in rows]
    assert crops[0].shape[:2] == (300, 400)
    assert crops[2].shape[1] > 150
    plates, _ = list_plates(table, Alphabet(PLATE_CHARACTERS))
    (clear,) = (plate for plate in plates if plate.path.name == "clear.png")
    assert clear.text == "皖A512T3"
    assert clear.box is not None
    assert clear.box[2] == pytest.approx(196, abs=25)


def test_corrected_labels_are_not_replaced(run: Run, shots: Path, tmp_path: Path) -> None:
    table = tmp_path / "plates.csv"
    assert run("label", shots / "clear.png", "-o", table)[0] == 0
    before = table.read_bytes()
    code, out, err = run("label", shots, "-o", table)
    assert (code, out, table.read_bytes()) == (2, "", before)
    assert f"{table} is there already" in err


def test_what_cannot_be_labelled_is_named(run: Run, shots: Path, tmp_path: Path) -> None:
    (shots / "broken.png").write_text("no picture")
    code, _, err = run("label", shots, "-o", tmp_path / "a.csv")
    assert (code, "broken.png: not a picture" in err) == (1, True)
    assert len((tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()) == 4
    code, _, err = run("label", shots / "broken.png", "-o", tmp_path / "b.csv")
    assert (code, "no image could be read" in err) == (1, True)
    assert not (tmp_path / "b.csv").exists()
    for given, says in ((["-"], "label takes images"), ([shots, "--input", "char"], "single characters")):
        code, _, err = run("label", *given, "-o", tmp_path / "c.csv")
        assert (code, says in err) == (2, True)
