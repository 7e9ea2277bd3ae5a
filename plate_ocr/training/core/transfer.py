"""Fine-tuning: copies weights between networks of different sizes or classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import torch
from torch import Tensor, nn

from plate_ocr.alphabet import Alphabet

Rows: TypeAlias = tuple[Tensor, Tensor]
"""int64 ``[N]`` twice: matching rows of two tensors, by class."""


def common_rows(here: Alphabet, there: Alphabet, *, blank: bool = False) -> Rows:
    """The rows of common classes of two alphabets, in the order of the first.

    Args:
        here: the network's.
        there: that of the weights.
        blank: whether the blank of CTC is row 0, before the characters.
    """
    mine, theirs = matching_rows(here.classes, there.classes)
    if not blank:
        return mine, theirs
    first = torch.zeros(1, dtype=torch.int64)
    return torch.cat([first, mine + 1]), torch.cat([first, theirs + 1])


def matching_rows(here: Sequence[str], there: Sequence[str]) -> Rows:
    """The places of common names, in the order of the first."""
    common = [name for name in here if name in there]
    places = ([names.index(name) for name in common] for names in (here, there))
    mine, theirs = (torch.tensor(place, dtype=torch.int64) for place in places)
    return mine, theirs


def take_over(
    network: nn.Module, weights: Mapping[str, Tensor], rows: Mapping[str, Rows] | None = None
) -> int:
    """Copy weights where shapes match.

    A wider network computes at first what the narrower one does (Chen et al., *Net2Net*, 2016): known units
    do not listen to new ones yet.

    Args:
        network: changed in place; other weights are kept.
        weights: tensors by the network's names.
        rows: by name: tensors whose rows are matched by class.

    Returns:
        How many tensors were taken over.
    """
    taken = 0
    with torch.no_grad():
        for name, mine in network.state_dict().items():
            if name not in weights:
                continue
            given = weights[name].to(mine.dtype)
            if rows and name in rows:
                here, there = rows[name]
                fresh, given = mine[here], given[there]
            else:
                here, fresh = None, mine
            if not _fits(given, fresh):
                continue
            grown = _grown(given, fresh)
            if here is None:
                mine.copy_(grown)
            else:
                mine[here] = grown
            taken += 1
    return taken


def _fits(given: Tensor, fresh: Tensor) -> bool:
    """Whether weights belong to a layer of equal or smaller width with the same kernel."""
    narrow, wide = given.shape, fresh.shape
    as_wide = len(narrow) == len(wide) and all(a <= b for a, b in zip(narrow, wide, strict=True))
    return as_wide and narrow[2:] == wide[2:]


def _grown(given: Tensor, fresh: Tensor) -> Tensor:
    """The given weights, with new ones for additional units of a wider layer."""
    grown = fresh.clone()
    if grown.ndim > 1:
        grown[: len(given)] = 0
    grown[tuple(slice(size) for size in given.shape)] = given
    return grown
