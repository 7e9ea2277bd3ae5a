"""What happened between two measurements of a training."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Epoch:
    """What happened between two measurements.

    Attributes:
        epoch: counted from 1.
        step: optimiser steps made until its end.
        rate: learning rate of its last step.
        batch_size: rows in its last batch.
        loss: mean training loss.
        accuracy: share of rows whose likeliest class was the target's, in every fourth batch.
        validation: the measure on the validation part, 0..1.
        seconds: that it took; of the last part only if it was stopped in between.
    """

    epoch: int
    step: int
    rate: float
    batch_size: int
    loss: float
    accuracy: float
    validation: float
    seconds: float


def metrics_csv(history: Sequence[Epoch]) -> bytes:
    """The epochs as a CSV file."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, [f.name for f in dataclasses.fields(Epoch)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(dataclasses.asdict(epoch) for epoch in history)
    return text.getvalue().encode()
