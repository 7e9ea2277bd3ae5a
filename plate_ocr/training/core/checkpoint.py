"""The checkpoint of a run: what a stopped training goes on from."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch

from plate_ocr.errors import DataError, ModelError, OutputError, TrainingError
from plate_ocr.files import write_whole
from plate_ocr.model.cards import METADATA_KEY, Card, card_from
from plate_ocr.training.core.config import RunConfig
from plate_ocr.training.core.trainer import Trainer

CHECKPOINT = "last.ckpt"
CHECKPOINT_VERSION = 4


class Resumable(Protocol):
    """What has a state beside the trainer's."""

    def state(self) -> Mapping[str, Any]:
        """What a stopped training has to keep."""

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Go on from a :meth:`state`."""


@dataclass(frozen=True)
class Checkpoint:
    """The checkpoint of a run: tensors and plain values, whatever is trained.

    Attributes:
        path: the file.
        config: of the run.
        card: of the model, nothing measured yet.
        data: changes with everything that is learnt from or chosen by; empty: the configuration tells it.
        trainer: has weights, optimiser and history.
        watched: what else has a state.
    """

    path: Path
    config: RunConfig
    card: Card
    data: str
    trainer: Trainer
    watched: Resumable | None

    def save(self) -> None:
        """Write the file.

        Raises:
            OutputError: if it cannot be written; what was there stays.
        """
        state = {
            "version": CHECKPOINT_VERSION,
            "config": self.config.to_toml(self.path.parent),
            "card": self.card.to_json(),
            "data": self.data,
            "trainer": self.trainer.state(),
            "watched": self.watched.state() if self.watched else {},
        }
        buffer = io.BytesIO()
        torch.save(state, buffer)
        write_whole(self.path, buffer.getvalue())

    def load(self) -> None:
        """Go on from the file; no code is run that it may hold.

        Raises:
            ModelError: if there is none, it is not whole or of another version.
            DataError: if the configuration or the data is another than the run was begun with.
        """
        with _whole(self.path):
            state = _load(self.path)
            stored, data = state["config"], state["data"]
        config = type(self.config).from_toml(stored, str(self.path), self.path.parent)
        same = {"config.toml": self.config.decides_the_same(config), "the data": data == self.data}
        for what, unchanged in same.items():
            if not unchanged:
                raise DataError(
                    f"{what} has changed since {self.path.parent} was begun: train anew in another folder"
                )
        with _whole(self.path):
            self.trainer.load_state(state["trainer"])
            if self.watched:
                self.watched.load_state(state["watched"])


def stored_card(path: Path) -> Card:
    """The card in a checkpoint: of the model as its run was begun.

    Raises:
        ModelError: if it is not whole or of another version.
    """
    with _whole(path):
        card = _load(path)["card"]
    return card_from({METADATA_KEY: card}, path)


def _load(path: Path) -> dict[str, Any]:
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    if state["version"] != CHECKPOINT_VERSION:
        raise ModelError(
            f"{path} has version {state['version']}, {CHECKPOINT_VERSION} is expected: train anew"
        )
    return state


@contextmanager
def _whole(path: Path) -> Iterator[None]:
    """What goes wrong inside says that a checkpoint is damaged, but for what has a sentence of its own."""
    try:
        yield
    except ModelError:
        raise
    except Exception as error:  # torch.load raises nearly anything on damaged files
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(f"{path} is no whole checkpoint ({reason})") from None


def require_run(folder: Path) -> None:
    """Raises ModelError if the folder holds no run."""
    if not (folder / CHECKPOINT).exists():
        raise ModelError(f"{folder} holds no run to go on with: there is no {CHECKPOINT}")


def refuse_other_run(folder: Path) -> None:
    """Raises OutputError if the folder holds a run already."""
    if (folder / CHECKPOINT).exists():
        raise OutputError(
            f"{folder} holds a run already: go on with --resume {folder}, or give another folder"
        )


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
        if not (folder / CHECKPOINT).exists():
            raise
        raise OutputError(f"{error}; the checkpoint before is whole: once there is room, {how}") from None
    except BrokenProcessPool:
        then = f"; {how}" if (folder / CHECKPOINT).exists() else ""
        raise TrainingError(f"a worker process was killed, perhaps because memory ran out{then}") from None
