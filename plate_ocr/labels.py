"""Labelled pictures of plates: a CSV file, or pictures that are named after what they show."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from plate_ocr.alphabet import Alphabet
from plate_ocr.errors import AlphabetError, DataError
from plate_ocr.files import read_csv
from plate_ocr.text import normalize_text
from plate_ocr.vision.image_files import is_image_name

LABELS = "labels.csv"
"""A folder with this file is labelled by it, not by the names of its pictures."""

CSV_COLUMNS = ("image_path", "plate_text")
BOX_COLUMNS = ("x", "y", "w", "h")


@dataclass(frozen=True)
class LabelledPlate:
    """A plate in a picture and what is written on it.

    Attributes:
        path: the file.
        text: upper case, without separators and marks, the top line first.
        region: where it is from; empty where nothing says so.
        location: how to find the label: the path, or the CSV's name and line.
        box: left, top, width and height in the picture, pixels; None where nothing says so.
    """

    path: Path
    text: str
    region: str
    location: str
    box: tuple[float, float, float, float] | None = None


def list_plates(data: Path, alphabet: Alphabet) -> tuple[list[LabelledPlate], list[str]]:
    """The labelled plates of a data set, not yet opened.

    Args:
        data: a CSV file with the columns ``image_path`` (relative to the CSV), ``plate_text`` and, if
            wanted, ``region`` and the box ``x,y,w,h`` (left, top, width and height, pixels); a folder that
            holds such a file as ``labels.csv``; or a folder, with all folders in it, of pictures that are
            named after their plates. There the text ends at the first underscore, so that a plate may come
            twice: ``AB-123.jpg``, ``AB-123_2.jpg``.
        alphabet: the characters that a label may hold.

    Returns:
        The plates, and a sentence for each label that cannot be used.

    Raises:
        DataError: if there is no such data set or nothing in it.
    """
    good: list[LabelledPlate] = []
    problems: list[str] = []
    if data.is_dir() and (data / LABELS).is_file():
        data = data / LABELS
    if data.is_dir():
        files = [Path(folder, name) for folder, _, names in os.walk(data) for name in names]
        found = [
            LabelledPlate(file, normalize_text(file.stem.partition("_")[0]), "", str(file))
            for file in sorted(files)
            if is_image_name(file.name)
        ]
        if not found:
            raise DataError(
                f"{data} holds no pictures; pictures named after their plates or {LABELS} are expected"
            )
    elif data.exists():
        found = []
        for location, row in read_csv(data, CSV_COLUMNS):
            try:
                box = _box(row)
            except ValueError as error:
                problems.append(f"{location}: {error}")
                continue
            path, text = data.parent / row["image_path"], normalize_text(row["plate_text"])
            found.append(LabelledPlate(path, text, row.get("region", ""), location, box))
        if not (found or problems):
            raise DataError(f"{data} lists no pictures")
    else:
        raise DataError(f"there is no data set {data}")
    for plate in found:
        if wrong := _problem(plate, alphabet):
            problems.append(f"{plate.location}: {wrong}")
        else:
            good.append(plate)
    return good, problems


def _box(row: Mapping[str, str]) -> tuple[float, float, float, float] | None:
    """Where the plate is in the picture, if a row of a table says so.

    Raises:
        ValueError: if what it says is no box.
    """
    written = [row.get(column, "") for column in BOX_COLUMNS]
    if not any(written):
        return None
    try:
        x, y, width, height = map(float, written)
    except ValueError:
        x = y = width = height = math.nan
    if not (math.isfinite(x + y + width + height) and width > 0 and height > 0):
        raise ValueError(f"the box {','.join(written)}: x,y,w,h are left, top, width and height in pixels")
    return x, y, width, height


def _problem(plate: LabelledPlate, alphabet: Alphabet) -> str:
    """What keeps a label from being used; empty if nothing does."""
    if plate.path.name == "" or plate.path.is_dir():
        return "no picture is named"
    if not plate.text:
        return "the text of the plate is missing"
    try:
        alphabet.encode(plate.text)
    except AlphabetError as error:
        return f"the text {plate.text}: {error}"
    return ""
