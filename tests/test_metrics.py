"""What is measured of readings, against figures worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plate_ocr.metrics import (
    Confusion,
    GroupAccuracy,
    PlateMetrics,
    Sample,
    calibration_error,
    expected_calibration_error,
    match_boxes,
)
from plate_ocr.readers.results import Char, Plate, Reading
from plate_ocr.text import correct_characters, edit_alignment

TEXTS = st.text("AB0", max_size=6)


def sample(target: str, text: str, *, confidence: float = 0.9, ms: float = 1.0, region: str = "") -> Sample:
    """A plate read as ``text``; the runners-up of each character are X, Y and Z."""
    others = (("X", 0.05), ("Y", 0.03), ("Z", 0.02))
    chars = tuple(Char(None if c == "?" else c, confidence, others) for c in text)
    plates = (Plate(text, confidence, confidence, 1, (), chars),) if text else ()
    return Sample("a.png", target, Reading(9, 9, ms, plates), region)


def distance(text: str, target: str) -> int:
    """Changes that make one text of the other, by the recursive definition."""
    if not text or not target:
        return len(text) + len(target)
    if text[0] == target[0]:
        return distance(text[1:], target[1:])
    return 1 + min(distance(text[1:], target), distance(text, target[1:]), distance(text[1:], target[1:]))


@given(TEXTS, TEXTS)
def test_pairs_are_in_order_complete_and_the_fewest_changes(text: str, target: str) -> None:
    pairs = edit_alignment(text, target)
    assert [i for i, _ in pairs if i is not None] == list(range(len(text)))
    assert [j for _, j in pairs if j is not None] == list(range(len(target)))
    changes = sum(i is None or j is None or text[i] != target[j] for i, j in pairs)
    assert changes == distance(text, target)


@pytest.mark.parametrize(
    ("text", "target", "right"),
    [
        ("ABC", "ABC", [True] * 3),
        ("AXC", "ABC", [True, False, True]),
        ("BC", "ABC", [True, True]),
        ("ABBC", "ABC", [True, True, False, True]),
        ("", "ABC", []),
        ("XY", "", [False, False]),
    ],
)
def test_readings_are_laid_against_labels(text: str, target: str, right: list[bool]) -> None:
    assert correct_characters(text, target) == right


def test_the_gap_is_between_confidence_and_the_share_of_right_ones() -> None:
    confidences = np.array([0.9, 0.9, 0.9, 0.9, 0.2, 0.2], np.float32)
    right = np.array([1, 1, 1, 0, 0, 0], bool)
    assert expected_calibration_error(confidences, right) == pytest.approx((4 * 0.15 + 2 * 0.2) / 6)
    assert expected_calibration_error(confidences, right, bins=1) == pytest.approx(4 / 6 - 0.5)
    assert expected_calibration_error(confidences[:0], right[:0]) == 0


def test_figures_are_as_by_hand() -> None:
    figures = PlateMetrics.of(
        [
            sample("AB12", "AB12", ms=3, region="us"),
            sample("AO12", "A012", ms=1, region="us"),  # O as 0
            sample("XB1", "CB?", ms=2, region="br"),  # X as C, and X is next; 1 unknown
            sample("AB1", "AB11"),  # a 1 too many
            sample("AB1", ""),  # not found
        ]
    )
    assert figures.plates == 5
    assert figures.not_found == 1
    assert figures.accuracy == pytest.approx(1 / 5)
    assert figures.folded_accuracy == pytest.approx(2 / 5)
    assert figures.character_accuracy == pytest.approx(1 - 7 / 17)
    assert figures.character_top3 == pytest.approx((4 + 3 + 2 + 3) / 17)
    assert figures.ms == 1
    assert figures.lengths == {"3": GroupAccuracy(3, 0.0), "4": GroupAccuracy(2, 0.5)}
    assert figures.regions == {"br": GroupAccuracy(1, 0.0), "us": GroupAccuracy(2, 0.5)}
    once = [("1", "?"), ("O", "0"), ("X", "C"), ("", "1"), ("A", ""), ("B", ""), ("1", "")]
    assert sorted((c.target, c.read, c.count) for c in figures.confusions) == sorted((*c, 1) for c in once)


def test_persian_digits_are_right_where_labels_are_compared_without_them() -> None:
    read = sample("٣ب٧۵", "۳ب۷۵")
    assert read.is_correct()
    assert read.is_correct(folded=True)
    assert PlateMetrics.of([read]).confusions == ()
    assert [char.char for char in read.chars] == ["٣", "ب", "٧", "۵"]


def test_the_commonest_confusion_comes_first() -> None:
    figures = PlateMetrics.of([sample("AAB", "CCD"), sample("BBA", "BBC")])
    assert figures.confusions == (Confusion("A", "C", 3), Confusion("B", "D", 1))
    assert figures.character_accuracy == pytest.approx(2 / 6)


def test_readings_that_are_much_too_long_are_no_worse_than_none() -> None:
    figures = PlateMetrics.of([sample("A", "BCDEF")])
    assert (figures.accuracy, figures.character_accuracy, figures.character_top3) == (0, 0, 0)


def test_lengths_are_in_the_order_of_numbers() -> None:
    assert list(PlateMetrics.of([sample("A" * n, "") for n in (10, 9, 2)]).lengths) == ["2", "9", "10"]


def test_unknown_characters_say_nothing_about_calibration() -> None:
    read = [sample("AB", "A?", confidence=0.75), sample("OO", "0O", confidence=0.75)]
    assert calibration_error(read) == pytest.approx(abs(2 / 3 - 0.75))
    assert calibration_error(read, folded=True) == pytest.approx(0.25)


def corners(left: float, top: float, width: float, height: float) -> list[tuple[float, float]]:
    right, bottom = left + width, top + height
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def test_a_plate_is_found_where_the_overlap_is_half_of_the_union() -> None:
    box = (100.0, 50.0, 60.0, 20.0)
    # Shifted by a third of its width, a box shares 2/3 of 4/3 of its area: exactly half.
    assert match_boxes([corners(100 + 19.9, 50, 60, 20)], [box]) == [0]
    assert match_boxes([corners(100 + 20.1, 50, 60, 20)], [box]) == [None]
    assert match_boxes([], [box]) == [None]
    assert match_boxes([corners(*box)], []) == []


def test_of_two_readings_of_a_plate_the_closer_is_it_and_each_is_one_plate() -> None:
    near, exact = corners(104, 50, 60, 20), corners(100, 50, 60, 20)
    assert match_boxes([near, exact], [(100, 50, 60, 20)]) == [1]
    assert match_boxes([exact], [(104, 50, 60, 20), (100, 50, 60, 20)]) == [None, 0]


def test_the_box_round_a_turned_plate_counts() -> None:
    turned = [(100.0, 80.0), (150.0, 50.0), (160.0, 70.0), (110.0, 100.0)]
    assert match_boxes([turned], [(100, 50, 60, 50)]) == [0]
