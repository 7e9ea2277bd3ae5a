"""Files of labels: tables of this package, and what other tools write."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from plate_ocr.errors import DataError
from plate_ocr.files import read_csv
from plate_ocr.vision.image_files import is_image_name

CSV_COLUMNS = ("image_path", "plate_text")
BOX_COLUMNS = ("x", "y", "w", "h")
FRACTIONS = "fractions"
"""Not empty: the box is given in parts of the picture's width and height."""
LINES = ".txt"
"""Ending of files with a picture and its text on each line."""
VOC_SIDES = ("xmin", "ymin", "xmax", "ymax")
YAML = (".yaml", ".yml")
YOLO_PARTS = ("train", "val", "test")
"""Keys of the folders of pictures in YOLO's ``data.yaml``."""
PICTURES, BOXES = "images", "labels"
"""YOLO's labels lie under ``labels`` as the pictures do under ``images``."""


def label_rows(table: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """The rows of a file or folder of labels of any format, see :func:`~plate_ocr.files.read_csv`.

    Those with a value in :data:`FRACTIONS` have boxes in parts of the picture's width and height.

    Raises:
        DataError: if it cannot be read, or is no such file.
    """
    if os.path.isdir(table):
        return _read_yolo(table) if _is_yolo(table) else _read_voc(table)
    formats = {LINES: _read_lines, ".json": _read_coco, **dict.fromkeys(YAML, _read_yolo)}
    read = formats.get(table.suffix.lower())
    return read(table) if read else read_csv(table, CSV_COLUMNS)


def _row(name: str, box: Sequence[object] = ("", "", "", "")) -> dict[str, str]:
    """A row of a picture and a box without a text."""
    return dict(zip((*CSV_COLUMNS, *BOX_COLUMNS), (name, "", *map(str, box)), strict=True))


def _read_coco(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """The boxes of a COCO file, and its pictures without a box."""
    try:
        values = json.loads(path.read_text(encoding="utf-8-sig"))
        names = {image["id"]: str(image["file_name"]) for image in values["images"]}
        boxes = [
            (box.get("id", i), box["image_id"], box["bbox"]) for i, box in enumerate(values["annotations"])
        ]
        rows = [(f"{path} annotation {id}", _row(names[image], box)) for id, image, box in boxes]
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path} is no COCO file: {type(error).__name__}: {error}") from None
    yield from rows
    empty = names.keys() - {image for _, image, _ in boxes}
    yield from ((f"{path} image {id}", _row(name)) for id, name in names.items() if id in empty)


def holds_boxes(folder: Path) -> bool:
    """Whether a folder is one of Pascal VOC or YOLO."""
    return _is_yolo(folder) or any(map(_is_voc, os.listdir(folder)))


def _is_voc(name: str) -> bool:
    """Whether a file may be one of Pascal VOC."""
    return name.lower().endswith(".xml")


def _read_voc(folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """The boxes of a folder of Pascal VOC files, and its pictures without a box."""
    from xml.etree import ElementTree

    for path in sorted(folder / name for name in os.listdir(folder) if _is_voc(name)):
        try:
            root = ElementTree.parse(path).getroot()
            name = root.findtext("filename") or ""
            found = [[float(box.findtext(key) or "") for key in VOC_SIDES] for box in root.iter("bndbox")]
        except (ElementTree.ParseError, ValueError) as error:
            raise DataError(f"{path} is no Pascal VOC file: {error}") from None
        except OSError as error:
            raise DataError(f"cannot read {path}: {error.strerror}") from None
        for left, top, right, bottom in found:
            yield str(path), _row(name, (left, top, right - left, bottom - top))
        if not found:
            yield str(path), _row(name)


def _is_yolo(folder: Path) -> bool:
    """Whether a folder has YOLO's folders of pictures and labels."""
    return os.path.isdir(folder / PICTURES) and os.path.isdir(folder / BOXES)


def _read_yolo(data: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """The boxes of YOLO's ``data.yaml`` or folder, and its pictures without a box."""
    folders, names = ([data / PICTURES], {}) if os.path.isdir(data) else _yolo_settings(data)
    found = {int(number) for number, name in names.items() if "plate" in str(name).lower()}
    chosen = found or {int(number) for number in names}
    classes = set[int]()
    rows = []
    for picture in sorted(
        Path(inner, name) for folder in folders for inner, _, files in os.walk(folder) for name in files
    ):
        if is_image_name(picture.name):
            path = _yolo_labels(picture)
            boxes = [box for box in _yolo_boxes(path) if not chosen or box[0] in chosen]
            classes |= {number for number, _, _ in boxes}
            named = str(picture.absolute())
            rows += [(f"{path} line {line}", {**_row(named, box), FRACTIONS: "1"}) for _, line, box in boxes]
            if not boxes:
                rows.append((str(picture), _row(named)))
    if len(classes) > 1 and not found:
        raise DataError(
            f"{data}: several classes, and none is named after plates: name them in a data.yaml, as in "
            "names: {0: plate, 1: car}"
        )
    yield from rows


def _yolo_settings(path: Path) -> tuple[list[Path], dict[Any, Any]]:
    """The folders of pictures in a ``data.yaml``, and the names of classes by number."""
    try:
        import yaml
    except ModuleNotFoundError:
        raise DataError(f"{path} needs PyYAML; install it with: pip install 'plate-ocr[train]'") from None
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
        names = values.get("names", {})
        names = dict(enumerate(names)) if isinstance(names, list) else {int(k): v for k, v in names.items()}
        given = [values[key] for key in YOLO_PARTS if values.get(key)]
        written = [str(one) for value in given for one in (value if isinstance(value, list) else [value])]
        base = path.parent / str(values.get("path") or "")
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from None
    except (ValueError, AttributeError, TypeError, yaml.YAMLError) as error:
        raise DataError(f"{path} is no data.yaml of YOLO: {str(error).splitlines()[0]}") from None
    # Roboflow writes ../train/images for a folder beside the file.
    folders = [
        base / name if os.path.isdir(base / name) else base / name.removeprefix("../") for name in written
    ]
    for folder in folders:
        if not os.path.isdir(folder) or PICTURES not in folder.parts:
            raise DataError(f"{path}: {folder} is no folder named, or in one named, {PICTURES}")
    if not folders:
        raise DataError(f"{path} names no folder of pictures: {', '.join(YOLO_PARTS)}")
    return folders, names


def _yolo_labels(picture: Path) -> Path:
    """The file of a picture's boxes."""
    parts = list(picture.parts)
    last = len(parts) - 1 - parts[::-1].index(PICTURES)
    return Path(*parts[:last], BOXES, *parts[last + 1 :]).with_suffix(LINES)


def _yolo_boxes(path: Path) -> list[tuple[int, int, tuple[float, ...]]]:
    """Class, line and box of each line: left, top, width and height in parts of the picture; none without a
    file.
    """
    if not os.path.exists(path):
        return []
    boxes = list[tuple[int, int, tuple[float, ...]]]()
    try:
        for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), 1):
            if line.strip():
                name, x, y, width, height = map(float, line.split())
                boxes.append((int(name), number, (x - width / 2, y - height / 2, width, height)))
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from None
    except (ValueError, OverflowError):
        raise DataError(
            f"{path} is no file of YOLO's boxes: a line has five numbers, the class, the middle, width and "
            "height in parts of the picture"
        ) from None
    return boxes


def _read_lines(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Lines ``path<TAB>text`` as rows of a table, see :func:`~plate_ocr.files.read_csv`."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise DataError(f"{path} is not UTF-8: save the file as UTF-8") from None
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from None
    for number, line in enumerate(lines, 1):
        if line.strip():
            name, tab, text = line.partition("\t")
            if not tab:
                raise DataError(f"{path} line {number}: no tab between the path and the text of a plate")
            yield f"{path} line {number}", dict(zip(CSV_COLUMNS, (name.strip(), text.strip()), strict=True))
