"""Fine-tuning: what a network of another alphabet or size can take over from a saved model."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import torch
from torch import Tensor

from plate_ocr.errors import ModelError
from plate_ocr.model.cards import ModelCard
from plate_ocr.model.registry import find_model
from plate_ocr.networks.mlp import BPNetwork, network_for
from plate_ocr.networks.weights import read_weights, shape_differences
from plate_ocr.training.core.transfer import common_rows, take_over


@dataclass(frozen=True)
class Transfer:
    """What was taken over from a saved model.

    Attributes:
        source: its file.
        obstacles: why nothing could be taken over; empty where something was.
        units: hidden units that were taken over.
        units_there: hidden units of the source.
        units_here: hidden units of the network.
        common: characters whose output rows were taken over.
        new: characters of the network that the source does not know.
        dropped: characters of the source that the network does not need.
    """

    source: Path
    obstacles: tuple[str, ...]
    units: int
    units_there: int
    units_here: int
    common: str
    new: str
    dropped: str

    def lines(self) -> list[str]:
        """A line for each layer: what was taken over, and what not and why."""
        if self.obstacles:
            return [
                f"from {self.source}: nothing taken over",
                f"hidden layer: its row vectors mean something else there: {'; '.join(self.obstacles)}",
                "output: each of its rows weighs the units of the hidden layer, which is new",
            ]
        hidden = f"hidden layer: {self.units} of {self.units_here} units taken over"
        if self.units < self.units_here:
            hidden += f"; there are no more there, the other {self.units_here - self.units} are new"
        if self.units < self.units_there:
            hidden += f", those that weigh most of {self.units_there}"
        output = f"output: {len(self.common)} of {len(self.common + self.new)} characters taken over"
        if self.new:
            output += f"; new: {', '.join(self.new)}"
        if self.dropped:
            output += f"; not needed: {', '.join(self.dropped)}"
        return [f"from {self.source}:", hidden, output]


def transfer(source: str | PathLike[str], network: BPNetwork, card: ModelCard) -> Transfer:
    """Take over what fits from a saved model.

    The hidden layer is taken over where both models make the same row vector of a picture. Of a
    wider one those units are kept whose outputs weigh most; a narrower one grows, see
    :func:`plate_ocr.training.core.transfer.take_over`. Output rows are matched by character, not by class.

    Args:
        source: ``"digits"``, ``"chars"``, a ``.safetensors`` file or the folder of a training run.
        network: is changed in place; what is not taken over keeps its weights.
        card: of ``network``.

    Returns:
        What was taken over and what was not.

    Raises:
        ModelError: if there is no such model or it is damaged, or ``card`` is not the network's.
    """
    if wrong := shape_differences(network_for(card), network.state_dict()):
        raise ModelError(f"the card is not that of the network: {'; '.join(wrong)}")
    path = find_model(source, ".safetensors")
    theirs, weights = read_weights(path)
    if wrong := shape_differences(network_for(theirs), weights):
        raise ModelError(f"{path}: the weights do not fit the sizes in the header: {'; '.join(wrong)}")
    obstacles = tuple(theirs.preprocessing.differences(card.preprocessing))
    units = 0 if obstacles else min(theirs.hidden, card.hidden)
    common = "" if obstacles else "".join(c for c in card.alphabet.characters if c in theirs.alphabet)
    if units:
        kept = _heaviest(weights["output.weight"], units)
        given = {
            "hidden.weight": weights["hidden.weight"][kept],
            "hidden.bias": weights["hidden.bias"][kept],
            "output.weight": weights["output.weight"][:, kept],
            "output.bias": weights["output.bias"],
        }
        rows = common_rows(card.alphabet, theirs.alphabet)
        take_over(network, given, {"output.weight": rows, "output.bias": rows})
    return Transfer(
        path,
        obstacles,
        units,
        theirs.hidden,
        card.hidden,
        common,
        "".join(char for char in card.alphabet.characters if char not in common),
        "".join(char for char in theirs.alphabet.characters if char not in card.alphabet),
    )


def _heaviest(output: Tensor, count: int) -> Tensor:
    """The ``count`` units, in order, whose columns in ``[classes, units]`` are longest."""
    return torch.argsort(output.square().sum(0), descending=True)[:count].sort().values
