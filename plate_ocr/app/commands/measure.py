"""``plate-ocr evaluate`` and ``inspect``."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from plate_ocr.alphabet import Alphabet
from plate_ocr.app.console import fail
from plate_ocr.app.options import ReadRegions, split_regions
from plate_ocr.errors import DataError, ModelError


def evaluate(
    data: Annotated[
        Path,
        typer.Argument(
            help="A CSV file image_path,plate_text and, if wanted, region; a folder with such a labels.csv; "
            "or a folder of pictures named after their plates, as AB-123.jpg or, once more, AB-123_2.jpg."
        ),
    ],
    model: Annotated[
        str, typer.Option(help="plates, chars, digits, an .onnx file or the folder of a training run.")
    ] = "plates",
    region: ReadRegions = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FILE", help="Page with the plates that were misread.")
    ] = Path("mistakes.html"),
    as_json: Annotated[bool, typer.Option("--json", help="The figures as one JSON object.")] = False,
) -> None:
    """Measure how well labelled plates are read, and show those that were not.

    Exit status: 0 when every plate was looked at, 1 when some could not be, 2 for wrong usage.
    """
    from plate_ocr.app.evaluation import mistakes_page, read_plates, to_lines
    from plate_ocr.files import write_whole
    from plate_ocr.labels import list_plates
    from plate_ocr.metrics import PlateFigures
    from plate_ocr.readers.auto import PlateReader

    try:
        reader = PlateReader(model, region=split_regions(region))
    except (ModelError, DataError) as error:
        fail(str(error), 2)
    plates, problems = list_plates(data, Alphabet(reader.alphabet))
    outcomes = list(read_plates(reader, plates, problems.append))
    for problem in problems:
        print(f"plate-ocr: {problem}", file=sys.stderr)
    if not outcomes:
        fail(f"{data}: no plate could be looked at", 1)
    figures = PlateFigures.of(outcomes)
    print(json.dumps(asdict(figures), ensure_ascii=False) if as_json else "\n".join(to_lines(figures)))
    write_whole(out, mistakes_page(outcomes).encode())
    print(f"what was misread: {out}", file=sys.stderr)
    if problems:
        fail(f"{len(problems):,} of {len(problems) + len(outcomes):,} plates are left out of the figures", 1)


def inspect(
    image: Annotated[str, typer.Argument(help="A picture of a plate, or - for standard input.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the pictures.")],
    model: Annotated[
        str, typer.Option(help="chars, digits, an .onnx file or the folder of a training run.")
    ] = "chars",
) -> None:
    """Show every step of reading a plate as a picture, to see why a reading went wrong."""
    from plate_ocr.app.inspection import inspect_plate
    from plate_ocr.app.sources import Source
    from plate_ocr.readers.classical import ClassicalReader

    for path in inspect_plate(ClassicalReader(model), Source(image).content(), out):
        print(path)
