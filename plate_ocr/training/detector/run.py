"""Training the detector: a task that learns from rendered scenes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from functools import partial
from typing import Any

from torch import nn

from plate_ocr.model.cards import DetectorCard
from plate_ocr.networks.detector import PlateDetector, detector_network_for
from plate_ocr.networks.weights import load_detector_weights
from plate_ocr.rendering.shards import HELD_OUT, Rendering, SceneShard, generator_of, render_scenes
from plate_ocr.training.core.model_card import CardPage
from plate_ocr.training.core.run import Context, Finished, TrainTask
from plate_ocr.training.core.trainer import Trainer
from plate_ocr.training.core.transfer import take_over
from plate_ocr.training.detector.config import DetectorRunConfig
from plate_ocr.training.detector.data import SceneBatches
from plate_ocr.training.detector.evaluate import FOUND, count_found
from plate_ocr.training.detector.loss import PlatePeaks
from plate_ocr.training.rendered.config import VALIDATED_FROM
from plate_ocr.training.rendered.run import ever, learnt, rendered_shards

CARD = DetectorCard(channels=(16, 32, 64, 88), features=48, blocks=(1, 1, 1), context=3, light=True)
"""Of a network that begins with nothing: a fifth of the time of :class:`DetectorCard`'s own sizes."""

CHOSEN_BY, TESTED_ON = 256, 1024
"""Scenes that decide which weights are kept, and scenes to measure on."""

BOUNDS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
"""Least scores that are tried."""


@contextmanager
def open_detector(
    config: DetectorRunConfig, context: Context, card: DetectorCard | None = None
) -> Iterator[TrainTask]:
    """The training of a detector on rendered scenes.

    Args:
        config: what and how.
        context: where.
        card: of a network of other sizes than :data:`CARD`; that of ``config.weights`` where there is one.

    Raises:
        DataError: if a region is unknown or its file has a mistake.
        ModelError: if there is no such base model.
    """
    regions = [region.name for region in generator_of(config.rendering).regions]
    for line in config.material():
        context.reporter.say(line)
    card, source = card or CARD, None
    if isinstance(context.stored, DetectorCard):
        card = context.stored
    elif config.weights:
        card, source = load_detector_weights(config.weights)
        card = dataclasses.replace(card, training={"from": card.training}, accuracy={})
    network = detector_network_for(card)
    if source is not None:
        taken = take_over(network, source.state_dict())
        context.reporter.say(
            f"from {config.weights}: {taken} of {len(network.state_dict())} tensors taken over"
        )
    with rendered_shards(config, context.folder, render_scenes, SceneShard) as (shards, executor):
        batches = SceneBatches(shards, config.seed, config.batch_size, config.repeats, device=context.device)
        # Of several processes the first decides.
        held_out: SceneShard | None = None
        if context.first:
            held_out = executor.submit(render_scenes, config.rendering, VALIDATED_FROM, CHOSEN_BY).result()

        def measure(network: nn.Module) -> float:
            return count_found(network, held_out, card.min_score).f_measure if held_out else 0.0

        def finish(trainer: Trainer) -> Finished:
            best = detector_network_for(card)
            best.load_state_dict(trainer.best)
            told = dataclasses.replace(card, training=learnt(config, trainer, regions, card))
            return finish_detector(best.eval(), told, config.rendering, executor)

        yield TrainTask(network, card, PlatePeaks(), batches, measure, finish)


def best_bound(network: nn.Module, scenes: SceneShard) -> float:
    """The least score with the best F-measure; of equals the lowest."""
    return max(BOUNDS, key=lambda bound: count_found(network, scenes, bound).f_measure)


def finish_detector(
    network: PlateDetector, card: DetectorCard, rendering: Rendering, executor: Executor
) -> Finished:
    """Choose the least score of a plate on scenes that no training sees, and measure once on others."""
    chosen_by = executor.submit(render_scenes, rendering, VALIDATED_FROM, CHOSEN_BY)
    scenes = executor.submit(render_scenes, rendering, HELD_OUT, TESTED_ON).result()
    card = dataclasses.replace(card, min_score=best_bound(network, chosen_by.result()))
    found = count_found(network, scenes, card.min_score)
    metrics: dict[str, Any] = {
        "scenes": TESTED_ON,
        "plates": found.right + found.missed,
        "recall": found.right / max(1, found.right + found.missed),
        "precision": found.right / max(1, found.right + found.wrong),
        "corners_off": found.off,
    }
    accuracy = {f"rendered {name}": round(metrics[name], 5) for name in ("recall", "precision")}
    card = dataclasses.replace(card, accuracy=accuracy)
    line = f"{metrics['recall']:.2%} of {metrics['plates']:,} plates in held-out scenes found"
    return Finished(network, card, metrics, partial(_page, card, metrics), [line])


def _page(card: DetectorCard, metrics: Mapping[str, Any], sizes: Mapping[str, int]) -> CardPage:
    learnt, off = card.training, metrics["corners_off"]
    off = "" if off is None else f", corners {off:.1%} of the plate's width off"
    return CardPage(
        title="Finds plates in photos",
        alphabet="",
        network=f"A grey picture of up to {card.longest} pixels a side → residual stages of "
        f"{', '.join(map(str, card.channels))} channels, added up in {card.features} → for every 8×8 "
        "pixels whether a plate's middle is there, and its four corners; "
        f"{sizes['model.safetensors']:,} bytes of weights. A score below {card.min_score} is no plate.",
        learnt=[
            f"It learnt from {ever(learnt, 'drawn'):,} pictures of {ever(learnt, 'rendered'):,} rendered "
            f"scenes with plates of the regions {', '.join(learnt.get('regions', ()))}, and from no photo "
            "of a plate."
        ],
        measured=f"Measured once, on {metrics['scenes']:,} rendered scenes that it neither learnt from nor "
        f"was chosen by: {metrics['recall']:.2%} of {metrics['plates']:,} plates found (intersection over "
        f"union at least {FOUND}), {metrics['precision']:.2%} of what was found is a plate{off}.",
    )
