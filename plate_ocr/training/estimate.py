"""How long a run takes on this machine, from a few of its steps and pictures."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from torch import Tensor, nn

from plate_ocr.alphabet import PLATE_CHARACTERS, Alphabet
from plate_ocr.model.cards import ModelCard, PlateCard
from plate_ocr.networks.detector import detector_network_for
from plate_ocr.networks.mlp import network_for
from plate_ocr.networks.plate import plate_network_for
from plate_ocr.rendering.fonts import bundled_fonts
from plate_ocr.rendering.shards import Rendering, SceneShard, Shard, render_scenes, render_shard
from plate_ocr.training.characters.augment import Augmentation
from plate_ocr.training.characters.batches import BLOCK, CharBatches, WeightedStepSampler, class_balance
from plate_ocr.training.characters.config import CharRunConfig
from plate_ocr.training.characters.synthetic import render_dataset
from plate_ocr.training.core.config import RunConfig
from plate_ocr.training.core.device import pick_device, pick_precision
from plate_ocr.training.core.losses import Objective
from plate_ocr.training.core.schedule import TrainSchedule
from plate_ocr.training.core.trainer import Batches, Trainer
from plate_ocr.training.detector.config import DetectorRunConfig
from plate_ocr.training.detector.data import SceneBatches
from plate_ocr.training.detector.loss import PlatePeaks
from plate_ocr.training.detector.run import CARD
from plate_ocr.training.plates.config import LABELS_ALPHABET, PlateRunConfig
from plate_ocr.training.plates.data import PlateBatches
from plate_ocr.training.plates.dataset import grown_alphabet
from plate_ocr.training.plates.loss import PlateText, Teacher
from plate_ocr.training.rendered.config import RenderRunConfig
from plate_ocr.training.rendered.data import AnyShard, Shards

STEPS = 3
"""Number of steps that are made; the first takes longer and does not count."""

ROWS = 16
"""Pictures in a batch that is measured for a larger one."""


def estimated_seconds(config: RunConfig) -> float:
    """Estimate the time of a run, without the time to read data.

    Raises:
        DataError: if a region is unknown, or its file has a mistake.
        DeviceError: if the device is not available.
    """
    with torch.random.fork_rng():
        if isinstance(config, CharRunConfig):
            return _of_characters(config)
        if isinstance(config, PlateRunConfig):
            # What labels add, and what a base model lacks, is hardly any time.
            more = "+" if config.alphabet == LABELS_ALPHABET else config.alphabet
            card = PlateCard(grown_alphabet(more, Alphabet(PLATE_CHARACTERS)))
            network = plate_network_for(card)
            frozen = network.convolutional if config.freeze else ()
            base = config.data and config.weights
            teacher = Teacher.of((card, network), card, pick_device(config.device)) if base else None
            return _of_rendered(
                config,
                (network, PlateText(teacher), frozen),
                partial(PlateBatches, alphabet=card.alphabet),
                render_shard,
                Shard,
                config.val_count + sum(config.counts),
            )
        assert isinstance(config, DetectorRunConfig)
        held_out = config.held_out(config.VAL) + config.test_count
        parts = detector_network_for(CARD), PlatePeaks(), ()
        return _of_rendered(config, parts, SceneBatches, render_scenes, SceneShard, held_out)


def _of_rendered(
    config: RenderRunConfig,
    parts: tuple[nn.Module, Objective, Sequence[nn.Module]],
    batches_of: Callable[..., Batches],
    render: Callable[[Rendering, int, int], AnyShard],
    shard_type: type[AnyShard],
    held_out: int,
) -> float:
    """Steps and rendering go on side by side; ``held_out`` pictures are rendered before and after them.

    ``parts`` are the network, what it learns by, and its layers that keep their weights.
    """
    network, objective, frozen = parts
    size = min(ROWS, config.batch_size)
    scale = config.batch_size / size
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(1) as executor:
        render_here = partial(render, config.rendering)
        render_here(0, 1)  # loads what it draws with
        shards = Shards(render_here, shard_type, size, Path(folder), executor, 0)
        started = perf_counter()
        shards.get(0)
        picture = (perf_counter() - started) / size / max(1, config.workers)
        batches = batches_of(shards, config.seed, size, STEPS)
        making, learning = _step_seconds(config, network, objective, batches, STEPS, frozen=frozen)
    rendering = picture * config.shard_size / config.steps_per_shard
    return config.steps * max(scale * (making + learning), rendering) + held_out * picture


def _of_characters(config: CharRunConfig) -> float:
    torch.set_num_threads(1)  # as the run does
    alphabet, settings = Alphabet(config.alphabet), config.preprocessing
    data = render_dataset(alphabet, bundled_fonts()[:1], settings, 1, config.seed)
    steps = max(STEPS, BLOCK // config.batch_size)
    schedule = TrainSchedule(steps, batch_size=config.batch_size)
    draws = WeightedStepSampler(class_balance(data.labels), schedule, np.arange(len(data)), config.seed)
    device = pick_device(config.device)
    batches = CharBatches(data.stack, data.labels, len(alphabet), settings, Augmentation(), draws, device)
    network = network_for(ModelCard(alphabet, settings, config.hidden))
    making, learning = _step_seconds(config, network, None, batches, steps, network.groups())
    making /= config.repeats
    if config.workers:
        return config.steps * max(learning, making / config.workers)
    return config.steps * (learning + making)


def _step_seconds(
    config: RunConfig,
    network: nn.Module,
    objective: Objective | None,
    batches: Batches,
    steps: int,
    groups: Sequence[nn.Module] = (),
    frozen: Sequence[nn.Module] = (),
) -> tuple[float, float]:
    """Seconds per step for making a batch, and for learning from it."""
    made, done = list[float](), list[float]()

    def timed(step: int) -> Iterator[tuple[Tensor, Tensor]]:
        stream = iter(batches(step))
        while True:
            started = perf_counter()
            batch = next(stream)
            made.append(perf_counter() - started)
            yield batch

    device = pick_device(config.device)
    settings = dataclasses.replace(
        config.settings, precision=pick_precision(device, network), steps_per_epoch=steps + 1, compile=False
    )
    schedule = TrainSchedule(steps, batch_size=config.batch_size)
    trainer = Trainer(network, schedule, settings, device, groups, objective, frozen)
    trainer.fit(timed, lambda _: 0.0, on_step=lambda *_: done.append(perf_counter()))
    making = sum(made) / steps
    return making, max(0.0, (done[-1] - done[0] - sum(made[1:])) / (steps - 1))
