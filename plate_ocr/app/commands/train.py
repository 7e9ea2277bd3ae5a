"""``plate-ocr train``."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plate_ocr.app.console import INTERRUPTED, fail, train_extra
from plate_ocr.app.options import (
    DATA_VARIABLE,
    Device,
    Loss,
    LrSchedule,
    Model,
    RenderedRegions,
    split_regions,
)
from plate_ocr.app.training_help import TrainCommand, users_of
from plate_ocr.app.verbosity import LOGGER, Quiet, Verbose, set_verbosity
from plate_ocr.errors import DataError
from plate_ocr.files import write_whole
from plate_ocr.model.onnx_session import available_threads

if TYPE_CHECKING:
    from plate_ocr.training.core.config import RunConfig

NAMES = {"data": "DATA", "regions": "--region"}
"""Settings whose option has another name."""

SCHEDULE_PICTURE = "schedule.png"


CLASS = TrainCommand
"""Of the command."""


def train(
    ctx: typer.Context,
    data: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[DATA]...",
            help="Characters: folders with one folder of images per class, or CSV files image_path,label. "
            "Plates (--model plates): CSV files image_path,plate_text[,region][,x,y,w,h], or folders of "
            "images named after their plates; the detector takes those with places. Without DATA, all are "
            "rendered.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="RUN", help="The new run folder.")
    ] = None,
    resume: Annotated[Path | None, typer.Option(metavar="RUN", help="Resume a stopped run.")] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Settings of a new run, like a run's config.toml. Options on the command line win; paths in "
            "the file are relative to it.",
        ),
    ] = None,
    model: Annotated[
        Model | None,
        typer.Option(help="What to train.", show_default="chars with DATA, digits without"),
    ] = None,
    fonts: Annotated[
        str | None, typer.Option(metavar="DIR", help="Train on the characters of these fonts too.")
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="Start from the weights of this model, where they fit."),
    ] = None,
    region: RenderedRegions = None,
    backgrounds: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Photographs without plates, to put behind rendered cars."),
    ] = None,
    group: Annotated[
        str | None,
        typer.Option(metavar="REGEX", help="The group in parentheses is the plate's name in a file name."),
    ] = None,
    alphabet: Annotated[
        str | None,
        typer.Option(
            metavar="CHARACTERS",
            help="Allowed labels; for plates, +CHARACTERS adds to those of --weights, and labels adds all "
            "that DATA has.",
            show_default="the model's",
        ),
    ] = None,
    mix: Annotated[
        float | None,
        typer.Option(
            min=0.05, max=0.95, help="Rendered part of each batch of plates: others are not forgotten."
        ),
    ] = None,
    keep: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            max=0.95,
            help="Share of the weights of --weights in those that are saved: more forgets less.",
            show_default="0.3 with DATA, else 0",
        ),
    ] = None,
    freeze: Annotated[
        bool | None,
        typer.Option(
            "--freeze/--no-freeze",
            help="Keep the convolutions of --weights as they are, of plates.",
            show_default="with DATA, unless --alphabet adds characters",
        ),
    ] = None,
    partial: Annotated[
        bool | None,
        typer.Option("--partial", help="Plates in photos may be unlabelled: not background but unknown."),
    ] = None,
    grid: Annotated[str | None, typer.Option(metavar="ROWSxCOLUMNS", help="Grid of windows.")] = None,
    hidden: Annotated[int | None, typer.Option(min=1, help="Hidden units.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Maximum number of epochs.")] = None,
    samples_per_epoch: Annotated[int | None, typer.Option(min=1, help="Samples per epoch.")] = None,
    repeats: Annotated[
        int | None,
        typer.Option(min=1, help="How often each augmented or rendered picture is used."),
    ] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Batch size.")] = None,
    lr: Annotated[float | None, typer.Option(min=1e-9, help="Peak learning rate.")] = None,
    warmup: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=…",
            help="lr=linear:200, batch=16:256:500, layers=300, data=0.2:500:easy or loss=smoothing:500; "
            "repeat the option to combine them; none: no warm-up.",
        ),
    ] = None,
    lr_schedule: Annotated[LrSchedule | None, typer.Option(help="Learning rate after the warm-up.")] = None,
    loss: Annotated[Loss | None, typer.Option(help="Loss function.")] = None,
    patience: Annotated[
        int | None,
        typer.Option(min=1, help="Stop after this many epochs without a better validation metric."),
    ] = None,
    val_fraction: Annotated[
        float | None, typer.Option(min=0.01, max=0.45, help="Fraction of the data for validation.")
    ] = None,
    test_fraction: Annotated[
        float | None, typer.Option(min=0.01, max=0.45, help="Fraction of the data for the test.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Random seed.")] = None,
    device: Annotated[Device | None, typer.Option(help="Where to train.")] = None,
    grad_accum: Annotated[
        int | None,
        typer.Option(min=1, help="Split each batch into this many parts and add up their gradients."),
    ] = None,
    compile: Annotated[
        bool | None, typer.Option("--compile", help="Compile the network with torch.compile.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Stop if the data has problems.")] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help=f"Print the schedule, draw it in RUN as {SCHEDULE_PICTURE}, stop."),
    ] = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Train a model.

    The run folder gets the model, its metrics and its plots.

    Half of what plates and the detector learn from is rendered, without DATA all.
    """
    set_verbosity(quiet, verbose)
    chosen: dict[str, Any] = {
        "data": tuple(data) if data else None,
        "fonts": fonts,
        "weights": weights,
        "regions": split_regions(region) or None,
        "backgrounds": backgrounds,
        "group": group,
        "alphabet": alphabet,
        "mix": mix,
        "keep": keep,
        "freeze": freeze,
        "partial": partial,
        "grid": None if grid is None else _grid(grid),
        "hidden": hidden,
        "epochs": epochs,
        "samples_per_epoch": samples_per_epoch,
        "repeats": repeats,
        "batch_size": batch_size,
        "lr": lr,
        "warmup": None if not warmup else () if warmup == ["none"] else tuple(warmup),
        "lr_schedule": lr_schedule and lr_schedule.value,
        "loss": loss and loss.value,
        "patience": patience,
        "val_fraction": val_fraction,
        "test_fraction": test_fraction,
        "seed": seed,
        "device": device and device.value,
        "grad_accum": grad_accum,
        "compile": compile,
    }
    given = {name: value for name, value in chosen.items() if value is not None}
    if (resume is not None and out is not None) or (resume is out is None and not dry_run):
        fail("give either -o RUN for a new run or --resume RUN for a stopped run", 2)
    with train_extra("training"):
        from plate_ocr.training.tasks import stored_config

        if resume is None:
            run_config = _new_config(ctx, config, model and model.value, given)
        else:
            decided = [*(["model"] if model else []), *(["config"] if config else []), *given]
            if decided:
                fail(f"{_option(decided[0])} belongs to a new run; --resume keeps its settings", 2)
            run_config = stored_config(resume)
        if dry_run:
            _show_schedule(run_config, out)
            return
        _train(run_config, resume or out, resume=resume is not None, strict=strict)


