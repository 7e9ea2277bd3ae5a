"""``plate-ocr study``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from plate_ocr.app.console import INTERRUPTED, fail, train_extra
from plate_ocr.app.options import CharModel
from plate_ocr.model.onnx_session import available_threads


def study(
    data: Annotated[list[str], typer.Argument(metavar="DATA...", help="As for train.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Output folder.")],
    model: Annotated[CharModel, typer.Option(help="Grid of windows and classes.")] = CharModel.chars,
    group: Annotated[
        str,
        typer.Option(
            metavar="REGEX",
            help="Regular expression; its group in parentheses is the plate's name in a file name.",
        ),
    ] = "",
    seeds: Annotated[int, typer.Option(min=2, help="Runs per variant.")] = 5,
    steps: Annotated[int, typer.Option(min=40, help="Optimiser steps per run.")] = 600,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Number of processes.", show_default="all cores")
    ] = None,
) -> None:
    """Compare a training with and without each warm-up.

    Finished runs are not repeated.
    """
    with train_extra("training"):
        from plate_ocr.training.characters.config import CharsRunConfig, DigitsRunConfig
        from plate_ocr.training.characters.data_module import prepare_data
        from plate_ocr.training.characters.study import StudyData, StudySettings, report, run_study
    from plate_ocr.app.progress import LogCallback

    callback = LogCallback()
    config_type = CharsRunConfig if model is CharModel.chars else DigitsRunConfig
    config = config_type(data=tuple(data), group=group)
    data_module = prepare_data(config, callback)
    settings = StudySettings(steps=steps, seeds=seeds)
    parts = StudyData.of(
        data_module.split.train, data_module.split.validation, len(data_module.alphabet), config.preprocessing
    )
    try:
        study_runs = run_study(
            parts,
            settings,
            out,
            workers or available_threads(),
            lambda done, all_: callback.on_message(f"{done} of {all_} runs"),
        )
    except KeyboardInterrupt:
        fail(f"stopped; the same command resumes it from {out}", INTERRUPTED)
    print(report(study_runs, settings))
