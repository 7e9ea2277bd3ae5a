"""Verbosity on standard error: ``-q`` errors only, ``-v`` also device, models and times.

Messages go through the standard logger ``plate_ocr``: level ``info`` is the default, ``-v`` adds ``debug``.
Errors are always printed, by :mod:`plate_ocr.app.console`.
"""

from __future__ import annotations

import logging
from time import perf_counter
from typing import Annotated, TypeAlias

import typer

from plate_ocr.app.console import fail, print_message

LOGGER = logging.getLogger("plate_ocr")

Quiet: TypeAlias = Annotated[bool, typer.Option("--quiet", "-q", help="Report errors only.")]
Verbose: TypeAlias = Annotated[
    bool, typer.Option("--verbose", "-v", help="Also report device, models and times.")
]


class _ConsoleHandler(logging.Handler):
    """Writes log messages like all messages of the command line."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a message to standard error."""
        print_message(record.getMessage())


def set_verbosity(quiet: bool, verbose: bool) -> float:
    """Set the verbosity; returns the current time, to report the duration later."""
    if quiet and verbose:
        fail("give either -q or -v", 2)
    LOGGER.handlers = [_ConsoleHandler()]
    LOGGER.setLevel(logging.ERROR if quiet else logging.DEBUG if verbose else logging.INFO)
    return perf_counter()


def is_quiet() -> bool:
    """Whether only errors are reported."""
    return LOGGER.getEffectiveLevel() >= logging.ERROR
