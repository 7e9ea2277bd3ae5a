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
from torch import nn

from plate_ocr.alphabet import PLATE_CHARACTERS, Alphabet
from plate_ocr.model.cards import PlateCard
from plate_ocr.networks.plate import plate_network_for
from plate_ocr.networks.weights import load_plate_weights
from plate_ocr.rendering.shards import Shard, generator_of, render_all, render_shard
from plate_ocr.training.core.checkpoint import resumable
from plate_ocr.training.core.plots import plot_curves
from plate_ocr.training.core.reporting import Reporter
from plate_ocr.training.core.run import refuse_other_run
from plate_ocr.training.plates.data import PlateBatches
from plate_ocr.training.plates.evaluate import finish_plates, plate_accuracy
from plate_ocr.training.plates.loss import PlateText
from plate_ocr.training.plates.transfer import transferred
from plate_ocr.training.rendered.data import SHARD, Shards
from plate_ocr.training.rendered.run import (
    VALIDATED_FROM,
    Learner,
    RenderRunConfig,
    fit_rendered,
    render_workers,
)

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
