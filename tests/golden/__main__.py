"""Renew the golden files: ``make golden``, with PLATE_OCR_DATA set for those of the real fonts."""

from __future__ import annotations

import os
from pathlib import Path

from tests.golden import write
from tests.golden.exported import exported
from tests.golden.readings import readings
from tests.golden.rendered import rendered


def main() -> None:
    """Write what the code gives now."""
    write("rendered", rendered(None))
    if data := os.environ.get("PLATE_OCR_DATA"):
        write("rendered-data", rendered(Path(data)))
    write("exported", exported())
    write("readings", readings())


if __name__ == "__main__":
    main()
