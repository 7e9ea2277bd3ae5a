"""The moving average of a network's weights."""

from __future__ import annotations

import copy

import torch
from torch import nn


class AveragedNetwork:
    """A copy of a network whose weights are the moving average of the network's own.

    Args:
        network: that learns.
        decay: part of the average that stays in each step, 0..1.
        span: part of the steps made that the average reaches back over, at most: the first weights are random
            and must fade.

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
        """Take in the network's weights after ``step`` steps and one more."""
        share = max(1 - self._decay, (1 / self._span - 1) / (1 / self._span + step))
        with torch.no_grad():
            torch._foreach_lerp_(*self._numbers, share)
            for mine, theirs in self._counts:
                mine.copy_(theirs)
