"""Training the plate network: from rendered plates to a folder with the model and all to go on from."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from plate_ocr.alphabet import PLATE_CHARACTERS, Alphabet
from plate_ocr.errors import DataError, OutputError
from plate_ocr.files import write_whole
from plate_ocr.model import PlateCard, available_threads
from plate_ocr.networks import load_plate_weights, plate_network_for
from plate_ocr.training.configs import StepConfig, tomllib
from plate_ocr.training.platedata import (
    SHARD,
    PlateBatches,
    PlateTargets,
    Rendering,
    Shards,
    generator_of,
    render_all,
)
from plate_ocr.training.platemeasure import HELD_OUT, finish_plates, plate_accuracy, transferred
from plate_ocr.training.plots import plot_curves
from plate_ocr.training.resume import read_checkpoint, resumable, write_checkpoint
from plate_ocr.training.run import CHECKPOINT, Reporter, metrics_csv
from plate_ocr.training.trainer import (
    Epoch,
    Precision,
    Trainer,
    TrainSettings,
    pick_device,
    pick_precision,
)
from plate_ocr.training.warmup import Decline, Plan, parse_warmups

CHECKPOINT_VERSION = 1
CLOSE, CORNERS_COUNT = 0.02, 5.0
"""Corners that are less far off, as parts of the picture, count with the square of it; and what they count
against the text."""

CHOSEN_BY = 1024
"""Rendered plates that decide which weights are kept."""

VALIDATED_FROM = HELD_OUT + 10**6
"""Number of the first of them."""


@dataclass(frozen=True)
class PlateRunConfig(StepConfig):
    """Everything that decides a run; stored as ``config.toml``.

    Attributes:
        model: always ``"plates"``.
        data: folder with glyphs and fonts; empty: only fonts that a package brings.
        regions: names of regions or region files; empty: the generator's mix.
        alphabet: the characters that are told apart.
        epochs: parts of the run, each measured at its end.
        per_epoch: pictures in a part.
        passes: over each rendered plate.
        batch_size: pictures in a batch.
        rate: peak learning rate.
        warmup: warm-ups in words, see :mod:`plate_ocr.training.warmup`.
        decline: what the rate does afterwards.
        patience: parts without a better accuracy before it stops.
        base: a saved plate model whose weights are taken over where they fit.
        seed: of everything random.
        device: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.
        workers: processes that render.
    """

    model: str = "plates"
    data: str = ""
    regions: tuple[str, ...] = ()
    alphabet: str = PLATE_CHARACTERS
    epochs: int = 60
    per_epoch: int = 16384
    passes: int = 2
    batch_size: int = 128
    rate: float = 2e-3
    warmup: tuple[str, ...] = ("lr=linear:400",)
    decline: Decline = "cosine"
    patience: int = 1000
    base: str = ""
    seed: int = 0
    device: str = "auto"
    workers: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.batch_size <= SHARD:
            raise DataError(f"a batch of {self.batch_size} plates: 1 to {SHARD} are possible")

    @property
    def plan(self) -> Plan:
        """What happens at which step; a warm-up of the rate is shortened where the run is short.

        Raises:
            DataError: if a warm-up is wrong.
        """
        warmup = self.warmup
        if warmup == PlateRunConfig.warmup and self.steps < 4000:
            warmup = (f"lr=linear:{max(1, self.steps // 10)}",)
        return Plan(self.steps, self.rate, self.batch_size, self.decline, **parse_warmups(warmup, self.steps))

    @property
    def rendering(self) -> Rendering:
        """How plates are rendered."""
        return Rendering(self.data, self.regions, self.seed)

    def settings(self, device: torch.device) -> TrainSettings:
        """What the plan leaves open."""
        return TrainSettings(
            self.steps_per_epoch,
            weight_decay=0.02,
            patience=self.patience,
            precision=plate_precision(device),
            channels_last=True,
            clip=2.0,
            average=0.9985,
        )


@dataclass(frozen=True)
class PlateText:
    """CTC loss of plates, each divided by its number of characters, and how far off corners are."""

    def loss(self, output: tuple[Tensor, Tensor], target: Tensor, step: int) -> Tensor:
        """Mean loss of a batch.

        Args:
            output: of :class:`plate_ocr.networks.PlateNetwork`.
            target: of :class:`PlateTargets`.
            step: makes no difference.
        """
        logits, points = output[0].float(), output[1].float()
        targets = PlateTargets.of(target)
        lengths = (targets.classes > 0).sum(1)
        steps = torch.full_like(lengths, logits.shape[1])
        logs = logits.log_softmax(-1).transpose(0, 1)
        losses = F.ctc_loss(logs, targets.classes, steps, lengths, reduction="none", zero_infinity=True)
        there = targets.points.isfinite()
        off = F.smooth_l1_loss(points, targets.points.nan_to_num(), reduction="none", beta=CLOSE)
        return (losses / lengths.clamp(min=1)).mean() + CORNERS_COUNT * (off * there).mean()

    def right(self, output: tuple[Tensor, Tensor], target: Tensor) -> Tensor:
        """How many plates are read right, character by character."""
        target = PlateTargets.of(target).classes
        likeliest = output[0].argmax(-1)
        before = F.pad(likeliest, (1, 0))[:, :-1]
        kept = (likeliest > 0) & (likeliest != before)
        # A stable sort brings what is kept to the front, in its order.
        order = torch.argsort((~kept).to(torch.int8), dim=1, stable=True)
        read = torch.where(kept, likeliest, 0).gather(1, order)
        longest = target.shape[1]
        return ((read[:, :longest] == target).all(1) & (kept.sum(1) <= longest)).sum()


def plate_precision(device: torch.device) -> Precision:
    """As :func:`pick_precision`; also bfloat16 on processors that compute with it."""
    if device.type == "cpu" and getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)():
        return "bf16"
    return pick_precision(device)


def train_plates(
    config: PlateRunConfig, folder: Path, reporter: Reporter, *, resume: bool = False
) -> dict[str, Any]:
    """Train a plate model on rendered plates.

    Args:
        config: what and how.
        folder: the run folder: model, checkpoint, figures and, while it runs, rendered plates.
        reporter: is told how it goes.
        resume: go on from the folder's checkpoint.

    Returns:
        The figures, as in ``metrics.json``.

    Raises:
        DataError: if a region is unknown or its file has a mistake.
        DeviceError: if the wanted device is not there.
        ModelError: if there is nothing to go on from, or no base model.
        OutputError: if the folder cannot be written to, or holds another run.
        TrainingError: if the loss is no number any more, or memory runs out.
    """
    if not resume and (folder / CHECKPOINT).exists():
        raise OutputError(
            f"{folder} holds a run already: go on with --resume {folder}, or give another folder"
        )
    device = pick_device(config.device)
    torch.manual_seed(config.seed)
    generator = generator_of(config.rendering)
    regions = [region.name for region in generator.regions]
    card = PlateCard(Alphabet(config.alphabet))
    network = plate_network_for(card)
    if config.base and not resume:
        reporter.say(transferred(config.base, network, card))
    trainer = Trainer(network, config.plan, config.settings(device), device, objective=PlateText())
    if resume:
        _load_checkpoint(folder / CHECKPOINT, config, trainer)
    else:
        write_whole(folder / "config.toml", config.to_toml().encode())
        _save_checkpoint(folder / CHECKPOINT, config, trainer)
    with resumable(folder), _workers(config.workers) as executor:
        last = (config.steps - 1) // (config.passes * (SHARD // config.batch_size))
        shards = Shards(config.rendering, folder / "plates", executor, last)
        batches = PlateBatches(shards, card.alphabet, config.batch_size, config.passes)
        held_out = render_all(config.rendering, VALIDATED_FROM, CHOSEN_BY, executor)

        def on_epoch(epoch: Epoch) -> None:
            write_whole(folder / "metrics.csv", metrics_csv(trainer.history))
            reporter.epoch(epoch)

        def validate(network: nn.Module) -> float:
            return plate_accuracy(network, held_out, card.alphabet)

        reporter.begin(config, trainer.step)
        trainer.fit(
            batches,
            validate,
            save=lambda: _save_checkpoint(folder / CHECKPOINT, config, trainer),
            on_step=reporter.step,
            on_epoch=on_epoch,
        )
        drawn = trainer.step * config.batch_size
        learnt = {
            "drawn": drawn,
            "rendered": SHARD * math.ceil(trainer.step / batches.steps_per_shard),
            "regions": regions,
            "seed": config.seed,
        }
        if config.base:
            learnt["from"] = load_plate_weights(config.base)[0].training
        best = plate_network_for(card)
        best.load_state_dict(trainer.best)
        card = dataclasses.replace(card, training=learnt)
        _, metrics = finish_plates(best.eval(), card, config.rendering, folder, executor)
        plot_curves(trainer.history, folder / "curves.png")
    for path in (folder / "plates").glob("*.npz"):
        path.unlink()
    reporter.say(
        f"{metrics['plates']['accuracy']:.2%} of {metrics['plates']['count']:,} held-out rendered plates read"
    )
    return metrics


def stored_plate_config(folder: Path) -> PlateRunConfig | None:
    """The configuration of the run in a folder; None if it is no run of a plate model.

    Raises:
        DataError: if it has a mistake.
    """
    path = folder / "config.toml"
    try:
        text = path.read_text(encoding="utf-8")
        if tomllib.loads(text).get("model") != "plates":
            return None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return None
    return PlateRunConfig.from_toml(text, str(path))


@contextmanager
def _workers(count: int) -> Iterator[ProcessPoolExecutor]:
    """Processes that render; what waits is dropped in the end."""
    # Fresh processes: a copy of one with torch's threads may hang.
    count = max(1, min(count, available_threads()))
    executor = ProcessPoolExecutor(count, mp_context=get_context("spawn"))
    try:
        yield executor
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _save_checkpoint(path: Path, config: PlateRunConfig, trainer: Trainer) -> None:
    write_checkpoint(path, CHECKPOINT_VERSION, {"config": config.to_toml(), "trainer": trainer.state()})


def _load_checkpoint(path: Path, config: PlateRunConfig, trainer: Trainer) -> None:
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
