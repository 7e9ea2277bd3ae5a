"""The training loop. It knows nothing of plates: a network, batches, a plan, a measure, callbacks."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor, nn

from plate_ocr.errors import DeviceError, TrainingError
from plate_ocr.training.warmup import GROUP_RATE, Plan

Batches: TypeAlias = Callable[[int], Iterable[tuple[Tensor, Tensor]]]
"""From a step to the batches from there on: inputs and target distributions. What a step gets must
depend on the step alone, so that a training that was stopped goes on as if it had not been."""

Precision: TypeAlias = Literal["fp32", "bf16", "fp16"]

SAVE_SECONDS = 10.0
"""How much work a killed training loses, at most."""


@dataclass(frozen=True)
class TrainSettings:
    """What a plan leaves open.

    Attributes:
        steps_per_epoch: optimiser steps between two measurements.
        weight_decay: of AdamW.
        patience: epochs without a better validation measure before it stops.
        precision: of the forward pass; ``fp16`` scales the loss, since its range is small.
        channels_last: keep pictures as ``[batch, height, width, channel]`` in memory: faster convolutions.
    """

    steps_per_epoch: int
    weight_decay: float = 1e-3
    patience: int = 1000
    precision: Precision = "fp32"
    channels_last: bool = False


@dataclass(frozen=True)
class Epoch:
    """What happened between two measurements.

    Attributes:
        epoch: counted from 1.
        step: optimiser steps made until its end.
        rate: learning rate of its last step.
        batch_size: rows in its last batch.
        loss: mean training loss.
        accuracy: share of training rows whose likeliest class was the target's.
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


def pick_device(wanted: str) -> torch.device:
    """The device to train on.

    Args:
        wanted: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.

    Raises:
        DeviceError: if the wanted one is not there.
    """
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if wanted == "auto":
        return torch.device(next(name for name in ("cuda", "mps", "cpu") if there[name]))
    if not there[wanted]:
        built = {"cuda": torch.version.cuda is not None, "mps": torch.backends.mps.is_built()}[wanted]
        reason = "no GPU is visible" if built else "this PyTorch was built without it"
        raise DeviceError(f"{wanted.upper()} is not available ({reason}); use --device cpu or auto")
    return torch.device(wanted)


