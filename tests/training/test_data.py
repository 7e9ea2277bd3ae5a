"""Labelled characters: reading them, what is wrong with them, splitting, batches."""

from __future__ import annotations

import dataclasses
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from plate_ocr.alphabet import DIGITS, Alphabet
from plate_ocr.errors import DataError
from plate_ocr.training.characters.augment import Augmentation
from plate_ocr.training.characters.batches import CharBatches, RowBatches, WeightedStepSampler, class_balance
from plate_ocr.training.characters.dataset import (
    CharData,
    Problem,
    Split,
    list_samples,
    load_samples,
    near_copies,
    normalize_polarity,
    split_data,
)
from plate_ocr.training.core.schedule import BatchWarmup, DataWarmup, TrainSchedule
from plate_ocr.vision.images import Image
from plate_ocr.vision.preprocessing import CharStack, stack_characters
from plate_ocr.vision.settings import Preprocessing
from tests.conftest import CPU, draw_char, encode

KNOWN = Alphabet(DIGITS)
SETTINGS = Preprocessing()


def put(path: Path, picture: Image) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode(PIL.Image.fromarray(picture)))
    return path


def variant(char: str, number: int) -> Image:
    """The same character, another picture."""
    return draw_char(char, glyph=255 - number)


def load(path: Path, group: str = "") -> tuple[CharData, list[Problem]]:
    samples, unlisted = list_samples(path, group)
    data, unusable = load_samples(samples, KNOWN, SETTINGS)
    return data, [*unlisted, *unusable]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three pictures each of 3, 7 and 8, one folder per class."""
    for char in "378":
        for number in range(3):
            put(tmp_path / "set" / char / f"{number}.png", variant(char, number))
    return tmp_path / "set"


def test_a_folder_per_class_is_a_data_set(folder: Path) -> None:
    (folder / "3" / "notes.txt").write_text("no picture")
    put(folder / "3" / ".hidden.png", draw_char("3"))
    put(folder / ".git" / "1.png", draw_char("3"))
    (folder / "readme.md").write_text("about")
    data, problems = load(folder)
    assert problems == []
    assert KNOWN.decode(data.labels) == "333777888"
    assert data.stack.gray.shape == (9, 36, 28)
    assert [Path(name).name for name in data.names] == ["0.png", "1.png", "2.png"] * 3


def write_csv(path: Path, *lines: str, encoding: str = "utf-8") -> Path:
    path.write_text("\n".join(lines) + "\n", encoding=encoding)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_csv_file_is_a_data_set(folder: Path, encoding: str) -> None:
    put(folder / "车, 牌.png", draw_char("3"))
    path = write_csv(
        folder / "labels.csv",
        "image_path,label,remark",
        "8/0.png,8,",
        '"车, 牌.png",3,Chinese',
        " 7/1.png , 7 ,spaces",
        encoding=encoding,
    )
    samples, problems = list_samples(path)
    assert problems == []
    assert [sample.location for sample in samples] == [f"{path} line {line}" for line in (2, 3, 4)]
    data, _ = load_samples(samples, KNOWN, SETTINGS)
    assert KNOWN.decode(data.labels) == "837"


def test_a_csv_may_have_its_columns_in_any_order(folder: Path) -> None:
    data, problems = load(write_csv(folder / "a.csv", "label,image_path", "7,7/0.png", "7,7/1.png"))
    assert problems == []
    assert KNOWN.decode(data.labels) == "77"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda f: f / "nowhere", r"no data set .*nowhere"),
        (lambda f: f / "nowhere.csv", r"no data set .*nowhere\.csv"),
        (lambda f: f / "3", r"holds no pictures; one folder per class is expected, as in .*A/1\.png"),
        (lambda f: write_csv(f / "a.csv", "path,label", "x,3"), r"a\.csv line 1: no column image_path;"),
        (lambda f: write_csv(f / "a.csv", "a,b"), r"no column image_path and no column label"),
        (lambda f: write_csv(f / "a.csv"), r"line 1: no column"),
        (lambda f: write_csv(f / "a.csv", "image_path,label"), r"a\.csv lists no pictures"),
        (
            lambda f: write_csv(f / "a.csv", "image_path,label", "沪,3", encoding="gbk"),
            r"a\.csv line 2, byte 1 \(0xBB\) is not UTF-8",
        ),
        (lambda f: f / "3" / "0.png", r"0\.png is no CSV file"),
    ],
)
def test_what_is_no_data_set_is_refused(make: Callable[[Path], Path], message: str, folder: Path) -> None:
    with pytest.raises(DataError, match=message):
        list_samples(make(folder))


@pytest.mark.parametrize(
    ("group", "message"), [("(", "no regular expression"), (r"^\d+", "needs parentheses")]
)
def test_a_group_pattern_must_name_a_group(group: str, message: str, folder: Path) -> None:
    with pytest.raises(DataError, match=message):
        list_samples(folder, group)


def test_the_group_pattern_names_the_plate(tmp_path: Path) -> None:
    for char, name in [("3", "12-1_AB3.png"), ("7", "12-2_AB3.png"), ("7", "plate9.png"), ("8", "other.png")]:
        put(tmp_path / char / name, draw_char(char))
    samples, _ = list_samples(tmp_path, r"_(\w+)\.png|plate(\d+)")
    by_name = {sample.path.name: sample.group for sample in samples}
    assert by_name["12-1_AB3.png"] == by_name["12-2_AB3.png"] == "AB3"
    assert by_name["plate9.png"] == "9"
    assert by_name["other.png"] == str(tmp_path / "8" / "other.png")


def only(problems: list[Problem], category: str) -> list[Problem]:
    return [problem for problem in problems if problem.category == category]


def test_a_clean_data_set_has_no_problems(folder: Path) -> None:
    assert load(folder)[1] == []


def test_unreadable_pictures_are_named_and_left_out(folder: Path) -> None:
    (folder / "3" / "text.png").write_text("no picture")
    (folder / "7" / "empty.png").write_bytes(b"")
    data, problems = load(folder)
    assert len(data) == 9
    assert [problem.category for problem in problems] == ["unreadable picture"] * 2
    assert problems[0].location == str(folder / "3" / "text.png")
    assert "not a picture" in problems[0].detail
    assert "empty" in problems[1].detail
    assert str(problems[1]) == f"{folder / '7' / 'empty.png'}: unreadable picture: {problems[1].detail}"


def test_unknown_labels_are_named_and_left_out(folder: Path) -> None:
    put(folder / "Q" / "0.png", draw_char("Q"))
    data, problems = load(folder)
    assert len(data) == 9
    (problem,) = problems
    assert problem.category == "unknown label"
    assert problem.location == str(folder / "Q" / "0.png")
    assert "'Q'" in problem.detail


def test_problems_of_a_csv_name_its_lines(folder: Path) -> None:
    path = write_csv(
        folder / "a.csv",
        "image_path,label",
        "8/0.png,8",
        "8/1.png,",
        ",8",
        "8/2.png",
        "missing.png,8",
        "7/0.png,Q",
        "8/1.png,8",
    )
    data, problems = load(path)
    assert KNOWN.decode(data.labels) == "88"
    found = {(problem.category, problem.location.removeprefix(f"{path} ")) for problem in problems}
    assert found == {
        ("incomplete line", "line 3"),
        ("incomplete line", "line 4"),
        ("incomplete line", "line 5"),
        ("unreadable picture", "line 6"),
        ("unknown label", "line 7"),
    }
    (unreadable,) = only(problems, "unreadable picture")
    assert "missing.png" in unreadable.detail


def test_the_same_picture_under_two_labels_is_used_for_neither(folder: Path) -> None:
    put(folder / "3" / "copy.png", variant("8", 0))
    data, problems = load(folder)
    assert KNOWN.decode(data.labels) == "33377788"
    assert {problem.location for problem in problems} == {
        str(folder / "3" / "copy.png"),
        str(folder / "8" / "0.png"),
    }
    assert all(problem.category == "same picture under two labels" for problem in problems)
    here = next(problem for problem in problems if "copy" in problem.location)
    assert "'3' here" in here.detail
    assert str(folder / "8" / "0.png") in here.detail


def test_the_same_picture_twice_under_one_label_is_no_problem(folder: Path) -> None:
    put(folder / "8" / "copy.png", variant("8", 0))
    data, problems = load(folder)
    assert problems == []
    assert len(data) == 10


def test_a_class_with_one_picture_is_named_and_learnt_from(folder: Path) -> None:
    lonely = put(folder / "5" / "only.png", draw_char("5"))
    data, problems = load(folder)
    (problem,) = problems
    assert problem.category == "class with one picture"
    assert problem.location == str(lonely)
    split = split_data(data, val_fraction=0.3, test_fraction=0.3, seed=0)
    five = KNOWN.encode("5")[0]
    assert five in split.train.labels
    assert five not in [*split.validation.labels, *split.test.labels]


def test_a_data_set_in_which_nothing_can_be_used_is_empty_but_listed(tmp_path: Path) -> None:
    put(tmp_path / "Q" / "0.png", draw_char("Q"))
    data, problems = load(tmp_path)
    assert len(data) == 0
    assert len(problems) == 1
    assert [len(part) for part in split_data(data, val_fraction=0.15, test_fraction=0.15, seed=0).parts] == [
        0,
        0,
        0,
    ]


def numbered(labels: NDArray[np.int64], groups: NDArray[np.int64]) -> CharData:
    """Data whose every field tells the same number: the picture's grey value, the name, the aspect."""
    count = len(labels)
    gray = np.zeros((count, 4, 4), np.uint8)
    gray[:, 0, 0], gray[:, 0, 1] = np.arange(count) % 256, np.arange(count) // 256
    names = np.array([f"{i}" for i in range(count)], np.str_)
    stack = CharStack(gray, np.arange(count, dtype=np.float64))
    return CharData(stack, labels, groups.astype(np.str_), names)


