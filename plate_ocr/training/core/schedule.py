"""Five warm-ups, and the schedule that combines them.

Each is a pure function of the optimiser step, counted from 0, so that a resumed training equals an
uninterrupted one. On the command line and in ``config.toml`` they are written as:

=======================  =========================================================================
``lr=SHAPE:STEPS``       the learning rate rises: ``constant`` (a tenth, then all), ``linear`` or
                         ``exponential``; without ``:STEPS`` over the model's default number of steps
``batch=A:B:STEPS``      the batch size grows from A to B; with ``:scale`` the learning rate follows it
``layers=STEPS``         the output layer is trained first; every STEPS the next group below joins
``data=FRACTION:STEPS``  a fraction of the samples first, then more; with ``:easy`` the easy ones first
``loss=METHOD:STEPS``    ``squared_error`` turns into the real loss, ``smoothing`` fades out, or the
                         squared error joins as ``auxiliary`` loss
=======================  =========================================================================
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

from plate_ocr.errors import DataError

LrShape: TypeAlias = Literal["constant", "linear", "exponential"]
LrSchedule: TypeAlias = Literal["cosine", "step", "constant"]
Order: TypeAlias = Literal["random", "easy"]
Loss: TypeAlias = Literal["cross_entropy", "squared_error"]
LossMethod: TypeAlias = Literal["squared_error", "smoothing", "auxiliary"]

WARMUP_START = {"constant": 0.1, "linear": 0.0, "exponential": 0.01}
"""Initial fraction of the peak learning rate of each shape; linear starts one step above it."""

LAYER_LR_DECAY = 1 / 2.6
"""Ratio of the peak learning rates of a group and the group above it (Howard and Ruder, *ULMFiT*, 2018)."""


@dataclass(frozen=True)
class LrWarmup:
    """The learning rate starts low.

    Attributes:
        shape: ``constant``, a tenth of the peak until ``steps`` (He et al., *Deep Residual Learning*, 2016),
            ``linear`` (Goyal et al., *Accurate, Large Minibatch SGD*, 2017) or ``exponential``.
        steps: optimiser steps until the peak learning rate.
    """

    shape: LrShape
    steps: int

    def factor(self, step: int) -> float:
        """Fraction of the peak learning rate at a step, above 0 and up to 1."""
        if step >= self.steps:
            return 1.0
        first = WARMUP_START[self.shape]
        if self.shape == "constant":
            return first
        if self.shape == "linear":
            return (step + 1) / self.steps
        return float(first ** (1 - step / self.steps))


@dataclass(frozen=True)
class BatchWarmup:
    """The batch starts small (Smith et al., *Don't Decay the Learning Rate, Increase the Batch Size*, 2018).

    Attributes:
        first: rows in the first batches.
        last: rows in the batches after ``steps``.
        steps: over which it grows, by a constant factor per step.
        scale: whether the learning rate is multiplied by size / last (Goyal et al., 2017).
    """

    first: int
    last: int
    steps: int
    scale: bool = False

    def size(self, step: int) -> int:
        """Rows in the batch of a step."""
        if step >= self.steps:
            return self.last
        growth = float(self.last / self.first)
        return round(self.first * math.pow(growth, step / self.steps))

    def factor(self, step: int) -> float:
        """Factor of the learning rate."""
        return self.size(step) / self.last if self.scale else 1.0


@dataclass(frozen=True)
class LayerWarmup:
    """Only the output learns at first; the groups below join one by one, at lower learning rates.

    Attributes:
        steps: between two groups.
    """

    steps: int

    def open_groups(self, step: int) -> int:
        """Number of groups that learn, counted from the output."""
        return 1 + step // self.steps


@dataclass(frozen=True)
class DataWarmup:
    """Training starts with a part of the pictures (curriculum learning: Bengio et al., 2009).

    Attributes:
        first: share of the pictures at the start.
        steps: until all of them are used.
        order: the first pictures: ``random`` ones, or those that are ``easy`` for a short first run.
    """

    first: float
    steps: int
    order: Order = "random"

    def fraction(self, step: int) -> float:
        """Share of the pictures in use at a step, above 0 and up to 1."""
        return min(1.0, self.first + (1 - self.first) * step / self.steps)


@dataclass(frozen=True)
class LossWarmup:
    """Training starts with an easier loss.

    Attributes:
        method: ``squared_error`` on the one-hot vectors turns into the real loss; ``smoothing`` of
            the one-hot vectors fades out; or the squared error is added as an ``auxiliary`` loss
            with a weight that grows from 0 to 1.
        steps: of the change.
    """

    method: LossMethod
    steps: int

    def done(self, step: int) -> float:
        """Progress of the change at a step, 0..1."""
        return min(1.0, step / self.steps)


@dataclass(frozen=True)
class TrainSchedule:
    """Learning rate, batch size, data and loss of a training, step by step.

    Attributes:
        steps: total optimiser steps.
        lr: peak learning rate.
        batch_size: rows in a batch.
        lr_schedule: of the learning rate after its warm-up: ``cosine`` down to zero (Loshchilov and Hutter,
            2017), ``step``, a tenth after each third (He et al., 2016), or ``constant``.
        loss: the final loss, after a loss warm-up.
        lr_warmup, batch_warmup, layers_warmup, data_warmup, loss_warmup: the warm-ups; None
            disables one.
    """

    steps: int
    lr: float = 4e-3
    batch_size: int = 256
    lr_schedule: LrSchedule = "cosine"
    loss: Loss = "cross_entropy"
    lr_warmup: LrWarmup | None = None
    batch_warmup: BatchWarmup | None = None
    layers_warmup: LayerWarmup | None = None
    data_warmup: DataWarmup | None = None
    loss_warmup: LossWarmup | None = None

    def batch_size_at(self, step: int) -> int:
        """Rows in the batch of a step."""
        return self.batch_warmup.size(step) if self.batch_warmup else self.batch_size

    def data_fraction_at(self, step: int) -> float:
        """Share of the pictures in use at a step."""
        return self.data_warmup.fraction(step) if self.data_warmup else 1.0

    def groups_at(self, step: int, groups: int) -> int:
        """Number of a network's groups that learn at a step, counted from the output."""
        return min(groups, self.layers_warmup.open_groups(step)) if self.layers_warmup else groups

    def lr_lambda(self, step: int) -> float:
        """Factor of the peak learning rate at a step: warm-ups and learning-rate schedule.

        For other training loops: ``torch.optim.lr_scheduler.LambdaLR(optimizer, schedule.lr_lambda)``.
        """
        rising = self.lr_warmup.steps if self.lr_warmup else 0
        warm = (self.lr_warmup.factor(step) if self.lr_warmup else 1.0) * (
            self.batch_warmup.factor(step) if self.batch_warmup else 1.0
        )
        progress = min(1.0, max(0, step - rising) / max(1, self.steps - rising))
        if self.lr_schedule == "cosine":
            return warm * max(1e-4, 0.5 * (1 + math.cos(math.pi * progress)))
        return warm * (0.1 ** math.floor(3 * progress + 1e-9) if self.lr_schedule == "step" else 1.0)

    def table(self, groups: int, loss: str, rows: int = 12) -> str:
        """The schedule as a text table of some of its steps.

        Args:
            groups: number of layer groups of the network.
            loss: its name.
            rows: maximum number of steps shown.
        """
        lines = ["    step        lr   batch  groups   samples"]
        for step in sorted({round(i * (self.steps - 1) / (rows - 1)) for i in range(rows)}):
            lines.append(
                f"{step:8} {self.lr * self.lr_lambda(step):9.2e} {self.batch_size_at(step):7} "
                f"{self.groups_at(step, groups):7} {self.data_fraction_at(step):9.0%}"
            )
        samples = sum(self.batch_size_at(step) for step in range(self.steps))
        warm = f", loss warm-up {self.loss_warmup.method}" if self.loss_warmup else ""
        lines.append(f"{self.steps:,} steps, {samples:,} samples, loss {loss}{warm}")
        return "\n".join(lines)


def parse_warmups(texts: Sequence[str], steps: int, lr_steps: int = 1) -> dict[str, Any]:
    """Parse warm-ups such as ``lr=linear:200``.

    Args:
        texts: one per warm-up.
        steps: total optimiser steps.
        lr_steps: default for a warm-up of the learning rate without steps, such as ``lr=linear``.

    Returns:
        Arguments of :class:`TrainSchedule`.

    Raises:
        DataError: if a name or number is wrong, a warm-up is given twice, or one is longer than the training.
    """
    found: dict[str, Any] = {}
    for text in texts:
        word, _, rest = text.partition("=")
        if word not in WORDS:
            raise DataError(
                f"there is no warm-up {word!r}; expected {', '.join(f for f, _ in WORDS.values())}"
            )
        form, make = WORDS[word]
        name = f"{word}_warmup"
        if name in found:
            raise DataError(f"the warm-up {word} is given twice")
        try:
            parts = rest.split(":")
            warmup = make([*parts, str(lr_steps)] if word == "lr" and len(parts) == 1 else parts)
        except (ValueError, TypeError, IndexError) as error:
            reason = f": {error}" if str(error) and "unpack" not in str(error) else ""
            raise DataError(f"--warmup {text} is not of the form {form}{reason}") from None
        if warmup.steps > steps:
            raise DataError(f"--warmup {text} takes {warmup.steps} steps, the whole training {steps}")
        found[name] = warmup
    return found


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(f"{text!r} is not a whole number above 0")
    return int(text)


def _choice(text: str, choices: Any) -> Any:
    if text not in get_args(choices):
        raise ValueError(f"{text!r} is not one of {', '.join(get_args(choices))}")
    return text


def _lr(parts: list[str]) -> LrWarmup:
    shape, steps = parts
    return LrWarmup(_choice(shape, LrShape), _count(steps))


def _batch(parts: list[str]) -> BatchWarmup:
    first, last, steps, *scale = parts
    if scale not in ([], ["scale"]):
        raise ValueError(f"{':'.join(scale)!r} is not 'scale'")
    return BatchWarmup(_count(first), _count(last), _count(steps), bool(scale))


def _layers(parts: list[str]) -> LayerWarmup:
    (steps,) = parts
    return LayerWarmup(_count(steps))


def _data(parts: list[str]) -> DataWarmup:
    first, steps, order = parts if len(parts) == 3 else (*parts, "random")
    if not 0 < float(first) <= 1:
        raise ValueError(f"the fraction {first} is not above 0 and up to 1")
    return DataWarmup(float(first), _count(steps), _choice(order, Order))


def _loss(parts: list[str]) -> LossWarmup:
    method, steps = parts
    return LossWarmup(_choice(method, LossMethod), _count(steps))


WORDS: dict[str, tuple[str, Callable[[list[str]], Any]]] = {
    "lr": ("lr=constant|linear|exponential[:STEPS]", _lr),
    "batch": ("batch=FIRST:LAST:STEPS[:scale]", _batch),
    "layers": ("layers=STEPS", _layers),
    "data": ("data=FRACTION:STEPS[:easy]", _data),
    "loss": ("loss=squared_error|smoothing|auxiliary:STEPS", _loss),
}
"""The warm-ups by name: their syntax and constructor."""
