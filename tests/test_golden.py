"""What the code gives is what it gave: rendered pictures and exported networks.

After a change that is meant, ``make golden`` renews the files; the difference belongs in the commit.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.golden import read
from tests.golden.exported import exported
from tests.golden.rendered import Records, rendered

OTHER_BYTES = 2
"""Pictures that may have other bytes but the same shades: on a processor without AVX, OpenCV rounds other
sums, which one picture in two hundred shows."""


def check_rendered(found: Records, expected: Records) -> None:
    """Texts, bytes, shades and points; the last two to rounding."""
    assert found.keys() == expected.keys()
    other = []
    for group, records in expected.items():
        assert len(found[group]) == len(records), group
        for one, two in zip(found[group], records, strict=True):
            assert _words(one) == _words(two), group
            for name in ("shades", "points"):
                np.testing.assert_allclose(one[name], two[name], rtol=0, atol=1, err_msg=f"{group}, {name}")
            other += [group] * (one["sha256"] != two["sha256"])
    assert len(other) <= OTHER_BYTES, other


def _words(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key in ("text", "region")}


def test_pictures_are_rendered_as_they_were() -> None:
    check_rendered(rendered(None), read("rendered"))


@pytest.mark.data
def test_pictures_are_rendered_as_they_were_with_data(data_folder: Path) -> None:
    check_rendered(rendered(data_folder), read("rendered-data"))


def test_networks_are_exported_as_they_were() -> None:
    assert exported() == read("exported")
