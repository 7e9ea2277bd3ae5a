"""``plate-ocr train``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plate_ocr.app.console import INTERRUPTED, fail
from plate_ocr.app.options import DATA_VARIABLE, Decline, Device, Loss, Model
from plate_ocr.model.sessions import available_threads

if TYPE_CHECKING:
    from plate_ocr.training.characters.config import RunConfig
    from plate_ocr.training.rendered.run import RenderRunConfig


def train(
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
    model: Annotated[
        Model | None,
        typer.Option(help="Which windows and classes.", show_default="chars with DATA, digits without"),
    ] = None,
    fonts: Annotated[
        str, typer.Option(metavar="DIR", help="Learn from all characters of these fonts too.")
    ] = "",
    base: Annotated[
        str, typer.Option("--from", metavar="MODEL", help="Take over what fits from this model.")
    ] = "",
    regions: Annotated[
        str,
        typer.Option(
            metavar="cn,us,…",
            help="Plates to render for --model plates and locator: regions or region files.",
            show_default="all",
        ),
    ] = "",
    group: Annotated[
        str, typer.Option(metavar="REGEX", help="Parentheses match the plate's name in a file name.")
    ] = "",
    alphabet: Annotated[
        str, typer.Option(metavar="CHARACTERS", help="The labels that may occur.", show_default="the model's")
    ] = "",
    windows: Annotated[
        str | None, typer.Option(metavar="ROWSxCOLUMNS", help="Windows.", show_default="the model's")
    ] = None,
    hidden: Annotated[
        int | None, typer.Option(min=1, help="Units of the hidden layer.", show_default="the model's")
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Passes, at most.", show_default="20; 60 for plates")
    ] = None,
    per_epoch: Annotated[
        int | None,
        typer.Option(min=1, help="Pictures learnt from in a pass.", show_default="8192; 16384 for plates"),
    ] = None,
    passes: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="How often a distorted or rendered picture is learnt from.",
            show_default="1; 3 for plates",
        ),
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Pictures in a batch.", show_default="256; 128 for plates")
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(min=1e-9, help="Peak learning rate.", show_default="0.004; 0.002 for plates"),
    ] = None,
    warmup: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND=…",
            help="lr=linear:200, batch=16:256:500, layers=300, data=0.2:500:easy or loss=smoothing:500; "
            "once for each; none: no warm-up.",
            show_default="lr=linear over 5 % of the steps",
        ),
    ] = None,
    decline: Annotated[Decline, typer.Option(help="Of the rate after the warm-up.")] = Decline.cosine,
    loss: Annotated[Loss, typer.Option(help="On the one-hot vectors.")] = Loss.cross_entropy,
    patience: Annotated[
        int | None,
        typer.Option(
            min=1, help="Epochs without progress before it stops.", show_default="20; none for plates"
        ),
    ] = None,
    share: Annotated[
        float, typer.Option(min=0.01, max=0.45, help="Of the data to choose by, and again to measure on.")
    ] = 0.15,
    seed: Annotated[int, typer.Option(min=0, help="Of everything random.")] = 0,
    device: Annotated[Device, typer.Option(help="Where to train.")] = Device.auto,
    accumulate: Annotated[int, typer.Option(min=1, help="Parts to cut a batch into.")] = 1,
    compiled: Annotated[bool, typer.Option("--compile", help="Let torch compile the network first.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Stop where the data has problems.")] = False,
    plan: Annotated[
        bool, typer.Option("--plan", help="Print what would happen at which step, draw plan.png, and stop.")
    ] = False,
) -> None:
    """Train a model; the run folder gets the model, its figures and plots.

    The plate model and the locator learn from rendered plates alone; give no DATA.
    """
    try:
        from plate_ocr.training.characters.config import RunConfig, stored_config
    except ModuleNotFoundError as error:
        fail(f"training needs {error.name}; install it with: pip install 'plate-ocr[train]'", 1)

    if (out is None) == (resume is None):
        fail("give either -o RUN for a new run or --resume RUN for a stopped one", 2)
    numbers: dict[str, Any] = {
        "epochs": epochs,
        "per_epoch": per_epoch,
        "passes": passes,
        "batch_size": batch_size,
        "rate": rate,
    }
    chosen = {name: value for name, value in numbers.items() if value is not None}
    rendered = None if resume is None else _stored_render_config(resume)
    if model in (Model.plates, Model.locator) and resume is None:
        if data:
            fail(f"--model {model.value} learns from rendered plates alone; give no DATA", 2)
        if warmup is not None:
            chosen["warmup"] = () if warmup == ["none"] else tuple(warmup)
        if patience is not None:
            chosen["patience"] = patience
        chosen |= {"decline": decline.value, "base": base, "seed": seed, "device": device.value}
        rendered = _render_config(model, alphabet, regions, chosen)
    elif regions:
        fail("--regions belongs to --model plates and locator", 2)
    if rendered is not None:
        _train_rendered(rendered, resume or out, resume=resume is not None, plan=plan)
        return
    if resume is not None:
        folder, config = resume, stored_config(resume)
    else:
        assert out is not None
        folder = out
        config = RunConfig.new(
            data=tuple(data or ()),
            fonts=fonts,
            group=group,
            alphabet=alphabet,
            model=model.value if model else ("chars" if data else "digits"),
            windows=_windows(windows) if windows else None,
            hidden=hidden,
            **chosen,
            warmup=None if not warmup else () if warmup == ["none"] else tuple(warmup),
            decline=decline.value,
            loss=loss.value,
            patience=patience or RunConfig.patience,
            share=share,
            base=base,
            seed=seed,
            device=device.value,
            accumulate=accumulate,
            compile=compiled,
        )
    _train_characters(config, folder, strict=strict, resume=resume is not None, plan=plan)


def _train_characters(config: RunConfig, folder: Path, *, strict: bool, resume: bool, plan: bool) -> None:
    """Train a character model, or show the plan of it."""
    from plate_ocr.app.progress import reporter
    from plate_ocr.training.characters.run import show_plan
    from plate_ocr.training.characters.run import train as train_characters
    from plate_ocr.training.core.checkpoint import CHECKPOINT

    if plan:
        print(show_plan(config, folder))
        return
    try:
        with reporter() as told:
            result = train_characters(config, folder, told, strict=strict, resume=resume)
    except KeyboardInterrupt:
        how = f"; go on with: plate-ocr train --resume {folder}" if (folder / CHECKPOINT).exists() else ""
        fail(f"stopped{how}", INTERRUPTED)
    if result.metrics:
        print(result.folder)


def _render_config(model: Model, alphabet: str, regions: str, chosen: dict[str, Any]) -> RenderRunConfig:
    """The configuration of a new run that learns from rendered pictures."""
    from plate_ocr.training.detector.run import LocatorRunConfig
    from plate_ocr.training.plates.run import PlateRunConfig

    chosen |= {
        "data": os.environ.get(DATA_VARIABLE, ""),
        "regions": tuple(filter(None, regions.split(","))),
        "workers": max(1, available_threads() - 1),
    }
    if model is Model.locator:
        return LocatorRunConfig(**chosen)
    return PlateRunConfig(alphabet=alphabet or PlateRunConfig.alphabet, **chosen)


def _stored_render_config(folder: Path) -> RenderRunConfig | None:
    from plate_ocr.training.detector.run import LocatorRunConfig
    from plate_ocr.training.plates.run import PlateRunConfig
    from plate_ocr.training.rendered.run import stored_render_config

    return stored_render_config(PlateRunConfig, folder) or stored_render_config(LocatorRunConfig, folder)


def _train_rendered(config: RenderRunConfig, folder: Path | None, *, resume: bool, plan: bool) -> None:
    """Train a plate model or a locator, or show the plan of it."""
    from plate_ocr.app.progress import reporter
    from plate_ocr.training.detector.run import LocatorRunConfig, train_locator
    from plate_ocr.training.plates.run import PlateRunConfig, train_plates

    assert folder is not None
    if plan:
        print(config.plan.table(1))
        return
    try:
        with reporter() as told:
            if isinstance(config, LocatorRunConfig):
                train_locator(config, folder, told, resume=resume)
            elif isinstance(config, PlateRunConfig):
                train_plates(config, folder, told, resume=resume)
    except KeyboardInterrupt:
        fail(f"stopped; go on with: plate-ocr train --resume {folder}", INTERRUPTED)
    print(folder)


def _windows(text: str) -> tuple[int, int]:
    rows, _, columns = text.partition("x")
    if not (rows.isdecimal() and columns.isdecimal() and int(rows) and int(columns)):
        fail(f"--windows {text}: rows and columns are expected, as in 5x5", 2)
    return int(rows), int(columns)
