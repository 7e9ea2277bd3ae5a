"""What benchmarks of rendered plates count."""

from __future__ import annotations

import pytest

from benchmarks.kinds import mistakes
from benchmarks.unknown import taken_for_another
from plate_ocr.readers.results import Char, plate_of


@pytest.mark.parametrize(
    ("text", "target", "named"),
    [
        ("皖A1", "皖A1", []),
        ("陕A1", "皖A1", ["皖→陕"]),
        ("皖A", "皖A1", ["1→"]),
        ("皖A11", "皖A1", ["→1"]),
    ],
)
def test_mistakes_are_named(text: str, target: str, named: list[str]) -> None:
    assert mistakes(text, target) == named


def test_unknown_characters_are_taken_for_others_where_these_are_sure() -> None:
    chars = [Char("A", 0.9, ()), Char("B", 0.9, ()), Char("C", 0.7, ()), Char(None, 0.9, ())]
    plate = plate_of(tuple(chars), ((0.0, 0.0),) * 4)
    assert taken_for_another(plate, "A???") == 1
    assert taken_for_another(plate, "ABC?") == 0
    assert taken_for_another(None, "??") == 0
