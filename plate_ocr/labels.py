"""Labelled pictures of plates: a CSV file, or pictures that are named after what they show."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from plate_ocr.alphabet import UNKNOWN, Alphabet
from plate_ocr.errors import AlphabetError, DataError, ImageError
from plate_ocr.files import listed_path, read_csv
from plate_ocr.label_files import BOX_COLUMNS, CSV_COLUMNS, FRACTIONS, LINES, holds_boxes, label_rows
from plate_ocr.log import warn
from plate_ocr.region_files.countries import region_code
from plate_ocr.text import normalize_text
from plate_ocr.vision.image_files import is_image_name
from plate_ocr.vision.images import read_image

LABELS = "labels.csv"
"""A folder with this file is labelled by it, not by the names of its pictures."""

CORNER_COLUMNS = ("x1", "y1", "x2", "y2", "x3", "y3", "x4", "y4")
"""Clockwise from the plate's own top left."""
REGION_COLUMNS = ("region", "plate_region")
"""Either may be there."""
MAX_BOX = 1_000_000
"""Pixels: no number of a box is larger."""
NUMBERING_SPREAD = 1000
"""Names that are numbers count the pictures if they spread over less than so many a picture."""
NO_TEXT = "the text of the plate is missing"


Box: TypeAlias = tuple[float, float, float, float]


@dataclass(frozen=True)
class LabelledPlate:
    """A plate in a picture and what is written on it; or a picture without a plate.

    Attributes:
        path: the file.
        text: normalised, see :func:`~plate_ocr.text.normalize_text`; empty if there is no plate.
        region: code of where it is from; empty where nothing says so.
        location: how to find the label: the path, or the CSV's name and line.
        box: left, top, width and height in the picture, pixels; None where nothing says so.
        corners: x and y of the plate's corners, pixels, clockwise from its own top left; None where nothing
            says so. The box is then the one round them.
    """

    path: Path
    text: str
    region: str
    location: str
    box: Box | None = None
    corners: tuple[tuple[float, float], ...] | None = None

    @property
    def outline(self) -> tuple[tuple[float, float], ...] | None:
        """The plate's corners, or those of its box; None where nothing says where it is."""
        if self.corners or self.box is None:
            return self.corners
        x, y, width, height = self.box
        return (x, y), (x + width, y), (x + width, y + height), (x, y + height)


def list_plates(
    data: Path, alphabet: Alphabet | None, *, texts: bool = True
) -> tuple[list[LabelledPlate], list[str]]:
    """The labelled plates of a data set, not yet opened.

    Args:
        data: a CSV file with the columns ``image_path`` (relative to the CSV), ``plate_text`` (empty: no
            plate) and, if wanted, ``region`` or ``plate_region`` (a code or a country's English name) and
            the box ``x,y,w,h`` (left, top, width and height, pixels) or the corners ``x1,y1`` to ``x4,y4``
            (pixels, clockwise from the plate's own top left); a folder with such a file as ``labels.csv``;
            a ``.txt`` file of lines ``path<TAB>text``, as PaddleOCR has them; boxes without texts in a
            ``.json`` file of COCO, a folder of ``.xml`` files of Pascal VOC, YOLO's ``data.yaml`` or its
            folder of ``images`` and ``labels``; or a folder, with all folders in it, of pictures named after
            their plates. There the text ends at the first underscore, so that a plate may come twice:
            ``AB-123.jpg``, ``AB-123_2.jpg``.
        alphabet: the characters that a label may hold once it was normalised, see
            :func:`~plate_ocr.text.normalize_text`; None: any.
        texts: whether a plate with a box needs a text.

    Returns:
        The plates, and a sentence for each label that cannot be used. Unknown regions count as none;
        each is named once, to the log.

    Raises:
        DataError: if there is no such data set or nothing in it, or the names of a folder's pictures are
            no plates: counted (``0007.jpg``) or without a digit (``IMG_7.jpg``).
    """
    # Unlike those of Path, no errors where a name is too long.
    if os.path.isfile(data / LABELS):
        data = data / LABELS
    if os.path.isdir(data) and not holds_boxes(data):
        return _list_folder(data, alphabet)
    if os.path.exists(data):
        return _list_table(data, alphabet, texts=texts)
    raise DataError(f"there is no data set {data}")


def labels_plates(data: Path) -> bool:
    """Whether a data set labels whole plates, not characters: by its columns or where its pictures are."""
    if os.path.isdir(data):
        return os.path.isfile(data / LABELS) or any(map(is_image_name, os.listdir(data)))
    if data.suffix.lower() == LINES:
        return True
    try:
        next(read_csv(data, CSV_COLUMNS), None)
    except DataError:
        return False
    return True


