"""The training loop. It knows nothing of plates: a network, batches, a measure, callbacks."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from plate_ocr.errors import DeviceError
from plate_ocr.training.warmup import Decline, rate_factor

Loss: TypeAlias = Literal["cross_entropy", "squared_error"]
Batches: TypeAlias = Callable[[int], Iterable[tuple[Tensor, Tensor]]]
"""From the epoch, counted from 0, to its batches of inputs and target distributions."""


@dataclass(frozen=True)
class TrainSettings:
    """How a network is trained.

    Attributes:
        epochs: passes over the data, at most.
        steps_per_epoch: batches in a pass; the schedule is laid out with it.
        rate: peak learning rate of AdamW.
        warmup: share of all steps over which the rate rises.
        decline: what the rate does afterwards.
        weight_decay: of AdamW.
        loss: cross-entropy of the softmax with the target, or the squared error between them.
        patience: epochs without a better validation accuracy before it stops.
    """

    epochs: int
    steps_per_epoch: int
    rate: float = 4e-3
    warmup: float = 0.05
    decline: Decline = "cosine"
    weight_decay: float = 1e-3
    loss: Loss = "cross_entropy"
    patience: int = 1000


@dataclass(frozen=True)
class Epoch:
    """What happened in one pass.

    Attributes:
        epoch: counted from 1.
        rate: learning rate of its last step.
        loss: mean training loss.
        accuracy: share of training rows whose likeliest class was the target's.
        validation: the measure on the validation part, 0..1.
        seconds: since the start of the pass.
    """

    epoch: int
    rate: float
    loss: float
    accuracy: float
    validation: float
    seconds: float


def pick_device(wanted: str) -> torch.device:
    """The device to train on.

    Args:
        wanted: ``"auto"``, ``"cpu"`` or ``"cuda"``.

    Raises:
        DeviceError: if CUDA is wanted and there is none.
    """
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if wanted == "cuda" and not torch.cuda.is_available():
        reason = "no GPU is visible" if torch.version.cuda else "this PyTorch was built without it"
        raise DeviceError(f"CUDA is not available ({reason}); use --device cpu or auto")
    return torch.device(wanted)


def batch_loss(logits: Tensor, target: Tensor, kind: Loss) -> Tensor:
    """Mean loss of a batch.

    Args:
        logits: float32 ``[batch, classes]``.
        target: float32 ``[batch, classes]``: one-hot, or any distribution over the classes.
        kind: cross-entropy -Σ t·log p, or squared error Σ (p - t)², with p the softmax.
    """
    if kind == "cross_entropy":
        return F.cross_entropy(logits, target)
    return (torch.softmax(logits, 1) - target).square().sum(1).mean()


class Trainer:
    """Trains a network and keeps its best weights.

    Args:
        network: on any device; it is moved.
        settings: how.
        device: where. On CUDA the forward pass runs in bfloat16, whose range needs no loss scaling.

    Attributes:
        history: the epochs so far.
        best: the weights with the best validation measure so far, on the CPU.
    """

    def __init__(self, network: nn.Module, settings: TrainSettings, device: torch.device) -> None:
        self.network = network.to(device)
        self.settings = settings
        self.device = device
        self.history: list[Epoch] = []
        self.best = _on_cpu(network.state_dict())
        self._optimizer = torch.optim.AdamW(
            network.parameters(), lr=settings.rate, weight_decay=settings.weight_decay, foreach=True
        )
        total = settings.epochs * settings.steps_per_epoch
        self._schedule = torch.optim.lr_scheduler.LambdaLR(
            self._optimizer, lambda step: rate_factor(step, total, settings.warmup, settings.decline)
        )

    def fit(
        self,
        batches: Batches,
        validate: Callable[[nn.Module], float],
        *,
        on_step: Callable[[int, int, float, float], None] = lambda *_: None,
        on_epoch: Callable[[Epoch], None] = lambda _: None,
    ) -> None:
        """Train until the last epoch or until validation has stopped getting better.

        Args:
            batches: gives an epoch's batches; must depend on the epoch alone, so that a resumed
                training goes on as it would have.
            validate: the measure to raise, 0..1.
            on_step: called with epoch (from 1), step in it, rate and loss.
            on_epoch: called after each epoch; a good place to save :meth:`state`.
        """
        while not self.finished:
            epoch = len(self.history)
            started = time.perf_counter()
            loss_sum = correct = rows = 0.0
            self.network.train()
            for step, (inputs, target) in enumerate(self._moved(batches(epoch)), 1):
                with torch.autocast("cuda", torch.bfloat16, enabled=self.device.type == "cuda"):
                    logits = self.network(inputs)
                loss = batch_loss(logits.float(), target, self.settings.loss)
                self._optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                self._optimizer.step()
                rate = float(self._schedule.get_last_lr()[0])
                self._schedule.step()
                value = loss.item()
                if not math.isfinite(value):
                    raise FloatingPointError(f"the loss became {value} in epoch {epoch + 1}")
                loss_sum += value * len(inputs)
                correct += float((logits.argmax(1) == target.argmax(1)).sum())
                rows += len(inputs)
                on_step(epoch + 1, step, rate, value)
            self.network.eval()
            with torch.no_grad():
                measure = validate(self.network)
            # Of equals the later one: it has seen more, and at a lower rate.
            if not self.history or measure >= max(e.validation for e in self.history):
                self.best = _on_cpu(self.network.state_dict())
            seconds = time.perf_counter() - started
            self.history.append(Epoch(epoch + 1, rate, loss_sum / rows, correct / rows, measure, seconds))
            on_epoch(self.history[-1])

    def _moved(self, batches: Iterable[tuple[Tensor, Tensor]]) -> Iterator[tuple[Tensor, Tensor]]:
        for inputs, target in batches:
            yield inputs.to(self.device), target.to(self.device)

    @property
    def best_epoch(self) -> int:
        """The last epoch with the best measure, counted from 1; 0 before the first."""
        return max(
            range(1, len(self.history) + 1), key=lambda i: (self.history[i - 1].validation, i), default=0
        )

    @property
    def finished(self) -> bool:
        """Whether all epochs are done or patience has run out."""
        measures = [epoch.validation for epoch in self.history]
        waited = len(measures) - 1 - measures.index(max(measures)) if measures else 0
        return len(measures) >= self.settings.epochs or waited >= self.settings.patience

    def state(self) -> dict[str, Any]:
        """Everything needed to go on: weights, best weights, optimiser, schedule, history."""
        return {
            "network": _on_cpu(self.network.state_dict()),
            "best": self.best,
            "optimizer": self._optimizer.state_dict(),
            "schedule": self._schedule.state_dict(),
            "history": [vars(epoch) for epoch in self.history],
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from a :meth:`state`."""
        self.network.load_state_dict(state["network"])
        self.best = state["best"]
        self._optimizer.load_state_dict(state["optimizer"])
        self._schedule.load_state_dict(state["schedule"])
        self.history = [Epoch(**epoch) for epoch in state["history"]]


def _on_cpu(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach().cpu().clone() for name, value in weights.items()}
