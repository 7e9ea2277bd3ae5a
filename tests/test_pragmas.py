"""What no test has to run is named here, with its reason."""

from __future__ import annotations

from pathlib import Path

import plate_ocr

EXCLUDED: dict[str, int] = {}
"""How many ``pragma: no cover`` a file may hold, each with a comment that says why here; none does."""


def test_nothing_else_is_left_out_of_the_coverage() -> None:
    package = Path(plate_ocr.__file__).parent
    counts = {
        path.relative_to(package).as_posix(): path.read_text(encoding="utf-8").count("pragma: no cover")
        for path in package.rglob("*.py")
    }
    assert {name: count for name, count in counts.items() if count} == EXCLUDED
