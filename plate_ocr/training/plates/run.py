"""The task that trains the plate network on rendered plates."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from plate_ocr.alphabet import Alphabet
from plate_ocr.model.cards import PlateCard
from plate_ocr.networks.plate import PlateNetwork, plate_network_for
from plate_ocr.networks.weights import load_plate_weights
from plate_ocr.rendering.shards import Shard, generator_of, render_all, render_shard
from plate_ocr.training.core.callbacks import Stage
from plate_ocr.training.core.run import Context, Finished, TrainTask
from plate_ocr.training.core.trainer import Trainer
from plate_ocr.training.core.transfer import common_rows, take_over
from plate_ocr.training.plates.config import PlateRunConfig
from plate_ocr.training.plates.data import PlateBatches
from plate_ocr.training.plates.evaluate import finish_plates, plate_accuracy
from plate_ocr.training.plates.loss import PlateText
from plate_ocr.training.rendered.config import FIRST_VAL
from plate_ocr.training.rendered.run import rendered_shards, training_record


@contextmanager
def open_plates(
    config: PlateRunConfig, context: Context, card: PlateCard | None = None
) -> Iterator[TrainTask]:
    """The training of a plate model on rendered plates.

    Args:
        config: of the run.
        context: of the run.
        card: of a network of other sizes than the default.

    Raises:
        DataError: if a region is unknown or its file has a mistake.
        ModelError: if there is no such base model.
    """
    regions = [region.name for region in generator_of(config.rendering).regions]
    for line in config.material():
        context.callback.on_message(line)
    card = card or PlateCard(Alphabet(config.alphabet, unknown=True))
    network = plate_network_for(card)
    if isinstance(context.stored, PlateCard):
        card = context.stored
    elif config.weights:
        card, line = transferred(config.weights, network, card)
        context.callback.on_message(line)
    with rendered_shards(config, context.folder, render_shard, Shard) as (shards, executor):
        batches = PlateBatches(shards, config.seed, config.batch_size, config.repeats, card.alphabet)
        # Only the first of several processes validates.
        held_out: Shard | None = None
        if context.first:
            count = config.held_out(config.VAL)
            stage = Stage(context.callback, "rendering validation plates", count)
            held_out = render_all(config.rendering, FIRST_VAL, count, executor, stage)

        def measure(network: nn.Module) -> float:
            return plate_accuracy(network, held_out, card.alphabet) if held_out else 0.0

        def finish(trainer: Trainer) -> Finished:
            best = plate_network_for(card)
            best.load_state_dict(trainer.best)
            learnt = dataclasses.replace(card, training=training_record(config, trainer, regions, card))
            counts = [config.held_out(count) for count in config.COUNTS]
            return finish_plates(best.eval(), learnt, config.rendering, executor, counts, context.callback)

        yield TrainTask(network, card, PlateText(), batches, measure, finish)


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
