"""Training a character model: from data to a folder with the model and its figures."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from plate_ocr.alphabet import Alphabet
from plate_ocr.errors import DataError, OutputError, TrainingError
from plate_ocr.files import write_whole
from plate_ocr.model.cards import ModelCard
from plate_ocr.networks.mlp import BPNetwork, network_for
from plate_ocr.training.characters.batches import CharBatches, Draws, class_balance
from plate_ocr.training.characters.config import AUGMENTATION, RunConfig
from plate_ocr.training.characters.dataset import CharData, Problem
from plate_ocr.training.characters.evaluate import Prepared, accuracy, class_probabilities, prepare
from plate_ocr.training.characters.finish import RunResult, finish
from plate_ocr.training.characters.material import Material, gather
from plate_ocr.training.characters.suspects import LossWatch, write_suspects
from plate_ocr.training.characters.transfer import transfer
from plate_ocr.training.characters.validation import problem_lines
from plate_ocr.training.core.checkpoint import (
    CHECKPOINT,
    CHECKPOINT_VERSION,
    read_checkpoint,
    resumable,
    write_checkpoint,
)
from plate_ocr.training.core.device import is_first_process, join_processes, pick_device
from plate_ocr.training.core.plots import plot_plan
from plate_ocr.training.core.reporting import Reporter, Silent, metrics_csv
from plate_ocr.training.core.schedule import Plan
from plate_ocr.training.core.trainer import Epoch, Trainer, TrainSettings

SHOWN_PROBLEMS = 10

LOOKALIKES = "OI"
LOOKALIKE_SHARE = 0.1
"""How often these letters are drawn from fonts, compared with the others."""

EASY_STEPS = 100
"""Optimiser steps of the first run that tells easy pictures from hard ones."""


def train(
    config: RunConfig, folder: Path, reporter: Reporter, *, strict: bool = False, resume: bool = False
) -> RunResult:
    """Train a character model.

    Args:
        config: what and how.
        folder: the run folder: model, checkpoint, figures and plots are written there.
        reporter: is told how it goes.
        strict: stop where the data has problems.
        resume: go on from the folder's checkpoint.

    Raises:
        DataError: if the data cannot be trained on.
        DeviceError: if the wanted device is not there.
        OutputError: if the folder cannot be written to, or holds another run.
    """
    device = join_processes(pick_device(config.device))
    first = is_first_process()
    told = reporter if first else Silent()
    # The networks are too small for several threads, and one always adds up in the same order.
    torch.set_num_threads(1)
    if first and not resume and (folder / CHECKPOINT).exists():
        raise OutputError(
            f"{folder} holds a run already: go on with --resume {folder}, or give another folder"
        )
    torch.manual_seed(config.seed)
    plan = config.plan
    material = gather(config, told)
    if first:
        _report_problems(material.problems, folder, reporter)
    if strict and material.problems:
        raise DataError(
            f"{len(material.problems)} problems in the data; without --strict they are left aside"
        )
    card = ModelCard(material.alphabet, config.preprocessing, config.hidden)
    network = network_for(card)
    if config.base and not resume:
        for line in transfer(config.base, network, card).lines():
            told.say(line)
    trainer = Trainer(network, plan, config.settings(device, network), device, network.groups())
    watch = LossWatch(_prepared(material.split.train, card))
    fingerprint = material.fingerprint
    if resume:
        _load_checkpoint(folder / CHECKPOINT, fingerprint, trainer, watch)
    elif first:
        write_whole(folder / "config.toml", config.to_toml().encode())
        plot_plan(plan, len(network.groups()), folder / "plan.png")
        _save_checkpoint(folder / CHECKPOINT, card, fingerprint, trainer, watch)
    batches = _batches(config, plan, material, device)
    validation = _prepared(material.split.validation, card)

    def save() -> None:
        if first:
            _save_checkpoint(folder / CHECKPOINT, card, fingerprint, trainer, watch)

    def on_epoch(epoch: Epoch) -> None:
        if first:
            write_whole(folder / "metrics.csv", metrics_csv(trainer.history))
        told.epoch(epoch)

    def validate(network: nn.Module) -> float:
        watch.look(network)
        return accuracy(class_probabilities(network, validation), validation.labels)

    told.begin(config, trainer.step)
    # A GPU distorts pictures itself.
    with resumable(folder), batches.made_by(config.workers if device.type == "cpu" else 0) as made:
        try:
            trainer.fit(made, validate, save=save, on_step=told.step, on_epoch=on_epoch)
        except TrainingError as error:
            names = material.learnt.names[batches.draws.at(trainer.step)[:SHOWN_PROBLEMS]]
            raise TrainingError(f"{error}; its batch begins with {', '.join(names)}") from None
        if not first:
            return RunResult(folder, card, {})
        if config.data:
            best = network_for(card).to(device)
            best.load_state_dict(trainer.best)
            write_suspects(watch, best.eval(), material.split.train, material.alphabet, folder)
        return finish(config, material, card, trainer, validation, folder, reporter)


def show_plan(config: RunConfig, folder: Path) -> str:
    """Draw ``plan.png`` into a run folder and tell the plan in words.

    Raises:
        DataError: if a warm-up is wrong.
        OutputError: if the picture cannot be written.
    """
    groups = len(BPNetwork().groups())
    plot_plan(config.plan, groups, folder / "plan.png")
    return config.plan.table(groups)


def _batches(config: RunConfig, plan: Plan, material: Material, device: torch.device) -> CharBatches:
    learnt, weights = material.learnt, class_balance(material.split.train.labels)
    if material.rendered is not None:
        fonts = class_balance(material.rendered.labels)
        # Most plates write no O and I, or write them like 0 and 1: what looks like both is the digit.
        rare = [material.alphabet.encode(c)[0] for c in LOOKALIKES if c in material.alphabet]
        fonts[np.isin(material.rendered.labels, rare)] *= LOOKALIKE_SHARE
        fonts /= fonts.sum()
        weights = np.concatenate([weights * (1 - config.font_share), fonts * config.font_share])
    order = np.random.default_rng(config.seed).permutation(len(learnt))
    batches = CharBatches(
        learnt.stack,
        learnt.labels,
        len(material.alphabet),
        config.preprocessing,
        AUGMENTATION[config.model],
        Draws(weights, plan, order, config.seed, config.passes),
        device,
    )
    if plan.data is None or plan.data.order == "random":
        return batches
    easy = _easy_first(batches, config, learnt, material.alphabet, device)
    return dataclasses.replace(batches, draws=dataclasses.replace(batches.draws, order=easy))


def _easy_first(
    batches: CharBatches, config: RunConfig, learnt: CharData, alphabet: Alphabet, device: torch.device
) -> NDArray[np.int64]:
    """Pictures by their loss for the network of a short first run, the least first."""
    state = torch.get_rng_state()
    card = ModelCard(alphabet, config.preprocessing, config.hidden)
    plan = Plan(EASY_STEPS, config.rate, config.batch_size, "constant")
    trainer = Trainer(network_for(card), plan, TrainSettings(EASY_STEPS), device)
    trainer.fit(
        dataclasses.replace(batches, draws=dataclasses.replace(batches.draws, plan=plan)), lambda _: 0.0
    )
    watch = LossWatch(_prepared(learnt, card))
    watch.look(trainer.network.eval())
    torch.set_rng_state(state)
    return np.argsort(watch.mean(), kind="stable")


def _prepared(data: CharData, card: ModelCard) -> Prepared:
    return prepare(data.stack, data.labels, card.preprocessing)


def _report_problems(problems: Sequence[Problem], folder: Path, reporter: Reporter) -> None:
    if not problems:
        return
    listing = folder / "problems.txt"
    write_whole(listing, "".join(f"{problem}\n" for problem in problems).encode())
    for line in problem_lines(problems, SHOWN_PROBLEMS, f", see {listing}"):
        reporter.say(line)


def _save_checkpoint(
    path: Path, card: ModelCard, fingerprint: str, trainer: Trainer, watch: LossWatch
) -> None:
    state = {
        "card": card.to_json(),
        "data": fingerprint,
        "trainer": trainer.state(),
        "losses": watch.state(),
    }
    write_checkpoint(path, CHECKPOINT_VERSION, state)


def _load_checkpoint(path: Path, fingerprint: str, trainer: Trainer, watch: LossWatch) -> None:
    data = ""

    def take(state: dict[str, Any]) -> None:
        nonlocal data
        data = state["data"]
        trainer.load_state(state["trainer"])
        watch.load_state(state["losses"])

    read_checkpoint(path, CHECKPOINT_VERSION, take)
    if data != fingerprint:
        raise DataError(f"the data has changed since {path.parent} was begun: train anew in another folder")
