"""Averages of weights: of a network over its training, and of networks before and after it."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn


class AveragedNetwork:
    """A copy of a network whose weights are the moving average of the network's own.

    Args:
        network: the trained network.
        decay: factor of the average in each step, 0..1.
        span: maximum span of the average, as a part of the steps so far, so that the random initial weights
            fade.

    Attributes:
        network: the copy, in evaluation mode.

    References:
        Polyak and Juditsky, *Acceleration of Stochastic Approximation by Averaging*, 1992.
    """

    def __init__(self, network: nn.Module, decay: float, span: float) -> None:
        self.network = copy.deepcopy(network).eval()
        self._decay, self._span = decay, span
        mine, theirs = self.network.state_dict(), network.state_dict()
        names = [name for name, value in mine.items() if value.dtype.is_floating_point]
        self._numbers = [mine[name] for name in names], [theirs[name] for name in names]
        self._counts = [(mine[name], theirs[name]) for name in mine if name not in names]

    def update(self, step: int) -> None:
        """Update with the network's weights after step ``step``, counted from 0."""
        share = max(1 - self._decay, (1 / self._span - 1) / (1 / self._span + step))
        with torch.no_grad():
            torch._foreach_lerp_(*self._numbers, share)
            for mine, theirs in self._counts:
                mine.copy_(theirs)


def interpolated(one: Mapping[str, Tensor], other: Mapping[str, Tensor], share: float) -> dict[str, Tensor]:
    """Weights on the line between two networks.

    Args:
        one: weights by name.
        other: the same names and shapes.
        share: of the other network, 0..1.

    References:
        Wortsman et al., *Robust fine-tuning of zero-shot models* (WiSE-FT), 2022.
    """
    return {
        name: torch.lerp(one[name], value, share) if value.is_floating_point() else value
        for name, value in other.items()
    }
