"""The task that trains the detector on rendered scenes, and on photos where there are any."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from functools import partial
from itertools import repeat
from typing import Any

from torch import Tensor, nn

from plate_ocr.metrics import MATCH_IOU, SearchedPhoto
from plate_ocr.model.cards import DetectorCard
from plate_ocr.networks.detector import PlateDetector, detector_network_for
from plate_ocr.networks.weights import load_detector_weights
from plate_ocr.rendering.shards import HELD_OUT, SceneShard, generator_of, render_scenes
from plate_ocr.training.core.averaging import interpolated
from plate_ocr.training.core.callbacks import Callback, Stage
from plate_ocr.training.core.device import cpu_copy
from plate_ocr.training.core.model_card import CardPage
from plate_ocr.training.core.run import Context, Finished, TrainTask
from plate_ocr.training.core.trainer import Trainer
from plate_ocr.training.core.transfer import take_over
from plate_ocr.training.detector.config import DetectorRunConfig
from plate_ocr.training.detector.data import SceneBatches
from plate_ocr.training.detector.dataset import MIN_TEST_PHOTOS, MixedScenes, RealPhotos, read_real_photos
from plate_ocr.training.detector.evaluate import (
    DetectionMetrics,
    evaluate_detector,
    evaluate_on_photos,
    photo_metrics,
    search_photos,
)
from plate_ocr.training.detector.loss import PlatePeaks
from plate_ocr.training.rendered.config import FIRST_VAL
from plate_ocr.training.rendered.run import (
    has_real,
    rendered_shards,
    report_data,
    stage_lines,
    training_record,
)

CARD = DetectorCard(channels=(16, 32, 64, 88), features=48, blocks=(1, 1, 1), context=3, light=True)
"""Default network: takes a fifth of the time of :class:`DetectorCard`'s own sizes."""

BOUNDS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
"""Candidates for the minimum score."""


@contextmanager
def open_detector(
    config: DetectorRunConfig, context: Context, card: DetectorCard | None = None
) -> Iterator[TrainTask]:
    """The training of a detector on rendered scenes, and on photos if there is data.

    Args:
        config: of the run.
        context: of the run.
        card: of a network of other sizes than :data:`CARD`; ``config.weights`` takes precedence.

    Raises:
        DataError: if the data cannot be trained on, a region is unknown or its file has a mistake.
        ModelError: if there is no such base model.
    """
    regions = [region.name for region in generator_of(config.rendering).regions]
    for line in config.material():
        context.callback.on_message(line)
    real = read_real_photos(config) if config.data else None
    if real:
        untested = (
            f"fewer than {MIN_TEST_PHOTOS} photos: none is kept for a test; those that chose the weights are "
            "measured, which flatters"
        )
        report_data("photos", real, untested, context)
    needed = config.weights and (real or config.keep or context.stored is None)
    base = load_detector_weights(config.weights) if needed else None
    card = card or CARD
    if isinstance(context.stored, DetectorCard):
        card = context.stored
    elif base:
        card = dataclasses.replace(base[0], training={"from": base[0].training}, accuracy={})
    network = detector_network_for(card)
    if base and context.stored is None:
        taken = take_over(network, base[1].state_dict())
        context.callback.on_message(
            f"from {config.weights}: {taken} of {len(network.state_dict())} tensors loaded"
        )
    with rendered_shards(config, context.folder, render_scenes, SceneShard) as (shards, executor):
        size = config.rendered_batch_size
        rendered = SceneBatches(shards, config.seed, size, config.repeats, device=context.device)
        mixed = real and MixedScenes(rendered, real.train, config.batch_size - size, config.partial)
        # Only the first of several processes validates.
        held_out: SceneShard | None = None
        if context.first:
            count = config.held_out(config.VAL)
            stage = Stage(context.callback, "rendering validation scenes", count)
            held_out = _rendered(config, FIRST_VAL, count, executor, stage)

        def averaged(trained: Mapping[str, Tensor]) -> PlateDetector:
            """The network in evaluation mode, with the share of the base model's weights that is kept."""
            kept = detector_network_for(card)
            kept.load_state_dict(trained)
            if base and config.keep:
                take_over(kept, base[1].state_dict())
                kept.load_state_dict(interpolated(trained, kept.state_dict(), config.keep))
            return kept.eval()

        def measure(network: nn.Module) -> float:
            if held_out is None:
                return 0.0
            if config.keep:
                network = averaged(cpu_copy(network.state_dict())).to(context.device)
            return _mean_f_measure(network, card, held_out, real, config)

        def finish(trainer: Trainer) -> Finished:
            photos = len(real.train) if real else 0
            record = training_record(config, trainer, regions, card, photos)
            learnt = dataclasses.replace(card, training=record)
            assert held_out is not None
            best = averaged(trainer.best)
            return finish_detector(best, learnt, config, held_out, executor, context.callback, real, base)

        yield TrainTask(
            network,
            card,
            PlatePeaks(),
            mixed or rendered,
            measure,
            finish,
            data=real.fingerprint if real else "",
        )


