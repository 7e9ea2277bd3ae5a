"""How well plates and characters are read: readings laid against what is written."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from plate_ocr.readers.results import Char, Reading
from plate_ocr.text import arabic_digits, correct_characters, edit_alignment, fold_lookalikes
from plate_ocr.vision.geometry import overlap

TOP = 3
"""Right characters are looked for among so many of the likeliest."""

MATCH_IOU = 0.5
"""A plate is found where intersection over union is at least so much."""


def expected_calibration_error(
    confidences: NDArray[np.float32], correct: NDArray[np.bool_], bins: int = 15
) -> float:
    """Expected calibration error: mean gap between confidence and accuracy over equal bins of
    confidence, weighted by their size (Naeini et al., 2015).

    Args:
        confidences: float32 ``(N,)``, 0..1.
        correct: bool ``(N,)``.
        bins: how many.

    Returns:
        0..1; 0 where N is 0.
    """
    place = np.minimum((confidences * bins).astype(int), bins - 1)
    gaps = np.zeros(bins)
    np.add.at(gaps, place, correct - confidences.astype(np.float64))
    return float(np.abs(gaps).sum() / max(1, len(correct)))


def accuracy(
    probabilities: NDArray[np.float32], labels: NDArray[np.int64], min_confidence: float = 0.0
) -> float:
    """Share of pictures whose likeliest class is right and sure enough; "unknown" counts as wrong."""
    correct = (probabilities.argmax(1) == labels) & (probabilities.max(1) >= max(min_confidence, 1e-9))
    return float(correct.mean())


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
    """How far confidences are from accuracies: see :func:`expected_calibration_error`."""
    confidence = probabilities.max(1)
    correct = (probabilities.argmax(1) == labels) & (confidence > 0)
    return expected_calibration_error(confidence, correct, bins)


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
class SearchedPhoto:
    """A photo in which plates were looked for.

    Attributes:
        name: of the picture.
        labelled: corners of its plates, float64 ``(N, 4, 2)``, pixels.
        found: corners of what was found, float64 ``(M, 4, 2)``, pixels.
        matches: for each plate the index of what was found there, as of :func:`match_boxes`; None: missed.
        partial: whether there may be plates that are not labelled: nothing that was found is extra then.
    """

    name: str
    labelled: NDArray[np.float64]
    found: NDArray[np.float64]
    matches: Sequence[int | None]
    partial: bool = False

    @property
    def missed(self) -> NDArray[np.float64]:
        """Corners of the plates that were not found."""
        return self.labelled[[match is None for match in self.matches]]

    @property
    def extra(self) -> NDArray[np.float64]:
        """Corners of what was found where no plate is."""
        if self.partial:
            return self.found[:0]
        return np.delete(self.found, [match for match in self.matches if match is not None], 0)


@dataclass(frozen=True)
class Sample:
    """A plate that was read.

    Attributes:
        name: of the picture.
        target: what is written on it.
        reading: what was read.
        region: where it is from; empty where nothing says so.
        box: left, top, width and height in the picture, pixels; None where nothing says so.
    """

    name: str
    target: str
    reading: Reading
    region: str = ""
    box: tuple[float, float, float, float] | None = None

    @property
    def chars(self) -> tuple[Char, ...]:
        """The characters that were read, as texts are compared; none where no plate was found."""
        chars = self.reading.plates[0].chars if self.reading.plates else ()
        return tuple(replace(char, char=char.char and arabic_digits(char.char)) for char in chars)

    @property
    def text(self) -> str:
        """What was read, as texts are compared, ``?`` for an unknown character; empty without a plate."""
        return arabic_digits(self.reading.plates[0].text) if self.reading.plates else ""

    def is_correct(self, *, folded: bool = False) -> bool:
        """Whether every character is right; folded: with O=0 and I=1."""
        if folded:
            return fold_lookalikes(self.text) == fold_lookalikes(self.target)
        return self.text == self.target


@dataclass(frozen=True)
class GroupAccuracy:
    """How many plates there are of a kind, and the share of them of which every character is right."""

    count: int
    accuracy: float


@dataclass(frozen=True)
class Confusion:
    """Count of one confusion; empty ``target`` = insertion, empty ``read`` = deletion."""

    target: str
    read: str
    count: int


@dataclass(frozen=True)
class PlateMetrics:
    """How well plates were read; unknown characters and plates that were not found count as misread.

    Attributes:
        plates: how many.
        accuracy: share of plates of which every character is right.
        folded_accuracy: the same with O=0 and I=1.
        character_accuracy: 1 less the changes that make the readings right, by the characters written; not
            less than 0.
        character_top3: share of the characters written whose likeliest three readings have the right one.
        calibration_error: of the characters that were read, see :func:`expected_calibration_error`.
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
    lengths: dict[str, GroupAccuracy]
    regions: dict[str, GroupAccuracy]
    confusions: tuple[Confusion, ...]

    @classmethod
    def of(cls, samples: Sequence[Sample]) -> PlateMetrics:
        """Measure readings, at least one."""
        pairs = [list(_characters(sample)) for sample in samples]
        written = sum(len(sample.target) for sample in samples)
        wrong = Counter(
            (target, (char.char or "?") if char else "")
            for target, char in chain.from_iterable(pairs)
            if char is None or char.char != target
        )
        among = sum(
            char is not None and target in _likeliest(char)
            for target, char in chain.from_iterable(pairs)
            if target
        )
        ranked = sorted(wrong.items(), key=lambda item: (-item[1], item[0]))
        return cls(
            plates=len(samples),
            accuracy=float(np.mean([sample.is_correct() for sample in samples])),
            folded_accuracy=float(np.mean([sample.is_correct(folded=True) for sample in samples])),
            character_accuracy=max(0.0, 1 - wrong.total() / written),
            character_top3=among / written,
            calibration_error=calibration_error(samples),
            not_found=sum(not sample.text for sample in samples),
            ms=float(np.median([sample.reading.ms for sample in samples])),
            lengths=_group_accuracies(samples, lambda sample: f"{len(sample.target)}"),
            regions=_group_accuracies(samples, lambda sample: sample.region),
            confusions=tuple(Confusion(*pair, count) for pair, count in ranked),
        )


