"""The folder of a run: one run in each, one training at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from pathlib import Path

from plate_ocr.errors import ModelError, OutputError, TrainingError

CHECKPOINT = "last.ckpt"
LOCK = "train.lock"
"""Holds the process id of the training in the folder."""


def require_run(folder: Path) -> None:
    """Raises ModelError if the folder holds no run."""
    if not (folder / CHECKPOINT).exists():
        raise ModelError(f"{folder} holds no run to resume: there is no {CHECKPOINT}")


def refuse_other_run(folder: Path) -> None:
    """Raises OutputError if the folder already holds a run."""
    if (folder / CHECKPOINT).exists():
        raise OutputError(
            f"{folder} already holds a run: resume it with --resume {folder}, or give another folder"
        )


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Lock the folder, which is made if needed, against a second training; a lock ends with its process.

    Windows, and file systems without locks, let a second training begin.

    Raises:
        OutputError: if another process trains there, or the folder cannot be written to.
    """
    new, path = not os.path.exists(folder), folder / LOCK
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = path.open("a+b", buffering=0)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from None
    with file:
        try:
            _lock(file.fileno())
        except BlockingIOError:
            file.seek(0)
            raise OutputError(
                f"process {file.read().decode()} is training in {folder}: wait until it ends, or give "
                "another folder"
            ) from None
        try:
            with suppress(OSError):  # what the run writes tells of a full disk
                file.truncate(0)
                file.write(str(os.getpid()).encode())
            yield
        finally:
            with suppress(OSError):  # on Windows, a file that is open stays
                path.unlink()
            if new:
                with suppress(OSError):  # there is a run in it
                    folder.rmdir()


def _lock(descriptor: int) -> None:
    """Raises BlockingIOError if another process has locked the file."""
    try:
        import fcntl
    except ModuleNotFoundError:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:
        return


@contextmanager
def resumable(folder: Path) -> Iterator[None]:
    """Add how to resume to errors about files and killed workers.

    Raises:
        OutputError: if a file cannot be written.
        TrainingError: if a worker process was killed.
    """
    how = f"resume with: plate-ocr train --resume {folder}"
    try:
        yield
    except OutputError as error:
        if not (folder / CHECKPOINT).exists():
            raise
        raise OutputError(f"{error}; the previous checkpoint is intact: once there is space, {how}") from None
    except BrokenProcessPool:
        then = f"; {how}" if (folder / CHECKPOINT).exists() else ""
        raise TrainingError(f"a worker process was killed, possibly out of memory{then}") from None