def _mean_f_measure(
    network: nn.Module,
    card: DetectorCard,
    scenes: SceneShard,
    real: RealPhotos | None,
    config: DetectorRunConfig,
) -> float:
    """F-measure on validation scenes and photos, weighted as in a batch."""
    rendered = evaluate_detector(network, scenes, card.min_score).f_measure
    if not real:
        return rendered
    photos = evaluate_on_photos(network, card, real.validation, partial=config.partial).f_measure
    return config.mix * rendered + (1 - config.mix) * photos


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
    validation: SceneShard,
    executor: Executor,
    callback: Callback,
    real: RealPhotos | None = None,
    base: tuple[DetectorCard, PlateDetector] | None = None,
) -> Finished:
    """Choose the minimum score and measure once.

    Args:
        network: in evaluation mode, on the CPU.
        card: of the network, with what it learnt from.
        config: of the run.
        validation: rendered scenes that, with the photos for it, choose the minimum score.
        executor: renders.
        callback: receives progress.
        real: the photos that it learnt from; None: none.
        base: the model that the training started from, to measure on the same pictures.
    """
    count = config.test_count
    scenes = _rendered(config, HELD_OUT, count, executor, Stage(callback, "rendering test scenes", count))
    callback.on_message(f"searching {len(validation.images) + count:,} held-out scenes to measure the model")
    bounds = [dataclasses.replace(card, min_score=bound) for bound in BOUNDS]
    card = max(bounds, key=lambda one: _mean_f_measure(network, one, validation, real, config))
    metrics: dict[str, Any] = {
        "scenes": count,
        **_values(evaluate_detector(network, scenes, card.min_score)),
    }
    lines = [f"{metrics['recall']:.2%} of {metrics['plates']:,} plates in held-out scenes found"]
    searched: Sequence[SearchedPhoto] = ()
    if real:
        part, photos = ("test part", real.test) if real.test else ("validation part", real.validation)
        models = {"after": (card, network)} | ({"before": base} if base else {})
        searches = {
            when: search_photos(model, of, photos, partial=config.partial)
            for when, (of, model) in models.items()
        }
        searched = searches["after"]
        found = {
            when: _values(photo_metrics(search, photos), config.partial) for when, search in searches.items()
        }
        metrics["real"] = {"part": part, "photos": len(photos), "before": None, **found}
        if base:
            metrics["before"] = _values(evaluate_detector(base[1], scenes, base[0].min_score))
        rows = _rows(metrics)
        lines = [f"{name}: recall {recall} of {plates} plates" for name, plates, recall, *_ in rows]
    accuracy = {f"rendered {name}": round(metrics[name], 5) for name in ("recall", "precision")}
    if real:
        accuracy[f"own photos, {part}, recall"] = round(metrics["real"]["after"]["recall"], 5)
    card = dataclasses.replace(card, accuracy=accuracy)
    return Finished(network, card, metrics, partial(_page, card, metrics), lines, searched=searched)


def _values(found: DetectionMetrics, partial: bool = False) -> dict[str, Any]:
    """Metrics as JSON has them; where plates may be unlabelled, nothing is known of the precision."""
    return {
        "plates": found.plates,
        "recall": found.recall,
        "precision": None if partial else found.precision,
        "corner_error": found.corner_error,
    }


def _rows(metrics: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """The rows of a table: pictures, plates, then recall, precision and corner error before → after."""
    rows = []
    for name, before, after in (
        (f"own photos, {metrics['real']['part']}", metrics["real"]["before"], metrics["real"]["after"]),
        ("rendered scenes", metrics.get("before"), metrics),
    ):
        cells = []
        for key in ("recall", "precision", "corner_error"):
            values = [before[key], after[key]] if before else [after[key]]
            cells.append(" → ".join("?" if value is None else f"{value:.2%}" for value in values))
        rows.append((name, f"{after['plates']:,}", *cells))
    return rows


def _page(card: DetectorCard, metrics: Mapping[str, Any], sizes: Mapping[str, int]) -> CardPage:
    error = metrics["corner_error"]
    corners = "" if error is None else f", mean corner error {error:.1%} of the plate's width"
    real, table = has_real(card.training), "real" in metrics
    return CardPage(
        title="Finds plates in photos",
        alphabet="",
        network=f"Grey image of up to {card.longest} pixels per side → residual stages of "
        f"{', '.join(map(str, card.channels))} channels, fused to {card.features} → for every 8×8 "
        "pixels the score of a plate's centre and its four corners; "
        f"{sizes['model.safetensors']:,} bytes of weights. A score below {card.min_score} is no plate.",
        trained_on=[
            f"Trained on rendered scenes{' and photos' if real else ', and on no photo of a plate'}:",
            stage_lines(card.training, "scenes with plates", "photos"),
        ],
        measured=f"Measured once on {metrics['scenes']:,} held-out rendered scenes: recall "
        f"{metrics['recall']:.2%} of {metrics['plates']:,} plates (intersection over union at least "
        f"{MATCH_IOU}), precision {metrics['precision']:.2%}{corners}."
        + (" Before the training → after it, on own photos too:" if table else ""),
        columns=("pictures", "plates", "recall", "precision", "corner error") if table else (),
        rows=_rows(metrics) if table else (),
    )
