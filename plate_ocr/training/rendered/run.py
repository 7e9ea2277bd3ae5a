"""Training on rendered pictures: what runs of the plate network and of the locator have in common."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

from plate_ocr.errors import DataError
from plate_ocr.files import write_whole
from plate_ocr.model.sessions import available_threads
from plate_ocr.rendering.shards import HELD_OUT, Rendering
from plate_ocr.training.core.checkpoint import CHECKPOINT, read_checkpoint, write_checkpoint
from plate_ocr.training.core.config import StepConfig
from plate_ocr.training.core.device import pick_device, pick_precision
from plate_ocr.training.core.processes import spawned
from plate_ocr.training.core.reporting import Reporter, metrics_csv
from plate_ocr.training.core.schedule import Decline, Plan, parse_warmups
from plate_ocr.training.core.trainer import Batches, Epoch, Objective, Trainer, TrainSettings

CHECKPOINT_VERSION = 1

LINEAR = ("lr=linear:400",)
"""The warm-up where none is asked for; shortened where the run is short."""

VALIDATED_FROM = HELD_OUT + 10**6
"""Number of the first that decides which weights are kept."""


@dataclass(frozen=True)
class RenderRunConfig(StepConfig):
    """Everything that decides a run; stored as ``config.toml``.

    Attributes:
        model: what is trained.
        data: folder with glyphs and fonts; empty: only fonts that a package brings.
        regions: names of regions or region files; empty: the generator's mix.
        epochs: parts of the run, each measured at its end.
        per_epoch: pictures in a part.
        passes: over each rendered picture.
        batch_size: pictures in a batch.
        rate: peak learning rate.
        warmup: warm-ups in words, see :mod:`plate_ocr.training.core.schedule`.
        decline: what the rate does afterwards.
        patience: parts without a better measure before it stops.
        base: a saved model of the kind whose weights are taken over where they fit.
        seed: of everything random.
        device: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.
        workers: processes that render.
    """

    model: str = ""
    data: str = ""
    regions: tuple[str, ...] = ()
    epochs: int = 60
    per_epoch: int = 16384
    passes: int = 3
    batch_size: int = 128
    rate: float = 2e-3
    warmup: tuple[str, ...] = LINEAR
    decline: Decline = "cosine"
    patience: int = 1000
    base: str = ""
    seed: int = 0
    device: str = "auto"
    workers: int = 1

    def check_batch(self, shard: int) -> None:
        """Refuse a batch that a shard of so many pictures cannot give.

        Raises:
            DataError: saying what is possible.
        """
        if not 1 <= self.batch_size <= shard:
            raise DataError(f"a batch of {self.batch_size} pictures: 1 to {shard} are possible")

    @property
    def plan(self) -> Plan:
        """What happens at which step; a warm-up of the rate is shortened where the run is short.

        Raises:
            DataError: if a warm-up is wrong.
        """
        warmup = self.warmup
        if warmup == LINEAR and self.steps < 4000:
            warmup = (f"lr=linear:{max(1, self.steps // 10)}",)
        return Plan(self.steps, self.rate, self.batch_size, self.decline, **parse_warmups(warmup, self.steps))

    @property
    def rendering(self) -> Rendering:
        """How plates are rendered."""
        return Rendering(self.data, self.regions, self.seed)

    def settings(self, device: torch.device, network: nn.Module) -> TrainSettings:
        """What the plan leaves open."""
        return TrainSettings(
            self.steps_per_epoch,
            weight_decay=0.02,
            patience=self.patience,
            precision=pick_precision(device, network),
            channels_last=True,
            clip=2.0,
            average=0.9995,
            span=0.2,
        )


@dataclass(frozen=True)
class Learner:
    """What is trained, from what, and how it is told right from wrong.

    Attributes:
        network: with its first weights.
        objective: what is made small.
        regions: names of those that are rendered.
        shard: pictures that are rendered at a time.
        batches: made from a folder for rendered pictures, processes that render, and the number of the last
            shard: gives the batches from a step on.
        measure: made from processes that render: the measure that decides which weights are kept, 0..1.
        base: what the first weights learnt from, as in their card; None if they are fresh.
    """

    network: nn.Module
    objective: Objective
    regions: Sequence[str]
    shard: int
    batches: Callable[[Path, Executor, int], Batches]
    measure: Callable[[Executor], Callable[[nn.Module], float]]
    base: Mapping[str, Any] | None


def fit_rendered(
    config: RenderRunConfig,
    folder: Path,
    reporter: Reporter,
    learner: Learner,
    executor: Executor,
    *,
    resume: bool,
) -> tuple[Trainer, dict[str, Any]]:
    """Train on rendered pictures, from the beginning or from the folder's checkpoint on.

    Returns:
        The trainer when it is done, and what it learnt from, for the model's card.

    Raises:
        DataError: if the configuration is another than that of the checkpoint.
        DeviceError: if the wanted device is not there.
        ModelError: if there is nothing to go on from.
        OutputError: if the folder cannot be written to, or holds another run.
        TrainingError: if the loss is no number any more, or memory runs out.
    """
    device = pick_device(config.device)
    trainer = Trainer(
        learner.network,
        config.plan,
        config.settings(device, learner.network),
        device,
        objective=learner.objective,
    )
    if resume:
        _load_checkpoint(folder / CHECKPOINT, config, trainer)
    else:
        write_whole(folder / "config.toml", config.to_toml().encode())
        _save_checkpoint(folder / CHECKPOINT, config, trainer)
    per_shard = config.passes * (learner.shard // config.batch_size)
    batches = learner.batches(folder / "rendered", executor, (config.steps - 1) // per_shard)
    measure = learner.measure(executor)

    def on_epoch(epoch: Epoch) -> None:
        write_whole(folder / "metrics.csv", metrics_csv(trainer.history))
        reporter.epoch(epoch)

    reporter.begin(config, trainer.step)
    trainer.fit(
        batches,
        measure,
        save=lambda: _save_checkpoint(folder / CHECKPOINT, config, trainer),
        on_step=reporter.step,
        on_epoch=on_epoch,
    )
    for path in (folder / "rendered").glob("*.npz"):
        path.unlink()
    learnt = {
        "drawn": trainer.step * config.batch_size,
        "rendered": learner.shard * math.ceil(trainer.step / per_shard),
        "regions": [*learner.regions],
        "seed": config.seed,
    }
    return trainer, learnt if learner.base is None else {**learnt, "from": learner.base}


def ever(learnt: Mapping[str, Any], key: str) -> int:
    """A number in what a model learnt from, with that of all models which it began with."""
    return int(learnt.get(key, 0)) + (ever(learnt["from"], key) if "from" in learnt else 0)


C = TypeVar("C", bound=RenderRunConfig)


def stored_render_config(kind: type[C], folder: Path) -> C | None:
    """The configuration of the run in a folder; None if it is no run of that kind.

    Raises:
        DataError: if it has a mistake.
    """
    path = folder / "config.toml"
    try:
        text = path.read_text(encoding="utf-8")
        if tomllib.loads(text).get("model") != kind.model:
            return None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return None
    return kind.from_toml(text, str(path))


def render_workers(count: int) -> AbstractContextManager[ProcessPoolExecutor]:
    """Processes that render."""
    return spawned(max(1, min(count, available_threads())))


def _save_checkpoint(path: Path, config: RenderRunConfig, trainer: Trainer) -> None:
    write_checkpoint(path, CHECKPOINT_VERSION, {"config": config.to_toml(), "trainer": trainer.state()})


def _load_checkpoint(path: Path, config: RenderRunConfig, trainer: Trainer) -> None:
    stored = ""

    def take(state: dict[str, Any]) -> None:
        nonlocal stored
        stored = state["config"]
        trainer.load_state(state["trainer"])

    read_checkpoint(path, CHECKPOINT_VERSION, take)
    if stored != config.to_toml():
        raise DataError(
            f"config.toml has changed since {path.parent} was begun: train anew in another folder"
        )