class Trainer:
    """Trains a network and keeps its best weights.

    Args:
        network: on any device; it is moved.
        plan: what happens at which step.
        settings: the rest.
        device: where.
        groups: parts of the network, the output first, for a warm-up of layers; together they must
            hold all weights. Without such a warm-up they do not matter.

    Attributes:
        step: optimiser steps made.
        history: the epochs so far.
        best: the weights with the best validation measure so far, on the CPU.
    """

    def __init__(
        self,
        network: nn.Module,
        plan: Plan,
        settings: TrainSettings,
        device: torch.device,
        groups: Sequence[nn.Module] = (),
    ) -> None:
        layout = torch.channels_last if settings.channels_last else torch.preserve_format
        self.network = network.to(device=device, memory_format=layout)  # type: ignore[call-overload]
        self.plan, self.settings, self.device = plan, settings, device
        self.step = 0
        self.history: list[Epoch] = []
        self.best = _on_cpu(network.state_dict())
        self._groups: Sequence[nn.Module] = groups if plan.layers and groups else (network,)
        rates = [plan.rate * GROUP_RATE**depth for depth in range(len(self._groups))]
        self._optimizer = torch.optim.AdamW(
            [{"params": [*g.parameters()], "lr": r} for g, r in zip(self._groups, rates, strict=True)],
            weight_decay=settings.weight_decay,
            foreach=True,
        )
        self._schedule = plan.schedule(self._optimizer)
        self._scaler = torch.amp.GradScaler(device.type, enabled=settings.precision == "fp16")
        self._sums = torch.zeros(3, dtype=torch.float64)  # of loss, right rows and rows in this epoch
        self._fitted = 0

    def fit(
        self,
        batches: Batches,
        validate: Callable[[nn.Module], float],
        *,
        save: Callable[[], object] = lambda: None,
        on_step: Callable[[int, float, float], object] = lambda *_: None,
        on_epoch: Callable[[Epoch], object] = lambda _: None,
    ) -> None:
        """Train until the plan ends or validation has stopped getting better.

        Args:
            batches: gives the batches from a step on.
            validate: the measure to raise, 0..1; called with the network in evaluation mode.
            save: called after each epoch and every few seconds: to keep :meth:`state`.
            on_step: called with the number of steps made, the rate and the loss.
            on_epoch: called after each epoch.

        Raises:
            TrainingError: if the loss is no number any more, or memory runs out.
        """
        started = saved = time.perf_counter()
        stream = iter(batches(self.step))
        while not self.finished:
            inputs, target = next(stream)
            rate = float(self._schedule.get_last_lr()[0])
            loss = self._learn(inputs.to(self.device), target.to(self.device), rate)
            on_step(self.step, rate, loss)
            if self.step % self.settings.steps_per_epoch == 0 or self.step == self.plan.steps:
                self.network.eval()
                with torch.no_grad():
                    measure = validate(self.network)
                # Of equals the later one: it has seen more, and at a lower rate.
                if not self.history or measure >= max(e.validation for e in self.history):
                    self.best = _on_cpu(self.network.state_dict())
                total, right, rows = self._sums.tolist()
                self._sums.zero_()
                number, seconds = len(self.history) + 1, time.perf_counter() - started
                self.history.append(
                    Epoch(number, self.step, rate, len(inputs), total / rows, right / rows, measure, seconds)
                )
                save()
                on_epoch(self.history[-1])
                started = saved = time.perf_counter()
            elif time.perf_counter() - saved > SAVE_SECONDS:
                save()
                saved = time.perf_counter()

    def _learn(self, inputs: Tensor, target: Tensor, rate: float) -> float:
        """One optimiser step; returns the loss before it."""
        self.network.train()
        learning = self.plan.groups_at(self.step, len(self._groups))
        for depth, group in enumerate(self._groups):
            group.requires_grad_(depth < learning)
            if depth >= learning:
                group.eval()  # batch statistics of a frozen group stay as they are
        if self.settings.channels_last and inputs.ndim == 4:
            inputs = inputs.contiguous(memory_format=torch.channels_last)
        dtype = torch.float16 if self.settings.precision == "fp16" else torch.bfloat16
        self._optimizer.zero_grad()
        try:
            with torch.autocast(self.device.type, dtype, enabled=self.settings.precision != "fp32"):
                logits = self.network(inputs)
            loss = self.plan.loss_at(logits.float(), target, self.step)
            value = loss.item()
            if not math.isfinite(value):
                raise TrainingError(
                    f"the loss became {value} in step {self.step + 1} at learning rate {rate:.3g}; "
                    f"a lower rate or a longer warm-up may help"
                )
            self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
            self._scaler.step(self._optimizer)
            self._scaler.update()
        except RuntimeError as error:
            if "memory" not in str(error):
                raise
            fitted = f"{self._fitted} rows fitted" if self._fitted else "choose a smaller one"
            raise TrainingError(f"memory ran out with a batch of {len(inputs)} rows; {fitted}") from None
        self._schedule.step()
        self._fitted = max(self._fitted, len(inputs))
        self.step += 1
        right = float((logits.argmax(1) == target.argmax(1)).sum())
        self._sums += torch.tensor([value * len(inputs), right, len(inputs)], dtype=torch.float64)
        return value

    @property
    def best_epoch(self) -> int:
        """The last epoch with the best measure, counted from 1; 0 before the first."""
        return max(self.history, key=lambda e: (e.validation, e.epoch)).epoch if self.history else 0

    @property
    def finished(self) -> bool:
        """Whether all steps are done or patience has run out."""
        measures = [epoch.validation for epoch in self.history]
        waited = len(measures) - 1 - measures.index(max(measures)) if measures else 0
        return self.step >= self.plan.steps or waited >= self.settings.patience

    def state(self) -> dict[str, Any]:
        """Everything needed to go on: weights, best weights, optimiser, schedule, randomness, history."""
        return {
            "step": self.step,
            "network": _on_cpu(self.network.state_dict()),
            "best": self.best,
            "optimizer": self._optimizer.state_dict(),
            "schedule": self._schedule.state_dict(),
            "scaler": self._scaler.state_dict(),
            "random": torch.get_rng_state(),
            "sums": self._sums.clone(),
            "history": [dataclasses.asdict(epoch) for epoch in self.history],
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from a :meth:`state`."""
        self.step = state["step"]
        self.network.load_state_dict(state["network"])
        self.best = state["best"]
        self._optimizer.load_state_dict(state["optimizer"])
        self._schedule.load_state_dict(state["schedule"])
        self._scaler.load_state_dict(state["scaler"])
        torch.set_rng_state(state["random"])
        self._sums = state["sums"].clone()
        self.history = [Epoch(**epoch) for epoch in state["history"]]


def _on_cpu(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach().cpu().clone() for name, value in weights.items()}
