"""``plate-ocr predict``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plate_ocr.app import options
from plate_ocr.app.commands.reading import in_turn, open_reader
from plate_ocr.app.console import (
    INTERRUPTED,
    check_output,
    end_with_pipe,
    fail,
    print_message,
    print_result,
)
from plate_ocr.app.verbosity import LOGGER, Quiet, Verbose, set_verbosity
from plate_ocr.errors import DataError, VideoError
from plate_ocr.model.registry import DETECTOR
from plate_ocr.model.sessions import CharModel, PlateModel

if TYPE_CHECKING:
    from plate_ocr.app.answers import Answer
    from plate_ocr.app.output import ResultFile, Written
    from plate_ocr.app.pictures import PictureFolders
    from plate_ocr.app.sources import Source
    from plate_ocr.app.window import Window
    from plate_ocr.readers.auto import PlateReader
    from plate_ocr.readers.pictures import Drawn


OTHER_SHEETS = (".ods", ".xls", ".xlsb", ".xlsm")
"""Of spreadsheets too, which would not open a CSV file of such a name."""


def predict(
    images: Annotated[
        list[str],
        typer.Argument(
            metavar="IMAGE...",
            help="Images, folders, globs or - for standard input; videos, rtsp:// or http:// URLs, or the "
            "number of a camera, such as 0.",
        ),
    ],
    model: options.ReadModel = None,
    detector: options.DetectorOption = DETECTOR,
    input_type: options.InputOption = None,
    region: options.ReadRegions = None,
    script: options.ReadScripts = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON object per line.")] = False,
    min_confidence: options.MinConfidence = None,
    known: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Name known plates: a CSV file with the columns plate,name."),
    ] = None,
    min_plate_confidence: options.MinPlateConfidence = None,
    min_height: options.MinHeight = 0,
    rotate: options.Rotate = None,
    roi: options.Roi = None,
    ignore: options.Ignore = None,
    annotate: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the images with their plates marked.")
    ] = None,
    crops: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write each plate, cropped and rectified.")
    ] = None,
    blur: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write the images with all that may be a plate made unreadable."),
    ] = None,
    keep: options.Keep = None,
    table: Annotated[
        Path | None,
        typer.Option(
            "--csv", metavar="FILE", help="Write a table with one row per plate, FILE.csv or FILE.xlsx."
        ),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Append JSON results to this file and skip the inputs that it already has.",
        ),
    ] = None,
    retry: Annotated[
        bool, typer.Option("--retry", help="With --resume, read again what could not be read before.")
    ] = False,
    jobs: options.Jobs = 1,
    device: options.ReadDevice = options.Provider.cpu,
    on: options.On = options.ReportOn.departure,
    start: options.Start = None,
    name: options.CameraNames = None,
    show: Annotated[
        bool, typer.Option("--show", help="Show videos in a window while they are read.")
    ] = False,
    reconnect_timeout: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS", min=0, help="Give up on a lost camera after this time.", show_default="never"
        ),
    ] = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Read plates in photos, crops and videos, or single characters.

    Each vehicle in a video is reported once.

    Exit status: 0 if all inputs were read, 1 if some could not be, 2 for wrong usage.
    """
    from plate_ocr.app.answers import of_picture
    from plate_ocr.app.output import looks_like_photo, to_json, to_line, to_rows, to_values
    from plate_ocr.app.progress import counted
    from plate_ocr.app.sources import STANDARD_INPUT, Source, expand, is_video
    from plate_ocr.app.videos import Videos, check_videos

    end_with_pipe()
    started = set_verbosity(quiet, verbose)
    regions = options.split_regions(region)
    places = {"--annotate": annotate, "--crops": crops, "--blur": blur}
    _check_places(table, resume, places, inputs=(*images, *regions, model, detector, known))
    opened = partial(
        open_reader,
        model,
        detector=detector,
        region=regions,
        script=[one.value for one in script or []],
        min_confidence=min_confidence,
        min_plate_confidence=min_plate_confidence,
        min_height=min_height,
        rotate=int(rotate or 0),
        roi=next(options.parse_boxes("--roi", [] if roi is None else [roi]), None),
        ignore=[*options.parse_boxes("--ignore", ignore or [])],
        providers=device.value,
    )
    check_videos(images, name or [], start=start, show=show)
    read = opened(_first_type(model, input_type, images))
    results, identify = _results(resume, images, retry=retry), _identification(known)
    folders, rows = _picture_folders(annotate, crops, blur, images, results, keep), list[list[Any]]()
    videos = Videos(
        images,
        name or [],
        _video_reader(read, opened, input_type),
        folders,
        {
            "on": on.value,
            "start": start,
            "reconnect_timeout": reconnect_timeout,
            "show": _window() if show else None,
        },
    )
    # Others find the plates in photos, or were told that there is one character.
    classical = isinstance(read.model, CharModel) and read.input == "plate" and roi is None

    def for_worker(source: Source) -> bool:
        done = results is not None and source.name in results.named
        return not (done or source.error or source.name == STANDARD_INPUT or is_video(source.name))

    def answers(source: Source, answer: Answer | None) -> Iterable[Answer]:
        if results and source.name in results.named:
            return ()
        if answer is not None:
            return (answer,)
        if source.error is None and is_video(source.name):
            return videos.answers(source)
        return (of_picture(source, read, folders.draw),)

    failed, stopped, failed_before, photos, reader = False, False, 0, 0, partial(opened, input_type)
    try:
        with closing(in_turn(jobs, expand(images), for_worker, reader, folders.draw)) as turns:
            for turn in counted(turns, lambda: sum(1 for _ in expand(images)), to_file=results is not None):
                lines = list[str]()
                failed_before += results is not None and turn[0].name in results.failed
                for image, reading, drawn, wrong, track, video, film in map(identify, answers(*turn)):
                    failed |= wrong is not None
                    photos += classical and reading is not None and looks_like_photo(reading)
                    # Cameras answer in each other's turn.
                    source = turn[0] if turn[0].name == image else Source(image)
                    written = _write(folders, source, drawn, film) if folders else None
                    values = to_values(image, reading, wrong, track=track, video=video, written=written)
                    if results:
                        lines.append(to_json(values))
                    elif table:
                        rows += to_rows(values)
                    if as_json and not results:
                        print_result(to_json(values))
                    elif wrong is not None:
                        print_message(wrong)
                    elif reading is not None and not results:
                        print_result(to_line(image, reading, track))
                if results and lines:
                    # A stopped video has no line yet and is read again.
                    results.append(lines)
    except KeyboardInterrupt:
        stopped = True
    _conclude(table, results.rows() if results else rows, folders, photos, started)
    _end(resume, failed, failed_before, stopped=stopped)


