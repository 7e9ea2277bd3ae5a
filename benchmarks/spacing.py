"""Rendered plates whose spaces are known: how often the groups of a right reading are right, or not told.

``python -m benchmarks.spacing [COUNT]``, by default 300 plates of each region, of a seed of their own.
"""

from __future__ import annotations

import sys
from collections import Counter

import cv2

from benchmarks import fonts_folder
from plate_ocr.model.sessions import PlateModel
from plate_ocr.readers.plates import NetworkReader
from plate_ocr.rendering.plates import MIX, PlateGenerator
from plate_ocr.text import arabic_digits

COUNT = 300
SEED = 7
SHOWN = 10


def main() -> None:
    """Print a row for each of the regions with the largest shares of wrong groups, and one for all."""
    cv2.setNumThreads(1)
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    reader = NetworkReader(PlateModel("plates", threads=1))
    regions = dict[str, Counter[str]]()
    for region in MIX:
        generator = PlateGenerator(fonts_folder(), [region], not_plates=0)
        found = Counter[str]()
        for index in range(count):
            plate = generator(SEED, index)
            for read in reader.read([plate.image])[0]:
                groups = read.groups and tuple(map(arabic_digits, read.groups))
                if arabic_digits(read.text) == plate.text:
                    found["right" if groups == plate.groups else "wrong" if groups else "none"] += 1
        regions[region] = found
    print("| region | read | right groups | not told | wrong |\n|---|---|---|---|---|")
    worst = sorted(regions.items(), key=lambda item: -item[1]["wrong"] / max(1, item[1].total()))
    for name, found in [*worst[:SHOWN], ("all", sum(regions.values(), Counter[str]()))]:
        print(_row(name, found))


def _row(name: str, found: Counter[str]) -> str:
    shares = (f"{found[kind] / found.total():.1%}" for kind in ("right", "none", "wrong"))
    return f"| {name} | {found.total():,} | {' | '.join(shares)} |"


if __name__ == "__main__":
    main()