def calibration_error(samples: Iterable[Sample], *, folded: bool = False) -> float:
    """Gap between the characters' confidence and the share of right ones; unknown ones say nothing."""
    return expected_calibration_error(*judged_characters(samples, folded=folded))


def judged_characters(
    samples: Iterable[Sample], *, folded: bool = False
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Confidence of each character that was read, and whether it is right; unknown ones are left out."""
    confidences, correct = [], []
    for sample in samples:
        text, target = sample.text, sample.target
        if folded:
            text, target = fold_lookalikes(text), fold_lookalikes(target)
        for char, value in zip(sample.chars, correct_characters(text, target), strict=True):
            if char.char is not None:
                confidences.append(char.confidence)
                correct.append(value)
    return np.array(confidences, np.float32), np.array(correct, bool)


def _characters(sample: Sample) -> Iterable[tuple[str, Char | None]]:
    """Each character written and what it was read as; an empty one where one is too many."""
    chars = sample.chars
    for i, j in edit_alignment(sample.text, sample.target):
        yield "" if j is None else sample.target[j], None if i is None else chars[i]


def _likeliest(char: Char) -> list[str]:
    ranked = [] if char.char is None else [char.char]
    return [*ranked, *(other for other, _ in char.alternatives)][:TOP]


def _group_accuracies(
    samples: Iterable[Sample], group_of: Callable[[Sample], str]
) -> dict[str, GroupAccuracy]:
    """Plates of each kind that has a name, the names in order."""
    correct: dict[str, list[bool]] = defaultdict(list)
    for sample in samples:
        if name := group_of(sample):
            correct[name].append(sample.is_correct())
    order = sorted(correct, key=lambda name: (len(name), name) if name.isdecimal() else (0, name))
    return {name: GroupAccuracy(len(correct[name]), float(np.mean(correct[name]))) for name in order}
