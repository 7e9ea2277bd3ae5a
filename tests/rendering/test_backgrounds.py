"""What is behind cars."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from plate_ocr.errors import DataError
from plate_ocr.rendering.backgrounds import MAX_SIDE, background, packaged_photographs, photographs_in
from plate_ocr.vision.drawing import to_png


def test_packages_bring_photographs_of_no_plates() -> None:
    photographs = packaged_photographs()
    assert len(photographs) >= 5
    assert all(photograph.ndim == 2 and min(photograph.shape) > 100 for photograph in photographs)


def test_own_photographs_are_behind_cars(tmp_path: Path) -> None:
    (tmp_path / "b.png").write_bytes(to_png(np.full((40, 3 * MAX_SIDE), 9, np.uint8)))
    (tmp_path / "a.png").write_bytes(to_png(np.full((400, 300), 7, np.uint8)))
    (tmp_path / "notes.txt").write_text("no picture")
    small, large = photographs_in(tmp_path)
    assert (small == 7).all()
    assert small.shape == (400, 300)
    assert (large == 9).all()
    assert max(large.shape) == MAX_SIDE
    assert any((background(np.random.default_rng(seed), 64, 96, [small]) == 7).all() for seed in range(10))


def test_a_folder_without_pictures_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=str(tmp_path)):
        photographs_in(tmp_path)
    with pytest.raises(DataError, match="missing"):
        photographs_in(tmp_path / "missing")