@st.composite
def grouped_data(draw: st.DrawFn) -> CharData:
    """Up to 80 pictures of up to four classes in groups, some of them of one class only."""
    count = draw(st.integers(4, 80))
    labels = draw(st.lists(st.integers(0, 3), min_size=count, max_size=count))
    groups = draw(st.lists(st.integers(0, count), min_size=count, max_size=count))
    return numbered(np.array(labels), np.array(groups))


@given(grouped_data(), st.sampled_from([0.1, 0.15, 0.3]), st.integers(0, 3))
def test_a_split_is_a_partition_that_keeps_groups_and_rows_together(
    data: CharData, share: float, seed: int
) -> None:
    split = split_data(data, val_fraction=share, test_fraction=share, seed=seed)
    numbers = [part.stack.aspect.astype(int) for part in split.parts]
    assert sorted(np.concatenate(numbers)) == list(range(len(data)))
    for part, number in zip(split.parts, numbers, strict=True):
        # Pictures, labels, groups and names still belong to each other.
        np.testing.assert_array_equal(part.labels, data.labels[number])
        np.testing.assert_array_equal(part.groups, data.groups[number])
        np.testing.assert_array_equal(part.names, number.astype(np.str_))
        np.testing.assert_array_equal(part.stack.gray[:, 0, 0], number % 256)
    sides = [set(part.groups) for part in split.parts]
    assert not sides[0] & sides[1]
    assert not sides[0] & sides[2]
    assert not sides[1] & sides[2]
    # Whatever is measured was learnt from.
    assert len(split.train)


