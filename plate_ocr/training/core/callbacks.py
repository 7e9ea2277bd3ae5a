"""Callbacks of a training run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from plate_ocr.training.core.epoch import Epoch


class RunLength(Protocol):
    """Length of a run."""

    @property
    def epochs(self) -> int:
        """Maximum number of epochs."""

    @property
    def steps(self) -> int:
        """Maximum number of optimiser steps."""


class Callback(Protocol):
    """Called during a training run."""

    def on_message(self, line: str) -> None:
        """A message of one line."""

    def on_progress(self, stage: str, done: int, total: int) -> None:
        """Of a stage before or after the steps, ``done`` of ``total`` pictures are finished."""

    def on_train_begin(self, config: RunLength, done: int) -> None:
        """Training starts after ``done`` finished steps."""

    def on_step_end(self, step: int, lr: float, loss: float) -> None:
        """An optimiser step was made."""

    def on_epoch_end(self, epoch: Epoch) -> None:
        """An epoch was finished."""


class NullCallback:
    """Does nothing."""

    def on_message(self, line: str) -> None:
        """Nothing."""

    def on_progress(self, stage: str, done: int, total: int) -> None:
        """Nothing."""

    def on_train_begin(self, config: RunLength, done: int) -> None:
        """Nothing."""

    def on_step_end(self, step: int, lr: float, loss: float) -> None:
        """Nothing."""

    def on_epoch_end(self, epoch: Epoch) -> None:
        """Nothing."""


@dataclass
class Stage:
    """Counts the pictures of a stage before or after the steps; called with the number of further ones.

    Attributes:
        callback: is told the count.
        name: in words.
        total: number of pictures.
        done: those that are finished.
    """

    callback: Callback
    name: str
    total: int
    done: int = 0

    def __post_init__(self) -> None:
        self(0)

    def __call__(self, count: int) -> None:
        """Count further pictures."""
        self.done += count
        self.callback.on_progress(self.name, self.done, self.total)
