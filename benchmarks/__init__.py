"""Figures that the README and ``docs/benchmarks.md`` quote: ``python -m benchmarks.NAME``."""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from plate_ocr.vision.images import Image, is_image_name, read_image, to_gray

FOLD = str.maketrans("OI", "01")
"""O and 0, I and 1 look the same in some countries' lettering and labels."""

SETS = ("cn", "us", "br", "eu", "uz", "vn-two-line")
"""Folders with crops of real plates."""


def data_folder() -> Path:
    """The real pictures, or a word of where they should be."""
    folder = os.environ.get("PLATE_OCR_DATA")
    if not folder or not Path(folder).is_dir():
        sys.exit("set PLATE_OCR_DATA to the folder with the real pictures")
    return Path(folder)


def labelled_characters(folder: Path) -> tuple[list[Image], list[str]]:
    """Grey pictures and labels of a folder of class folders."""
    pictures, labels = [], []
    for part in sorted(folder.iterdir()):
        for path in sorted(part.iterdir()) if part.is_dir() else ():
            if is_image_name(path.name):
                pictures.append(to_gray(read_image(path)))
                labels.append(part.name)
    return pictures, labels


def labelled_plates(folder: Path) -> Iterator[tuple[Path, str]]:
    """Paths and texts of a folder with ``labels.csv``."""
    with (folder / "labels.csv").open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            yield folder / row["image_path"], row["plate_text"]
