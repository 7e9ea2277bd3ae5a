"""``plate-ocr label``."""

from __future__ import annotations

import csv
import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from plate_ocr.app.commands.reading import open_reader
from plate_ocr.app.console import check_output, fail, print_message
from plate_ocr.app.options import (
    DetectorOption,
    InputOption,
    InputType,
    Provider,
    ReadDevice,
    ReadModel,
    ReadRegions,
    split_regions,
)
from plate_ocr.app.verbosity import Quiet, Verbose, set_verbosity
from plate_ocr.model.registry import DETECTOR

if TYPE_CHECKING:
    from plate_ocr.readers.results import Plate
    from plate_ocr.vision.images import Image

COLUMNS = ("image_path", "plate_text", "confidence", "x", "y", "w", "h", "crop")

MARGIN = (0.08, 0.2)
"""Margin of crops, as parts of the plate's width and height."""


@dataclass(frozen=True)
class _Row:
    """A label to be corrected.

    Attributes:
        image: the picture, as the table names it.
        plate: None if none was found.
        crop: uint8 ``(H, W, 3)`` or ``(H, W)``.
    """

    image: str
    plate: Plate | None
    crop: Image

    @property
    def confidence(self) -> float:
        """Of the least confident character."""
        return self.plate.min_confidence if self.plate else 0.0

    def values(self, crop: str) -> list[str]:
        """The values of :data:`COLUMNS`."""
        if self.plate is None:
            return [self.image, "", "0.00", *[""] * 4, crop]
        x, y = ([point[axis] for point in self.plate.corners] for axis in (0, 1))
        box = min(x), min(y), max(x) - min(x), max(y) - min(y)
        return [
            self.image,
            self.plate.text,
            f"{self.confidence:.2f}",
            *(f"{value:.1f}" for value in box),
            crop,
        ]


def label(
    images: Annotated[
        list[str], typer.Argument(metavar="IMAGE...", help="Images, folders and globs to label.")
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FILE", help="The new table; its crops lie beside it.")
    ],
    model: ReadModel = None,
    detector: DetectorOption = DETECTOR,
    input_type: InputOption = None,
    region: ReadRegions = None,
    device: ReadDevice = Provider.cpu,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Propose labels of plates, the least confident first.

    The table has the columns that train, evaluate and validate take.

    Exit status: 0 if all images were read, 1 if some could not be, 2 for wrong usage.
    """
    from plate_ocr.app.progress import counted
    from plate_ocr.app.sources import STANDARD_INPUT, expand, is_video
    from plate_ocr.errors import ImageError
    from plate_ocr.files import write_whole
    from plate_ocr.readers.auto import PlateReader
    from plate_ocr.vision.drawing import to_png
    from plate_ocr.vision.images import read_image

    set_verbosity(quiet, verbose)
    check_output(out, images)
    folder = out.with_name(f"{out.stem}-crops")
    for path in (out, folder):
        if os.path.lexists(path):
            fail(f"{path} is there already, and may hold corrected labels: give another file", 2)
    if input_type is InputType.char:
        fail("--input char reads single characters; label takes pictures of plates", 2)
    read = open_reader(
        model, input_type, detector=detector, region=split_regions(region), providers=device.value
    )
    assert isinstance(read, PlateReader)
    rows, failed = list[_Row](), False
    for source in counted(expand(images), lambda: sum(1 for _ in expand(images)), to_file=True):
        if source.name == STANDARD_INPUT or is_video(source.name):
            fail(f"{source.name}: label takes images", 2)
        try:
            if source.error is not None:
                raise ImageError(source.error)
            picture = read_image(source.content())
        except ImageError as error:
            failed = True
            print_message(str(error))
            continue
        name = Path(os.path.relpath(source.name, out.parent)).as_posix()
        plates = read(picture).plates
        rows += [_Row(name, plate, _crop(picture, plate)) for plate in plates] or [_Row(name, None, picture)]
    if not rows:
        fail("no image could be read", 1)
    rows.sort(key=lambda row: row.confidence)
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for number, row in enumerate(rows, 1):
        crop = f"{folder.name}/{number:05}.png"
        write_whole(out.parent / crop, to_png(row.crop))
        table.writerow(row.values(crop))
    write_whole(out, text.getvalue().encode(errors="surrogateescape"))
    print(out)
    if failed:
        raise typer.Exit(1)


def _crop(picture: Image, plate: Plate) -> Image:
    """A plate, rectified, with a margin."""
    import numpy as np

    from plate_ocr.vision.geometry import rectify

    return rectify(picture, np.array(plate.corners, np.float64), MARGIN).picture
