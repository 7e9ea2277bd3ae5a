"""The record of an epoch."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Epoch:
    """The record of an epoch.

    Attributes:
        epoch: counted from 1.
        step: total optimiser steps at its end.
        lr: learning rate of its last step.
        batch_size: rows in its last batch.
        train_loss: mean training loss.
        train_acc: training accuracy, 0..1, on every fourth batch; None if the epoch has none of these.
        val_metric: validation metric, 0..1.
        seconds: duration; if it was interrupted, of the last part only.
    """

    epoch: int
    step: int
    lr: float
    batch_size: int
    train_loss: float
    train_acc: float | None
    val_metric: float
    seconds: float


def metrics_csv(history: Sequence[Epoch]) -> bytes:
    """The epochs as a CSV file."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, [f.name for f in dataclasses.fields(Epoch)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(dataclasses.asdict(epoch) for epoch in history)
    return text.getvalue().encode()
