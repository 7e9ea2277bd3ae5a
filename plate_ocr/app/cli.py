"""The command line: ``plate-ocr predict``, ``evaluate``, ``train`` and the others."""

from __future__ import annotations

import codecs
import sys
from importlib import import_module
from io import TextIOWrapper
from typing import Annotated

import typer

from plate_ocr import __version__
from plate_ocr.app.console import escape_unencodable, fail
from plate_ocr.errors import BoxError, PlateOcrError

COMMANDS = {
    "predict": "predict",
    "batch": "batch",
    "evaluate": "measure",
    "inspect": "inspect",
    "label": "label",
    "train": "train",
    "generate": "data",
    "quantize": "models",
    "export": "models",
    "study": "study",
    "validate": "data",
    "models": "models",
    "serve": "serve",
    "alpr": "alpr",
    "benchmark": "benchmark",
    "doctor": "doctor",
}
"""The module of each command, in the order of the help."""


def main() -> None:
    """Run the command line; every expected error is one line and an exit status."""
    if isinstance(sys.stdout, TextIOWrapper):
        codecs.register_error("plate-ocr", escape_unencodable)
        sys.stdout.reconfigure(errors="plate-ocr")
    try:
        command_line(*sys.argv[1:2])()
    except BoxError as error:
        fail(str(error), 2)
    except PlateOcrError as error:
        fail(str(error), 1)


def alpr() -> None:
    """Run ``plate-ocr alpr``: clients of OpenALPR's command take the name of a program without arguments."""
    sys.argv[:1] = ["plate-ocr", "alpr"]
    main()


def command_line(called: str = "") -> typer.Typer:
    """The command line with all commands, or the called one alone: that starts sooner.

    A shell that completes a word names none: it gets all.
    """
    app = typer.Typer(
        help="Read licence plates and their characters, offline.",
        no_args_is_help=True,
        add_completion=called not in COMMANDS,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback(invoke_without_command=True)(about)
    for name in [called] if called in COMMANDS else COMMANDS:
        module = import_module(f"plate_ocr.app.commands.{COMMANDS[name]}")
        command = getattr(module, name)
        if isinstance(command, typer.Typer):
            app.add_typer(command)
        else:
            app.command(cls=getattr(module, "CLASS", None))(command)
    return app


def about(
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    """Read licence plates and their characters, offline."""
    if version:
        print(f"plate-ocr {__version__}")
        raise typer.Exit
