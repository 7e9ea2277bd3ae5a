"""The task that trains the plate network on rendered plates, and on real ones where there are any."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from torch import Tensor, nn

from plate_ocr.alphabet import PLATE_CHARACTERS, Alphabet
from plate_ocr.metrics import Sample
from plate_ocr.model.cards import PlateCard
from plate_ocr.networks.plate import PlateNetwork, plate_network_for
from plate_ocr.networks.weights import load_plate_weights
from plate_ocr.region_files.table import NO_COUNTRY
from plate_ocr.rendering.shards import Shard, generator_of, render_all, render_shard
from plate_ocr.training.core.averaging import interpolated
from plate_ocr.training.core.callbacks import Stage
from plate_ocr.training.core.device import cpu_copy
from plate_ocr.training.core.run import Context, Finished, TrainTask
from plate_ocr.training.core.trainer import Trainer
from plate_ocr.training.core.transfer import common_rows, matching_rows, take_over
from plate_ocr.training.plates.config import PlateRunConfig
from plate_ocr.training.plates.cross_validation import FOLDS, cross_validate
from plate_ocr.training.plates.data import MixedBatches, PlateBatches
from plate_ocr.training.plates.dataset import (
    MIN_TEST_PLATES,
    RealPlates,
    crops_of,
    grown_alphabet,
    read_real_plates,
)
from plate_ocr.training.plates.evaluate import PlateReadings, finish_plates, plate_accuracy
from plate_ocr.training.plates.loss import PlateText, Teacher
from plate_ocr.training.plates.report import comparison, first_lines, metrics_of, read_plates, real_page
from plate_ocr.training.rendered.config import FIRST_VAL
from plate_ocr.training.rendered.run import rendered_shards, report_data, training_record
from plate_ocr.vision.images import Image


@contextmanager
def open_plates(
    config: PlateRunConfig, context: Context, card: PlateCard | None = None
) -> Iterator[TrainTask]:
    """The training of a plate model on rendered plates, and on real ones if there is data.

    Args:
        config: of the run.
        context: of the run.
        card: of a network of other sizes than the default; without effect where there is data and a base
            model, which decides.

    Raises:
        DataError: if the data cannot be trained on, a region is unknown or its file has a mistake.
        ModelError: if there is no such base model.
    """
    regions = tuple(region.name for region in generator_of(config.rendering).regions)
    for line in config.material():
        context.callback.on_message(line)
    base = load_plate_weights(config.weights) if config.data and config.weights else None
    known = base[0].alphabet if base else Alphabet(PLATE_CHARACTERS, unknown=True)
    real = None
    if config.data:
        real, alphabet = read_real_plates(config, known)
        _report(real, context)
    else:
        alphabet = grown_alphabet(config.alphabet, known)
    if base:
        card = dataclasses.replace(base[0], alphabet=alphabet, training={}, accuracy={})
    card = card or PlateCard(alphabet, regions=tuple(sorted({*regions} - set(NO_COUNTRY))))
    if isinstance(context.stored, PlateCard):
        card = context.stored
    network = plate_network_for(card)
    if config.weights and context.stored is None:
        card, line = transferred(config.weights, network, card)
        context.callback.on_message(line)
    if base and real and context.first and context.stored is None:
        for line in first_lines(read_plates(base[1], base[0], real.all), config.weights):
            context.callback.on_message(line)
    with rendered_shards(config, context.folder, render_shard, Shard) as (shards, executor):
        size = config.rendered_batch_size
        rendered = PlateBatches(
            shards, config.seed, size, config.repeats, card.alphabet, card.regions, device=context.device
        )
        mixed = real and MixedBatches(rendered, real.train, config.batch_size - size)
        # Only the first of several processes validates.
        held_out: Shard | None = None
        if context.first:
            stage = Stage(context.callback, "rendering validation plates", config.val_count)
            held_out = render_all(config.rendering, FIRST_VAL, config.val_count, executor, stage)
        teacher = None
        # What an alphabet leaves out is to be forgotten.
        if base and set(base[0].alphabet.classes) <= set(card.alphabet.classes):
            teacher = Teacher.of(base, card, context.device)
        objective = PlateText(teacher)
        run = _PlateRun(config, context, regions, card, base, real, held_out, executor, objective)
        yield TrainTask(
            network,
            card,
            objective,
            mixed or rendered,
            run.measure,
            run.finish,
            network.groups(),
            frozen=run.frozen(network),
            data=real.fingerprint if real else "",
        )


@dataclass(frozen=True)
class _PlateRun:
    """What a run is measured by.

    Attributes:
        config: of the run.
        context: of the run.
        regions: names of the rendered regions.
        card: of the network at the start.
        base: the model that the training starts from, if there is data.
        real: the real plates; None without data.
        held_out: rendered validation plates; None in all but the first of several processes.
        executor: renders.
        objective: the loss.
    """

    config: PlateRunConfig
    context: Context
    regions: tuple[str, ...]
    card: PlateCard
    base: tuple[PlateCard, PlateNetwork] | None
    real: RealPlates | None
    held_out: Shard | None
    executor: Executor
    objective: PlateText

    def frozen(self, network: PlateNetwork) -> tuple[nn.Module, ...]:
        """The layers that keep the base model's weights."""
        return network.convolutional if self.config.freeze else ()

    @cached_property
    def _views(self) -> Image:
        """The crops of the validation part as the network's input."""
        return crops_of(self.real.validation if self.real else (), self.card.height, self.card.width)

    def measure(self, network: nn.Module) -> float:
        """Plate accuracy on validation plates, rendered and real ones weighted as in a batch.

        Measured are the weights that would be kept.
        """
        if self.held_out is None:
            return 0.0
        if self.config.keep:
            network = self._averaged(cpu_copy(network.state_dict())).to(self.context.device)
        rendered = plate_accuracy(network, self.held_out, self.card.alphabet)
        if not self.real:
            return rendered
        read = PlateReadings.of(network, self._views, self.card.alphabet).texts
        right = [text == plate.label.text for text, plate in zip(read, self.real.validation, strict=True)]
        return self.config.mix * rendered + (1 - self.config.mix) * float(np.mean(right))

    def finish(self, trainer: Trainer) -> Finished:
        """Calibrate and measure the best weights."""
        config, callback = self.config, self.context.callback
        best = self._averaged(trainer.best)
        pictures = len(self.real.train) if self.real else 0
        record = training_record(config, trainer, self.regions, self.card, pictures)
        card = dataclasses.replace(self.card, training=record)
        rendering = dataclasses.replace(config.rendering, regions=()) if self.real else config.rendering
        finished = finish_plates(best, card, rendering, self.executor, config.counts, callback, self.base)
        if not self.real:
            return finished
        assert isinstance(finished.card, PlateCard)
        if self.real.test:
            return self._compared(finished, "test part", read_plates(best, finished.card, self.real.test))
        samples = self._cross_validated(finished.card, trainer)
        return self._compared(finished, "cross-validation", samples)

    def _averaged(self, trained: Mapping[str, Tensor]) -> PlateNetwork:
        """The network in evaluation mode, with the share of the base model's weights that is kept.

        New characters have the trained weights.
        """
        network = plate_network_for(self.card)
        network.load_state_dict(trained)
        if self.config.keep:
            transferred(self.config.weights, network, self.card)
            network.load_state_dict(interpolated(trained, network.state_dict(), self.config.keep))
        return network.eval()

    def _cross_validated(self, card: PlateCard, trainer: Trainer) -> list[Sample]:
        """All real plates, each read by a network that was trained without it."""
        assert self.real is not None
        config = self.config
        steps = trainer.best_epoch * config.steps_per_epoch
        name = f"training {FOLDS} folds, steps"
        return cross_validate(
            config,
            card,
            self.real.all,
            render_all(config.rendering, FIRST_VAL + config.val_count, config.shard_size, self.executor),
            self._new_network,
            self.frozen,
            self._averaged,
            self.objective,
            steps,
            self.context.device,
            Stage(self.context.callback, name, steps * min(FOLDS, len(self.real.texts))),
        )

    def _new_network(self) -> PlateNetwork:
        """A network as it is before the training."""
        network = plate_network_for(self.card)
        if self.config.weights:
            transferred(self.config.weights, network, self.card)
        return network

    def _compared(self, finished: Finished, part: str, samples: Sequence[Sample]) -> Finished:
        """The result with the metrics of real plates, before the training and after it.

        Args:
            finished: the result.
            part: of the plates, in words.
            samples: the plates as they are read after the training.
        """
        assert self.real is not None
        plates, before = self.real.test or self.real.all, None
        if self.base:
            before = metrics_of(read_plates(self.base[1], self.base[0], plates))
        after = metrics_of(samples)
        metrics = {**finished.metrics, "real": {"part": part, "before": before, "after": after}}
        accuracy = {f"own plates, {part}": round(after["accuracy"], 5), **finished.card.accuracy}
        lines = []
        for name, count, first, last in comparison(metrics)[:2]:
            start = "" if first is None else f"{first:.2%} before, "
            lines.append(f"{name}: {start}{last:.2%} after, of {count:,} plates")
        return dataclasses.replace(
            finished,
            card=dataclasses.replace(finished.card, accuracy=accuracy),
            metrics=metrics,
            page=partial(real_page, finished.page, metrics),
            lines=lines,
            samples=samples,
        )


def _report(real: RealPlates, context: Context) -> None:
    untested = (
        f"fewer than {MIN_TEST_PLATES} plates: none is kept for a test; {FOLDS}-fold cross-validation "
        "measures the training afterwards"
    )
    report_data(f"{len(real.all):,} pictures of {len(real.texts):,} plates", real, untested, context)


def transferred(source: str, network: PlateNetwork, card: PlateCard) -> tuple[PlateCard, str]:
    """Copy weights of a saved plate model where shapes match; output rows by character and by region.

    Args:
        source: a model's name, file or run folder.
        network: gets the weights.
        card: of the network.

    Returns:
        The card, with the model's training record, and a message about what was copied.

    Raises:
        ModelError: if there is no such plate model.
    """
    theirs, given = load_plate_weights(source)
    rows = common_rows(card.alphabet, theirs.alphabet, blank=True)
    regions = matching_rows(card.regions, theirs.regions)
    matched = {"output.weight": rows, "output.bias": rows, "region.weight": regions, "region.bias": regions}
    taken = take_over(network, given.state_dict(), matched)
    line = f"from {source}: {taken} of {len(network.state_dict())} tensors loaded"
    return dataclasses.replace(card, training={"from": theirs.training}), line
