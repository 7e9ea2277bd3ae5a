"""How well plates and characters are read: readings laid against what is written."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from plate_ocr.readers.results import Char, Reading
from plate_ocr.text import fold, pair_up, right_characters
from plate_ocr.vision.geometry import overlap

TOP = 3
"""Right characters are looked for among so many of the likeliest."""

MATCH_IOU = 0.5
"""A plate is found where intersection over union is at least so much."""


def calibration_gap(confidences: NDArray[np.float32], right: NDArray[np.bool_], bins: int = 15) -> float:
    """Expected calibration error: mean gap between confidence and accuracy over equal bins of
    confidence, weighted by their size (Naeini et al., 2015).

    Args:
        confidences: float32 ``(N,)``, 0..1.
        right: bool ``(N,)``.
        bins: how many.

    Returns:
        0..1; 0 where N is 0.
    """
    place = np.minimum((confidences * bins).astype(int), bins - 1)
    gaps = np.zeros(bins)
    np.add.at(gaps, place, right - confidences.astype(np.float64))
    return float(np.abs(gaps).sum() / max(1, len(right)))


def accuracy(
    probabilities: NDArray[np.float32], labels: NDArray[np.int64], min_confidence: float = 0.0
) -> float:
    """Share of pictures whose likeliest class is right and sure enough; "unknown" counts as wrong."""
    right = (probabilities.argmax(1) == labels) & (probabilities.max(1) >= max(min_confidence, 1e-9))
    return float(right.mean())


def top_k(probabilities: NDArray[np.float32], labels: NDArray[np.int64], k: int) -> float:
    """Share of pictures whose class is among the k likeliest."""
    ranked = np.argsort(-probabilities, axis=1, kind="stable")
    among = (ranked[:, :k] == labels[:, None]).any(1)
    return float((among & (probabilities.max(1) > 0)).mean())


def confusion_matrix(probabilities: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """int64 ``(classes, classes)``: how often row's character was read as column's."""
    classes = probabilities.shape[1]
    read = probabilities.max(1) > 0
    cells = labels[read] * classes + probabilities[read].argmax(1)
    return np.bincount(cells, minlength=classes * classes).reshape(classes, classes)


def class_calibration_error(
    probabilities: NDArray[np.float32], labels: NDArray[np.int64], bins: int = 15
) -> float:
    """How far confidences are from accuracies: see :func:`calibration_gap`."""
    confidence = probabilities.max(1)
    right = (probabilities.argmax(1) == labels) & (confidence > 0)
    return calibration_gap(confidence, right, bins)


def match_boxes(
    corners: Sequence[Sequence[tuple[float, float]]], boxes: Sequence[tuple[float, float, float, float]]
) -> list[int | None]:
    """Which of the plates that were read lies where a labelled one is, the best match first.

    Args:
        corners: four of each plate that was read; the upright box round them counts.
        boxes: left, top, width and height of each labelled plate, pixels.

    Returns:
        For each box the index of its plate; None where intersection over union is below :data:`MATCH_IOU`.
        Each plate is matched once.
    """
    hulls = [_upright(*np.min(plate, axis=0), *np.ptp(plate, axis=0)) for plate in corners]
    pairs = [
        (overlap(_upright(*box), hull), i, j) for i, box in enumerate(boxes) for j, hull in enumerate(hulls)
    ]
    matches: dict[int, int] = {}
    for iou, i, j in sorted(pairs, key=lambda pair: -pair[0]):
        if iou >= MATCH_IOU and i not in matches and j not in matches.values():
            matches[i] = j
    return [matches.get(i) for i in range(len(boxes))]


def _upright(left: float, top: float, width: float, height: float) -> NDArray[np.float64]:
    """Corners of an upright box, ``(4, 2)``."""
    return np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * [width, height] + [left, top]


@dataclass(frozen=True)
class Outcome:
    """A plate that was read.

    Attributes:
        name: of the picture.
        wanted: what is written on it.
        reading: what was read.
        region: where it is from; empty where nothing says so.
    """

    name: str
    wanted: str
    reading: Reading
    region: str = ""

    @property
    def chars(self) -> tuple[Char, ...]:
        """The characters that were read; none where no plate was found."""
        return self.reading.plates[0].chars if self.reading.plates else ()

    @property
    def text(self) -> str:
        """What was read, ``?`` for an unknown character; empty where no plate was found."""
        return self.reading.plates[0].text if self.reading.plates else ""

    def is_right(self, *, folded: bool = False) -> bool:
        """Whether every character is right; folded: with O=0 and I=1."""
        if folded:
            return fold(self.text) == fold(self.wanted)
        return self.text == self.wanted


@dataclass(frozen=True)
class Share:
    """How many plates there are of a kind, and the share of them of which every character is right."""

    count: int
    accuracy: float


@dataclass(frozen=True)
class Confusion:
    """How often a character was read as another: ``wanted`` is empty where there is none, ``read`` where
    it was passed over.
    """

    wanted: str
    read: str
    count: int


@dataclass(frozen=True)
class PlateFigures:
    """How well plates were read; unknown characters and plates that were not found count as misread.

    Attributes:
        plates: how many.
        accuracy: share of plates of which every character is right.
        folded_accuracy: the same with O=0 and I=1.
        character_accuracy: 1 less the changes that make the readings right, by the characters written; not
            less than 0.
        character_top3: share of the characters written whose likeliest three readings have the right one.
        calibration_error: of the characters that were read, see :func:`calibration_gap`.
        not_found: plates of which nothing was read.
        ms: time to decode and read a picture, median, milliseconds.
        lengths: plates of each length, by the characters written.
        regions: plates of each region, where regions are named.
        confusions: the commonest first.
    """

    plates: int
    accuracy: float
    folded_accuracy: float
    character_accuracy: float
    character_top3: float
    calibration_error: float
    not_found: int
    ms: float
    lengths: dict[str, Share]
    regions: dict[str, Share]
    confusions: tuple[Confusion, ...]

    @classmethod
    def of(cls, outcomes: Sequence[Outcome]) -> PlateFigures:
        """Measure readings, at least one."""
        pairs = [list(_characters(outcome)) for outcome in outcomes]
        written = sum(len(outcome.wanted) for outcome in outcomes)
        wrong = Counter(
            (wanted, (char.char or "?") if char else "")
            for wanted, char in chain.from_iterable(pairs)
            if char is None or char.char != wanted
        )
        among = sum(
            char is not None and wanted in _likeliest(char)
            for wanted, char in chain.from_iterable(pairs)
            if wanted
        )
        ranked = sorted(wrong.items(), key=lambda item: (-item[1], item[0]))
        return cls(
            plates=len(outcomes),
            accuracy=float(np.mean([outcome.is_right() for outcome in outcomes])),
            folded_accuracy=float(np.mean([outcome.is_right(folded=True) for outcome in outcomes])),
            character_accuracy=max(0.0, 1 - wrong.total() / written),
            character_top3=among / written,
            calibration_error=calibration_error(outcomes),
            not_found=sum(not outcome.text for outcome in outcomes),
            ms=float(np.median([outcome.reading.ms for outcome in outcomes])),
            lengths=_shares(outcomes, lambda outcome: f"{len(outcome.wanted)}"),
            regions=_shares(outcomes, lambda outcome: outcome.region),
            confusions=tuple(Confusion(*pair, count) for pair, count in ranked),
        )


def calibration_error(outcomes: Iterable[Outcome], *, folded: bool = False) -> float:
    """Gap between the characters' confidence and the share of right ones; unknown ones say nothing."""
    return calibration_gap(*judged_characters(outcomes, folded=folded))


