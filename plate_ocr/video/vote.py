"""Voting over the readings of one plate."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from plate_ocr.readers.lazy import ready
from plate_ocr.readers.results import ALTERNATIVES, NOWHERE, Char, Plate, PlateRegion, plate_of

MIN_REGION_WEIGHT = 0.5
"""Of a region, as a part of the weight of all readings, or it is not told."""


class TextVote:
    """A weighted vote over the readings of one plate, in constant memory.

    A reading is weighted by its confidence. The number of characters with the most weight wins, and among its
    readings the character with the most weight in each place. Confidence and position of a character are
    weighted means over those readings. Groups are those of a majority of the readings that have
    groups; the region is the likeliest over all readings, if it has half of their weight.
    """

    def __init__(self) -> None:
        # By number of characters and lines: the weight, and the characters' weights in each place.
        self._weights: dict[tuple[int, int], float] = defaultdict(float)
        self._places: dict[tuple[int, int], list[dict[str | None, float]]] = {}
        # Weighted sums of the characters' ends, with the weights; and the weight of each grouping.
        self._ends: dict[tuple[int, int], NDArray[np.float64]] = {}
        self._groups: dict[tuple[int, int], dict[tuple[int, ...], float]] = {}
        # Weights of regions, and of all readings, with a region or without.
        self._regions: dict[str, float] = defaultdict(float)
        self._total = 0.0

    def add(self, plate: Plate, weight: float = 1.0) -> None:
        """Add a reading."""
        layout, weight = (len(plate.chars), plate.lines), weight * plate.confidence
        places = self._places.setdefault(layout, [defaultdict(float) for _ in plate.chars])
        self._weights[layout] += weight
        for votes, char in zip(places, plate.chars, strict=True):
            votes[char.char] += weight * char.confidence
            for other, share in char.alternatives:
                votes[other] += weight * share
        ends = np.array([(char.x0, char.x1, 1.0) for char in plate.chars], np.float64)
        self._add_spaces(layout, weight * np.where(np.isnan(ends).any(1, keepdims=True), 0.0, ends))
        self._total += weight
        if plate.region:
            for code, share in ((plate.region.code, plate.region.confidence), *plate.region.alternatives):
                self._regions[code] += weight * share
        if plate.groups is not None:
            self._groups.setdefault(layout, defaultdict(float))[tuple(map(len, plate.groups))] += weight

    def _add_spaces(self, layout: tuple[int, int], ends: NDArray[np.float64]) -> None:
        self._ends[layout] = self._ends.get(layout, 0.0) + ends

    def scale(self, factor: float) -> None:
        """Multiply the weight of all readings so far."""
        self._total *= factor
        for code in self._regions:
            self._regions[code] *= factor
        for layout in self._weights:
            self._weights[layout] *= factor
            self._ends[layout] *= factor
            for votes in self._places[layout]:
                for char in votes:
                    votes[char] *= factor
            groups = self._groups.get(layout, {})
            for lengths in groups:
                groups[lengths] *= factor

    def merge(self, other: TextVote) -> None:
        """Add all readings of another vote."""
        self._total += other._total
        for code, value in other._regions.items():
            self._regions[code] += value
        for layout, weight in other._weights.items():
            self._weights[layout] += weight
            places = self._places.setdefault(layout, [defaultdict(float) for _ in range(layout[0])])
            for votes, added in zip(places, other._places[layout], strict=True):
                for char, value in added.items():
                    votes[char] += value
            self._add_spaces(layout, other._ends[layout])
            for lengths, value in other._groups.get(layout, {}).items():
                self._groups.setdefault(layout, defaultdict(float))[lengths] += value

    def result(self, corners: tuple[tuple[float, float], ...]) -> Plate:
        """The winning plate, with these corners; needs at least one reading."""
        layout = max(self._weights, key=lambda layout: self._weights[layout])
        total, chars = self._weights[layout], []
        for votes, (x0, x1, seen) in zip(self._places[layout], self._ends[layout].tolist(), strict=True):
            # An unknown character votes twice: as unknown, which comes first, and as its most likely class.
            winner = max(votes, key=lambda char: votes[char])
            ranked = sorted(
                ((c, v / total) for c, v in votes.items() if c and c != winner), key=_negative_weight
            )
            alternatives = tuple(ranked[:ALTERNATIVES])
            extent = ready((x0 / seen, x1 / seen)) if seen else NOWHERE
            chars.append(Char(winner, votes[winner] / total, alternatives, extent=extent))
        plate = plate_of(tuple(chars), corners, layout[1], self._cuts(layout))
        return dataclasses.replace(plate, origin=ready(self._region()))

    def _region(self) -> PlateRegion | None:
        """The region with the most weight; None if it has less than half."""
        ranked = sorted(
            ((code, value / self._total) for code, value in self._regions.items()), key=_negative_weight
        )
        if not ranked or ranked[0][1] < MIN_REGION_WEIGHT:
            return None
        return PlateRegion(*ranked[0], tuple(ranked[1 : 1 + ALTERNATIVES]))

    def _cuts(self, layout: tuple[int, int]) -> list[int] | None:
        """The starts of groups by majority, among the readings that have groups."""
        groups = self._groups.get(layout, {})
        lengths = max(groups, key=lambda lengths: groups[lengths], default=())
        if not lengths or 2 * groups[lengths] <= sum(groups.values()):
            return None
        return [*accumulate(lengths)][:-1]


def _negative_weight(pair: tuple[str, float]) -> float:
    return -pair[1]
