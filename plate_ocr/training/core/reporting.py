"""Who is told how a run goes."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Sequence
from typing import Protocol

from plate_ocr.training.core.trainer import Epoch


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

    def step(self, step: int, rate: float, loss: float) -> None:
        """The optimiser has made so many steps."""

    def epoch(self, epoch: Epoch) -> None:
        """One pass was made."""


class Silent:
    """Hears how a run goes and says nothing."""

    def say(self, line: str) -> None:
        """Nothing."""

    def begin(self, config: Length, done: int) -> None:
        """Nothing."""

    def step(self, step: int, rate: float, loss: float) -> None:
        """Nothing."""

    def epoch(self, epoch: Epoch) -> None:
        """Nothing."""


def metrics_csv(history: Sequence[Epoch]) -> bytes:
    """The epochs as a CSV file."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, [f.name for f in dataclasses.fields(Epoch)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(dataclasses.asdict(epoch) for epoch in history)
    return text.getvalue().encode()
