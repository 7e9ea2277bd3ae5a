"""Who is told how a run goes."""

from __future__ import annotations

from typing import Protocol

from plate_ocr.training.core.epoch import Epoch


class Length(Protocol):
    """How long a run is."""

    @property
    def epochs(self) -> int:
        """Passes, at most."""

    @property
    def steps(self) -> int:
        """Optimiser steps in all, at most."""


class Reporter(Protocol):
    """Who is told how a run goes."""

    def say(self, line: str) -> None:
        """One line for people."""

    def begin(self, config: Length, done: int) -> None:
        """Training starts, with ``done`` steps behind it."""

    def step(self, step: int, lr: float, loss: float) -> None:
        """The optimiser has made so many steps."""

    def epoch(self, epoch: Epoch) -> None:
        """One pass was made."""


class Silent:
    """Hears how a run goes and says nothing."""

    def say(self, line: str) -> None:
        """Nothing."""

    def begin(self, config: Length, done: int) -> None:
        """Nothing."""

    def step(self, step: int, lr: float, loss: float) -> None:
        """Nothing."""

    def epoch(self, epoch: Epoch) -> None:
        """Nothing."""
