"""``plate-ocr batch``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from plate_ocr.app import options
from plate_ocr.app.commands.reading import default_model, open_reader
from plate_ocr.app.console import INTERRUPTED, check_output, fail, needs_extra, print_message, print_result
from plate_ocr.app.verbosity import Quiet, Verbose, set_verbosity
from plate_ocr.files import is_url, write_whole
from plate_ocr.model.registry import DETECTOR, NAMES
from plate_ocr.region_files.table import bundled_formats

if TYPE_CHECKING:
    from plate_ocr.batch.manifest import Manifest, Settings
    from plate_ocr.batch.run import Engine

PART_SIZE = 1000
"""Pictures of a part, which is lost when a process ends."""

MAX_NAMED = 10
"""Failed parts that are named, at most."""


class BatchEngine(StrEnum):
    """What runs a batch."""

    local = "local"
    ray = "ray"


def batch(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A folder, a glob, a CSV or Parquet file with the column path, or the URL of one of these: "
            "s3://, gs://, abfs:// or az://.",
        ),
    ],
    out: Annotated[
        str,
        typer.Option(
            "--out",
            "-o",
            metavar="DIR",
            help="Folder or URL of the results; a batch that is there already is resumed.",
        ),
    ],
    engine: Annotated[
        BatchEngine, typer.Option(help="local: processes on this machine; ray: a Ray cluster.")
    ] = BatchEngine.local,
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs",
            "-j",
            metavar="N",
            min=1,
            help="Number of processes.",
            show_default="all cores; with Ray as many as the cluster has",
        ),
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Of the Ray cluster, such as auto or ray://head:10001.",
            show_default="RAY_ADDRESS, else one on this machine",
        ),
    ] = None,
    part_size: Annotated[
        int,
        typer.Option(
            metavar="N", min=1, help="Pictures per results file, at most; what is read again after a stop."
        ),
    ] = PART_SIZE,
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
    annotate: Annotated[
        bool, typer.Option("--annotate", help="Write the images with their plates marked.")
    ] = False,
    crops: Annotated[bool, typer.Option("--crops", help="Write each plate, cropped and rectified.")] = False,
    blur: Annotated[
        bool, typer.Option("--blur", help="Write the images with all that may be a plate made unreadable.")
    ] = False,
    device: options.ReadDevice = options.Provider.cpu,
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write an HTML page on all results, with the least sure plates."),
    ] = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Read millions of images into Parquet files.

    Exit status: 0 if all images were read, 1 if some could not be, 2 for wrong usage.
    """
    with needs_extra("batch", "batches"):
        from plate_ocr.batch.manifest import Manifest, Settings
        from plate_ocr.batch.run import read_batch
        from plate_ocr.batch.storage import Folder
    from plate_ocr.app.progress import RateCounter

    set_verbosity(quiet, verbose)
    if address is not None and engine is not BatchEngine.ray:
        fail("--address belongs to --engine ray", 2)
    if report:
        check_output(report, (source,))
        with needs_extra("report", "--report"):
            from plate_ocr.batch.report import report_page
    folder = Folder(out if is_url(out) else os.path.abspath(out))
    regions = options.split_regions(region)
    name = model or default_model(input_type)
    settings = Settings(
        model=_absolute(name, name in NAMES),
        input="",
        detector=_absolute(detector, detector == DETECTOR),
        region=tuple(_absolute(code, code.lower() in bundled_formats()) for code in regions),
        min_confidence=min_confidence,
        min_plate_confidence=min_plate_confidence,
        min_height=min_height,
        rotate=int(rotate or 0),
        roi=next(options.parse_boxes("--roi", [] if roi is None else [roi]), None),
        ignore=tuple(options.parse_boxes("--ignore", ignore or [])),
        providers=device.value,
        annotate=annotate,
        crops=crops,
        blur=blur,
    )
    settings = _with_input(settings, input_type)
    try:
        manifest = Manifest.open(folder)
        if manifest is None:
            manifest = Manifest.write(folder, source, settings, _list(source), part_size)
        else:
            _check_same(manifest, source, settings)
        counter = RateCounter("pictures", manifest.pictures)
        counts, failed = read_batch(manifest, _engine(engine, jobs, address), counter.update)
        counter.end()
        if report:
            write_whole(report, report_page(manifest))
    except KeyboardInterrupt:
        fail("stopped; the same command resumes it", INTERRUPTED)
    for part, error in list(failed.items())[:MAX_NAMED]:
        print_message(f"{part}: {error}")
    if failed:
        print_message(f"parts without results: {len(failed):,}; the same command reads them again")
    print_result(
        f"{counts.pictures:,} pictures, {counts.errors:,} of them not readable, {counts.plates:,} plates: "
        f"{folder.path('results')}"
    )
    if failed or counts.errors:
        raise typer.Exit(1)


def _absolute(name: str, is_bundled: bool) -> str:
    """A name that comes with the package, whatever else is called so, or an absolute path."""
    return name if is_bundled or not os.path.exists(name) else os.path.abspath(name)


def _with_input(settings: Settings, input_type: options.InputType | None) -> Settings:
    """The settings with what the reader takes pictures for; wrong ones end the command."""
    from dataclasses import replace

    from plate_ocr.batch.part import reader_arguments

    arguments = reader_arguments(settings)
    del arguments["model"], arguments["input"]
    read = open_reader(settings.model, input_type, **arguments)
    settings = replace(settings, input=read.input)
    read.close()  # the processes open their own
    return settings


def _list(source: str) -> Iterator[str]:
    """The paths of the pictures."""
    from plate_ocr.app.sources import expand
    from plate_ocr.batch.manifest import is_manifest, list_storage
    from plate_ocr.vision.image_files import is_image_name

    if is_url(source) or is_manifest(source):
        yield from list_storage(source)
        return
    for one in expand([source]):
        # A folder that cannot be listed becomes a row with an error.
        if one.name != source if one.error else is_image_name(os.path.basename(one.name)):
            yield one.name


def _check_same(manifest: Manifest, source: str, settings: Settings) -> None:
    """Refuse to mix results of other pictures or other options."""
    place = manifest.folder.name
    moved = manifest.working_folder != os.getcwd() and not (is_url(source) or os.path.isabs(source))
    if manifest.source != source or moved:
        fail(f"{place} has the results of {manifest.source}; give another --out", 2)
    before, now = asdict(manifest.settings), asdict(settings)
    if other := [name for name in now if now[name] != before[name]]:
        given = ", ".join(f"{name.replace('_', '-')} {before[name]}" for name in other)
        fail(f"{place} was begun with other options ({given}); give the same, or another --out", 2)


def _engine(engine: BatchEngine, jobs: int | None, address: str | None) -> Engine:
    if engine is BatchEngine.local:
        from plate_ocr.batch.local import read_parts
        from plate_ocr.model.onnx_session import available_threads

        return partial(read_parts, jobs=jobs or available_threads())
    with needs_extra("ray", "--engine ray"):
        import ray.data  # noqa: F401
    from plate_ocr.batch.on_ray import read_parts as read_on_ray

    return partial(read_on_ray, jobs=jobs, address=address)
