"""The shipped models read real pictures as well as the documentation says, to a percentage point."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks import MORE_SETS, PHOTOS, SETS, labelled_photos
from benchmarks.photos import read_photos
from benchmarks.plates import read_set, share_right
from plate_ocr.readers.auto import PlateReader

PAGE = (Path(__file__).parent.parent / "docs" / "benchmarks.md").read_text(encoding="utf-8")

MARGIN = 0.011
"""A point, and the rounding of the page."""


def margin(count: int) -> float:
    """In small sets it is one plate: one may be read on some processors and not on others."""
    return max(MARGIN, 1.1 / count)


def said(row: str) -> list[float]:
    """The shares in the first row of the page that begins so."""
    found = re.search(rf"^\| {re.escape(row)} .*$", PAGE, re.MULTILINE)
    assert found, row
    return [float(number) / 100 for number in re.findall(r"([\d.]+)%", found[0])]


@pytest.mark.data
@pytest.mark.parametrize("name", [*SETS, *MORE_SETS])
def test_crops_are_read_as_well_as_documented(name: str, data_folder: Path, shipped_plates: Path) -> None:
    reader = PlateReader(shipped_plates, input="plate", threads=1)
    samples = read_set(reader, name)
    assert share_right(samples, name) >= said(f"plates | {name} |")[0] - margin(len(samples))


@pytest.mark.data
@pytest.mark.parametrize("name", PHOTOS)
def test_plates_in_photos_are_found_and_read_as_documented(
    name: str, data_folder: Path, shipped_plates: Path, shipped_detector: Path
) -> None:
    reader = PlateReader(shipped_plates, input="photo", threads=1)
    labelled = labelled_photos(data_folder / "photos" / name)
    seen = read_photos(reader, name, labelled)
    read, found = said(f"{name}, {len(labelled)} |")
    assert np.mean(seen.read) >= read - margin(len(seen.read))
    assert np.mean(seen.found) >= found - margin(len(seen.found))
