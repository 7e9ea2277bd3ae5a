"""Looking labelled plates over without training: what is wrong with them, and what is in them."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from plate_ocr.alphabet import Alphabet
from plate_ocr.labels import list_plates
from plate_ocr.metrics import Sample
from plate_ocr.readers.results import Reading
from plate_ocr.text import fold_lookalikes
from plate_ocr.training.plates.config import PlateRunConfig
from plate_ocr.training.plates.dataset import RealPlate, load_plates, split_plates
from plate_ocr.vision.images import Image

SURE = 0.95
"""A label is doubted where another text is read and no character has a lower confidence."""

THUMBNAIL = (48, 12)
"""Width and height at which pictures are compared, pixels."""

TOLERANCE = 6.0
"""Largest root mean square difference of near-copies, grey levels."""


@dataclass(frozen=True)
class PlateValidation:
    """What is in a data set of plates and what is wrong with it.

    Attributes:
        plates: that can be trained on.
        parts: how many of them are to train on, to choose by and to measure on.
        problems: a sentence for each.
        suspects: plates whose labels the reader contradicts.
    """

    plates: tuple[RealPlate, ...]
    parts: tuple[int, int, int]
    problems: tuple[str, ...]
    suspects: tuple[Sample, ...]

    def lines(self) -> list[str]:
        """What there is, for people."""
        texts = [plate.label.text for plate in self.plates]
        lines = [
            f"problems: {len(self.problems):,}",
            f"plates: {len(texts):,} pictures of {len(set(texts)):,} texts",
        ]
        if not texts:
            return lines
        heights, widths = zip(*(_size(plate) for plate in self.plates), strict=True)
        return [
            *lines,
            f"lengths: {_histogram(len(text) for text in texts)}",
            f"characters: {_histogram(char for text in texts for char in text)}",
            f"regions: {_histogram(plate.label.region or 'none' for plate in self.plates)}",
            *(
                f"{name}: {min(sides)} to {max(sides)} pixels, median {np.median(sides):.0f}"
                for name, sides in (("height", heights), ("width", widths))
            ),
            "split: {:,} to train on, {:,} to choose by, {:,} to measure on".format(*self.parts),
        ]


def validate_plates(
    data: Path, alphabet: Alphabet, read: Callable[[Sequence[Image]], Sequence[Reading]]
) -> PlateValidation:
    """Check labelled plates.

    Args:
        data: as :func:`plate_ocr.labels.list_plates` takes it.
        alphabet: the characters that a label may hold.
        read: reads crops of plates, uint8 ``(H, W)`` each.

    Raises:
        DataError: if there is no such data set or nothing in it.
    """
    labels, problems = list_plates(data, alphabet)
    plates, unusable = load_plates(labels)
    problems += unusable
    problems += _near_copies(plates)
    suspects = []
    crops = [plate.crop() for plate in plates]
    for plate, reading in zip(plates, read(crops), strict=True):
        label, found = plate.label, next(iter(reading.plates), None)
        if not found or found.min_confidence < SURE:
            continue
        if fold_lookalikes(found.text) != fold_lookalikes(label.text):
            problems.append(f"{label.location}: {label.text} is read as {found.text} {found.confidence:.2f}")
            found = dataclasses.replace(found, corners=plate.corners)
            doubted = Reading(*plate.size, reading.ms, (found,))
            suspects.append(Sample(str(label.path), label.text, doubted, label.region, label.box))
    split = split_plates(plates, PlateRunConfig())
    parts = len(split.train), len(split.validation), len(split.test)
    return PlateValidation(tuple(plates), parts, tuple(problems), tuple(suspects))


def _near_copies(plates: Sequence[RealPlate]) -> list[str]:
    """Pictures that are nearly the same under different texts, which a split puts on different sides."""
    if not plates:
        return []
    small = np.stack([cv2.resize(p.crop(), THUMBNAIL, interpolation=cv2.INTER_AREA).ravel() for p in plates])
    small = small.astype(np.float32)
    texts = np.array([plate.label.text for plate in plates])
    problems = []
    for i in range(1, len(plates)):
        distance: NDArray[np.float32] = np.sqrt(np.square(small[:i] - small[i]).mean(1))
        for j in np.flatnonzero((distance < TOLERANCE) & (texts[:i] != texts[i]))[:1]:
            other = plates[int(j)].label
            label = plates[i].label
            problems.append(
                f"{label.location}: nearly the same picture as {other.location}, "
                f"with the text {label.text} instead of {other.text}"
            )
    return problems


def _size(plate: RealPlate) -> tuple[int, int]:
    """Height and width of a plate, or of its crop, pixels."""
    if plate.label.box is None:
        return plate.picture.shape[0], plate.picture.shape[1]
    return round(plate.label.box[3]), round(plate.label.box[2])


def _histogram(values: Iterable[object]) -> str:
    """Counts by value, in order of the values."""
    counts = Counter(values)
    order = sorted(counts, key=lambda value: (value if isinstance(value, int) else 0, str(value)))
    return ", ".join(f"{value} {counts[value]:,}" for value in order)
