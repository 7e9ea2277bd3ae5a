"""Readings of one plate, added up."""

from __future__ import annotations

from collections import defaultdict

from plate_ocr.readers.results import ALTERNATIVES, Char, Plate, plate_of


class TextVote:
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
        layout, weight = (len(plate.chars), plate.lines), weight * plate.confidence
        places = self._places.setdefault(layout, [defaultdict(float) for _ in plate.chars])
        self._weights[layout] += weight
        for votes, char in zip(places, plate.chars, strict=True):
            votes[char.char] += weight * char.confidence
            for other, share in char.alternatives:
                votes[other] += weight * share

    def merge(self, other: TextVote) -> None:
        """Add all readings of another vote."""
        for layout, weight in other._weights.items():
            self._weights[layout] += weight
            places = self._places.setdefault(layout, [defaultdict(float) for _ in range(layout[0])])
            for votes, added in zip(places, other._places[layout], strict=True):
                for char, value in added.items():
                    votes[char] += value

    def result(self, corners: tuple[tuple[float, float], ...]) -> Plate:
        """The plate that was voted for, with these corners; at least one reading was added."""
        layout = max(self._weights, key=lambda layout: self._weights[layout])
        total, chars = self._weights[layout], []
        for votes in self._places[layout]:
            # An unknown character is in the votes twice: as unknown, which comes first, and as its likeliest.
            winner = max(votes, key=lambda char: votes[char])
            ranked = sorted(
                ((c, v / total) for c, v in votes.items() if c and c != winner), key=_negative_weight
            )
            chars.append(Char(winner, votes[winner] / total, tuple(ranked[:ALTERNATIVES])))
        return plate_of(tuple(chars), corners, layout[1])


def _negative_weight(pair: tuple[str, float]) -> float:
    return -pair[1]
