"""Pictures are deleted after some days: those that were written for it, and no others."""

from __future__ import annotations

import os
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from plate_ocr.app.retention import DAY_S, is_marked, marked, sweep
from plate_ocr.vision.images import read_image
from tests.app.conftest import Run
from tests.conftest import text_picture


@pytest.mark.parametrize("ending", [".jpg", ".png"])
def test_a_mark_does_not_change_a_picture(ending: str, tmp_path: Path) -> None:
    picture = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    data = cv2.imencode(ending, picture)[1].tobytes()
    plain, kept = tmp_path / f"a{ending}", tmp_path / f"b{ending}"
    plain.write_bytes(data)
    kept.write_bytes(marked(data))
    assert (read_image(plain) == read_image(kept)).all()
    assert [is_marked(plain), is_marked(kept)] == [False, True]


def test_old_pictures_are_deleted_and_no_other_files(run: Run, tmp_path: Path) -> None:
    photo, folder = np.full((480, 640), 90, np.uint8), tmp_path / "out"
    photo[200:240, 100:250] = cv2.resize(text_picture("KA365CP"), (150, 40))
    cv2.imwrite(str(tmp_path / "a.png"), photo)
    outputs = "--annotate", folder, "--crops", folder / "crops"
    run("predict", tmp_path / "a.png", *outputs)
    cv2.imwrite(str(folder / "own.jpg"), photo)
    run("predict", tmp_path / "a.png", *outputs[:2], "--blur", folder / "blur", "--keep", 2)
    run("predict", tmp_path / "a.png", *outputs, "--keep", 2)

    def names() -> list[str]:
        return sorted(path.name for path in folder.rglob("*") if path.is_file())

    assert names() == ["a.png.1.png", "a.png.jpg", "a.png.jpg", "own.jpg"]
    for path in folder.rglob("*"):
        os.utime(path, (0, time.time() - 1.9 * DAY_S))
    assert sweep([folder], 2) == 0
    for path in folder.rglob("*"):
        os.utime(path, (0, time.time() - 2.1 * DAY_S))
    assert sweep([folder, folder / "crops"], 2) == 2
    assert names() == ["a.png.jpg", "own.jpg"]


def test_keep_belongs_to_a_folder(run: Run, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), text_picture("7"))
    code, _, err = run("predict", tmp_path / "a.png", "--keep", 2)
    assert (code, err) == (2, "plate-ocr: --keep belongs to --annotate DIR or --crops DIR\n")
