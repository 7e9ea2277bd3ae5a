"""What each warm-up does: the same network with and without it, over several seeds."""

from __future__ import annotations

import csv
import io
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats
from torch import nn

from plate_ocr.errors import DataError, TrainingError
from plate_ocr.files import write_whole
from plate_ocr.networks.mlp import BPNetwork
from plate_ocr.training.characters.batches import RowBatches, WeightedStepSampler, class_balance
from plate_ocr.training.characters.dataset import CharData
from plate_ocr.training.core.config import TrainSettings
from plate_ocr.training.core.epoch import Epoch
from plate_ocr.training.core.processes import spawned
from plate_ocr.training.core.schedule import TrainSchedule, parse_warmups
from plate_ocr.training.core.trainer import Trainer
from plate_ocr.vision.preprocessing import find_candidates
from plate_ocr.vision.settings import Preprocessing

CHECKS = 30
"""Measurements over a run."""

CHANCE = 3.0
"""A run has diverged if it ends with a loss that is no number, or less than this many times as
accurate as guessing."""


@dataclass(frozen=True)
class StudySettings:
    """What is compared.

    Attributes:
        steps: optimiser steps of each run.
        lrs: peak learning rates: a comfortable one and one that is far too high.
        seeds: runs of each kind and rate.
        hidden: units of the hidden layer.
        batch_size: rows in a batch.
        target_accuracy: validation accuracy for which the steps are counted.
    """

    steps: int = 600
    lrs: tuple[float, float] = (4e-3, 0.3)
    seeds: int = 5
    hidden: int = 128
    batch_size: int = 256
    target_accuracy: float = 0.9

    @property
    def variants(self) -> dict[str, tuple[str, ...]]:
        """The warm-ups of each kind of run; each takes a quarter of the steps."""
        part = self.steps // 4
        single = {
            "learning rate": f"lr=linear:{part}",
            "batch size": f"batch=16:{self.batch_size}:{part}",
            "layers": f"layers={part}",
            "data": f"data=0.2:{part}:easy",
            "loss": f"loss=squared_error:{part}",
        }
        return {"none": (), **{name: (word,) for name, word in single.items()}, "all": tuple(single.values())}


@dataclass(frozen=True)
class StudyRun:
    """One run.

    Attributes:
        variant: which warm-ups.
        lr: peak learning rate.
        seed: of the weights and the batches.
        accuracy: at the end, on the validation part, 0..1.
        steps: until the wanted accuracy; 0 if it was not reached.
        diverged: whether it went wrong.
    """

    variant: str
    lr: float
    seed: int
    accuracy: float
    steps: int
    diverged: bool


@dataclass(frozen=True)
class StudyData:
    """Row vectors, computed once for all runs: float32 ``(N, values)`` and int64 ``(N,)`` each."""

    train: NDArray[np.float32]
    train_labels: NDArray[np.int64]
    validation: NDArray[np.float32]
    validation_labels: NDArray[np.int64]
    classes: int

    @classmethod
    def of(cls, train: CharData, validation: CharData, classes: int, settings: Preprocessing) -> StudyData:
        """From the parts of a data set; pictures whose polarity is in doubt count with each of them."""
        learn, check = find_candidates(train.stack, settings), find_candidates(validation.stack, settings)
        return cls(
            learn.ratios, train.labels[learn.owner], check.ratios, validation.labels[check.owner], classes
        )


def run_study(
    data: StudyData,
    settings: StudySettings,
    folder: Path,
    workers: int,
    callback: Callable[[int, int], object],
) -> list[StudyRun]:
    """Train every variant at every rate with every seed; what ``runs.csv`` already holds is not repeated.

    Args:
        data: what is learnt.
        settings: what is compared.
        folder: gets ``runs.csv``, ``study.md`` and ``study.png``.
        workers: processes.
        callback: is called with the number of runs done and of all.

    Raises:
        DataError: if ``runs.csv`` is of another study.
        OutputError: if the folder cannot be written to.
    """
    jobs = [*itertools.product(settings.variants, settings.lrs, range(settings.seeds))]
    table = folder / "runs.csv"
    done = {(o.variant, o.lr, o.seed): o for o in _read(table)}
    if strange := [job for job in done if job not in jobs]:
        raise DataError(f"{table} holds runs of another study, such as {strange[0]}; give another folder")
    with spawned(workers, _begin, data, settings) as pool:
        waiting = [pool.submit(_run, *job) for job in jobs if job not in done]
        for future in as_completed(waiting):
            study_run = future.result()
            done[study_run.variant, study_run.lr, study_run.seed] = study_run
            _write(table, [done[job] for job in jobs if job in done])
            callback(len(done), len(jobs))
    results = [done[job] for job in jobs]
    write_whole(folder / "study.md", report(results, settings).encode())
    _plot(results, settings, folder / "study.png")
    return results


_worker: tuple[StudyData, StudySettings] | None = None


def _begin(data: StudyData, settings: StudySettings) -> None:
    global _worker  # noqa: PLW0603 - what all runs of a worker process share
    torch.set_num_threads(1)
    _worker = data, settings


def _run(variant: str, lr: float, seed: int) -> StudyRun:
    assert _worker
    return run_once(*_worker, variant, lr, seed)


