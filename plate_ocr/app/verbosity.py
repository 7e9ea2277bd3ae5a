"""How much is told on standard error: ``-q`` errors alone, ``-v`` device, models and times too.

Messages go through the standard logger ``plate_ocr``: ``info`` is what is told by default, ``debug`` what
``-v`` adds. Errors are told in any case, by :mod:`plate_ocr.app.console`.
"""

from __future__ import annotations

import logging
from time import perf_counter
from typing import Annotated, TypeAlias

import typer

from plate_ocr.app.console import fail, tell

LOGGER = logging.getLogger("plate_ocr")

Quiet: TypeAlias = Annotated[bool, typer.Option("--quiet", "-q", help="Tell errors alone.")]
Verbose: TypeAlias = Annotated[
    bool, typer.Option("--verbose", "-v", help="Tell device, models and times too.")
]


class _Teller(logging.Handler):
    """Messages as the command line writes them."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one to standard error."""
        tell(record.getMessage())


def set_verbosity(quiet: bool, verbose: bool) -> float:
    """Decide what is told from now on; what time it is, to tell later how long it took."""
    if quiet and verbose:
        fail("give either -q or -v", 2)
    LOGGER.handlers = [_Teller()]
    LOGGER.setLevel(logging.ERROR if quiet else logging.DEBUG if verbose else logging.INFO)
    return perf_counter()


def is_quiet() -> bool:
    """Whether errors alone are told."""
    return LOGGER.getEffectiveLevel() >= logging.ERROR
