"""What the code gives is what it gave: rendered pictures, exported networks, readings.

After a change that is meant, ``make golden`` renews the files; the difference belongs in the commit.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.golden import read
from tests.golden.exported import exported
from tests.golden.readings import readings
from tests.golden.rendered import Records, rendered

OTHER_BYTES, OTHER_SHADES = 5, 3
"""Pictures, of some 240, that may have other bytes, and by how much a part of one may then be brighter: other
processors and versions of OpenCV, NumPy and Pillow round a sum in one picture of a hundred differently."""


def check_rendered(found: Records, expected: Records) -> None:
    """Texts, bytes, shades and points; the last two to rounding."""
    assert found.keys() == expected.keys()
    other = []
    for group, records in expected.items():
        assert len(found[group]) == len(records), group
        for one, two in zip(found[group], records, strict=True):
            assert _words(one) == _words(two), group
            for name, most in (("shades", OTHER_SHADES), ("points", 1)):
                np.testing.assert_allclose(
                    one[name], two[name], rtol=0, atol=most, err_msg=f"{group}, {name}"
                )
            other += [group] * (one["sha256"] != two["sha256"])
    assert len(other) <= OTHER_BYTES, other


def _words(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key in ("text", "region")}


@pytest.mark.slow
def test_pictures_are_rendered_as_they_were() -> None:
    check_rendered(rendered(None), read("rendered"))


@pytest.mark.data
def test_pictures_are_rendered_as_they_were_with_data(data_folder: Path) -> None:
    check_rendered(rendered(data_folder), read("rendered-data"))


def test_networks_are_exported_as_they_were() -> None:
    found, expected = exported(), read("exported")
    assert found.keys() == expected.keys()
    for name, (hashes, *sums) in expected.items():
        assert found[name][0] == hashes, name
        assert [one["name"] for one in found[name][1:]] == [one["name"] for one in sums]
        for one, other in zip(found[name][1:], sums, strict=True):
            assert one["sum"] == pytest.approx(other["sum"], rel=1e-5, abs=1e-5), f"{name}, {one['name']}"


def test_pictures_are_read_as_they_were() -> None:
    found, expected = readings(), read("readings")
    assert {way: _texts(records) for way, records in found.items()} == {
        way: _texts(records) for way, records in expected.items()
    }
    for way, records in expected.items():
        for one, other in zip(found[way], records, strict=True):
            where = f"{way}, {one['picture']}"
            for mine, theirs in zip(one.get("plates", [one]), other.get("plates", [other]), strict=True):
                assert mine["confidence"] == pytest.approx(theirs["confidence"], abs=0.02), where
                if "corners" in theirs:
                    np.testing.assert_allclose(
                        mine["corners"], theirs["corners"], rtol=0, atol=1, err_msg=where
                    )


def _texts(records: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [
        (
            record["picture"],
            record.get("char"),
            [(plate["text"], plate["lines"]) for plate in record.get("plates", ())],
        )
        for record in records
    ]
