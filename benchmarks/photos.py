"""Plates in whole photos: found, read, and invented; and photos, crops and characters told apart.

``python -m benchmarks.photos [FOLDER ...]``: the sets of real photos; of other folders with ``labels.csv``
the first table alone.
"""

from __future__ import annotations

import dataclasses
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from benchmarks import (
    EXACT,
    SETS,
    LabelledPhoto,
    data_folder,
    labelled_photos,
    labelled_plates,
    photo_folders,
)
from plate_ocr.model.sessions import Detector, PlateModel
from plate_ocr.readers.any_picture import AnyReader
from plate_ocr.readers.auto import PlateReader
from plate_ocr.readers.plates import NetworkReader
from plate_ocr.readers.results import Plate
from plate_ocr.rendering.backgrounds import packaged_photographs
from plate_ocr.text import fold_lookalikes
from plate_ocr.vision.geometry import overlap
from plate_ocr.vision.image_files import is_image_name
from plate_ocr.vision.images import Image, read_image, to_gray

FOUND = 0.5
"""A plate is found where intersection over union is at least so much."""

LEAST = 160
"""Sides of what is cut from photos, pixels, at least."""

CHARACTERS = ("uk", "zhengpeng", "easypr")
EACH = 200
"""Crops and characters of a set to tell apart, at most."""


def is_found(plates: tuple[Plate, ...], labelled: LabelledPhoto, number: int) -> bool:
    """Whether a reported plate lies where a labelled one is."""
    for plate in plates:
        corners = np.array(plate.corners)
        if overlap(corners, labelled.corners(number, corners)) >= FOUND:
            return True
    return False


@dataclass(frozen=True)
class Seen:
    """What was seen in the photos of a set.

    Attributes:
        read: of each labelled plate, whether its text was reported.
        found: of each whose label has a box, whether a plate was reported where it is.
        invented: reported texts that are on no plate.
        ms: that a photo took.
    """

    read: list[bool]
    found: list[bool]
    invented: int
    ms: float


def read_photos(reader: PlateReader, name: str, labelled: Sequence[LabelledPhoto]) -> Seen:
    """Read the photos of a set."""
    started = time.perf_counter()
    readings = [reader(photo.path) for photo in labelled]
    seen = Seen([], [], 0, 1000 * (time.perf_counter() - started) / len(labelled))
    invented = 0
    for photo, reading in zip(labelled, readings, strict=True):
        texts = [plate.text for plate in reading.plates]
        folded = [fold_lookalikes(text) for text in texts]
        wanted = [fold_lookalikes(text) for text in photo.texts]
        seen.read.extend(
            text in texts if name in EXACT else fold_lookalikes(text) in folded for text in photo.texts
        )
        seen.found.extend(is_found(reading.plates, photo, number) for number in range(len(photo.boxes)))
        invented += sum(text not in wanted for text in folded)
    return dataclasses.replace(seen, invented=invented)


def photos(reader: PlateReader, folders: Sequence[Path]) -> None:
    """Print what is found and read, a line a set."""
    print("| photos | plates | read | found | wrong extra plates per photo | ms per photo |")
    print("|---|---|---|---|---|---|")
    extra = count = 0
    for folder in folders:
        name, labelled = folder.name, labelled_photos(folder)
        seen = read_photos(reader, name, labelled)
        found = f"{np.mean(seen.found):.1%}" if seen.found else ""
        row = name, f"{len(labelled)}", f"{len(seen.read)}", f"{np.mean(seen.read):.1%}", found
        of = f"{seen.invented / len(labelled):.2f} | {seen.ms:.0f}"
        print(f"| {', '.join(row[:2])} | {' | '.join(row[2:])} | {of} |")
        extra, count = extra + seen.invented, count + len(labelled)
    print(f"| all, {count} | | | | {extra / count:.2f} | |", flush=True)


def cuts(photo: LabelledPhoto) -> Iterator[Image]:
    """What lies above, below, left and right of all labelled plates of a photo."""
    gray = to_gray(read_image(photo.path))
    hulls = photo.hulls()
    left, top = np.maximum(np.floor(hulls[:, :2].min(0)), 0).astype(int)
    right, bottom = np.maximum(np.ceil(hulls[:, 2:].max(0)), 0).astype(int)
    for part in (gray[:top], gray[bottom:], gray[:, :left], gray[:, right:]):
        if min(part.shape) >= LEAST:
            yield part


def without_plates(reader: PlateReader) -> None:
    """Print how often a plate is reported where none is."""
    print("\n| no plates | photos | with a plate reported |\n|---|---|---|")
    pictures = [cut for folder in photo_folders() for photo in labelled_photos(folder) for cut in cuts(photo)]
    for name, of in (("cut from photos", pictures), ("that packages bring", [*packaged_photographs()])):
        wrong = sum(bool(reader(picture).plates) for picture in of)
        print(f"| {name} | {len(of)} | {wrong} ({wrong / len(of):.1%}) |", flush=True)


def some(paths: Sequence[Path]) -> list[Image]:
    """Pictures from all over a set, in grey."""
    return [to_gray(read_image(path)) for path in paths[:: -(-len(paths) // EACH)]]


def kinds() -> Iterator[tuple[str, list[Image]]]:
    """Sets of pictures, some of each."""
    for folder in photo_folders():
        yield f"photos {folder.name}", some([photo.path for photo in labelled_photos(folder)])
    for name in SETS:
        yield (
            f"plates {name}",
            some([plate.path for plate in labelled_plates(data_folder() / "plates" / name)]),
        )
    for name in CHARACTERS:
        files = (data_folder() / "chars" / name).rglob("*")
        yield f"characters {name}", some(sorted(path for path in files if is_image_name(path.name)))


def told_apart() -> None:
    """Print what pictures are taken for when nobody says what they are."""
    detector = partial(Detector, "detector", threads=1)
    reader = AnyReader(NetworkReader(PlateModel("plates", threads=1)), detector, threads=1)
    print("\n| pictures | | taken for photos | plates | characters |\n|---|---|---|---|---|")
    for name, pictures in kinds():
        counts = Counter(
            picture_type for picture in pictures for picture_type, _ in reader.classify_and_read([picture])
        )
        shares = [
            f"{counts[picture_type] / len(pictures):.1%}" for picture_type in ("photo", "plate", "char")
        ]
        print(f"| {name} | {len(pictures)} | {' | '.join(shares)} |", flush=True)


def main() -> None:
    """Print three tables. Chinese plates count when every character is right, others with O=0 and I=1."""
    cv2.setNumThreads(1)
    reader = PlateReader(input="photo", threads=1)
    if len(sys.argv) > 1:
        photos(reader, [Path(name) for name in sys.argv[1:]])
        return
    photos(reader, photo_folders())
    without_plates(reader)
    told_apart()


if __name__ == "__main__":
    main()
