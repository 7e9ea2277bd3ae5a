"""The skeleton of every training run: open, resume, save, measure, finish, card."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import torch
from torch import nn

from plate_ocr.errors import TrainingError
from plate_ocr.files import write_whole
from plate_ocr.metrics import Sample, SearchedPhoto
from plate_ocr.model.cards import Card
from plate_ocr.networks.export import save_model
from plate_ocr.networks.weights import Network
from plate_ocr.training.core.callbacks import Callback, NullCallback
from plate_ocr.training.core.checkpoint import Checkpoint, Resumable, stored_card
from plate_ocr.training.core.config import RunConfig
from plate_ocr.training.core.device import is_first_process, join_processes, pick_device, pick_precision
from plate_ocr.training.core.epoch import Epoch, metrics_csv
from plate_ocr.training.core.folder import CHECKPOINT, locked, refuse_other_run, require_run, resumable
from plate_ocr.training.core.losses import Objective
from plate_ocr.training.core.model_card import CardPage
from plate_ocr.training.core.plots import plot_curves, plot_schedule
from plate_ocr.training.core.trainer import Batches, Trainer


@dataclass(frozen=True)
class Context:
    """What a task needs to open.

    Attributes:
        folder: the run folder.
        device: training device.
        callback: receives progress; silent in all but the first of several processes.
        first: whether this process saves and reports.
        stored: the card in the checkpoint of a resumed run, whose weights are loaded from it; None for a
            new run.
        strict: stop if the data has problems.
    """

    folder: Path
    device: torch.device
    callback: Callback
    first: bool
    stored: Card | None
    strict: bool


@dataclass(frozen=True)
class Finished:
    """A calibrated and measured network.

    Attributes:
        network: in evaluation mode, on the CPU.
        card: of the network, with its training record and accuracy.
        metrics: written to ``metrics.json``.
        page: makes the card's page from the sizes of the files by name, bytes.
        lines: messages about the result.
        samples: test pictures as they were read, for a page of mistakes; empty: there is no such page.
        searched: the same of photos in which plates were looked for.
    """

    network: Network
    card: Card
    metrics: dict[str, Any]
    page: Callable[[Mapping[str, int]], CardPage]
    lines: Sequence[str]
    samples: Sequence[Sample] = ()
    searched: Sequence[SearchedPhoto] = ()


@dataclass(frozen=True)
class TrainTask:
    """A training task: network, data, loss and validation.

    Attributes:
        network: with its initial weights.
        card: of the network, before any measurement.
        objective: the loss.
        batches: the batches from a step on.
        measure: validation metric, 0..1; the best weights by it are kept.
        finish: measures the best weights after training.
        groups: layers of the network, the output first, for the layer warm-up.
        data: fingerprint of the training and validation data; empty: the configuration determines it.
        watched: another object with a state in the checkpoint.
        describe: names the first samples of a step's batch, for error messages; may be empty.
        frozen: layers of the network that keep their weights.
    """

    network: nn.Module
    card: Card
    objective: Objective
    batches: Batches
    measure: Callable[[nn.Module], float]
    finish: Callable[[Trainer], Finished]
    groups: Sequence[nn.Module] = ()
    data: str = ""
    watched: Resumable | None = None
    describe: Callable[[int], str] = lambda step: ""
    frozen: Sequence[nn.Module] = ()


OpenTask: TypeAlias = Callable[[Context], AbstractContextManager[TrainTask]]
"""Opens a task, with the processes that make its pictures."""


@dataclass(frozen=True)
class RunResult:
    """The result of a finished run.

    Attributes:
        folder: the run folder.
        card: of the trained model.
        metrics: as in ``metrics.json``; empty in all but the first of several processes.
        samples: as of :class:`Finished`.
        searched: as of :class:`Finished`.
    """

    folder: Path
    card: Card
    metrics: dict[str, Any] = field(repr=False)
    samples: Sequence[Sample] = field(default=(), repr=False)
    searched: Sequence[SearchedPhoto] = field(default=(), repr=False)


def run(
    config: RunConfig,
    open_task: OpenTask,
    folder: Path,
    callback: Callback,
    *,
    resume: bool = False,
    strict: bool = False,
) -> RunResult:
    """Train a model from the start, or resume from the folder's checkpoint.

    Args:
        config: configuration of the run.
        open_task: opens the task.
        folder: the run folder, for model, checkpoint, metrics and plots.
        callback: receives progress.
        resume: resume from the checkpoint.
        strict: stop if the data has problems.

    Raises:
        DataError: if the data cannot be trained on, or differs from that of the checkpoint.
        DeviceError: if the device is not available.
        ModelError: if there is no checkpoint to resume, or no base model.
        OutputError: if the folder cannot be written to, holds another run, or another process trains there.
        TrainingError: if the loss becomes NaN or infinite, or memory runs out.
    """
    device = join_processes(pick_device(config.device))
    first = is_first_process()
    with locked(folder) if first else nullcontext():
        reporter = callback if first else NullCallback()
        return _run(config, open_task, folder, reporter, device, first=first, resume=resume, strict=strict)


def _run(
    config: RunConfig,
    open_task: OpenTask,
    folder: Path,
    callback: Callback,
    device: torch.device,
    *,
    first: bool,
    resume: bool,
    strict: bool,
) -> RunResult:
    if resume:
        require_run(folder)
    elif first:
        refuse_other_run(folder)
    torch.manual_seed(config.seed)
    stored = stored_card(folder / CHECKPOINT) if resume else None
    context = Context(folder, device, callback, first, stored, strict)
    with resumable(folder), open_task(context) as task:
        precision = pick_precision(device, task.network)
        settings = dataclasses.replace(config.settings, precision=precision)
        trainer = Trainer(
            task.network, config.schedule, settings, device, task.groups, task.objective, task.frozen
        )
        checkpoint = Checkpoint(folder / CHECKPOINT, config, task.card, task.data, trainer, task.watched)
        if resume:
            checkpoint.load()
        elif first:
            write_whole(folder / "config.toml", config.to_toml(folder).encode())
            plot_schedule(config.schedule, config.GROUPS, folder / "schedule.png")
            checkpoint.save()

        def on_epoch(epoch: Epoch) -> None:
            if first:
                write_whole(folder / "metrics.csv", metrics_csv(trainer.history))
            callback.on_epoch_end(epoch)

        callback.on_train_begin(config, trainer.step)
        try:
            trainer.fit(
                task.batches,
                task.measure,
                save=checkpoint.save if first else lambda: None,
                on_step=callback.on_step_end,
                on_epoch=on_epoch,
            )
        except TrainingError as error:
            if not (begins := task.describe(trainer.step)):
                raise
            raise TrainingError(f"{error}; its batch begins with {begins}") from None
        if not first:
            return RunResult(folder, task.card, {})
        return _save(task.finish(trainer), trainer, folder, callback)


def _save(finished: Finished, trainer: Trainer, folder: Path, callback: Callback) -> RunResult:
    """Write the model, its card, metrics and curves, and report the result."""
    save_model(finished.network, finished.card, folder / "model")
    names = ("model.safetensors", "model.onnx", CHECKPOINT)
    sizes = {name: (folder / name).stat().st_size for name in names}
    metrics = {
        "val_metric": trainer.history[trainer.best_epoch - 1].val_metric,
        "best_epoch": trainer.best_epoch,
        **finished.metrics,
        "bytes": sizes,
    }
    write_whole(folder / "card.md", finished.page(sizes).markdown().encode(errors="backslashreplace"))
    write_whole(folder / "metrics.json", json.dumps(metrics, ensure_ascii=False, indent=2).encode())
    plot_curves(trainer.history, folder / "curves.png")
    for line in finished.lines:
        callback.on_message(line)
    callback.on_message(
        f"{folder / 'model.safetensors'} has {sizes['model.safetensors']:,} bytes, {CHECKPOINT} "
        f"{sizes[CHECKPOINT] / sizes['model.safetensors']:.1f} times as many: it keeps the weights in full "
        f"precision, their average, AdamW's two running means of every weight and the best weights so far"
    )
    return RunResult(folder, finished.card, metrics, finished.samples, finished.searched)
