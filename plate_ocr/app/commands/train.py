"""``plate-ocr train``."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperOption

from plate_ocr.app.console import INTERRUPTED, fail, train_extra
from plate_ocr.app.options import DATA_VARIABLE, Decline, Device, Loss, Model, RenderedRegions, split_regions
from plate_ocr.app.verbosity import LOGGER, Quiet, Verbose, set_verbosity
from plate_ocr.errors import DataError
from plate_ocr.model.sessions import available_threads

if TYPE_CHECKING:
    from plate_ocr.training.core.config import RunConfig

NAMES = {"data": "DATA", "base": "--from", "regions": "--region"}
"""Of settings whose option is not called as they are."""

PANELS = {
    "Run": ("out", "resume", "config", "model", "plan", "quiet", "verbose", "help"),
    "Data": ("fonts", "region", "backgrounds", "group", "alphabet", "share", "strict"),
    "Network": ("base", "windows", "hidden", "loss"),
    "Schedule": (
        *("epochs", "per_epoch", "passes", "batch_size", "patience"),
        *("rate", "warmup", "decline", "seed"),
    ),
    "Machine": ("device", "accumulate", "compile"),
}
"""The options by what they are about, in the order of the help."""

PLAN_PICTURE = Path("plan.png")


class TrainCommand(TyperCommand):
    """Its help has the options in panels, with the defaults that the configurations of the models have,
    where the ``train`` extra is there.
    """

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the options."""
        with suppress(ModuleNotFoundError):
            from plate_ocr.training.tasks import CONFIGS

            for option in self.params:
                if isinstance(option, TyperOption) and option.name and option.show_default is True:
                    option.show_default = _defaults(CONFIGS, option.name) or False
        records = {
            param.name: (param.param_type_name, record)
            for param in self.get_params(ctx)
            if (record := param.get_help_record(ctx))
        }
        with formatter.section("Arguments"):
            formatter.write_dl([record for kind, record in records.values() if kind == "argument"])
        for title, names in PANELS.items():
            with formatter.section(title):
                formatter.write_dl([records[name][1] for name in names])


CLASS = TrainCommand
"""Of the command."""


