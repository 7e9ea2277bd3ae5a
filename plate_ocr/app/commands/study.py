"""``plate-ocr study``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from plate_ocr.app.console import INTERRUPTED, fail, train_extra
from plate_ocr.app.options import CharModel
from plate_ocr.model.sessions import available_threads


def study(
    data: Annotated[list[str], typer.Argument(metavar="DATA...", help="As for train.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder for the results.")],
    model: Annotated[CharModel, typer.Option(help="Which windows and classes.")] = CharModel.chars,
    group: Annotated[
        str, typer.Option(metavar="REGEX", help="Parentheses match the plate's name in a file name.")
    ] = "",
    seeds: Annotated[int, typer.Option(min=2, help="Runs of each kind.")] = 5,
    steps: Annotated[int, typer.Option(min=40, help="Optimiser steps of a run.")] = 600,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes.", show_default="the cores there are")
    ] = None,
) -> None:
    """Train the same network with and without each warm-up, and compare.

    Runs that were made before are not made again.
    """
    with train_extra("training"):
        from plate_ocr.training.characters.config import CharsRunConfig, DigitsRunConfig
        from plate_ocr.training.characters.material import gather
        from plate_ocr.training.characters.study import StudyData, StudySettings, report, run_study
    from plate_ocr.app.progress import PlainReporter

    told = PlainReporter()
    kind = CharsRunConfig if model is CharModel.chars else DigitsRunConfig
    config = kind(data=tuple(data), group=group)
    material = gather(config, told)
    settings = StudySettings(steps=steps, seeds=seeds)
    parts = StudyData.of(
        material.split.train, material.split.validation, len(material.alphabet), config.preprocessing
    )
    try:
        outcomes = run_study(
            parts,
            settings,
            out,
            workers or available_threads(),
            lambda done, all_: told.say(f"{done} of {all_} runs"),
        )
    except KeyboardInterrupt:
        fail(f"stopped; the same command goes on, since {out} keeps what is done", INTERRUPTED)
    print(report(outcomes, settings))
