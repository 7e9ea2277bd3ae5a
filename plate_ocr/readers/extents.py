"""Where the characters of a plate stand, and its groups: found when somebody asks."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import partial

import numpy as np

from plate_ocr.alphabet import Alphabet
from plate_ocr.readers.ctc import MIN_CHARS_PER_LINE, char_centers, first_line
from plate_ocr.readers.lazy import Lazy
from plate_ocr.readers.results import Extent, Plate, groups_of
from plate_ocr.readers.spacing import UNIT, cut_lines, locate_chars
from plate_ocr.readers.trace import CropAttempt


def with_extents(plate: Plate, attempts: Sequence[CropAttempt], alphabet: Alphabet) -> Plate:
    """A plate with the extents of its characters and its groups.

    They take a third of the time of reading it, so they wait until somebody asks for them.

    Args:
        plate: the plate.
        attempts: its crops; one of them gave the plate.
        alphabet: of the model.
    """
    (attempt,) = (a for a in attempts if a.reading.plate and a.reading.plate.chars is plate.chars)
    reading, three_lines = attempt.reading, attempt.three_lines
    classes, steps = zip(*reading.decoded, strict=True)
    lines = min(plate.lines, 2)
    least = 1 if three_lines else MIN_CHARS_PER_LINE
    half = first_line(reading.decoded, len(reading.probabilities), least)
    # The crop alone is kept and some of the network's output, not the whole photo.
    columns = reading.probabilities[:, np.array(classes) + 1]
    picture, points = reading.crop.picture.copy(), reading.points

    def locate() -> tuple[list[tuple[float, float]], list[int] | None]:
        text, centers = alphabet.decode(classes), char_centers(columns, steps)
        rows = [(text[:half], centers[:half]), (text[half:], centers[half:])][:lines]
        size = picture.shape[::-1]
        quads = points[:4] * size, (UNIT if three_lines else np.clip(points[4:], 0, 1)) * size
        found = locate_chars(cut_lines(picture, *quads, lines), rows)
        return three_lines.located(*found, half) if three_lines else found

    located = Lazy(locate)
    placed = tuple(
        dataclasses.replace(char, extent=Lazy(partial(_extent, located, i)))
        for i, char in enumerate(plate.chars)
    )
    grouping = Lazy(lambda: groups_of(plate.text, located()[1]))
    return dataclasses.replace(plate, chars=placed, grouping=grouping)


def _extent(located: Lazy[tuple[list[tuple[float, float]], list[int] | None]], index: int) -> Extent:
    return located()[0][index]
