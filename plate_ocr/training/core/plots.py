"""Plots of a run: its schedule and its curves."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from plate_ocr.files import write_whole
from plate_ocr.training.core.epoch import Epoch
from plate_ocr.training.core.schedule import TrainSchedule

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_schedule(schedule: TrainSchedule, groups: int, path: Path) -> None:
    """Plot a schedule over its steps to a PNG file; ``groups`` is the network's number of layer groups."""
    from matplotlib.figure import Figure

    steps = range(0, schedule.steps, max(1, schedule.steps // 1000))
    panels: dict[str, list[float]] = {
        "learning rate": [schedule.lr * schedule.lr_lambda(step) for step in steps],
        "batch size": [schedule.batch_size_at(step) for step in steps],
        "trainable groups of layers": [schedule.groups_at(step, groups) for step in steps],
        "fraction of the samples": [schedule.data_fraction_at(step) for step in steps],
    }
    if schedule.loss_warmup:
        panels[f"loss warm-up: {schedule.loss_warmup.method}"] = [
            min(1.0, step / schedule.loss_warmup.steps) for step in steps
        ]
    figure = Figure(figsize=(3.4 * len(panels), 2.8), layout="constrained")
    for axes, (title, values) in zip(figure.subplots(1, len(panels)), panels.items(), strict=True):
        axes.plot(steps, values)
        axes.set(title=title, xlabel="step", ylim=(0, 1.05 * max(values)))
    _save(figure, path)


def plot_curves(history: Sequence[Epoch], path: Path) -> None:
    """Plot loss, accuracy, learning rate and batch size over the steps to a PNG file."""
    from matplotlib.figure import Figure

    steps = [epoch.step for epoch in history]
    figure = Figure(figsize=(15, 3.4), layout="constrained")
    loss, accuracy, lr, size = figure.subplots(1, 4)
    loss.plot(steps, [epoch.train_loss for epoch in history], marker=".")
    loss.set(title="training loss", xlabel="step", yscale="log")
    counted = [(epoch.step, 100 * epoch.train_acc) for epoch in history if epoch.train_acc is not None]
    accuracy.plot(*zip(*counted, strict=True), marker=".", label="training, augmented")
    accuracy.plot(steps, [100 * epoch.val_metric for epoch in history], marker=".", label="validation")
    accuracy.set(title="accuracy, %", xlabel="step")
    accuracy.legend()
    lr.plot(steps, [epoch.lr for epoch in history], marker=".")
    lr.set(title="learning rate", xlabel="step", ylim=(0, None))
    size.plot(steps, [epoch.batch_size for epoch in history], marker=".")
    size.set(title="batch size", xlabel="step", ylim=(0, None))
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    write_whole(path, buffer.getvalue())
