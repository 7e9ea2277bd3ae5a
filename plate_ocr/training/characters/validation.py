"""Looking a data set over without training: what is wrong with it, and what is in it."""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from plate_ocr.alphabet import Alphabet
from plate_ocr.training.characters.dataset import (
    Problem,
    char_data,
    list_samples,
    near_copies,
    normalize_polarity,
    read_samples,
    split_data,
)
from plate_ocr.vision.settings import Preprocessing


@dataclass(frozen=True)
class Validation:
    """What is in a data set and what is wrong with it.

    Attributes:
        listed: pictures that it names.
        counts: usable pictures of each class, in the alphabet's order.
        groups: plates, or pictures that stand alone.
        heights: of the usable pictures, pixels: least, median and most.
        widths: the same.
        parts: usable pictures to learn from, to choose by and to measure on.
        problems: what is wrong.
    """

    listed: int
    counts: Mapping[str, int]
    groups: int
    heights: tuple[float, float, float]
    widths: tuple[float, float, float]
    parts: tuple[int, int, int]
    problems: tuple[Problem, ...]

    @property
    def pictures(self) -> int:
        """How many are usable."""
        return sum(self.counts.values())

    def lines(self) -> list[str]:
        """What there is, for people."""
        by_category = Counter(problem.category for problem in self.problems)
        found = ", ".join(f"{category} {count:,}" for category, count in by_category.items())
        lines = [
            f"problems: {len(self.problems):,}" + (f" ({found})" if found else ""),
            f"pictures: {self.pictures:,} usable of {self.listed:,}, in {self.groups:,} groups",
            f"classes: {len(self.counts)}",
        ]
        if self.counts:
            lines += [
                "pictures of each: " + ", ".join(f"{char} {count:,}" for char, count in self.counts.items()),
                *(
                    f"{name}: {least:g} to {most:g} pixels, median {median:g}"
                    for name, (least, median, most) in (("height", self.heights), ("width", self.widths))
                ),
                "split: {:,} to learn from, {:,} to choose by, {:,} to measure on".format(*self.parts),
            ]
        return lines


def validate(
    data: Path,
    known: Alphabet,
    settings: Preprocessing,
    *,
    group: str = "",
    val_fraction: float,
    test_fraction: float,
    seed: int,
) -> Validation:
    """Check a data set as a training run would, and count what is in it.

    Args:
        data: a folder with one folder of pictures per class, or a CSV file ``image_path,label``.
        known: the characters that a label may be.
        settings: the preprocessing to look for near-copies with.
        group: regular expression for file names; its first group names the plate.
        val_fraction: fraction of the data for validation.
        test_fraction: fraction of the data for the test.
        seed: random seed of the split.

    Raises:
        DataError: if there is no such data set, nothing is in it, or ``group`` has a mistake.
    """
    samples, problems = list_samples(data, group)
    good, unusable = read_samples(samples, known)
    problems += unusable
    found = Counter(sample.label for sample, _ in good)
    counts = {char: found[char] for char in known.characters if found[char]}
    if len(counts) < 2:
        there = f"only {next(iter(counts))!r}" if counts else "none"
        problems.append(Problem("too few classes", str(data), f"a classifier needs two at least; {there}"))
    if not good:
        nothing = (0.0, 0.0, 0.0)
        return Validation(len(samples), counts, 0, nothing, nothing, (0, 0, 0), tuple(problems))
    chars = char_data(good, known, settings)
    bright = normalize_polarity(chars.stack, chars.labels, settings)
    split = split_data(
        dataclasses.replace(chars, stack=bright),
        val_fraction=val_fraction,
        test_fraction=test_fraction,
        seed=seed,
    )
    problems += near_copies(split)
    learnt, chosen, measured = map(len, split.parts)
    return Validation(
        len(samples),
        counts,
        len(np.unique(chars.groups)),
        _spread([picture.shape[0] for _, picture in good]),
        _spread([picture.shape[1] for _, picture in good]),
        (learnt, chosen, measured),
        tuple(problems),
    )


def problem_lines(problems: Sequence[Problem], shown: int | None = None, more: str = "") -> list[str]:
    """A line for each problem, those of a kind together.

    Args:
        problems: in any order.
        shown: of each kind, at most; by default all.
        more: where the others are, for the line that counts them.
    """
    by_category: dict[str, list[Problem]] = defaultdict(list)
    for problem in problems:
        by_category[problem.category].append(problem)
    lines: list[str] = []
    for same in by_category.values():
        lines += map(str, same[:shown])
        if shown is not None and len(same) > shown:
            lines.append(f"... and {len(same) - shown} more of this kind{more}")
    return lines


def _spread(lengths: Sequence[int]) -> tuple[float, float, float]:
    return float(min(lengths)), float(np.median(lengths)), float(max(lengths))
