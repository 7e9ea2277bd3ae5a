"""``plate-ocr inspect``."""

from __future__ import annotations

import os
from collections import Counter
from functools import partial
from pathlib import Path, PurePath
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import typer

from plate_ocr.alphabet import UNKNOWN
from plate_ocr.app import options
from plate_ocr.app.commands.reading import open_reader
from plate_ocr.app.console import end_with_pipe, fail, print_message, print_result
from plate_ocr.app.verbosity import LOGGER, Quiet, Verbose, set_verbosity
from plate_ocr.errors import BoxError, ImageError, OutputError, VideoError
from plate_ocr.model.registry import DETECTOR
from plate_ocr.model.sessions import PlateModel

if TYPE_CHECKING:
    from plate_ocr.app.inspection import Inspection
    from plate_ocr.app.sources import Source
    from plate_ocr.readers.auto import PlateReader


def inspect(
    images: Annotated[
        list[str],
        typer.Argument(
            metavar="IMAGE...", help="Images, folders, globs, - for standard input; videos with --at."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="DIR", help="Draw each step: one PNG per image."),
    ] = None,
    at: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", min=0, help="Time of a frame of a video; the nearest is read."),
    ] = None,
    model: options.ReadModel = None,
    detector: options.DetectorOption = DETECTOR,
    input_type: options.InputOption = None,
    region: options.ReadRegions = None,
    min_confidence: options.MinConfidence = None,
    min_plate_confidence: options.MinPlateConfidence = None,
    min_height: options.MinHeight = 0,
    rotate: options.Rotate = None,
    roi: options.Roi = None,
    ignore: options.Ignore = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON object per line.")] = False,
    device: options.ReadDevice = options.Provider.cpu,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Explain step by step why images are read so.

    Exit status: 0 if all images were read, 1 if some could not be, 2 for wrong usage.
    """
    from plate_ocr.app.output import to_json, to_values
    from plate_ocr.app.sheets import draw_sheet
    from plate_ocr.app.sources import Inputs, expand, is_video
    from plate_ocr.files import write_whole
    from plate_ocr.vision.drawing import to_png

    end_with_pipe()
    started = set_verbosity(quiet, verbose)
    sources = list(expand(images))
    for source in sources:
        if source.error is None and is_video(source.name) != (at is not None):
            what = "no video: leave out --at" if at is not None else "a video: say which picture with --at"
            fail(f"{source.name} is {what}", 2)
    opened = partial(
        open_reader,
        model,
        detector=detector,
        region=options.split_regions(region),
        min_confidence=min_confidence,
        min_plate_confidence=min_plate_confidence,
        min_height=min_height,
        rotate=int(rotate or 0),
        roi=next(options.parse_boxes("--roi", [] if roi is None else [roi]), None),
        ignore=[*options.parse_boxes("--ignore", ignore or [])],
        providers=device.value,
    )
    read = opened(input_type)
    if at is not None and input_type in (None, options.InputType.auto) and isinstance(read.model, PlateModel):
        read = opened(options.InputType.photo)  # as predict reads videos
    inputs, given, failed = Inputs(tuple(images)), Counter[str](), False
    for source in sources:
        try:
            inspection = _inspected(source, at, read)
        except BoxError:
            raise
        except (ImageError, VideoError) as error:
            failed = True
            if as_json:
                print_result(to_json(to_values(source.name, None, str(error))))
            else:
                print_message(str(error))
            continue
        print_result(to_json(inspection.to_dict()) if as_json else "\n".join(inspection.lines()))
        if out:
            path = out / _sheet_name(source.name, inspection.time, given)
            if os.path.lexists(path) and path in inputs:
                raise OutputError(f"{path} is among the pictures to read: give a folder that is not")
            write_whole(path, to_png(draw_sheet(inspection)))
            if not as_json:
                print_result(f"  drawn: {path}")
    LOGGER.debug("done in %.1f s", perf_counter() - started)
    if failed:
        raise typer.Exit(1)


def _inspected(source: Source, at: float | None, read: PlateReader) -> Inspection:
    """Read a picture, or one of a video, and keep how.

    Raises:
        ImageError, VideoError: if it cannot be read; a BoxError if a box lies outside it.
    """
    from plate_ocr.app.inspection import Inspection
    from plate_ocr.readers.auto import rotated
    from plate_ocr.readers.trace import recording
    from plate_ocr.vision.images import read_image

    if source.error is not None:
        raise ImageError(source.error)
    if at is None:
        picture, time = read_image(source.content()), None
    else:
        from plate_ocr.video.capture import frame_at

        frame = frame_at(source.name, at)
        picture, time = frame.picture, frame.time
    try:
        with recording() as trace:
            reading = read(picture)
    except ImageError as error:  # which does not know whose pixels they are
        raise type(error)(f"{source.name}: {error}") from None
    return Inspection(source.name, time, rotated(read, picture), reading, trace, read.alphabet + UNKNOWN)


def _sheet_name(name: str, time: float | None, given: Counter[str]) -> str:
    """A file name that no sheet before had."""
    from plate_ocr.app.sources import STANDARD_INPUT, file_name
    from plate_ocr.files import is_url

    if name == STANDARD_INPUT:
        name = "stdin"
    base = PurePath(file_name(name) if is_url(name) else name).name
    if time is not None:
        base += f"-{time:.2f}s"
    given[base] += 1
    return f"{base}.png" if given[base] == 1 else f"{base}-{given[base]}.png"
