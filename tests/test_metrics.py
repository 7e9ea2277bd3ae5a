"""What is measured of readings, against figures worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plate_ocr.metrics import (
    Confusion,
    Outcome,
    PlateFigures,
    Share,
    calibration_error,
    calibration_gap,
    match_boxes,
)
from plate_ocr.readers.results import Char, Plate, Reading
from plate_ocr.text import pair_up, right_characters

TEXTS = st.text("AB0", max_size=6)


def outcome(wanted: str, text: str, *, confidence: float = 0.9, ms: float = 1.0, region: str = "") -> Outcome:
    """A plate read as ``text``; the runners-up of each character are X, Y and Z."""
    others = (("X", 0.05), ("Y", 0.03), ("Z", 0.02))
    chars = tuple(Char(None if c == "?" else c, confidence, others) for c in text)
    plates = (Plate(text, confidence, confidence, 1, (), chars),) if text else ()
    return Outcome("a.png", wanted, Reading(9, 9, ms, plates), region)


def distance(text: str, wanted: str) -> int:
    """Changes that make one text of the other, by the recursive definition."""
    if not text or not wanted:
        return len(text) + len(wanted)
    if text[0] == wanted[0]:
        return distance(text[1:], wanted[1:])
    return 1 + min(distance(text[1:], wanted), distance(text, wanted[1:]), distance(text[1:], wanted[1:]))


@given(TEXTS, TEXTS)
def test_pairs_are_in_order_complete_and_the_fewest_changes(text: str, wanted: str) -> None:
    pairs = pair_up(text, wanted)
    assert [i for i, _ in pairs if i is not None] == list(range(len(text)))
    assert [j for _, j in pairs if j is not None] == list(range(len(wanted)))
    changes = sum(i is None or j is None or text[i] != wanted[j] for i, j in pairs)
    assert changes == distance(text, wanted)


@pytest.mark.parametrize(
    ("text", "wanted", "right"),
    [
        ("ABC", "ABC", [True] * 3),
        ("AXC", "ABC", [True, False, True]),
        ("BC", "ABC", [True, True]),
        ("ABBC", "ABC", [True, True, False, True]),
        ("", "ABC", []),
        ("XY", "", [False, False]),
    ],
)
def test_readings_are_laid_against_labels(text: str, wanted: str, right: list[bool]) -> None:
    assert right_characters(text, wanted) == right


def test_the_gap_is_between_confidence_and_the_share_of_right_ones() -> None:
    confidences = np.array([0.9, 0.9, 0.9, 0.9, 0.2, 0.2], np.float32)
    right = np.array([1, 1, 1, 0, 0, 0], bool)
    assert calibration_gap(confidences, right) == pytest.approx((4 * 0.15 + 2 * 0.2) / 6)
    assert calibration_gap(confidences, right, bins=1) == pytest.approx(4 / 6 - 0.5)
    assert calibration_gap(confidences[:0], right[:0]) == 0


def test_figures_are_as_by_hand() -> None:
    figures = PlateFigures.of(
        [
            outcome("AB12", "AB12", ms=3, region="us"),
            outcome("AO12", "A012", ms=1, region="us"),  # O as 0
            outcome("XB1", "CB?", ms=2, region="br"),  # X as C, and X is next; 1 unknown
            outcome("AB1", "AB11"),  # a 1 too many
            outcome("AB1", ""),  # not found
        ]
    )
    assert figures.plates == 5
    assert figures.not_found == 1
    assert figures.accuracy == pytest.approx(1 / 5)
    assert figures.folded_accuracy == pytest.approx(2 / 5)
    assert figures.character_accuracy == pytest.approx(1 - 7 / 17)
    assert figures.character_top3 == pytest.approx((4 + 3 + 2 + 3) / 17)
    assert figures.ms == 1
    assert figures.lengths == {"3": Share(3, 0.0), "4": Share(2, 0.5)}
    assert figures.regions == {"br": Share(1, 0.0), "us": Share(2, 0.5)}
    once = [("1", "?"), ("O", "0"), ("X", "C"), ("", "1"), ("A", ""), ("B", ""), ("1", "")]
    assert sorted((c.wanted, c.read, c.count) for c in figures.confusions) == sorted((*c, 1) for c in once)


def test_the_commonest_confusion_comes_first() -> None:
    figures = PlateFigures.of([outcome("AAB", "CCD"), outcome("BBA", "BBC")])
    assert figures.confusions == (Confusion("A", "C", 3), Confusion("B", "D", 1))
    assert figures.character_accuracy == pytest.approx(2 / 6)


def test_readings_that_are_much_too_long_are_no_worse_than_none() -> None:
    figures = PlateFigures.of([outcome("A", "BCDEF")])
    assert (figures.accuracy, figures.character_accuracy, figures.character_top3) == (0, 0, 0)


def test_lengths_are_in_the_order_of_numbers() -> None:
    assert list(PlateFigures.of([outcome("A" * n, "") for n in (10, 9, 2)]).lengths) == ["2", "9", "10"]


def test_unknown_characters_say_nothing_about_calibration() -> None:
    read = [outcome("AB", "A?", confidence=0.75), outcome("OO", "0O", confidence=0.75)]
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
