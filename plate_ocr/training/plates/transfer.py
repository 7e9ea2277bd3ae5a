"""Taking over the weights of a saved plate model."""

from __future__ import annotations

import torch
from torch import Tensor

from plate_ocr.model.cards import PlateCard
from plate_ocr.networks.plate import PlateNetwork
from plate_ocr.networks.weights import load_plate_weights


def transferred(source: str, network: PlateNetwork, card: PlateCard) -> str:
    """Take over the weights of a saved plate model where they fit.

    A wider network computes at first what the saved one does (Chen et al., *Net2Net*, 2016): known channels
    do not listen to new ones yet.

    Args:
        source: a model's name, file or run folder.
        network: gets the weights.
        card: of the network.

    Returns:
        One line of what was taken over.

    Raises:
        ModelError: if there is no such plate model.
    """
    theirs, weights = load_plate_weights(source)
    mine, given = network.state_dict(), weights.state_dict()
    fitting = {name for name, value in mine.items() if name in given and _fits(given[name], value)}
    outputs = {"output.weight", "output.bias"}
    network.load_state_dict({**mine, **{name: _grown(given[name], mine[name]) for name in fitting - outputs}})
    if given["output.weight"].shape[1] == mine["output.weight"].shape[1]:
        # Rows of characters that both know; the blank is row 0.
        common = [c for c in card.alphabet.characters if c in theirs.alphabet]
        here = [0, *(card.alphabet.encode(common) + 1)]
        there = [0, *(theirs.alphabet.encode(common) + 1)]
        with torch.no_grad():
            network.output.weight[here] = weights.output.weight[there]
            network.output.bias[here] = weights.output.bias[there]
    return f"from {source}: {len(fitting | outputs)} of {len(mine)} tensors taken over"


def _fits(given: Tensor, fresh: Tensor) -> bool:
    """Whether weights are those of a layer that is as wide at most, its windows being the same."""
    narrow, wide = given.shape, fresh.shape
    as_wide = len(narrow) == len(wide) and all(a <= b for a, b in zip(narrow, wide, strict=True))
    return as_wide and narrow[2:] == wide[2:]


def _grown(given: Tensor, fresh: Tensor) -> Tensor:
    """The given weights, and fresh ones for what a wider layer has more."""
    grown = fresh.clone()
    if grown.ndim > 1:
        grown[: len(given)] = 0
    grown[tuple(slice(size) for size in given.shape)] = given
    return grown
