"""The checkpoint of a run: what a stopped training goes on from."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from plate_ocr.errors import ModelError, OutputError, TrainingError
from plate_ocr.files import write_whole


def write_checkpoint(path: Path, version: int, state: Mapping[str, Any]) -> None:
    """Keep tensors and plain values, with the version of their form.

    Raises:
        OutputError: if the file cannot be written; what was there stays.
    """
    buffer = io.BytesIO()
    torch.save({"version": version, **state}, buffer)
    write_whole(path, buffer.getvalue())


@contextmanager
def resumable(folder: Path) -> Iterator[None]:
    """Where a run with a checkpoint cannot write a file or loses a worker, the error says how to go on.

    Raises:
        OutputError: with that, for a file.
        TrainingError: likewise, for a worker process.
    """
    how = f"go on with: plate-ocr train --resume {folder}"
    try:
        yield
    except OutputError as error:
        raise OutputError(f"{error}; the checkpoint before is whole: once there is room, {how}") from None
    except BrokenProcessPool:
        raise TrainingError(f"a worker process was killed, perhaps because memory ran out; {how}") from None


def read_checkpoint(path: Path, version: int, take: Callable[[dict[str, Any]], object]) -> None:
    """Open a checkpoint without running code that it may hold.

    Args:
        path: the file.
        version: of the form that is expected.
        take: goes on from what was kept; whatever it raises means that something is missing or damaged.

    Raises:
        ModelError: if there is none, it is not whole or of another version.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        found = state["version"]
        if found == version:
            take(state)
    except FileNotFoundError:
        raise ModelError(f"{path.parent} holds no run to go on with: there is no {path.name}") from None
    except Exception as error:  # torch.load raises nearly anything on damaged files
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(f"{path} is no whole checkpoint ({reason})") from None
    if found != version:
        raise ModelError(f"{path} has version {found}, {version} is expected: train anew")


CHECKPOINT = "last.ckpt"
CHECKPOINT_VERSION = 2
