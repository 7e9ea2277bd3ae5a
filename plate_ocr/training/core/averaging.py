"""The moving average of a network's weights."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn


@dataclass(frozen=True)
class AveragedTensors:
    """The tensors of an averaged network and of the one that learns."""

    numbers: tuple[list[Tensor], list[Tensor]]
    counts: list[tuple[Tensor, Tensor]]


def pair_tensors(average: nn.Module, network: nn.Module) -> AveragedTensors:
    """The tensors of both networks side by side."""
    mine, theirs = average.state_dict(), network.state_dict()
    numbers = [name for name, value in mine.items() if value.dtype.is_floating_point]
    return AveragedTensors(
        ([mine[name] for name in numbers], [theirs[name] for name in numbers]),
        [(mine[name], theirs[name]) for name in mine if name not in numbers],
    )