def run_once(data: StudyData, settings: StudySettings, variant: str, lr: float, seed: int) -> StudyRun:
    """Train once."""
    schedule = TrainSchedule(
        settings.steps,
        lr,
        settings.batch_size,
        **parse_warmups(settings.variants[variant], settings.steps),
    )
    ratios, target = (
        torch.from_numpy(data.train),
        torch.eye(data.classes)[torch.from_numpy(data.train_labels)],
    )
    order = np.random.default_rng(seed).permutation(len(ratios))
    draws = WeightedStepSampler(class_balance(data.train_labels), schedule, order, seed)
    if schedule.data_warmup and schedule.data_warmup.order == "easy":
        first = TrainSchedule(settings.steps // 10, settings.lrs[0], settings.batch_size, "constant")
        early = RowBatches(ratios, target, WeightedStepSampler(draws.weights, first, order, seed))
        network, _ = _train(data, early, first, settings.hidden, seed)
        with torch.no_grad():
            losses = nn.functional.cross_entropy(network(ratios), target, reduction="none")
        draws = WeightedStepSampler(draws.weights, schedule, np.argsort(losses.numpy(), kind="stable"), seed)
    try:
        _, history = _train(data, RowBatches(ratios, target, draws), schedule, settings.hidden, seed)
    except TrainingError:
        return StudyRun(variant, lr, seed, 0.0, 0, diverged=True)
    accuracy = history[-1].val_metric
    reached = next((epoch.step for epoch in history if epoch.val_metric >= settings.target_accuracy), 0)
    return StudyRun(variant, lr, seed, accuracy, reached, accuracy < CHANCE / data.classes)


def _train(
    data: StudyData, batches: RowBatches, schedule: TrainSchedule, hidden: int, seed: int
) -> tuple[nn.Module, list[Epoch]]:
    torch.manual_seed(seed)
    network = BPNetwork(data.train.shape[1], hidden, data.classes)
    check, answers = torch.from_numpy(data.validation), torch.from_numpy(data.validation_labels)
    settings = TrainSettings(max(1, schedule.steps // CHECKS))
    trainer = Trainer(network, schedule, settings, torch.device("cpu"), network.groups())
    trainer.fit(batches, lambda n: float((n(check).argmax(1) == answers).double().mean()))
    return network.eval(), trainer.history


def report(results: Sequence[StudyRun], settings: StudySettings) -> str:
    """The study as tables in Markdown, one for each rate.

    Mean and standard deviation of the accuracy, the mean of the steps to the wanted one over the runs
    that reached it, the share of runs that diverged, and the two-sided paired t-test of the accuracies
    against those without warm-up (seed by seed).
    """
    lines, target = [], settings.target_accuracy
    for lr, groups in _by_lr(results):
        lines += [
            f"Peak learning rate {lr:g}, {settings.steps} steps, {settings.seeds} seeds:",
            "",
            f"| warm-up | accuracy | ± | steps to {target:.0%} | diverged | against none | p |",
            "|---|---|---|---|---|---|---|",
        ]
        base = np.array([o.accuracy for o in groups["none"]])
        for name, runs in groups.items():
            accuracy = np.array([o.accuracy for o in runs])
            reached = [o.steps for o in runs if o.steps]
            steps = f"{np.mean(reached):.0f} ({len(reached)} of {len(runs)})" if reached else "never"
            against, chance = "", ""
            if name != "none":
                against = f"{100 * (accuracy - base).mean():+.2f}"
                chance = f"{paired_test(accuracy, base):.3f}"
            lines.append(
                f"| {name} | {accuracy.mean():.2%} | {100 * accuracy.std(ddof=1):.2f} | {steps} "
                f"| {np.mean([o.diverged for o in runs]):.0%} | {against} | {chance} |"
            )
        lines.append("")
    return "\n".join(lines)


def paired_test(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Two-sided p-value of the paired t-test; 1 where all pairs are equal."""
    difference = a - b
    if np.ptp(difference) == 0:
        return 1.0 if difference[0] == 0 else 0.0
    value = float(stats.ttest_rel(a, b).pvalue)
    return value if math.isfinite(value) else 1.0


def _by_lr(results: Sequence[StudyRun]) -> Iterator[tuple[float, Mapping[str, list[StudyRun]]]]:
    for lr in dict.fromkeys(o.lr for o in results):
        groups: dict[str, list[StudyRun]] = {}
        for study_run in results:
            if study_run.lr == lr:
                groups.setdefault(study_run.variant, []).append(study_run)
        yield lr, groups


def _plot(results: Sequence[StudyRun], settings: StudySettings, path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 4), layout="constrained")
    panels = figure.subplots(1, len(settings.lrs))
    for axes, (lr, groups) in zip(panels, _by_lr(results), strict=True):
        for place, runs in enumerate(groups.values()):
            values = [100 * o.accuracy for o in runs]
            axes.plot([place] * len(values), values, "o", alpha=0.5, color="tab:blue")
            axes.plot([place - 0.25, place + 0.25], [np.mean(values)] * 2, color="tab:red")
        axes.set_xticks(range(len(groups)), list(groups), rotation=30)
        axes.set(title=f"peak learning rate {lr:g}", ylabel="validation accuracy, %")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    write_whole(path, buffer.getvalue())


def _read(path: Path) -> list[StudyRun]:
    if not path.exists():
        return []
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return [
                StudyRun(
                    row["variant"],
                    float(row["lr"]),
                    int(row["seed"]),
                    float(row["accuracy"]),
                    int(row["steps"]),
                    row["diverged"] == "True",
                )
                for row in csv.DictReader(file)
            ]
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise DataError(f"{path} is no table of runs ({error})") from None


def _write(path: Path, results: Sequence[StudyRun]) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["variant", "lr", "seed", "accuracy", "steps", "diverged"])
    writer.writerows([o.variant, o.lr, o.seed, o.accuracy, o.steps, o.diverged] for o in results)
    write_whole(path, text.getvalue().encode())
