"""The task that trains the detector on rendered scenes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from functools import partial
from itertools import repeat
from typing import Any

from torch import nn

from plate_ocr.metrics import MATCH_IOU
from plate_ocr.model.cards import DetectorCard
from plate_ocr.networks.detector import PlateDetector, detector_network_for
from plate_ocr.networks.weights import load_detector_weights
from plate_ocr.rendering.shards import HELD_OUT, SceneShard, generator_of, render_scenes
from plate_ocr.training.core.callbacks import Callback, Stage
from plate_ocr.training.core.model_card import CardPage
from plate_ocr.training.core.run import Context, Finished, TrainTask
from plate_ocr.training.core.trainer import Trainer
from plate_ocr.training.core.transfer import take_over
from plate_ocr.training.detector.config import DetectorRunConfig
from plate_ocr.training.detector.data import SceneBatches
from plate_ocr.training.detector.evaluate import evaluate_detector
from plate_ocr.training.detector.loss import PlatePeaks
from plate_ocr.training.rendered.config import FIRST_VAL
from plate_ocr.training.rendered.run import rendered_shards, stage_lines, training_record

CARD = DetectorCard(channels=(16, 32, 64, 88), features=48, blocks=(1, 1, 1), context=3, light=True)
"""Default network: takes a fifth of the time of :class:`DetectorCard`'s own sizes."""

BOUNDS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
"""Candidates for the minimum score."""


@contextmanager
def open_detector(
    config: DetectorRunConfig, context: Context, card: DetectorCard | None = None
) -> Iterator[TrainTask]:
    """The training of a detector on rendered scenes.

    Args:
        config: of the run.
        context: of the run.
        card: of a network of other sizes than :data:`CARD`; ``config.weights`` takes precedence.

    Raises:
        DataError: if a region is unknown or its file has a mistake.
        ModelError: if there is no such base model.
    """
    regions = [region.name for region in generator_of(config.rendering).regions]
    for line in config.material():
        context.callback.on_message(line)
    card, source = card or CARD, None
    if isinstance(context.stored, DetectorCard):
        card = context.stored
    elif config.weights:
        card, source = load_detector_weights(config.weights)
        card = dataclasses.replace(card, training={"from": card.training}, accuracy={})
    network = detector_network_for(card)
    if source is not None:
        taken = take_over(network, source.state_dict())
        context.callback.on_message(
            f"from {config.weights}: {taken} of {len(network.state_dict())} tensors taken over"
        )
    with rendered_shards(config, context.folder, render_scenes, SceneShard) as (shards, executor):
        batches = SceneBatches(shards, config.seed, config.batch_size, config.repeats, device=context.device)
        # Only the first of several processes validates.
        held_out: SceneShard | None = None
        if context.first:
            held_out = validation_scenes(config, executor, context.callback)

        def measure(network: nn.Module) -> float:
            return evaluate_detector(network, held_out, card.min_score).f_measure if held_out else 0.0

        def finish(trainer: Trainer) -> Finished:
            best = detector_network_for(card)
            best.load_state_dict(trainer.best)
            learnt = dataclasses.replace(card, training=training_record(config, trainer, regions, card))
            return finish_detector(best.eval(), learnt, config, executor, context.callback)

        yield TrainTask(network, card, PlatePeaks(), batches, measure, finish)


def best_bound(network: nn.Module, scenes: SceneShard) -> float:
    """The minimum score with the best F-measure; the lowest of equals."""
    return max(BOUNDS, key=lambda bound: evaluate_detector(network, scenes, bound).f_measure)


def validation_scenes(config: DetectorRunConfig, executor: Executor, callback: Callback) -> SceneShard:
    """The scenes that choose the best weights and the minimum score."""
    count = config.held_out(config.VAL)
    return _rendered(
        config, FIRST_VAL, count, executor, Stage(callback, "rendering validation scenes", count)
    )


def _rendered(
    config: DetectorRunConfig, start: int, count: int, executor: Executor, stage: Stage, part: int = 32
) -> SceneShard:
    """Render scenes in several processes, ``part`` at a time."""
    begins = range(start, start + count, part)
    sizes = [min(part, start + count - i) for i in begins]
    scenes = list[SceneShard]()
    for found in executor.map(render_scenes, repeat(config.rendering), begins, sizes):
        scenes.append(found)
        stage(len(found.images))
    return SceneShard.joined(scenes)


def finish_detector(
    network: PlateDetector,
    card: DetectorCard,
    config: DetectorRunConfig,
    executor: Executor,
    callback: Callback,
) -> Finished:
    """Choose the minimum score on validation scenes and measure once on test scenes."""
    count = config.held_out(config.TEST)
    validation = validation_scenes(config, executor, callback)
    stage = Stage(callback, "rendering test scenes", count)
    scenes = _rendered(config, HELD_OUT, count, executor, stage)
    callback.on_message(f"searching {len(validation.images) + count:,} held-out scenes to measure the model")
    card = dataclasses.replace(card, min_score=best_bound(network, validation))
    found = evaluate_detector(network, scenes, card.min_score)
    metrics: dict[str, Any] = {
        "scenes": count,
        "plates": found.true_positives + found.false_negatives,
        "recall": found.true_positives / max(1, found.true_positives + found.false_negatives),
        "precision": found.true_positives / max(1, found.true_positives + found.false_positives),
        "corner_error": found.corner_error,
    }
    accuracy = {f"rendered {name}": round(metrics[name], 5) for name in ("recall", "precision")}
    card = dataclasses.replace(card, accuracy=accuracy)
    line = f"{metrics['recall']:.2%} of {metrics['plates']:,} plates in held-out scenes found"
    return Finished(network, card, metrics, partial(_page, card, metrics), [line])


def _page(card: DetectorCard, metrics: Mapping[str, Any], sizes: Mapping[str, int]) -> CardPage:
    error = metrics["corner_error"]
    corners = "" if error is None else f", mean corner error {error:.1%} of the plate's width"
    return CardPage(
        title="Finds plates in photos",
        alphabet="",
        network=f"Grey image of up to {card.longest} pixels per side → residual stages of "
        f"{', '.join(map(str, card.channels))} channels, fused to {card.features} → for every 8×8 "
        "pixels the score of a plate's centre and its four corners; "
        f"{sizes['model.safetensors']:,} bytes of weights. A score below {card.min_score} is no plate.",
        trained_on=[
            "Trained on rendered scenes, and on no photo of a plate:",
            stage_lines(card.training, "scenes with plates"),
        ],
        measured=f"Measured once on {metrics['scenes']:,} held-out rendered scenes: recall "
        f"{metrics['recall']:.2%} of {metrics['plates']:,} plates (intersection over union at least "
        f"{MATCH_IOU}), precision {metrics['precision']:.2%}{corners}.",
    )
