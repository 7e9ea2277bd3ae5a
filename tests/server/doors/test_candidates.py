"""Other texts of a plate, its box and its region, as the clients of other readers want them."""

from __future__ import annotations

import math
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plate_ocr.readers.results import Char, Plate, plate_of
from plate_ocr.server.doors.candidates import (
    box_of,
    candidates,
    detection_score,
    has_format,
    known_regions,
    region_of,
)

CORNERS = ((143.4, 181.0), (282.4, 181.2), (282.0, 275.0), (143.0, 275.0))


def plate_with(*chars: tuple[str | None, float, dict[str, float]]) -> Plate:
    """A plate of these characters: what was read, how surely, what else it may be."""
    return plate_of(tuple(Char(char, sure, tuple(others.items())) for char, sure, others in chars), CORNERS)


def test_the_likeliest_texts_follow_the_plate_s_own() -> None:
    plate = plate_with(("A", 0.9, {"4": 0.1}), ("B", 0.6, {"8": 0.3, "R": 0.06}), ("1", 1.0, {"I": 0.0}))
    texts = candidates(plate)
    assert [one.text for one in texts] == ["AB1", "A81", "4B1", "AR1", "481", "4R1"]
    assert [one.score for one in texts] == pytest.approx(
        [plate.confidence * ratio for ratio in (1, 1 / 2, 1 / 9, 1 / 10, 1 / 18, 1 / 90)]
    )
    assert candidates(plate, 2) == texts[:2]


def test_an_unknown_character_stays_unknown_in_the_first_text_alone() -> None:
    plate = plate_with(("A", 1.0, {}), (None, 0.3, {"8": 0.4, "B": 0.2}))
    assert [one.text for one in candidates(plate)] == ["A?", "A8", "AB"]
    assert all(one.score <= plate.confidence for one in candidates(plate))


CHARS = st.lists(
    st.tuples(st.floats(0.3, 1), st.dictionaries(st.sampled_from("01234"), st.floats(0, 0.3), max_size=3)),
    min_size=1,
    max_size=5,
)


@given(CHARS)
def test_no_likelier_text_is_passed_over(drawn: list[tuple[float, dict[str, float]]]) -> None:
    plate = plate_with(*(("A", sure, others) for sure, others in drawn))
    ratios = [[1.0, *(other / sure for other in others.values())] for sure, others in drawn]
    every = sorted((min(1.0, math.prod(one)) for one in product(*ratios)), reverse=True)
    scores = [one.score / plate.confidence for one in candidates(plate)]
    assert scores == pytest.approx([ratio for ratio in every[:10] if ratio >= 0.01][: len(scores)])
    assert len({one.text for one in candidates(plate)}) == len(scores)


def test_a_box_lies_within_the_picture() -> None:
    plate = plate_with(("A", 1.0, {}))
    assert box_of(plate, 640, 480) == (143, 181, 282, 275)
    assert box_of(plate, 200, 200) == (143, 181, 200, 200)


def test_a_plate_that_had_not_to_be_found_is_as_sure_as_its_text() -> None:
    assert detection_score(plate_with(("A", 0.7, {}))) == 0.7


def test_regions_are_known_by_the_names_that_clients_send() -> None:
    sent = ["fr", "GB", "us-ca", "br_sc", "it, de", "Italy", "eu", "xx2", "xx", "", "auwide", "us"]
    assert known_regions(sent) == ("fr", "gb", "us", "br", "it", "de", "eu")


@pytest.mark.parametrize(
    ("text", "fits"),
    [("AB123CD", True), ("A?123CD", True), ("AB1234D", False), ("AB123C", False), ("", False)],
)
def test_a_text_has_a_format_of_its_region(text: str, fits: bool) -> None:
    assert has_format(text, "it") is fits
    assert region_of(text, ("gb", "it")) == ("it" if fits else "")


def test_a_text_has_a_whole_name_of_its_region() -> None:
    assert has_format("경기34도4133", "kr")
    assert not has_format("광기34도4133", "kr")