def _new_config(ctx: typer.Context, file: Path | None, model: str | None, given: dict[str, Any]) -> RunConfig:
    """The configuration of a new run; options that do not belong to its model are refused."""
    from plate_ocr.training.tasks import CONFIGS, config_of, read_config

    values = read_config(file) if file else {}
    has_data = "data" in given or values.get("data")
    model = model or str(values.get("model") or ("chars" if has_data else "digits"))
    config_type = config_of(model, str(file))
    _check_options(model, given)
    settings = config_type.checked({**values, "model": model}, str(file), file.parent) if file else {}
    _check_ranges(ctx, settings, str(file))
    if model in users_of(CONFIGS, "assets"):
        settings["assets"] = settings.get("assets") or os.environ.get(DATA_VARIABLE, "")
    config = config_type.new(**{**settings, **given})
    if foreign := config.foreign_warmups:
        takes = ", ".join(config.WARMUPS)
        fail(f"--warmup {foreign[0]} does not belong to --model {model}, which takes {takes}", 2)
    return config


def _check_ranges(ctx: typer.Context, settings: Mapping[str, Any], source: str) -> None:
    """Refuse settings of a file that the options of the same name would refuse.

    Raises:
        DataError: names the setting.
    """
    for option in ctx.command.params:
        value = settings.get(option.name or "")
        try:
            if value is not None and not isinstance(value, tuple):
                option.type.convert(value, option, ctx)
        except typer.BadParameter as error:
            raise DataError(f"{source}: {option.name} = {value!r}: {error.message}") from None
    if 0 in settings.get("grid", ()):
        raise DataError(f"{source}: grid = {list(settings['grid'])}: rows and columns are expected")