def test_a_split_is_stratified_and_of_the_wanted_sizes() -> None:
    labels = np.repeat(np.arange(4), [400, 200, 100, 40])
    split = split_data(numbered(labels, np.arange(740)), val_fraction=0.15, test_fraction=0.15, seed=0)
    for part, share in zip(split.parts, (0.7, 0.15, 0.15), strict=True):
        counts = np.bincount(part.labels, minlength=4)
        np.testing.assert_allclose(counts, share * np.array([400, 200, 100, 40]), atol=2)


def test_the_seed_decides_the_split() -> None:
    data = numbered(np.arange(200) % 4, np.arange(200) // 2)
    one, same, other = (
        split_data(data, val_fraction=0.2, test_fraction=0.2, seed=seed) for seed in (5, 5, 6)
    )
    for part, again in zip(one.parts, same.parts, strict=True):
        np.testing.assert_array_equal(part.names, again.names)
    assert set(one.test.names) != set(other.test.names)


def test_a_class_in_a_single_group_is_only_learnt_from() -> None:
    labels = np.array([0] * 20 + [1] * 20 + [2] * 5)
    groups = np.array([*range(40), *[99] * 5])
    split = split_data(numbered(labels, groups), val_fraction=0.2, test_fraction=0.2, seed=0)
    assert (split.train.labels == 2).sum() == 5
    assert set(split.test.labels) == set(split.validation.labels) == {0, 1}


def test_all_of_one_plate_means_nothing_to_measure() -> None:
    split = split_data(
        numbered(np.arange(6) % 2, np.zeros(6, int)), val_fraction=0.2, test_fraction=0.2, seed=0
    )
    assert [len(part) for part in split.parts] == [6, 0, 0]


def test_joined_data_is_one_after_the_other() -> None:
    a, b = numbered(np.array([0, 1]), np.array([0, 0])), numbered(np.array([2]), np.array([5]))
    joined = CharData.joined([a, b])
    assert list(joined.labels) == [0, 1, 2]
    assert list(joined.groups) == ["0", "0", "5"]
    assert joined.stack.gray.shape == (3, 4, 4)


def stacked(pictures: list[Image], labels: list[int], name: str) -> CharData:
    names = np.array([f"{name} {i}" for i in range(len(labels))], np.str_)
    return CharData(stack_characters(pictures, SETTINGS), np.array(labels, np.int64), names, names)


def test_near_copies_across_the_split_are_found(rng: np.random.Generator) -> None:
    def noisy(char: str, deviation: float) -> Image:
        picture = draw_char(char, glyph=200, ground=40, height=36, width=28, thick=2)
        return np.asarray(np.rint(picture + rng.normal(0, deviation, picture.shape)), np.uint8)

    train = stacked([noisy("3", 12) for _ in range(4)] + [noisy("8", 12)], [3, 3, 3, 3, 8], "train")
    copy = np.asarray(train.stack.gray[2] + rng.integers(0, 2, (36, 28)), np.uint8)
    validation = stacked([noisy("3", 12), copy], [3, 3], "validation")
    # The same picture under another label is another matter, and 5 is not learnt from.
    test = stacked([train.stack.gray[0], noisy("5", 1), train.stack.gray[4]], [8, 5, 8], "test")
    problems = near_copies(Split(train, validation, test))
    assert {problem.category for problem in problems} == {"near-copy across the split"}
    assert [problem.location for problem in problems] == ["validation 1", "test 2"]
    assert "train 2," in problems[0].detail
    assert "train 4," in problems[1].detail


def test_of_no_pictures_none_are_inverted() -> None:
    nothing = stack_characters([], SETTINGS)
    assert len(normalize_polarity(nothing, np.empty(0, np.int64), SETTINGS)) == 0


def test_dark_glyphs_are_made_bright() -> None:
    chars = "0123456789"
    bright = [draw_char(char, glyph=220, ground=30) for char in chars]
    dark = [255 - picture for picture in bright]
    labels = np.array([int(char) for char in chars * 2])
    stack = stack_characters([*bright, *dark], SETTINGS)
    expected = stack_characters([*bright, *bright], SETTINGS)
    bright_stack = normalize_polarity(stack, labels, SETTINGS)
    np.testing.assert_allclose(bright_stack.gray.astype(int), expected.gray, atol=1)


def test_where_the_border_does_not_tell_the_other_pictures_of_the_class_do() -> None:
    loose = [draw_char(char, glyph=220, ground=30) for char in "LLLLTTTT"]
    # Cut so tightly that the stem and the foot of an L are most of the border.
    rows, columns = np.nonzero(loose[0] > 100)
    tight = loose[0][rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    share = np.mean(np.concatenate([tight[0], tight[-1], tight[:, 0], tight[:, -1]]) > 100)
    assert 0.3 < share < 0.7
    stack = stack_characters([*loose, tight, 255 - tight], SETTINGS)
    labels = np.array([0] * 4 + [1] * 4 + [0] * 2)
    bright = normalize_polarity(stack, labels, SETTINGS)
    expected = stack_characters([*loose, tight, tight], SETTINGS)
    np.testing.assert_allclose(bright.gray.astype(int), expected.gray, atol=1)


def draws(count: int = 10, **changes: object) -> WeightedStepSampler:
    """Every sample alike, in order, in three batches of 64."""
    given: dict[str, object] = {
        "weights": np.full(count, 1 / count),
        "schedule": TrainSchedule(steps=3, batch_size=64),
        "order": np.arange(count),
        "seed": 0,
        **changes,
    }
    return WeightedStepSampler(**given)  # type: ignore[arg-type]


def batches(**changes: object) -> CharBatches:
    pictures = [draw_char(char, height=36, width=28, thick=2) for char in DIGITS]
    given: dict[str, object] = {
        "stack": stack_characters(pictures, SETTINGS),
        "labels": np.arange(10),
        "classes": 10,
        "settings": SETTINGS,
        "augmentation": Augmentation(),
        "draws": draws(),
        "device": CPU,
        **changes,
    }
    return CharBatches(**given)  # type: ignore[arg-type]


def rows_from(source: CharBatches | RowBatches, start: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    ratios, targets = zip(*source(start), strict=True)
    return torch.cat(ratios), torch.cat(targets)


def test_batches_have_the_sizes_of_the_plan() -> None:
    schedule = TrainSchedule(steps=5, batch_size=64, batch_warmup=BatchWarmup(first=4, last=64, steps=4))
    sizes = []
    for step, (ratios, target) in enumerate(batches(draws=draws(schedule=schedule))(0)):
        assert ratios.dtype == target.dtype == torch.float32
        assert ratios.shape == (schedule.batch_size_at(step), 25)
        assert target.shape == (schedule.batch_size_at(step), 10)
        assert ratios.min() >= 0
        assert ratios.max() <= 1 + 1e-6
        sizes.append(len(ratios))
    assert sizes == [4, 8, 16, 32, 64]


LONG = TrainSchedule(steps=30, batch_size=100)
"""More pictures than are drawn at once."""


@pytest.mark.parametrize("start", [1, 21, 29])
def test_a_steps_batch_is_the_same_wherever_one_starts(start: int) -> None:
    source = batches(draws=draws(schedule=LONG))
    later = [ratios for step, (ratios, _) in enumerate(source(0)) if step >= start]
    again = [ratios for ratios, _ in source(start)]
    assert len(again) == 30 - start
    assert all(torch.equal(one, other) for one, other in zip(again, later, strict=True))
    drawn = np.concatenate([block.distinct for block in source.draws.blocks(0)])
    np.testing.assert_array_equal(source.draws.at(start), drawn[100 * start : 100 * start + 100])


@pytest.mark.slow
@pytest.mark.parametrize("start", [0, 3])
def test_worker_processes_make_the_same_batches(start: int) -> None:
    source = batches(draws=draws(schedule=LONG, repeats=2))
    with source.made_by(2) as made:
        assert made.executor is not None
        assert made.executor.submit(torch.get_num_threads).result() == 1
        for mine, theirs in zip(source(start), made(start), strict=True):
            assert all(torch.equal(one, other) for one, other in zip(mine, theirs, strict=True))


KILLED = """
if __name__ == "__main__":
    import os, signal
    from plate_ocr.training.core.processes import spawned
    with spawned(1) as executor:
        executor.submit(os.getpid).result()
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
def test_workers_end_with_the_process_that_they_work_for(tmp_path: Path) -> None:
    (tmp_path / "killed.py").write_text(KILLED)
    # The worker holds the pipe as well: it is closed when both have ended.
    ended = subprocess.run(
        [sys.executable, tmp_path / "killed.py"], check=False, stdout=subprocess.PIPE, timeout=60
    )
    assert ended.returncode == -signal.SIGKILL


def test_a_picture_is_learnt_from_as_often_as_there_are_passes_before_others_are_drawn() -> None:
    source = batches(draws=draws(schedule=TrainSchedule(steps=30, batch_size=100), repeats=3))
    made = np.concatenate(source.rows(0, 0, next(source.draws.blocks(0)).distinct), 1)
    assert len(made) == 1000
    rows = np.concatenate(rows_from(source), 1)
    for once in (rows[:1000], rows[1000:2000], rows[2000:]):
        np.testing.assert_array_equal(np.sort(once, 0), np.sort(made, 0))
    assert not np.array_equal(rows[:1000], rows[1000:2000])


def test_pools_of_pictures_follow_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plate_ocr.training.characters.batches.POOL", 500)
    some = draws(schedule=LONG, repeats=2)
    blocks = [*some.blocks(0)]
    assert [(block.first, len(block.distinct)) for block in blocks] == [(0, 500), (10, 500), (20, 500)]
    assert not np.array_equal(blocks[0].distinct, blocks[1].distinct)
    block = blocks[1]
    np.testing.assert_array_equal(some.at(13), block.distinct[block.order[300:400]])


def test_no_two_steps_and_no_two_seeds_have_the_same_batch() -> None:
    source, other = batches(draws=draws(schedule=LONG)), batches(draws=draws(schedule=LONG, seed=1))
    rows = [ratios for ratios, _ in source(0)]
    assert not any(torch.equal(rows[0], later) for later in rows[1:])
    assert not torch.equal(rows[0], next(iter(other(0)))[0])
    drawn = [source.draws.at(step) for step in range(30)]
    assert not any(np.array_equal(drawn[0], later) for later in drawn[1:])
    assert not np.array_equal(drawn[0], other.draws.at(0))


def test_each_sample_is_drawn_as_often_as_its_weight_says() -> None:
    weights = np.array([0.5, 0.0, 0.3, 0.2])
    drawn = np.concatenate([block.distinct for block in draws(4, weights=weights, schedule=LONG).blocks(0)])
    assert len(drawn) == 3000
    np.testing.assert_allclose(np.bincount(drawn, minlength=4) / 3000, weights, atol=0.03)


def test_a_data_warm_up_draws_from_the_first_samples_only_then_from_more() -> None:
    order = np.array([7, 3, 0, 1, 2, 4, 5, 6])
    schedule = TrainSchedule(steps=101, batch_size=200, data_warmup=DataWarmup(first=0.25, steps=100))
    some = draws(8, order=order, schedule=schedule)
    assert set(some.at(0)) == {7, 3}
    assert set(some.at(50)) == {7, 3, 0, 1, 2}
    assert set(some.at(100)) == set(range(8))


def test_rows_that_were_computed_before_are_drawn_alike() -> None:
    ratios, target = torch.rand(10, 25, generator=torch.Generator().manual_seed(0)), torch.eye(10)
    schedule = draws(schedule=LONG)
    for start in (0, 21):
        found, labels = rows_from(RowBatches(ratios, target, schedule), start)
        drawn = np.concatenate([schedule.at(step) for step in range(start, 30)])
        assert torch.equal(found, ratios[drawn])
        assert torch.equal(labels.argmax(1), torch.from_numpy(drawn))


UNCHANGED = Augmentation(**{field.name: 0.0 for field in dataclasses.fields(Augmentation)})


def test_targets_are_the_one_hot_vectors_of_the_pictures() -> None:
    source = batches(augmentation=UNCHANGED)
    ratios, target = rows_from(source)
    assert torch.equal(target.sum(1), torch.ones(192))
    assert torch.equal(target.amax(1), torch.ones(192))
    drawn = np.concatenate([source.draws.at(step) for step in range(3)])
    np.testing.assert_array_equal(target.argmax(1), source.labels[drawn])
    by_class = [ratios[target.argmax(1) == label] for label in range(10)]
    # Without changes all pictures of a class have one row vector, and no two classes the same.
    assert all(len(rows) and torch.allclose(rows, rows[:1], atol=1e-4) for rows in by_class)
    first = torch.stack([rows[0] for rows in by_class])
    assert (torch.cdist(first, first) + torch.eye(10)).min() > 0.1


def test_a_picture_cut_more_loosely_shows_the_same_character() -> None:
    loose = dataclasses.replace(UNCHANGED, loose=1.0)
    plain, changed = rows_from(batches(augmentation=UNCHANGED)), rows_from(batches(augmentation=loose))
    assert torch.equal(plain[1], changed[1])
    assert (plain[0] - changed[0]).abs().mean() < 0.04


def test_what_is_no_character_is_to_be_every_class_alike() -> None:
    changes = dataclasses.replace(Augmentation(), negatives=0.2, inverted=0.1)
    _, target = rows_from(
        batches(augmentation=changes, draws=draws(schedule=TrainSchedule(steps=10, batch_size=100)))
    )
    assert torch.allclose(target.sum(1), torch.ones(1000))
    uniform = target.amax(1) < 0.5
    assert torch.allclose(target[uniform], torch.full((int(uniform.sum()), 10), 0.1))
    # A fifth is no character, a tenth is of the wrong polarity, now and then both.
    assert uniform.float().mean() == pytest.approx(1 - 0.8 * 0.9, abs=0.05)


def test_rare_classes_are_drawn_more_often_than_they_occur_but_less_often_than_common_ones() -> None:
    labels = np.repeat([0, 1, 2], [900, 100, 5])
    weights = class_balance(labels)
    assert weights.sum() == pytest.approx(1)
    share = np.bincount(labels, weights)
    # 1/√n a picture makes √n a class; the smallest counts as if it had twenty.
    expected = np.array([30, 10, 5 / np.sqrt(20)])
    np.testing.assert_allclose(share, expected / expected.sum())


@pytest.mark.data
def test_real_characters_make_a_data_set_without_surprises(data_folder: Path) -> None:
    samples, _ = list_samples(data_folder / "chars/easypr", r"^(\d+)-")
    chosen = [sample for sample in samples if sample.label in "035"][::10]
    data, problems = load_samples(chosen, KNOWN, SETTINGS)
    assert len(data) > 50
    assert not only(problems, "unreadable picture")
    split = split_data(data, val_fraction=0.15, test_fraction=0.15, seed=0)
    assert not set(split.train.groups) & set(split.test.groups)
    bright = normalize_polarity(data.stack, data.labels, SETTINGS)
    assert (bright.gray.mean((1, 2)) < 128).mean() > 0.9
