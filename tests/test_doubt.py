"""Characters that may be in no alphabet."""

from __future__ import annotations

import dataclasses

import pytest

from plate_ocr.readers.doubt import UNKNOWN_FACTOR, discount_unknown
from plate_ocr.readers.lazy import ready
from plate_ocr.readers.results import Char, Plate, plate_of

CORNERS = ((0.0, 0.0), (9.0, 0.0), (9.0, 3.0), (0.0, 3.0))
MAYBE_UNKNOWN = 1 / (UNKNOWN_FACTOR - 1)
"""With this probability of being unknown a character is unknown in half of the places where some are."""


def plate(unknown: float = MAYBE_UNKNOWN) -> Plate:
    """AB-C, whose B may be unknown."""
    doubted = Char("B", 0.9, (("8", 0.06), ("3", 0.02), ("E", 0.01)), unknown=unknown)
    read = plate_of((Char("A", 0.99, ()), doubted, Char("C", 0.96, ())), CORNERS)
    return dataclasses.replace(read, grouping=ready(("AB", "C")))


def test_what_may_be_unknown_is_less_sure_and_so_is_its_plate() -> None:
    read = discount_unknown(plate())
    assert (read.text, read.groups) == ("ABC", ("AB", "C"))
    assert [char.confidence for char in read.chars] == pytest.approx([0.99, 0.765, 0.96])
    assert [other for other, _ in read.chars[1].alternatives] == ["8", "3", "E"]
    assert [share for _, share in read.chars[1].alternatives] == pytest.approx([0.051, 0.017, 0.0085])
    assert (read.confidence, read.min_confidence) == pytest.approx((0.905, 0.765))
    assert discount_unknown(read) == read


def test_without_doubt_nothing_changes() -> None:
    assert discount_unknown(plate(unknown=0)) == plate(unknown=0)


def test_doubt_alone_takes_no_character_below_the_models_bound() -> None:
    read = discount_unknown(plate(), floor=0.8)
    assert read.chars[1].confidence == pytest.approx(0.8)
    low = discount_unknown(plate(), floor=0.95)
    assert [char.confidence for char in low.chars] == pytest.approx([0.99, 0.9, 0.96])


def test_what_is_unknown_already_is_less_sure_too() -> None:
    chars = (Char(None, 0.4, (("B", 0.4),), unknown=MAYBE_UNKNOWN), Char(None, 0.0, (), unknown=0.9))
    read = discount_unknown(plate_of(chars, CORNERS), min_confidence=0.5)
    assert read.text == "??"
    assert [char.confidence for char in read.chars] == pytest.approx([0.34, 0.0])
    assert [share for _, share in read.chars[0].alternatives] == pytest.approx([0.34])


def test_below_the_bound_of_a_user_it_becomes_unknown() -> None:
    read = discount_unknown(plate(), min_confidence=0.8)
    assert (read.text, read.groups) == ("A?C", ("A?", "C"))
    assert read.chars[1].char is None
    assert read.chars[1].confidence == pytest.approx(0.765)
    assert [other for other, _ in read.chars[1].alternatives] == ["B", "8", "3"]
