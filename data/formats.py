"""Writes the table of the formats of all bundled regions from their files: ``python -m data.formats``."""

from __future__ import annotations

import json
from dataclasses import astuple

from plate_ocr.files import write_whole
from plate_ocr.region_files.parser import bundled_regions, load_region
from plate_ocr.region_files.table import TABLE


def main() -> None:
    """Write the table, a format a line."""
    regions = []
    for name in bundled_regions():
        formats = load_region(name).formats
        lines = ",\n".join(json.dumps(astuple(form), ensure_ascii=False) for form in formats)
        regions.append(f'"{name}": [\n{lines}\n]')
    write_whole(TABLE, ("{\n" + ",\n".join(regions) + "\n}\n").encode())


if __name__ == "__main__":
    main()
