"""The checkpoint of a run, to resume a stopped training."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch

from plate_ocr.errors import DataError, ModelError
from plate_ocr.files import write_whole
from plate_ocr.model.cards import METADATA_KEY, Card, card_from
from plate_ocr.training.core.config import RunConfig
from plate_ocr.training.core.trainer import Trainer

CHECKPOINT_VERSION = 4


class Resumable(Protocol):
    """An object with a state in the checkpoint."""

    def state(self) -> Mapping[str, Any]:
        """The state to save."""

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Restore a :meth:`state`."""


@dataclass(frozen=True)
class Checkpoint:
    """The checkpoint of a run: tensors and plain values, for every task.

    Attributes:
        path: the file.
        config: of the run.
        card: of the model, before any measurement.
        data: fingerprint of the training and validation data; empty: the configuration determines it.
        trainer: has weights, optimiser and history.
        watched: another object with a state.
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
            OutputError: if it cannot be written; an existing file is kept.
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
        """Restore the file; code in it is never executed.

        Raises:
            ModelError: if there is none, it is damaged or of another version.
            DataError: if the configuration or the data has changed since the run started.
        """
        with _whole(self.path):
            state = _load(self.path)
            stored, data = state["config"], state["data"]
        config = type(self.config).from_toml(stored, str(self.path), self.path.parent)
        same = {"config.toml": self.config.decides_the_same(config), "the data": data == self.data}
        for what, unchanged in same.items():
            if not unchanged:
                raise DataError(
                    f"{what} has changed since the run in {self.path.parent} started: train in another folder"
                )
        with _whole(self.path):
            self.trainer.load_state(state["trainer"])
            if self.watched:
                self.watched.load_state(state["watched"])


def stored_card(path: Path) -> Card:
    """The card in a checkpoint: of the model at the start of its run.

    Raises:
        ModelError: if it is damaged or of another version.
    """
    with _whole(path):
        card = _load(path)["card"]
    return card_from({METADATA_KEY: card}, path)


def _load(path: Path) -> dict[str, Any]:
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    if state["version"] != CHECKPOINT_VERSION:
        raise ModelError(
            f"{path} has version {state['version']}, {CHECKPOINT_VERSION} is expected: train again"
        )
    return state


@contextmanager
def _whole(path: Path) -> Iterator[None]:
    """Turn errors other than ModelError into one that says that the checkpoint is damaged."""
    try:
        yield
    except ModelError:
        raise
    except Exception as error:  # torch.load raises nearly anything on damaged files
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(f"{path} is not a whole checkpoint ({reason})") from None
