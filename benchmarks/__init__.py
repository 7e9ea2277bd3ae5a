"""Figures that the README and ``docs/benchmarks.md`` quote: ``python -m benchmarks.NAME``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from plate_ocr.alphabet import PLATE_CHARACTERS, Alphabet
from plate_ocr.labels import LabelledPlate, list_plates
from plate_ocr.vision.images import Image, is_image_name, read_image, to_gray

SETS = ("cn", "us", "br", "eu", "uz", "vn-two-line")
"""Folders with crops of real plates."""

EXACT = ("cn",)
"""Those whose labels tell O from 0 and I from 1."""


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


def labelled_plates(folder: Path) -> list[LabelledPlate]:
    """The plates of a folder with ``labels.csv``, or a word of what is wrong with a label."""
    plates, problems = list_plates(folder, Alphabet(PLATE_CHARACTERS))
    if problems:
        sys.exit(problems[0])
    return plates