def train(
    ctx: typer.Context,
    data: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[DATA]...",
            help="Folders with a folder of pictures per class, or CSV files image_path,label. "
            "Without: characters are rendered in fonts that are installed with plate-ocr[train].",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="RUN", help="The new run folder.")
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Go on with a run that was stopped.")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Settings of a new run, as in a run's config.toml; options given here win. Paths in it are "
            "relative to it.",
        ),
    ] = None,
    model: Annotated[
        Model | None,
        typer.Option(help="What to train.", show_default="chars with DATA, digits without"),
    ] = None,
    fonts: Annotated[
        str | None, typer.Option(metavar="DIR", help="Learn from all characters of these fonts too.")
    ] = None,
    base: Annotated[
        str | None, typer.Option("--from", metavar="MODEL", help="Take over what fits from this model.")
    ] = None,
    region: RenderedRegions = None,
    backgrounds: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Photographs without plates, to put behind rendered cars."),
    ] = None,
    group: Annotated[
        str | None, typer.Option(metavar="REGEX", help="Parentheses match the plate's name in a file name.")
    ] = None,
    alphabet: Annotated[
        str | None,
        typer.Option(metavar="CHARACTERS", help="The labels that may occur.", show_default="the model's"),
    ] = None,
    windows: Annotated[str | None, typer.Option(metavar="ROWSxCOLUMNS", help="Windows.")] = None,
    hidden: Annotated[int | None, typer.Option(min=1, help="Units of the hidden layer.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes, at most.")] = None,
    per_epoch: Annotated[int | None, typer.Option(min=1, help="Pictures learnt from in a pass.")] = None,
    passes: Annotated[
        int | None,
        typer.Option(min=1, help="How often a distorted or rendered picture is learnt from."),
    ] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Pictures in a batch.")] = None,
    rate: Annotated[float | None, typer.Option(min=1e-9, help="Peak learning rate.")] = None,
    warmup: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND=…",
            help="lr=linear:200, batch=16:256:500, layers=300, data=0.2:500:easy or loss=smoothing:500; "
            "once for each; none: no warm-up.",
        ),
    ] = None,
    decline: Annotated[Decline | None, typer.Option(help="Of the rate after the warm-up.")] = None,
    loss: Annotated[Loss | None, typer.Option(help="On the one-hot vectors.")] = None,
    patience: Annotated[
        int | None, typer.Option(min=1, help="Passes without progress before it stops.")
    ] = None,
    share: Annotated[
        float | None,
        typer.Option(min=0.01, max=0.45, help="Of the data to choose by, and again to measure on."),
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of everything random.")] = None,
    device: Annotated[Device | None, typer.Option(help="Where to train.")] = None,
    accumulate: Annotated[int | None, typer.Option(min=1, help="Parts to cut a batch into.")] = None,
    compile: Annotated[
        bool | None, typer.Option("--compile", help="Let torch compile the network first.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Stop where the data has problems.")] = False,
    plan: Annotated[
        bool,
        typer.Option("--plan", help=f"Tell what would happen at which step, draw {PLAN_PICTURE}, and stop."),
    ] = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Train a model; the run folder gets the model, its figures and plots.

    The plate model and the detector learn from rendered plates alone; give no DATA.
    """
    set_verbosity(quiet, verbose)
    chosen: dict[str, Any] = {
        "data": tuple(data) if data else None,
        "fonts": fonts,
        "base": base,
        "regions": split_regions(region) or None,
        "backgrounds": backgrounds,
        "group": group,
        "alphabet": alphabet,
        "windows": None if windows is None else _windows(windows),
        "hidden": hidden,
        "epochs": epochs,
        "per_epoch": per_epoch,
        "passes": passes,
        "batch_size": batch_size,
        "rate": rate,
        "warmup": None if not warmup else () if warmup == ["none"] else tuple(warmup),
        "decline": decline and decline.value,
        "loss": loss and loss.value,
        "patience": patience,
        "share": share,
        "seed": seed,
        "device": device and device.value,
        "accumulate": accumulate,
        "compile": compile,
    }
    given = {name: value for name, value in chosen.items() if value is not None}
    if (resume is not None and out is not None) or (resume is out is None and not plan):
        fail("give either -o RUN for a new run or --resume RUN for a stopped one", 2)
    with train_extra("training"):
        from plate_ocr.training.tasks import stored_config

        if resume is None:
            run_config = _new_config(ctx, config, model and model.value, given, strict=strict)
        else:
            decided = [*(["model"] if model else []), *(["config"] if config else []), *given]
            if decided:
                fail(f"{_option(decided[0])} belongs to a new run; --resume goes on as that was begun", 2)
            run_config = stored_config(resume)
            _check_options(run_config.model, ["strict"] if strict else [])
        if plan:
            _show_plan(run_config)
            return
        _train(run_config, resume or out, resume=resume is not None, strict=strict)


def _new_config(
    ctx: typer.Context, file: Path | None, model: str | None, given: dict[str, Any], *, strict: bool
) -> RunConfig:
    """The configuration of a new run; options that do not belong to its model are refused."""
    from plate_ocr.training.tasks import CONFIGS, config_of, read_config

    values = read_config(file) if file else {}
    has_data = "data" in given or values.get("data")
    model = model or str(values.get("model") or ("chars" if has_data else "digits"))
    kind = config_of(model, str(file))
    _check_options(model, [*given, *(["strict"] if strict else [])])
    settings = kind.checked({**values, "model": model}, str(file), file.parent) if file else {}
    _check_ranges(ctx, settings, str(file))
    if model in _users(CONFIGS, "assets"):
        settings["assets"] = settings.get("assets") or os.environ.get(DATA_VARIABLE, "")
    config = kind.new(**{**settings, **given})
    if foreign := config.foreign_warmups:
        takes = ", ".join(config.WARMUPS)
        fail(f"--warmup {foreign[0]} does not belong to --model {model}, which takes {takes}", 2)
    return config


def _check_ranges(ctx: typer.Context, settings: Mapping[str, Any], where: str) -> None:
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
            raise DataError(f"{where}: {option.name} = {value!r}: {error.message}") from None
    if 0 in settings.get("windows", ()):
        raise DataError(f"{where}: windows = {list(settings['windows'])}: rows and columns are expected")


def _check_options(model: str, names: Iterable[str]) -> None:
    """Refuse options that do not belong to a model."""
    from plate_ocr.training.tasks import CONFIGS

    for name in names:
        # What checks the data belongs to the models that learn from data.
        field = "data" if name == "strict" else name
        if model not in (users := _users(CONFIGS, field)):
            why = f"{model} learns from rendered plates alone" if field == "data" else f"not to {model}"
            fail(f"{_option(name)} belongs to --model {' and '.join(users)}, {why}", 2)


def _show_plan(config: RunConfig) -> None:
    """Tell and draw what a run would do."""
    from plate_ocr.training.core.plots import plot_plan

    for line in config.material():
        print(line)
    print(config.plan.table(config.GROUPS, config.loss_name))
    plot_plan(config.plan, config.GROUPS, PLAN_PICTURE)
    print(PLAN_PICTURE)


def _train(config: RunConfig, folder: Path | None, *, resume: bool, strict: bool) -> None:
    from plate_ocr.app.progress import reporter
    from plate_ocr.training.core.checkpoint import CHECKPOINT
    from plate_ocr.training.core.device import pick_device
    from plate_ocr.training.tasks import train as train_model

    assert folder is not None
    started = perf_counter()
    LOGGER.debug("device: %s, %d cores", pick_device(config.device), available_threads())
    LOGGER.debug("model: %s%s", config.model, f", from {config.base}" if config.base else "")
    try:
        with reporter() as told:
            result = train_model(config, folder, told, resume=resume, strict=strict)
    except KeyboardInterrupt:
        how = f"; go on with: plate-ocr train --resume {folder}" if (folder / CHECKPOINT).exists() else ""
        fail(f"stopped{how}", INTERRUPTED)
    LOGGER.debug("done in %.1f s", perf_counter() - started)
    if result.metrics:
        print(result.folder)


def _users(configs: Mapping[str, type[RunConfig]], name: str) -> list[str]:
    """The models whose configuration has a field of that name."""
    return [model for model, kind in configs.items() if name in {f.name for f in dataclasses.fields(kind)}]


def _option(name: str) -> str:
    """How a parameter is given on the command line."""
    return NAMES.get(name, f"--{name.replace('_', '-')}")


def _defaults(configs: Mapping[str, type[RunConfig]], name: str) -> str:
    """The defaults of a setting in words, as in ``20 (digits, chars), 60 (plates)``."""
    models: dict[str, list[str]] = {}
    for model in _users(configs, name):
        value = getattr(configs[model], name)
        if isinstance(value, tuple):
            value = ("x" if name == "windows" else " ").join(map(str, value))
        models.setdefault("" if value is False else str(value), []).append(model)
    every = len(models) == 1 and len(next(iter(models.values()))) == len(configs)
    return ", ".join(
        value if every else f"{value} ({', '.join(names)})" for value, names in models.items() if value
    )


def _windows(text: str) -> tuple[int, int]:
    rows, _, columns = text.partition("x")
    if not (rows.isdecimal() and columns.isdecimal() and int(rows) and int(columns)):
        fail(f"--windows {text}: rows and columns are expected, as in 5x5", 2)
    return int(rows), int(columns)