def _check_options(model: str, names: Iterable[str]) -> None:
    """Refuse options that do not belong to a model."""
    from plate_ocr.training.tasks import CONFIGS

    for name in names:
        if model not in (users := users_of(CONFIGS, name)):
            fail(f"{_option(name)} belongs to --model {' and '.join(users)}, not to {model}", 2)


def _show_schedule(config: RunConfig, folder: Path | None) -> None:
    """Print the schedule of a run, and draw it in the folder of a new one."""
    from plate_ocr.app.progress import duration
    from plate_ocr.training.core.folder import refuse_other_run
    from plate_ocr.training.core.plots import plot_schedule
    from plate_ocr.training.estimate import estimated_seconds

    if folder is not None:
        refuse_other_run(folder)
    for line in config.material():
        print(line)
    print(config.schedule.table(config.GROUPS, config.loss_name))
    print(f"about {duration(estimated_seconds(config))} on this machine")
    if folder is not None:
        plot_schedule(config.schedule, config.GROUPS, folder / SCHEDULE_PICTURE)
        print(folder / SCHEDULE_PICTURE)


def _train(config: RunConfig, folder: Path | None, *, resume: bool, strict: bool) -> None:
    from plate_ocr.app.progress import train_callback
    from plate_ocr.training.core.folder import CHECKPOINT
    from plate_ocr.training.tasks import check_run
    from plate_ocr.training.tasks import train as train_model

    assert folder is not None
    check_run(config, folder, resume=resume)
    # Not before: it imports torch, which takes seconds.
    from plate_ocr.training.core.device import pick_device

    started = perf_counter()
    LOGGER.debug("device: %s, %d cores", pick_device(config.device), available_threads())
    LOGGER.debug("model: %s%s", config.model, f", from {config.weights}" if config.weights else "")
    try:
        with train_callback() as callback:
            result = train_model(config, folder, callback, resume=resume, strict=strict)
    except KeyboardInterrupt:
        how = f"; resume with: plate-ocr train --resume {folder}" if (folder / CHECKPOINT).exists() else ""
        fail(f"stopped{how}", INTERRUPTED)
    LOGGER.debug("done in %.1f s", perf_counter() - started)
    if result.samples or result.searched:
        from plate_ocr.app.detections import detections_page
        from plate_ocr.app.evaluation import mistakes_page

        page = mistakes_page(result.samples) if result.samples else detections_page(result.searched)
        write_whole(folder / "mistakes.html", page.encode(errors="backslashreplace"))
    if result.metrics:
        print(result.folder)


def _option(name: str) -> str:
    """How a parameter is given on the command line."""
    return NAMES.get(name, f"--{name.replace('_', '-')}")


def _grid(text: str) -> tuple[int, int]:
    rows, _, columns = text.partition("x")
    if not (rows.isdecimal() and columns.isdecimal() and int(rows) and int(columns)):
        fail(f"--grid {text}: rows and columns are expected, as in 5x5", 2)
    return int(rows), int(columns)
