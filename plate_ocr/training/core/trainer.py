"""The training loop. It is independent of the task: a network, batches, a schedule, a metric, callbacks."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from plate_ocr.errors import TrainingError
from plate_ocr.training.core.averaging import AveragedNetwork
from plate_ocr.training.core.config import TrainSettings
from plate_ocr.training.core.device import ProcessGroup, cpu_copy, to_device, weight_format
from plate_ocr.training.core.epoch import Epoch
from plate_ocr.training.core.losses import Objective, OneHot, zero_loss
from plate_ocr.training.core.optimizer import Optimizer
from plate_ocr.training.core.schedule import LAYER_LR_DECAY, TrainSchedule

Batches: TypeAlias = Callable[[int], Iterable[tuple[Tensor, Tensor]]]
"""The batches from a step on: inputs and targets, as the objective takes them. The batch of a step must
depend on the step alone, so that a resumed training equals an uninterrupted one."""

ACCURACY_EVERY = 4
"""Training accuracy is computed on every fourth batch only; on small networks it is a noticeable cost."""

SAVE_SECONDS = 10.0
"""Maximum time between two checkpoints, hence the work that a killed training loses."""


class Trainer:
    """Trains a network and keeps its best weights, see :attr:`TrainSettings.min_delta`.

    Started by ``torchrun``, each process takes every n-th row of a batch, so that the weights equal those
    of a single process up to rounding; a state can be loaded with any number of processes.

    Args:
        network: on any device; moved to ``device``.
        schedule: learning rate, batch size and warm-ups per step.
        settings: all other settings.
        device: training device.
        groups: layers of the network, the output first, for the layer warm-up; together they must
            hold all weights. Ignored without such a warm-up.
        objective: the loss; by default the schedule's loss on distributions over classes.
        frozen: layers that keep their weights and batch statistics.
        processes: that train together; by default those that ``torchrun`` started.

    Attributes:
        step: optimiser steps made.
        history: the epochs so far.
        best: the weights of :attr:`best_epoch`, on the CPU.
    """

    def __init__(
        self,
        network: nn.Module,
        schedule: TrainSchedule,
        settings: TrainSettings,
        device: torch.device,
        groups: Sequence[nn.Module] = (),
        objective: Objective | None = None,
        frozen: Sequence[nn.Module] = (),
        processes: ProcessGroup | None = None,
    ) -> None:
        layout = weight_format(settings.channels_last)
        self.network = network.to(device=device, memory_format=layout)  # type: ignore[call-overload]
        self.schedule, self.settings, self.device = schedule, settings, device
        self.objective: Objective = objective or OneHot(schedule)
        self.step = 0
        self.history: list[Epoch] = []
        self.best = cpu_copy(network.state_dict())
        self._average = (
            AveragedNetwork(network, settings.ema_decay, settings.ema_span) if settings.ema_decay else None
        )
        self._groups: Sequence[nn.Module] = groups if schedule.layers_warmup and groups else (network,)
        self._frozen = frozen
        lrs = [schedule.lr * LAYER_LR_DECAY**depth for depth in range(len(self._groups))]
        self._optimizer = Optimizer(self._groups, lrs, settings, device)
        # Sums over this epoch; correct rows are counted on the device, since copying them takes time.
        self._loss, self._rows, self._counted = 0.0, 0, 0
        self._right = torch.zeros((), dtype=torch.int64, device=device)
        self._trainable = -1
        self._fitted = 0
        self._processes = processes or ProcessGroup.joined()
        self._forward: Callable[[Tensor], Any] = network

    def fit(
        self,
        batches: Batches,
        validate: Callable[[nn.Module], float],
        *,
        save: Callable[[], object] = lambda: None,
        on_step: Callable[[int, float, float], object] = lambda *_: None,
        on_epoch: Callable[[Epoch], object] = lambda _: None,
    ) -> None:
        """Train until the schedule ends or validation has stopped improving.

        Args:
            batches: returns the batches from a step on.
            validate: metric to maximise, 0..1; called with the network in evaluation mode.
            save: called after each epoch and every :data:`SAVE_SECONDS`, to save :meth:`state`.
            on_step: called with the number of steps, the learning rate and the loss.
            on_epoch: called after each epoch.

        Raises:
            TrainingError: if the loss becomes NaN or infinite, or memory runs out.
        """
        started = saved = time.perf_counter()
        stream = iter(batches(self.step))
        while not self.finished:
            inputs, target = next(stream)
            factor = self.schedule.lr_lambda(self.step)
            lr = self.schedule.lr * factor
            loss = self._train_step(to_device(inputs, self.device), to_device(target, self.device), factor)
            on_step(self.step, lr, loss)
            if self.step % self.settings.steps_per_epoch == 0 or self.step == self.schedule.steps:
                self.network.eval()
                self._trainable = -1
                with torch.no_grad():
                    measure = self._processes.same_everywhere(validate(self._measured), self.device)
                if measure >= self._least_good:
                    self.best = cpu_copy(self._measured.state_dict())
                self.history.append(
                    Epoch(
                        len(self.history) + 1,
                        self.step,
                        lr,
                        len(inputs),
                        self._loss / self._rows,
                        self._train_acc(),
                        measure,
                        time.perf_counter() - started,
                    )
                )
                self._loss, self._rows, self._counted = 0.0, 0, 0
                self._right.zero_()
                save()
                on_epoch(self.history[-1])
                started = saved = time.perf_counter()
            elif time.perf_counter() - saved > SAVE_SECONDS:
                save()
                saved = time.perf_counter()

    def _train_acc(self) -> float | None:
        """Accuracy on the batches of this epoch whose correct rows were counted; None if there are none."""
        right = self._processes.sum(int(self._right), self.device)
        return right / self._counted if self._counted else None

    def _train_step(self, inputs: Tensor, target: Tensor, factor: float) -> float:
        """One optimiser step with ``factor`` times the peak learning rate; returns the loss before it."""
        self._set_mode()
        if self.settings.channels_last and inputs.ndim == 4:
            inputs = inputs.contiguous(memory_format=torch.channels_last)
        self._optimizer.begin(factor)
        rows, value = len(inputs), 0.0
        mine, targets = self._processes.of(inputs), self._processes.of(target)
        size = max(1, math.ceil(len(mine) / self.settings.grad_accum))
        try:
            for part, target_part in zip(torch.split(mine, size), torch.split(targets, size), strict=True):
                with self._optimizer.autocast():
                    output = self._forward(part)
                # Gradients add up over parts and are averaged over processes.
                weight = len(part) * self._processes.count / rows
                # Without rows, an empty sum still takes part in the gradient exchange.
                loss = self.objective.loss(output, target_part, self.step) if weight else zero_loss(output)
                if weight not in (0, 1):
                    loss = loss * weight
                self._optimizer.backward(loss)
                value += loss.item()
                if self.step % ACCURACY_EVERY == 0:
                    with torch.no_grad():
                        self._right += self.objective.correct(output, target_part)
            value = self._processes.sum(value, self.device) / self._processes.count
            if not math.isfinite(value):
                raise TrainingError(
                    f"the loss became {value} in step {self.step + 1} at learning rate "
                    f"{self.schedule.lr * factor:.3g}; a lower learning rate or a longer warm-up may help"
                )
            self._optimizer.step()
        except RuntimeError as error:
            raise self._explained(error, rows) from error
        if self._average is not None:
            self._average.update(self.step)
        self._fitted = max(self._fitted, rows)
        self.step += 1
        self._loss += value * rows
        self._rows += rows
        self._counted += rows if (self.step - 1) % ACCURACY_EVERY == 0 else 0
        return value

    @property
    def _measured(self) -> nn.Module:
        """The network that is measured and kept: with averaged weights if they are enabled."""
        return self.network if self._average is None else self._average.network

    def _explained(self, error: RuntimeError, rows: int) -> Exception:
        text = str(error)
        if "memory" in text:
            fitted = f"{self._fitted} rows fit" if self._fitted else "choose a smaller one"
            return TrainingError(f"out of memory with a batch of {rows} rows; {fitted}")
        if self._processes.count > 1 and ("onnection" in text or "gloo" in text or "NCCL" in text):
            return TrainingError("another process of this training has ended; resume with --resume")
        return error

    def _set_mode(self) -> None:
        """Set training mode, with the groups frozen that have not joined yet; only on changes."""
        learning = self.schedule.groups_at(self.step, len(self._groups))
        if self._trainable == learning:
            return
        self._trainable = learning
        self.network.train()
        for depth, group in enumerate(self._groups):
            group.requires_grad_(depth < learning)
            if depth >= learning:
                group.eval()  # batch statistics of a frozen group stay as they are
        for module in self._frozen:
            module.requires_grad_(False).eval()
        network = torch.compile(self.network) if self.settings.compile else self.network
        # It collects trainable parameters once, so it is recreated for each new group.
        self._forward = DistributedDataParallel(network) if self._processes.count > 1 else network

    @property
    def best_epoch(self) -> int:
        """The last epoch that is as good as the best one, counted from 1; 0 before the first."""
        least = self._least_good
        return max((e.epoch for e in self.history if e.val_metric >= least), default=0)

    @property
    def _least_good(self) -> float:
        """The lowest validation metric that is as good as the best one so far."""
        return max((e.val_metric for e in self.history), default=0.0) - self.settings.min_delta

    @property
    def finished(self) -> bool:
        """Whether all steps are done or patience has run out."""
        measures = [epoch.val_metric for epoch in self.history]
        waited = len(measures) - 1 - measures.index(max(measures)) if measures else 0
        return self.step >= self.schedule.steps or waited >= self.settings.patience

    def state(self) -> dict[str, Any]:
        """Everything needed to resume: step, weights, best weights, optimiser, random state, history."""
        return {
            "step": self.step,
            "network": cpu_copy(self.network.state_dict()),
            "best": self.best,
            **self._optimizer.state(),
            "random": torch.get_rng_state(),
            "sums": (self._loss, self._rows, self._counted, int(self._right)),
            "history": [dataclasses.asdict(epoch) for epoch in self.history],
        } | ({} if self._average is None else {"average": cpu_copy(self._average.network.state_dict())})

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore a :meth:`state`."""
        self.step = state["step"]
        self.network.load_state_dict(state["network"])
        self.best = state["best"]
        if self._average is not None:
            self._average.network.load_state_dict(state["average"])
        self._optimizer.load_state(state)
        torch.set_rng_state(state["random"])
        self._loss, self._rows, self._counted, right = state["sums"]
        self._right.fill_(right)
        self.history = [Epoch(**epoch) for epoch in state["history"]]
