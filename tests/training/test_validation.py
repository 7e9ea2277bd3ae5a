"""Checking a data set without training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from plate_ocr.alphabet import Alphabet
from plate_ocr.errors import DataError
from plate_ocr.training.characters.dataset import Problem
from plate_ocr.training.characters.validation import Validation, problem_lines, validate
from plate_ocr.vision.settings import Preprocessing


def save(path: Path, seed: int, height: int = 20, width: int = 14, change: int = 0) -> None:
    picture = np.random.default_rng(seed).integers(30, 220, (height, width), np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    PIL.Image.fromarray(picture + np.uint8(change)).save(path)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Ten pictures each of A and B, of which half are taller."""
    for i in range(20):
        save(tmp_path / "data" / "AB"[i % 2] / f"{i // 2}-{i}.png", i, height=20 + 10 * (i // 10))
    return tmp_path / "data"


def check(data: Path, group: str = "") -> Validation:
    return validate(
        data, Alphabet("ABC"), Preprocessing(), group=group, val_fraction=0.2, test_fraction=0.2, seed=0
    )


def kinds(result: Validation) -> list[str]:
    return [problem.category for problem in result.problems]


def test_a_good_data_set(data: Path) -> None:
    result = check(data)
    assert result.lines() == [
        "problems: 0",
        "pictures: 20 usable of 20, in 20 groups",
        "classes: 2",
        "pictures of each: A 10, B 10",
        "height: 20 to 30 pixels, median 25",
        "width: 14 to 14 pixels, median 14",
        "split: 12 to learn from, 4 to choose by, 4 to measure on",
    ]


def test_groups_stay_together(data: Path) -> None:
    assert check(data, r"^(\d+)-").groups == 10


def test_every_problem_is_named(data: Path) -> None:
    save(data / "C" / "only.png", 50)
    (data / "A" / "broken.png").write_bytes(b"no picture")
    save(data / "Z" / "1.png", 51)
    (data / "B" / "copy.png").write_bytes((data / "A" / "0-0.png").read_bytes())
    result = check(data)
    assert sorted(kinds(result)) == [
        "class with one picture",
        "same picture under two labels",
        "same picture under two labels",
        "unknown label",
        "unreadable picture",
    ]
    assert (result.listed, result.pictures) == (24, 20)
    assert result.lines()[0].startswith("problems: 5 (")


def test_near_copies_are_found(data: Path) -> None:
    for i in range(20):
        save(data / "AB"[i % 2] / f"copy{i}.png", i, height=20 + 10 * (i // 10), change=1)
    assert set(kinds(check(data))) == {"near-copy across the split"}


@pytest.mark.parametrize(("classes", "says"), [("A", "only 'A'"), ("Z", "none")])
def test_too_few_classes_are_a_problem(tmp_path: Path, classes: str, says: str) -> None:
    for i, char in enumerate(classes * 5):
        save(tmp_path / char / f"{i}.png", i)
    last = check(tmp_path).problems[-1]
    assert (last.category, last.location) == ("too few classes", str(tmp_path))
    assert says in last.detail


def test_data_sets_that_are_none(data: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no data set"):
        check(tmp_path / "nothing")
    with pytest.raises(DataError, match="no regular expression"):
        check(data, "(")
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(DataError, match="no column image_path"):
        check(tmp_path / "empty.csv")


def test_problems_are_shown_by_kind() -> None:
    problems = [Problem(category, f"{i}.png", "why") for i, category in enumerate("abab")]
    assert problem_lines(problems) == ["0.png: a: why", "2.png: a: why", "1.png: b: why", "3.png: b: why"]
    assert problem_lines(problems, 1, ", see there") == [
        "0.png: a: why",
        "... and 1 more of this kind, see there",
        "1.png: b: why",
        "... and 1 more of this kind, see there",
    ]
