"""Readings of one plate, added up."""

from __future__ import annotations

from collections import defaultdict

from plate_ocr.readers.results import ALTERNATIVES, Char, Plate, plate_of


class Vote:
    """Readings of one plate, added up: its memory does not grow with them.

    A reading counts as much as it is sure. The number of characters with the most weight wins, and of its
    readings at each place the character with the most. The confidence of a character is the weighted mean of
    its probability in those readings.
    """

    def __init__(self) -> None:
        # By number of characters and of lines: the weight, and the characters' weights at each place.
        self._weights: dict[tuple[int, int], float] = defaultdict(float)
        self._places: dict[tuple[int, int], list[dict[str | None, float]]] = {}

    def add(self, plate: Plate, weight: float = 1.0) -> None:
        """Add a reading."""
        kind, weight = (len(plate.chars), plate.lines), weight * plate.confidence
        places = self._places.setdefault(kind, [defaultdict(float) for _ in plate.chars])
        self._weights[kind] += weight
        for votes, char in zip(places, plate.chars, strict=True):
            votes[char.char] += weight * char.confidence
            for other, share in char.alternatives:
                votes[other] += weight * share

    def join(self, other: Vote) -> None:
        """Add all readings of another vote."""
        for kind, weight in other._weights.items():
            self._weights[kind] += weight
            places = self._places.setdefault(kind, [defaultdict(float) for _ in range(kind[0])])
            for votes, added in zip(places, other._places[kind], strict=True):
                for char, value in added.items():
                    votes[char] += value

    def result(self, corners: tuple[tuple[float, float], ...]) -> Plate:
        """The plate that was voted for, with these corners; at least one reading was added."""
        kind = max(self._weights, key=lambda kind: self._weights[kind])
        total, chars = self._weights[kind], []
        for votes in self._places[kind]:
            # An unknown character is in the votes twice: as unknown, which comes first, and as its likeliest.
            winner = max(votes, key=lambda char: votes[char])
            ranked = sorted(((c, v / total) for c, v in votes.items() if c and c != winner), key=_share)
            chars.append(Char(winner, votes[winner] / total, tuple(ranked[:ALTERNATIVES])))
        return plate_of(tuple(chars), corners, kind[1])


def _share(pair: tuple[str, float]) -> float:
    return -pair[1]