def _write(folders: PictureFolders, source: Source, drawn: Drawn | None, film: str | None) -> Written:
    """Write what was drawn of an input, beside its film."""
    from plate_ocr.app.output import NONE_WRITTEN

    written = folders.write(source, drawn) if drawn else NONE_WRITTEN
    return written._replace(blurred=film) if film else written


def _first_type(
    model: str | None, input_type: options.InputType | None, images: list[str]
) -> options.InputType | None:
    """What is opened first: for nothing but videos what reads them, so that one reader is enough."""
    from plate_ocr.app.sources import is_video

    if model is None and input_type in (None, options.InputType.auto) and all(map(is_video, images)):
        return options.InputType.photo
    return input_type


def _video_reader(
    read: PlateReader,
    opened: Callable[[options.InputType], PlateReader],
    input_type: options.InputType | None,
) -> Callable[[], PlateReader]:
    """What reads videos: as photos unless --input says otherwise or the model reads characters."""
    automatic = input_type in (None, options.InputType.auto)
    if not read.photos and automatic and isinstance(read.model, PlateModel):
        return cache(partial(opened, options.InputType.photo))
    return lambda: read


def _results(path: Path | None, images: list[str], *, retry: bool) -> ResultFile | None:
    """The file of earlier results; to retry, without those of the given inputs that could not be read."""
    from plate_ocr.app.output import ResultFile
    from plate_ocr.app.sources import expand

    if path is None:
        if retry:
            fail("--retry belongs to --resume FILE", 2)
        return None
    results = ResultFile.of(path)
    if not retry:
        return results
    return results.without({source.name for source in expand(images) if source.name in results.failed})


