"""Train the small models that the readings are recorded with: ``python -m tests.golden.train plates -o RUN``.

They learn from rendered pictures of a few regions, drawn with the fonts that packages bring. How
``tests/golden/models`` were made stands in ``tests/golden/README.md``.
"""

from __future__ import annotations

import argparse
import dataclasses
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import Any

import torch

from plate_ocr.alphabet import DIGITS, LETTERS, Alphabet
from plate_ocr.model.cards import LocatorCard, PlateCard
from plate_ocr.networks.detector import locator_network_for
from plate_ocr.networks.export import save_model
from plate_ocr.networks.plate import plate_network_for
from plate_ocr.rendering.shards import SceneShard, Shard, render_all, render_scenes, render_shard
from plate_ocr.training.core.reporting import Silent
from plate_ocr.training.core.trainer import Epoch
from plate_ocr.training.detector import data as locatordata
from plate_ocr.training.detector.data import SceneBatches
from plate_ocr.training.detector.evaluate import count_found
from plate_ocr.training.detector.loss import PlatePeaks
from plate_ocr.training.detector.run import LocatorRunConfig, best_bound
from plate_ocr.training.plates.data import PlateBatches
from plate_ocr.training.plates.evaluate import finish_plates, plate_accuracy
from plate_ocr.training.plates.loss import PlateText
from plate_ocr.training.plates.run import PlateRunConfig
from plate_ocr.training.rendered import data as platedata
from plate_ocr.training.rendered.data import Shards
from plate_ocr.training.rendered.run import (
    VALIDATED_FROM,
    Learner,
    RenderRunConfig,
    fit_rendered,
    render_workers,
)

REGIONS = ("eu", "br", "uz", "vn", "gb")
PLATES = PlateCard(
    Alphabet(DIGITS + LETTERS), finder=(6, 10, 12), channels=(10, 14, 18, 22), transformer=32, layers=1
)
LOCATOR = LocatorCard(channels=(8, 12, 16, 24, 32), features=24)
CHOSEN_BY = {"plates": 512, "locator": 128}
"""Rendered pictures that decide which weights are kept."""

COUNTS = (2048, 256, 1024)
"""Plates to fit confidences on; pictures without a plate, and plates, to measure on."""


class Printer(Silent):
    """Prints a line an epoch."""

    def epoch(self, epoch: Epoch) -> None:
        """Where it is."""
        print(f"step {epoch.step}, loss {epoch.loss:.3f}, measure {epoch.validation:.3f}", flush=True)


def config_of(model: str, epochs: int, per_epoch: int, passes: int, workers: int) -> RenderRunConfig:
    """How one of the two learns."""
    settings: dict[str, Any] = {
        "regions": REGIONS,
        "epochs": epochs,
        "per_epoch": per_epoch,
        "passes": passes,
    }
    settings |= {"workers": workers, "rate": 4e-3}
    return PlateRunConfig(**settings) if model == "plates" else LocatorRunConfig(**settings)


def train(config: RenderRunConfig, folder: Path, executor: Executor) -> None:
    """Train one of the two and save it in a folder, beside its checkpoint."""
    torch.manual_seed(config.seed)
    learner = plates(config) if config.model == "plates" else locator(config)
    trainer, learnt = fit_rendered(config, folder, Printer(), learner, executor, resume=False)
    learner.network.cpu().load_state_dict(trainer.best)
    finish(config, learner.network.eval(), learnt, folder, executor)


def finish(
    config: RenderRunConfig, network: Any, learnt: dict[str, Any], folder: Path, executor: Executor
) -> None:
    """Fit what a model's scores mean, and save it."""
    if config.model == "plates":
        card = dataclasses.replace(PLATES, training=learnt)
        _, metrics = finish_plates(network, card, config.rendering, folder, executor, counts=COUNTS)
        print(metrics["plates"], flush=True)
        return
    scenes = render_scenes(config.rendering, VALIDATED_FROM, CHOSEN_BY["locator"])
    bound = best_bound(network, scenes)
    print(count_found(network, scenes, bound), flush=True)
    save_model(network, dataclasses.replace(LOCATOR, training=learnt, min_score=bound), folder / "model")


def plates(config: RenderRunConfig) -> Learner:
    """The plate network, and what it learns from."""
    alphabet = PLATES.alphabet

    def batches(rendered: Path, executor: Executor, last: int) -> PlateBatches:
        render = partial(render_shard, config.rendering)
        shards = Shards(render, Shard.load, platedata.SHARD, rendered, executor, last, ahead=config.workers)
        return PlateBatches(shards, config.seed, config.batch_size, config.passes, alphabet)

    def measure(executor: Executor) -> Any:
        held_out = render_all(config.rendering, VALIDATED_FROM, CHOSEN_BY["plates"], executor)
        return lambda network: plate_accuracy(network, held_out, alphabet)

    network = plate_network_for(PLATES)
    return Learner(network, PlateText(), config.regions, platedata.SHARD, batches, measure, None)


def locator(config: RenderRunConfig) -> Learner:
    """The locator, and what it learns from."""

    def batches(rendered: Path, executor: Executor, last: int) -> SceneBatches:
        render = partial(render_scenes, config.rendering)
        shards = Shards(
            render, SceneShard.load, locatordata.SHARD, rendered, executor, last, ahead=config.workers
        )
        return SceneBatches(shards, config.seed, config.batch_size, config.passes)

    def measure(executor: Executor) -> Any:
        scenes = executor.submit(
            render_scenes, config.rendering, VALIDATED_FROM, CHOSEN_BY["locator"]
        ).result()
        return lambda network: count_found(network, scenes, LOCATOR.min_score).f_measure

    network = locator_network_for(LOCATOR)
    return Learner(network, PlatePeaks(), config.regions, locatordata.SHARD, batches, measure, None)


def main() -> None:
    """Train one of the two."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", choices=("plates", "locator"))
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--per-epoch", type=int, default=65536)
    parser.add_argument("--passes", type=int, default=4)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    config = config_of(given.model, given.epochs, given.per_epoch, given.passes, given.workers)
    with render_workers(config.workers) as executor:
        train(config, given.out, executor)


if __name__ == "__main__":
    main()
