"""Training the locator: from rendered scenes to a folder with the model and all to go on from."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from plate_ocr.files import write_whole
from plate_ocr.model.cards import LocatorCard
from plate_ocr.networks.detector import LocatorNetwork, locator_network_for
from plate_ocr.networks.export import save_model
from plate_ocr.networks.weights import load_locator_weights
from plate_ocr.rendering.shards import HELD_OUT, Rendering, SceneShard, render_scenes, scenes_of
from plate_ocr.training.core.checkpoint import resumable
from plate_ocr.training.core.plots import plot_curves
from plate_ocr.training.core.reporting import Reporter
from plate_ocr.training.core.run import refuse_other_run
from plate_ocr.training.detector.data import SHARD, SceneBatches
from plate_ocr.training.detector.evaluate import FOUND, count_found
from plate_ocr.training.detector.loss import PlatePeaks
from plate_ocr.training.rendered.data import Shards
from plate_ocr.training.rendered.run import (
    VALIDATED_FROM,
    Learner,
    RenderRunConfig,
    ever,
    fit_rendered,
    render_workers,
)

CHOSEN_BY, TESTED_ON = 256, 1024
"""Scenes that decide which weights are kept, and scenes to measure on."""

BOUNDS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
"""Least scores that are tried."""


@dataclass(frozen=True)
class LocatorRunConfig(RenderRunConfig):
    """Everything that decides a run of the locator."""

    model: str = "locator"
    epochs: int = 32
    per_epoch: int = 8192
    batch_size: int = 32

    def __post_init__(self) -> None:
        self.check_batch(SHARD)


def train_locator(
    config: LocatorRunConfig, folder: Path, reporter: Reporter, *, resume: bool = False
) -> dict[str, Any]:
    """Train a locator on rendered scenes; arguments and errors as of
    :func:`plate_ocr.training.plates.run.train_plates`.
    """
    if not resume:
        refuse_other_run(folder)
    torch.manual_seed(config.seed)
    regions = [region.name for region in scenes_of(config.rendering).plates.regions]
    card, base = LocatorCard(), None
    if config.base:
        card, network = load_locator_weights(config.base)
        base, card = card.training, dataclasses.replace(card, training={}, accuracy={})
        if not resume:
            reporter.say(f"from {config.base}: all weights taken over")
    else:
        network = locator_network_for(card)

    def batches(rendered: Path, executor: Executor, last: int) -> SceneBatches:
        render = partial(render_scenes, config.rendering)
        shards = Shards(render, SceneShard.load, SHARD, rendered, executor, last)
        return SceneBatches(shards, config.seed, config.batch_size, config.passes)

    def measure(executor: Executor) -> Callable[[nn.Module], float]:
        scenes = executor.submit(render_scenes, config.rendering, VALIDATED_FROM, CHOSEN_BY).result()
        return lambda network: count_found(network, scenes, card.min_score).f_measure

    learner = Learner(network, PlatePeaks(), regions, SHARD, batches, measure, base)
    with resumable(folder), render_workers(config.workers) as executor:
        trainer, learnt = fit_rendered(config, folder, reporter, learner, executor, resume=resume)
        best = locator_network_for(card)
        best.load_state_dict(trainer.best)
        metrics = finish_locator(
            best.eval(), dataclasses.replace(card, training=learnt), config.rendering, folder, executor
        )
        plot_curves(trainer.history, folder / "curves.png")
    reporter.say(f"{metrics['recall']:.2%} of {metrics['plates']:,} plates in held-out scenes found")
    return metrics


def best_bound(network: nn.Module, scenes: SceneShard) -> float:
    """The least score with the best F-measure; of equals the lowest."""
    return max(BOUNDS, key=lambda bound: count_found(network, scenes, bound).f_measure)


def finish_locator(
    network: LocatorNetwork, card: LocatorCard, rendering: Rendering, folder: Path, executor: Executor
) -> dict[str, Any]:
    """Choose the least score of a plate on scenes that no training sees, measure once on others, and save
    all; returns the figures.
    """
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
    save_model(network, card, folder / "model")
    metrics["bytes"] = {name: (folder / name).stat().st_size for name in ("model.safetensors", "model.onnx")}
    write_whole(folder / "card.md", _card_page(card, metrics).encode())
    write_whole(folder / "metrics.json", json.dumps(metrics, indent=2).encode())
    return metrics


def _card_page(card: LocatorCard, metrics: dict[str, Any]) -> str:
    """The model card as a page for people (Mitchell et al., *Model Cards for Model Reporting*, 2019)."""
    learnt = card.training
    off = metrics["corners_off"]
    off = "" if off is None else f", corners {off:.1%} of the plate's width off"
    return "\n".join(
        [
            "# Finds plates in photos",
            "",
            f"A grey picture of up to {card.longest} pixels a side → residual stages of "
            f"{', '.join(map(str, card.channels))} channels, added up in {card.features} → for every 8×8 "
            "pixels whether a plate's middle is there, and its four corners; "
            f"{metrics['bytes']['model.safetensors']:,} bytes of weights. A score below {card.min_score} "
            "is no plate.",
            "",
            f"It learnt from {ever(learnt, 'drawn'):,} pictures of {ever(learnt, 'rendered'):,} rendered "
            f"scenes with plates of the regions {', '.join(learnt.get('regions', ()))}, and from no photo "
            "of a plate.",
            "",
            f"Measured once, on {metrics['scenes']:,} rendered scenes that it neither learnt from nor was "
            f"chosen by: {metrics['recall']:.2%} of {metrics['plates']:,} plates found (intersection over "
            f"union at least {FOUND}), {metrics['precision']:.2%} of what was found is a plate{off}.",
            "",
        ]
    )
