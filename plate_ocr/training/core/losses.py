"""The objective of a task, and losses on one-hot vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from plate_ocr.training.core.schedule import Loss, TrainSchedule

SMOOTHING = 0.4
"""Label smoothing at the start of ``loss=smoothing``."""


class Objective(Protocol):
    """Loss and accuracy of a task."""

    def loss(self, output: Any, target: Tensor, step: int) -> Tensor:
        """Mean loss of a batch at a step; the output has the precision of the forward pass."""

    def correct(self, output: Any, target: Tensor) -> Tensor:
        """Number of correct rows of a batch: a scalar on the output's device."""


@dataclass(frozen=True)
class OneHot:
    """Logits ``[batch, classes]`` against distributions over the classes.

    Attributes:
        schedule: has the loss and its warm-up.
    """

    schedule: TrainSchedule

    def loss(self, logits: Tensor, target: Tensor, step: int) -> Tensor:
        """Mean loss of a batch at a step, by :func:`scheduled_loss`."""
        return scheduled_loss(self.schedule, logits.float(), target, step)

    def correct(self, logits: Tensor, target: Tensor) -> Tensor:
        """Number of rows whose most likely class is the target's."""
        return (logits.argmax(1) == target.argmax(1)).sum()


def batch_loss(logits: Tensor, target: Tensor, loss: Loss) -> Tensor:
    """Mean loss of a batch.

    Args:
        logits: float32 ``[batch, classes]``.
        target: float32 ``[batch, classes]``: one-hot, or any distribution over the classes.
        loss: cross-entropy -Σ t·log p, or squared error Σ (p - t)², with p the softmax.
    """
    if loss == "cross_entropy":
        return F.cross_entropy(logits, target)
    return (torch.softmax(logits, 1) - target).square().sum(1).mean()


def scheduled_loss(schedule: TrainSchedule, logits: Tensor, target: Tensor, step: int) -> Tensor:
    """Mean loss of a batch at a step, including the loss warm-up; shapes as in :func:`batch_loss`."""
    if (warmup := schedule.loss_warmup) is None:
        return batch_loss(logits, target, schedule.loss)
    done = warmup.done(step)
    if warmup.method == "smoothing":
        even = torch.full_like(target, 1 / target.shape[1])
        return batch_loss(logits, torch.lerp(target, even, SMOOTHING * (1 - done)), schedule.loss)
    real, simple = batch_loss(logits, target, schedule.loss), batch_loss(logits, target, "squared_error")
    return real + done * simple if warmup.method == "auxiliary" else torch.lerp(simple, real, done)


def zero_loss(output: Tensor | tuple[Tensor, ...]) -> Tensor:
    """A loss of 0 with a gradient, for a process whose part of a batch is empty."""
    return output.sum() if isinstance(output, Tensor) else torch.stack([part.sum() for part in output]).sum()
