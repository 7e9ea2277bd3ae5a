"""Figures that the README and ``docs/benchmarks.md`` quote: ``python -m benchmarks.NAME``."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from plate_ocr.alphabet import PLATE_CHARACTERS, Alphabet
from plate_ocr.labels import LabelledPlate, list_plates
from plate_ocr.text import normalize_text
from plate_ocr.vision.image_files import is_image_name
from plate_ocr.vision.images import Image, read_image, to_gray

SETS = ("cn", "us", "br", "eu", "uz", "vn-two-line")
"""Folders with crops of real plates."""

MORE_SETS = ("tr", "id", "nl", "ru", "kr", "eg")
"""Further ones, of other layouts and scripts."""

COUNTRIES = {"eu": ("hr", "cz"), "vn-two-line": ("vn",)}
"""Where the plates of a set are from, if its name does not say it."""

EXACT = ("cn",)
"""Those whose labels tell O from 0 and I from 1."""

PHOTOS = ("cn", "us", "br", "eu")
"""Folders with real photos."""

TURNED = ("cn",)
"""Sets whose labels give the middle of a turned rectangle and its sides in any order, but not the angle."""


READS = """
import sys
from pathlib import Path
from plate_ocr.readers.auto import PlateReader
reader = PlateReader(sys.argv[1], input=sys.argv[2], threads=1)
for path in sys.argv[3:]:
    reader(path)
print(next(line for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line).split()[1])
"""
"""A program that reads pictures and tells the most memory that it took, kB."""


@dataclass(frozen=True)
class LabelledPhoto:
    """A photo and the plates on it.

    Attributes:
        path: the file.
        texts: upper case, without separators.
        boxes: float64 ``(N, 4)``: x and y of each plate's middle, width and height, pixels.
        turned: whether plates may be turned.
    """

    path: Path
    texts: tuple[str, ...]
    boxes: NDArray[np.float64]
    turned: bool

    def corners(self, number: int, along: NDArray[np.float64]) -> NDArray[np.float64]:
        """Corners ``(4, 2)`` of a plate, clockwise.

        Args:
            number: of the plate.
            along: corners of the plate to compare with; a turned rectangle lies along its upper side.
        """
        x, y, *size = self.boxes[number]
        right = np.array([1.0, 0.0])
        if self.turned:
            right = (along[1] - along[0]) / max(1e-6, float(np.linalg.norm(along[1] - along[0])))
        half = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * np.array(size) / 2
        return np.asarray(np.array([x, y]) + half @ np.array([right, [-right[1], right[0]]]))

    def hulls(self) -> NDArray[np.float64]:
        """Left, top, right and bottom of each plate ``(N, 4)``, however it may be turned."""
        middles, halves = self.boxes[:, :2], self.boxes[:, 2:] / 2
        if self.turned:
            halves = halves.max(1, keepdims=True) * np.ones(2)
        return np.hstack([middles - halves, middles + halves])


def labelled_photos(folder: Path) -> list[LabelledPhoto]:
    """The photos of a folder with ``labels.csv``, with all their labels; some folders have no boxes."""
    rows = defaultdict(list)
    with (folder / "labels.csv").open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            rows[row["image_path"]].append(row)
    photos = []
    for path, plates in sorted(rows.items()):
        with_boxes = [plate for plate in plates if "x" in plate]
        boxes = np.array([[float(plate[key]) for key in "xywh"] for plate in with_boxes]).reshape(-1, 4)
        if folder.name in TURNED:
            boxes[:, 2:] = -np.sort(-boxes[:, 2:], axis=1)
        else:
            boxes[:, :2] += boxes[:, 2:] / 2
        texts = tuple(normalize_text(plate["plate_text"]) for plate in plates)
        photos.append(LabelledPhoto(folder / path, texts, boxes, folder.name in TURNED))
    return photos


def text_halves(texts: Iterable[str]) -> tuple[set[str], set[str]]:
    """Two halves of the texts of plates."""
    order = np.random.default_rng(0).permutation(sorted({*texts})).tolist()
    return set(order[: len(order) // 2]), set(order[len(order) // 2 :])


def photo_folders() -> list[Path]:
    """All sets of real photos."""
    return [data_folder() / "photos" / name for name in PHOTOS]


def data_folder(content: str = "real pictures") -> Path:
    """The folder of ``PLATE_OCR_DATA``, or a word of what it should have."""
    folder = os.environ.get("PLATE_OCR_DATA")
    if not folder or not Path(folder).is_dir():
        sys.exit(f"set PLATE_OCR_DATA to the folder with {content}: data/README.md")
    return Path(folder)


def fonts_folder() -> Path:
    """The same, for plates that are rendered: none of its pictures is needed."""
    return data_folder("fonts and glyphs")


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


def reading_memory(model: str, input: str, paths: Sequence[Path]) -> float:
    """The most memory that a process which reads pictures takes, MB."""
    command = [sys.executable, "-c", READS, model, input, *map(str, paths)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout) * 1024 / 1e6