def judged_characters(
    outcomes: Iterable[Outcome], *, folded: bool = False
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Confidence of each character that was read, and whether it is right; unknown ones are left out."""
    confidences, right = [], []
    for outcome in outcomes:
        text, wanted = outcome.text, outcome.wanted
        if folded:
            text, wanted = fold(text), fold(wanted)
        for char, value in zip(outcome.chars, right_characters(text, wanted), strict=True):
            if char.char is not None:
                confidences.append(char.confidence)
                right.append(value)
    return np.array(confidences, np.float32), np.array(right, bool)


def _characters(outcome: Outcome) -> Iterable[tuple[str, Char | None]]:
    """Each character written and what it was read as; an empty one where one is too many."""
    for i, j in pair_up(outcome.text, outcome.wanted):
        yield "" if j is None else outcome.wanted[j], None if i is None else outcome.chars[i]


def _likeliest(char: Char) -> list[str]:
    ranked = [] if char.char is None else [char.char]
    return [*ranked, *(other for other, _ in char.alternatives)][:TOP]


def _shares(outcomes: Iterable[Outcome], kind: Callable[[Outcome], str]) -> dict[str, Share]:
    """Plates of each kind that has a name, the names in order."""
    right: dict[str, list[bool]] = defaultdict(list)
    for outcome in outcomes:
        if name := kind(outcome):
            right[name].append(outcome.is_right())
    order = sorted(right, key=lambda name: (len(name), name) if name.isdecimal() else (0, name))
    return {name: Share(len(right[name]), float(np.mean(right[name]))) for name in order}
