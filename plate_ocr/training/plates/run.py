"""The task that trains the plate network on rendered plates, and on real ones where there are any."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np
from torch import nn

from plate_ocr.alphabet import PLATE_CHARACTERS, Alphabet
from plate_ocr.errors import DataError
from plate_ocr.files import write_whole
from plate_ocr.model.cards import PlateCard
from plate_ocr.networks.plate import PlateNetwork, plate_network_for
from plate_ocr.networks.weights import load_plate_weights
from plate_ocr.rendering.shards import Shard, generator_of, render_all, render_shard
from plate_ocr.training.core.callbacks import Stage
from plate_ocr.training.core.run import Context, Finished, TrainTask
from plate_ocr.training.core.trainer import Batches, Trainer
from plate_ocr.training.core.transfer import common_rows, take_over
from plate_ocr.training.plates.config import PlateRunConfig
from plate_ocr.training.plates.data import MixedBatches, PlateBatches
from plate_ocr.training.plates.dataset import (
    MIN_TEST_PLATES,
    RealPlates,
    crops_of,
    grown_alphabet,
    read_real_plates,
)
from plate_ocr.training.plates.evaluate import PlateReadings, finish_plates, plate_accuracy
from plate_ocr.training.plates.loss import PlateText
from plate_ocr.training.plates.report import comparison, first_lines, metrics_of, read_plates, real_page
from plate_ocr.training.rendered.config import FIRST_VAL
from plate_ocr.training.rendered.run import rendered_shards, training_record

SHOWN_PROBLEMS = 10


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
    regions = [region.name for region in generator_of(config.rendering).regions]
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
    card = card or PlateCard(alphabet)
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
        rendered = PlateBatches(shards, config.seed, size, config.repeats, card.alphabet)
        batches: Batches = rendered
        if real:
            batches = MixedBatches(rendered, real.train, config.batch_size - size)
        # Only the first of several processes validates.
        held_out: Shard | None = None
        if context.first:
            count = config.val_count
            stage = Stage(context.callback, "rendering validation plates", count)
            held_out = render_all(config.rendering, FIRST_VAL, count, executor, stage)
        views = crops_of(real.validation if real else (), card.height, card.width)

        def measure(network: nn.Module) -> float:
            if held_out is None:
                return 0.0
            on_rendered = plate_accuracy(network, held_out, card.alphabet)
            if not real:
                return on_rendered
            read = PlateReadings.of(network, views, card.alphabet).texts
            right = [text == plate.label.text for text, plate in zip(read, real.validation, strict=True)]
            return config.mix * on_rendered + (1 - config.mix) * float(np.mean(right))

        def finish(trainer: Trainer) -> Finished:
            best = plate_network_for(card)
            best.load_state_dict(trainer.best)
            best.eval()
            count = len(real.train) if real else 0
            learnt = dataclasses.replace(
                card, training=training_record(config, trainer, regions, card, count)
            )
            rendering = dataclasses.replace(config.rendering, regions=()) if real else config.rendering
            finished = finish_plates(best, learnt, rendering, executor, config.counts, context.callback, base)
            return _compared(finished, real, base) if real else finished

        data = real.fingerprint if real else ""
        yield TrainTask(network, card, PlateText(), batches, measure, finish, data=data)


def _report(real: RealPlates, context: Context) -> None:
    """Say what is trained on, and what is wrong with the data.

    Raises:
        DataError: if there are problems and the run is strict.
    """
    if not context.first:
        return
    parts = (("train on", real.train), ("choose by", real.validation), ("measure on", real.test))
    texts = len({plate.label.text for plate in real.all})
    sizes = ", ".join(f"{len(part):,} to {what}" for what, part in parts)
    context.callback.on_message(f"{len(real.all):,} pictures of {texts:,} plates: {sizes}")
    if not real.test:
        context.callback.on_message(
            f"fewer than {MIN_TEST_PLATES} plates: none is kept for a test; what chose the weights is "
            "measured, which flatters"
        )
    if not real.problems:
        return
    if context.strict:
        raise DataError(
            f"{len(real.problems):,} problems in the data, which are left out without --strict; the first: "
            f"{real.problems[0]}"
        )
    listing = context.folder / "problems.txt"
    write_whole(listing, "".join(f"{problem}\n" for problem in real.problems).encode())
    for problem in real.problems[:SHOWN_PROBLEMS]:
        context.callback.on_message(problem)
    if len(real.problems) > SHOWN_PROBLEMS:
        context.callback.on_message(f"{len(real.problems):,} labels are left out, see {listing}")


def _compared(finished: Finished, real: RealPlates, base: tuple[PlateCard, PlateNetwork] | None) -> Finished:
    """The result with the metrics of real plates, before the training and after it."""
    card = finished.card
    assert isinstance(card, PlateCard)
    part, plates = ("test part", real.test) if real.test else ("validation part", real.validation)
    samples = read_plates(finished.network, card, plates)
    metrics = {
        **finished.metrics,
        "real": {
            "part": part,
            "before": metrics_of(read_plates(base[1], base[0], plates)) if base else None,
            "after": metrics_of(samples),
        },
    }
    accuracy = {f"own plates, {part}": round(metrics["real"]["after"]["accuracy"], 5), **card.accuracy}
    card = dataclasses.replace(card, accuracy=accuracy)
    lines = []
    for name, count, before, after in comparison(metrics)[:2]:
        start = "" if before is None else f"{before:.2%} before, "
        lines.append(f"{name}: {start}{after:.2%} after, of {count:,} plates")
    page = partial(real_page, finished.page, metrics)
    return dataclasses.replace(finished, card=card, metrics=metrics, page=page, lines=lines, samples=samples)


def transferred(source: str, network: PlateNetwork, card: PlateCard) -> tuple[PlateCard, str]:
    """Copy weights of a saved plate model where shapes match; output rows are matched by character.

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
    taken = take_over(network, given.state_dict(), {"output.weight": rows, "output.bias": rows})
    line = f"from {source}: {taken} of {len(network.state_dict())} tensors taken over"
    return dataclasses.replace(card, training={"from": theirs.training}), line
