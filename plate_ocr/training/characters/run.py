"""Training a character model: from data to a task that the skeleton of every run trains."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from plate_ocr.alphabet import Alphabet
from plate_ocr.errors import DataError
from plate_ocr.files import write_whole
from plate_ocr.metrics import accuracy
from plate_ocr.model.cards import ModelCard
from plate_ocr.networks.mlp import network_for
from plate_ocr.training.characters.augment import Augmentation
from plate_ocr.training.characters.batches import CharBatches, WeightedStepSampler, class_balance
from plate_ocr.training.characters.config import CharRunConfig
from plate_ocr.training.characters.data_module import CharDataModule, prepare_data
from plate_ocr.training.characters.dataset import CharData, Problem
from plate_ocr.training.characters.evaluate import FeatureSet, class_probabilities, extract_features
from plate_ocr.training.characters.finish import finish
from plate_ocr.training.characters.label_issues import SampleLossTracker, write_label_issues
from plate_ocr.training.characters.transfer import transfer
from plate_ocr.training.characters.validation import problem_lines
from plate_ocr.training.core.callbacks import Callback
from plate_ocr.training.core.config import TrainSettings
from plate_ocr.training.core.device import ProcessGroup
from plate_ocr.training.core.losses import OneHot
from plate_ocr.training.core.run import Context, Finished, TrainTask
from plate_ocr.training.core.schedule import TrainSchedule
from plate_ocr.training.core.trainer import Trainer

AUGMENTATION: Mapping[str, Augmentation] = {
    "digits": Augmentation(),
    # With 5×5 windows a line beside a 1 or a 4 cannot be told from its strokes.
    "chars": Augmentation(side=0.15),
}

SHOWN_PROBLEMS = 10

LOOKALIKES = "OI"
LOOKALIKE_WEIGHT = 0.1
"""How often these letters are drawn from fonts, compared with the others."""

EASY_STEPS = 100
"""Optimiser steps of the first run that tells easy pictures from hard ones."""


@contextmanager
def open_characters(config: CharRunConfig, context: Context) -> Iterator[TrainTask]:
    """The training of a character model.

    Raises:
        DataError: if the data cannot be trained on.
        ModelError: if there is no such base model.
        OutputError: if the folder cannot be written to.
    """
    # The networks are too small for several threads, and one always adds up in the same order.
    torch.set_num_threads(1)
    data_module = prepare_data(config, context.callback)
    if context.first:
        _report_problems(data_module.problems, context.folder, context.callback)
    if context.strict and data_module.problems:
        raise DataError(
            f"{len(data_module.problems)} problems in the data; without --strict they are left aside"
        )
    card = ModelCard(data_module.alphabet, config.preprocessing, config.hidden)
    network = network_for(card)
    if config.weights and context.stored is None:
        for line in transfer(config.weights, network, card).lines():
            context.callback.on_message(line)
    schedule = config.schedule
    tracker = SampleLossTracker(_features(data_module.split.train, card))
    validation = _features(data_module.split.validation, card)
    batches = _batches(config, schedule, data_module, context.device)

    def measure(network: nn.Module) -> float:
        tracker.update(network)
        return accuracy(class_probabilities(network, validation), validation.labels)

    def finished(trainer: Trainer) -> Finished:
        if config.data:
            best = network_for(card).to(context.device)
            best.load_state_dict(trainer.best)
            write_label_issues(
                tracker, best.eval(), data_module.split.train, data_module.alphabet, context.folder
            )
        return finish(config, data_module, card, trainer, validation, context.folder)

    def describe(step: int) -> str:
        return ", ".join(data_module.learnt.names[batches.draws.at(step)[:SHOWN_PROBLEMS]])

    # A GPU distorts pictures itself.
    workers = config.workers // ProcessGroup.on_machine().count if context.device.type == "cpu" else 0
    with batches.made_by(workers) as made:
        yield TrainTask(
            network,
            card,
            OneHot(schedule),
            made,
            measure,
            finished,
            network.groups(),
            data_module.fingerprint,
            tracker,
            describe,
        )


def _batches(
    config: CharRunConfig, schedule: TrainSchedule, data_module: CharDataModule, device: torch.device
) -> CharBatches:
    learnt, weights = data_module.learnt, class_balance(data_module.split.train.labels)
    if data_module.rendered is not None:
        fonts = class_balance(data_module.rendered.labels)
        # Most plates write no O and I, or write them like 0 and 1: what looks like both is the digit.
        rare = [data_module.alphabet.encode(c)[0] for c in LOOKALIKES if c in data_module.alphabet]
        fonts[np.isin(data_module.rendered.labels, rare)] *= LOOKALIKE_WEIGHT
        fonts /= fonts.sum()
        weights = np.concatenate([weights * (1 - config.font_fraction), fonts * config.font_fraction])
    order = np.random.default_rng(config.seed).permutation(len(learnt))
    batches = CharBatches(
        learnt.stack,
        learnt.labels,
        len(data_module.alphabet),
        config.preprocessing,
        AUGMENTATION[config.model],
        WeightedStepSampler(weights, schedule, order, config.seed, config.repeats),
        device,
    )
    if schedule.data_warmup is None or schedule.data_warmup.order == "random":
        return batches
    easy = _easy_first(batches, config, learnt, data_module.alphabet, device)
    return dataclasses.replace(batches, draws=dataclasses.replace(batches.draws, order=easy))


def _easy_first(
    batches: CharBatches, config: CharRunConfig, learnt: CharData, alphabet: Alphabet, device: torch.device
) -> NDArray[np.int64]:
    """Pictures by their loss for the network of a short first run, the least first."""
    state = torch.get_rng_state()
    card = ModelCard(alphabet, config.preprocessing, config.hidden)
    schedule = TrainSchedule(EASY_STEPS, config.lr, config.batch_size, "constant")
    trainer = Trainer(network_for(card), schedule, TrainSettings(EASY_STEPS), device)
    trainer.fit(
        dataclasses.replace(batches, draws=dataclasses.replace(batches.draws, schedule=schedule)),
        lambda _: 0.0,
    )
    tracker = SampleLossTracker(_features(learnt, card))
    tracker.update(trainer.network.eval())
    torch.set_rng_state(state)
    return np.argsort(tracker.mean(), kind="stable")


def _features(data: CharData, card: ModelCard) -> FeatureSet:
    return extract_features(data.stack, data.labels, card.preprocessing)


def _report_problems(problems: Sequence[Problem], folder: Path, callback: Callback) -> None:
    if not problems:
        return
    listing = folder / "problems.txt"
    write_whole(listing, "".join(f"{problem}\n" for problem in problems).encode())
    for line in problem_lines(problems, SHOWN_PROBLEMS, f", see {listing}"):
        callback.on_message(line)