def _list_folder(folder: Path, alphabet: Alphabet | None) -> tuple[list[LabelledPlate], list[str]]:
    plates: list[LabelledPlate] = []
    problems: list[str] = []
    unread = list[OSError]()
    files = [
        Path(inner, name) for inner, _, names in os.walk(folder, onerror=unread.append) for name in names
    ]
    for file in sorted(file for file in files if is_image_name(file.name)):
        try:
            text = _text(file.stem.partition("_")[0], alphabet)
            if not text:
                raise ValueError(NO_TEXT)
        except ValueError as error:
            problems.append(f"{file}: {error}")
        else:
            plates.append(LabelledPlate(file, text, "", str(file)))
    problems += [f"cannot read {error.filename}: {error.strerror}" for error in unread]
    if not (plates or problems):
        raise DataError(
            f"{folder} holds no pictures; pictures named after their plates or {LABELS} are expected"
        )
    if _are_no_plates([plate.text for plate in plates]):
        raise DataError(
            f"{folder}: the pictures are not named after their plates: {plates[0].path.name}; "
            f"rename them, as in AB-123.jpg, or write {LABELS} with the columns {','.join(CSV_COLUMNS)}"
        )
    return plates, problems


def _are_no_plates(names: Sequence[str]) -> bool:
    """Whether the names of several pictures count them, or are words of a camera or an extractor."""
    if len(names) < 2:
        return False
    if all(name.isdecimal() for name in names):
        numbers = [int(name) for name in names]
        return max(numbers) - min(numbers) < NUMBERING_SPREAD * len(numbers) and len(set(names)) > 1
    return not any(char.isdecimal() for name in names for char in name)


def _list_table(
    table: Path, alphabet: Alphabet | None, *, texts: bool
) -> tuple[list[LabelledPlate], list[str]]:
    plates: list[LabelledPlate] = []
    problems: list[str] = []
    unknown = set[str]()
    named_from = table / LABELS if os.path.isdir(table) else table
    for where, row in label_rows(table):
        try:
            corners, path = _corners(row), listed_path(named_from, row["image_path"])
            box = _around(corners) if corners else _box(row)
            if not row["image_path"] or os.path.isdir(path):
                raise ValueError("no picture is named")
            if box and row.get(FRACTIONS):
                box = _in_pixels(box, path)
            text = _text(row["plate_text"], alphabet)
            if box and not text and texts:
                raise ValueError(NO_TEXT)
        except (ValueError, ImageError) as error:
            problems.append(f"{where}: {error}")
            continue
        named = next(filter(None, (row.get(column, "") for column in REGION_COLUMNS)), "")
        region = region_code(named)
        if region is None and named.casefold() not in unknown:
            unknown.add(named.casefold())
            warn(f"{where}: the region {named} counts as none: it is no code and no country's English name")
        plates.append(LabelledPlate(path, text, region or "", where, box, corners))
    if not (plates or problems):
        raise DataError(f"{table} lists no pictures")
    return plates, problems


def _text(written: str, alphabet: Alphabet | None) -> str:
    """What is written on a plate, as it is compared; empty where nothing or only padding is written.

    Raises:
        ValueError: if it is all separators, or has characters that are not in the alphabet.
    """
    text = normalize_text(written, alphabet or "")
    if not text and written.strip("_"):
        raise ValueError(NO_TEXT)
    if alphabet and UNKNOWN in text and UNKNOWN not in alphabet:
        raise ValueError(f"the text {written}: ? stands for a character that was not read; write what it is")
    try:
        if alphabet:
            alphabet.encode(text)
    except AlphabetError as error:
        raise ValueError(f"the text {written}: {error}") from None
    return text


def _corners(row: Mapping[str, str]) -> tuple[tuple[float, float], ...] | None:
    """The corners of the plate in the picture, if a row of a table names them.

    Raises:
        ValueError: if they are no convex quadrilateral, clockwise.
    """
    written = [row.get(column, "") for column in CORNER_COLUMNS]
    if not any(written):
        return None
    try:
        numbers = list(map(float, written))
    except ValueError:
        numbers = [math.nan]
    points = tuple(zip(numbers[::2], numbers[1::2], strict=False))
    bounded = all(abs(number) <= MAX_BOX for number in numbers)
    if not bounded or any(_turn(*(points[(i + k) % 4] for k in range(3))) <= 0 for i in range(4)):
        raise ValueError(
            f"the corners {','.join(written)}: {','.join(CORNER_COLUMNS)} are pixels, clockwise from the "
            "plate's own top left"
        )
    return points


def _turn(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
    """Above 0 where the way from a over b to c turns clockwise in a picture."""
    return (b[0] - a[0]) * (c[1] - b[1]) - (b[1] - a[1]) * (c[0] - b[0])


def _around(corners: Sequence[tuple[float, float]]) -> Box:
    """The upright box round corners."""
    x, y = zip(*corners, strict=True)
    return min(x), min(y), max(x) - min(x), max(y) - min(y)


def _box(row: Mapping[str, str]) -> Box | None:
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
    bounded = all(abs(number) <= MAX_BOX for number in (x, y, width, height))
    if not (bounded and width > 0 and height > 0):
        raise ValueError(f"the box {','.join(written)}: x,y,w,h are left, top, width and height in pixels")
    return x, y, width, height


def _in_pixels(box: Box, path: Path) -> Box:
    """A box in pixels from one in parts of a picture's width and height.

    Raises:
        ImageError: if the picture cannot be read.
    """
    height, width = read_image(path).shape[:2]
    return box[0] * width, box[1] * height, box[2] * width, box[3] * height
