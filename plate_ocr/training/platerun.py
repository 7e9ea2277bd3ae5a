"""Training the plate network: from rendered plates to a folder with the model and all to go on from."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from plate_ocr.alphabet import PLATE_CHARACTERS, Alphabet
from plate_ocr.model.cards import PlateCard
from plate_ocr.networks.plate import plate_network_for
from plate_ocr.networks.weights import load_plate_weights
from plate_ocr.rendering.shards import Shard, generator_of, render_all, render_shard
from plate_ocr.training.platemeasure import finish_plates, plate_accuracy, transferred
from plate_ocr.training.plates.data import PlateBatches, PlateTargets
from plate_ocr.training.plots import plot_curves
from plate_ocr.training.rendered.data import SHARD, Shards
from plate_ocr.training.renderrun import (
    VALIDATED_FROM,
    Learner,
    RenderRunConfig,
    fit_rendered,
    refuse_other_run,
    render_workers,
)
from plate_ocr.training.resume import resumable
from plate_ocr.training.run import Reporter

CLOSE, CORNERS_COUNT = 0.02, 5.0
"""Corners that are less far off, as parts of the picture, count with the square of it; and what they count
against the text."""

CHOSEN_BY = 1024
"""Rendered plates that decide which weights are kept."""


@dataclass(frozen=True)
class PlateRunConfig(RenderRunConfig):
    """Everything that decides a run of the plate network.

    Attributes:
        alphabet: the characters that are told apart.
    """

    model: str = "plates"
    alphabet: str = PLATE_CHARACTERS

    def __post_init__(self) -> None:
        self.check_batch(SHARD)


@dataclass(frozen=True)
class PlateText:
    """CTC loss of plates, each divided by its number of characters, and how far off corners are."""

    def loss(self, output: tuple[Tensor, Tensor], target: Tensor, step: int) -> Tensor:
        """Mean loss of a batch.

        Args:
            output: of :class:`plate_ocr.networks.plate.PlateNetwork`.
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
    if not resume:
        refuse_other_run(folder)
    torch.manual_seed(config.seed)
    regions = [region.name for region in generator_of(config.rendering).regions]
    card = PlateCard(Alphabet(config.alphabet))
    network = plate_network_for(card)
    base = None
    if config.base:
        base = load_plate_weights(config.base)[0].training
        if not resume:
            reporter.say(transferred(config.base, network, card))

    def batches(rendered: Path, executor: Executor, last: int) -> PlateBatches:
        shards = Shards(partial(render_shard, config.rendering), Shard.load, SHARD, rendered, executor, last)
        return PlateBatches(shards, config.seed, config.batch_size, config.passes, card.alphabet)

    def measure(executor: Executor) -> Callable[[nn.Module], float]:
        held_out = render_all(config.rendering, VALIDATED_FROM, CHOSEN_BY, executor)
        return lambda network: plate_accuracy(network, held_out, card.alphabet)

    learner = Learner(network, PlateText(), regions, SHARD, batches, measure, base)
    with resumable(folder), render_workers(config.workers) as executor:
        trainer, learnt = fit_rendered(config, folder, reporter, learner, executor, resume=resume)
        best = plate_network_for(card)
        best.load_state_dict(trainer.best)
        card = dataclasses.replace(card, training=learnt)
        _, metrics = finish_plates(best.eval(), card, config.rendering, folder, executor)
        plot_curves(trainer.history, folder / "curves.png")
    reporter.say(
        f"{metrics['plates']['accuracy']:.2%} of {metrics['plates']['count']:,} held-out rendered plates read"
    )
    return metrics
