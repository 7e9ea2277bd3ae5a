"""The command line: ``plate-ocr predict``, ``evaluate``, ``train`` and the others."""

from __future__ import annotations

import codecs
import sys
from io import TextIOWrapper
from typing import Annotated

import typer

from plate_ocr import __version__
from plate_ocr.app.commands.data import synth, validate
from plate_ocr.app.commands.measure import evaluate, inspect
from plate_ocr.app.commands.models import models, quantize
from plate_ocr.app.commands.predict import predict
from plate_ocr.app.commands.study import study
from plate_ocr.app.commands.train import TrainCommand, train
from plate_ocr.app.console import encode_unencodable, fail
from plate_ocr.errors import PlateOcrError

app = typer.Typer(
    help="Read licence plates and their characters, offline.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def main() -> None:
    """Run the command line; every expected error is one line and an exit status."""
    if isinstance(sys.stdout, TextIOWrapper):
        codecs.register_error("plate-ocr", encode_unencodable)
        sys.stdout.reconfigure(errors="plate-ocr")
    try:
        app()
    except PlateOcrError as error:
        fail(str(error), 1)


@app.callback(invoke_without_command=True)
def about(
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    """Read licence plates and their characters, offline."""
    if version:
        print(f"plate-ocr {__version__}")
        raise typer.Exit


app.command()(predict)
app.command()(evaluate)
app.command()(inspect)
app.command(cls=TrainCommand)(train)
app.command()(synth)
app.command()(quantize)
app.command()(study)
app.command()(validate)
app.add_typer(models)
