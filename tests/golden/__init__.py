"""What the code gave when the golden files were made: recorded here, compared in ``tests/test_golden.py``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


def read(name: str) -> Any:
    """A golden file."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def write(name: str, groups: dict[str, Any]) -> None:
    """Write a golden file; a record a line, so that a difference can be read."""
    parts = []
    for group, records in groups.items():
        lines = ",\n".join(f"  {json.dumps(record, ensure_ascii=False)}" for record in records)
        parts.append(f"{json.dumps(group, ensure_ascii=False)}: [\n{lines}\n]")
    (FOLDER / f"{name}.json").write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")
