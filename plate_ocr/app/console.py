"""What the command line writes: results, messages, errors."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import NoReturn

from plate_ocr.errors import OutputError
from plate_ocr.files import file_to_write

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""


def escape_unencodable(error: UnicodeError) -> tuple[str | bytes, int]:
    """What stands for a character that standard output does not have, and where to go on.

    File names that are not UTF-8 keep their bytes. Others, such as Chinese on Windows, where a file takes
    what an old code page has, are escaped as in JSON.
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    char = error.object[error.start]
    if "\udc80" <= char <= "\udcff":
        return bytes([ord(char) - 0xDC00]), error.start + 1
    return json.dumps(char)[1:-1], error.start + 1


def end_with_pipe() -> None:
    """End without a word where a pipe is closed (``| head``), as other tools do."""
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)


def print_result(result: str) -> None:
    """Write a result to standard output at once.

    Raises:
        OutputError: if that is on a disk that is full.
    """
    try:
        print(result, flush=True)
    except OSError as error:
        # What is kept back would be tried again at the end, in other words.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        raise OutputError(f"cannot write to standard output: {error.strerror or error}") from None


def print_message(message: str) -> None:
    """Write a message to standard error, on a terminal over a count of :mod:`plate_ocr.app.progress`."""
    start = "\r" if sys.stderr.isatty() else ""
    print(f"{start}plate-ocr: {message}", file=sys.stderr, flush=True)


def fail(message: str, status: int) -> NoReturn:
    """Write a message to standard error and end with an exit status."""
    print_message(message)
    sys.exit(status)


def check_output(path: Path, inputs: Iterable[str | Path | None]) -> None:
    """End the command where a file to write is none or cannot be, is read, or is standard output."""
    try:
        real = file_to_write(path)
    except OutputError as error:
        fail(str(error), 2)
    if os.path.exists(real) and any(one and os.path.realpath(one) == str(real) for one in inputs):
        fail(f"cannot write {path}: it is read; give another file", 2)
    with suppress(OSError):  # there is no such file yet, or standard output is closed
        if os.path.samestat(os.fstat(1), real.stat()):
            fail(f"cannot write {path}: standard output goes there; give another file", 2)
    parent = next(parent for parent in real.parents if os.path.exists(parent))
    if not (os.path.isdir(parent) and os.access(parent, os.W_OK)):
        fail(f"cannot write {path}: {parent} is no folder that may be written to", 2)


@contextmanager
def needs_extra(extra: str, what: str) -> Iterator[None]:
    """Where a package of an extra is missing, end with the command that installs it.

    Args:
        extra: such as ``"train"``.
        what: needs it, as in ``"training"``.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        fail(f"{what} needs {error.name}; install it with: pip install 'plate-ocr[{extra}]'", 1)


train_extra = partial(needs_extra, "train")
"""The same for the extra ``train``."""