def _picture_folders(
    annotate: Path | None,
    crops: Path | None,
    blur: Path | None,
    images: list[str],
    results: ResultFile | None,
    keep: float | None,
) -> PictureFolders:
    """Where pictures are written to, not over those of earlier results; old ones that are not to be kept
    are deleted.
    """
    from plate_ocr.app.pictures import PictureFolders
    from plate_ocr.app.retention import keep_for
    from plate_ocr.app.sources import Inputs

    if keep is not None:
        kept = [folder for folder in (annotate, crops) if folder]
        if not kept:
            fail("--keep belongs to --annotate DIR or --crops DIR", 2)
        keep_for(kept, keep)
    folders = PictureFolders(annotate, crops, blur, Inputs(tuple(images)), keep is not None)
    if results and folders:
        folders.reserve(results.written())
    return folders


def _check_places(
    table: Path | None,
    resume: Path | None,
    folders: Mapping[str, Path | None],
    *,
    inputs: Sequence[str | Path | None],
) -> None:
    """Refuse outputs that would overwrite each other or what is read, or cannot be written."""
    from plate_ocr.app.output import is_sheet
    from plate_ocr.app.sources import is_input_name

    for one, other, message in (
        (table, resume, "--csv and --resume: give two files"),
        (folders["--annotate"], folders["--blur"], "--annotate and --blur: give two folders"),
    ):
        if one and other and os.path.realpath(one) == os.path.realpath(other):
            fail(message, 2)
    read = {os.path.realpath(one) for one in inputs if one}
    for option, folder in folders.items():
        if folder and os.path.realpath(folder) in read:
            fail(f"{option} {folder}: the pictures there are read; give another folder", 2)
    for path in filter(None, (table, resume)):
        check_output(path, inputs)
    if table and is_input_name(table.name):
        # What shells make of a forgotten name: --csv *.jpg
        fail(f"cannot write a table to {table}: that is the name of an image or video", 2)
    if table and table.suffix.lower() in OTHER_SHEETS:
        fail(f"cannot write a table to {table}: give FILE.csv or FILE.xlsx", 2)
    if table and is_sheet(table) and find_spec("xlsxwriter") is None:
        fail(".xlsx files need XlsxWriter; install it with: pip install 'plate-ocr[xlsx]'", 1)


def _conclude(
    table: Path | None, rows: Iterable[list[Any]], folders: PictureFolders, photos: int, started: float
) -> None:
    """Write the table, and report photos for the classical reader and images in which nothing was hidden."""
    from plate_ocr.app.output import PHOTO_HINT, write_table

    if table:
        write_table(table, rows)
    if photos:
        LOGGER.warning(f"inputs that look like photos: {photos:,}; {PHOTO_HINT}")
    if summary := folders.summary():
        LOGGER.info(summary)
    LOGGER.debug("done in %.1f s", perf_counter() - started)


def _end(resume: Path | None, failed: bool, failed_before: int, *, stopped: bool) -> None:
    """Say what was not read, and end with the exit status."""
    if stopped:
        fail(f"stopped; the same command resumes it from {resume}" if resume else "stopped", INTERRUPTED)
    if failed_before:
        LOGGER.info(f"inputs that could not be read before: {failed_before:,}; --retry reads them again")
    if failed or failed_before:
        raise typer.Exit(1)


def _identification(path: Path | None) -> Callable[[Answer], Answer]:
    """What names the known plates of an answer, by a file of them, if one is given."""
    if path is None:
        return lambda answer: answer
    from plate_ocr.known import KnownPlates

    try:
        known = KnownPlates.read(path)
    except DataError as error:
        fail(str(error), 2)
    return lambda answer: answer._replace(reading=answer.reading and known.identify(answer.reading))


def _window() -> Window:
    """Open the window for videos."""
    from plate_ocr.app.window import Window

    try:
        return Window()
    except VideoError as error:
        fail(str(error), 2)
