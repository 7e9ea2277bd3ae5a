"""What other readers' clients want of a plate: other texts that it may have, a box, a region."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from plate_ocr.alphabet import UNKNOWN
from plate_ocr.readers.results import Plate
from plate_ocr.region_files.countries import region_code
from plate_ocr.region_files.parser import RARE
from plate_ocr.region_files.table import bundled_formats
from plate_ocr.text import normalize_text

COUNT = 10
"""How many texts a plate has at most, its own among them."""

MIN_RATIO = 0.01
"""A text that is less likely than the plate's own by this factor is not named."""


class Candidate(NamedTuple):
    """A text that a plate may have.

    Attributes:
        text: upper case; ``?`` where a character is unknown.
        score: confidence of the plate, times how likely this text is beside its own one, 0..1.
    """

    text: str
    score: float


class Box(NamedTuple):
    """The upright box around a plate, whole pixels."""

    x_min: int
    y_min: int
    x_max: int
    y_max: int


def candidates(plate: Plate, count: int = COUNT) -> list[Candidate]:
    """The likeliest texts of a plate, by the product of its characters' probabilities.

    Args:
        plate: what was read.
        count: at most so many, at least 1.

    Returns:
        The plate's own text first, then the others, the likeliest first.
    """
    texts = [("", 1.0)]
    for char in plate.chars:
        options = [(char.char or UNKNOWN, 1.0)]
        options += [(text, min(1.0, prob / max(char.confidence, 1e-6))) for text, prob in char.alternatives]
        longer = [(text + more, ratio * factor) for text, ratio in texts for more, factor in options]
        # The sort is stable: the plate's own text stays the first.
        texts = sorted(longer, key=lambda one: -one[1])[:count]
    return [Candidate(text, plate.confidence * ratio) for text, ratio in texts if ratio >= MIN_RATIO]


def box_of(plate: Plate, width: int, height: int) -> Box:
    """The box around a plate, within its picture of so many pixels."""
    corners = np.rint(np.clip(plate.corners, 0, (width, height))).astype(int)
    return Box(*corners.min(axis=0).tolist(), *corners.max(axis=0).tolist())


def detection_score(plate: Plate) -> float:
    """How sure it is that there is a plate, 0..1: where it had not to be found, as sure as its text."""
    return plate.confidence if plate.detection is None else plate.detection


def known_regions(values: Iterable[str]) -> tuple[str, ...]:
    """The codes of regions that a client names.

    Args:
        values: such as ``"it"``, ``"us-ca"``, ``"br_sp"``, ``"fr,it"`` or ``"Italy"``.

    Returns:
        Those whose formats are known, without their states, each once.
    """
    names = (name.strip().lower() for value in values for name in value.split(","))
    codes = (
        region_code(name) or name.replace("_", "-").partition("-")[0].rstrip("0123456789") for name in names
    )
    return tuple(dict.fromkeys(code for code in codes if code in bundled_formats()))


def region_of(text: str, regions: Iterable[str]) -> str:
    """The first of these regions of which a text has a format; empty where it has none."""
    return next((region for region in regions if has_format(text, region)), "")


def has_format(text: str, region: str) -> bool:
    """Whether a text, in which ``?`` may be any character, has a format of a region, given by its code.

    Personal plates, which may have any text, do not count.
    """
    return any(
        form != RARE
        and form.shortest <= len(text) <= len(form.places)
        and all(
            char == UNKNOWN or char in chars + normalize_text(chars)
            for char, chars in zip(text, places, strict=False)
        )
        for form in bundled_formats().get(region, ())
        for places in form.spelt()
    )
