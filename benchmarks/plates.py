"""Whole plates, read by the plate network and classically: crops of real plates, none of them learnt from.

``python -m benchmarks.plates [MODEL]...``, by default ``plates`` and ``chars``.
"""

from __future__ import annotations

import sys
import time

import cv2
import numpy as np

from benchmarks import EXACT, SETS, data_folder, labelled_plates
from plate_ocr.metrics import Outcome, calibration_error
from plate_ocr.readers.auto import PlateReader


def read_set(reader: PlateReader, name: str) -> list[Outcome]:
    """Read the crops of a set."""
    plates = labelled_plates(data_folder() / "plates" / name)
    return [Outcome(str(plate.path), plate.text, reader(plate.path)) for plate in plates]


def share_right(outcomes: list[Outcome], name: str) -> float:
    """The share of a set's crops that were read right: to the letter, or with O=0 and I=1, by the set."""
    return float(np.mean([outcome.is_right(folded=name not in EXACT) for outcome in outcomes]))


def main() -> None:
    """Print a table. Chinese plates count when every character is right, others with O=0 and I=1."""
    cv2.setNumThreads(1)
    print("| model | plates | crops | right | characters' calibration error | two lines | ms a crop |")
    print("|---|---|---|---|---|---|---|")
    for model in sys.argv[1:] or ["plates", "chars"]:
        reader = PlateReader(model, input="plate", threads=1)
        for name in SETS:
            started = time.perf_counter()
            outcomes = read_set(reader, name)
            ms = 1000 * (time.perf_counter() - started) / len(outcomes)
            right = share_right(outcomes, name)
            found = [plate for outcome in outcomes for plate in outcome.reading.plates]
            lines = sum(plate.lines == 2 for plate in found) / len(outcomes)
            error = calibration_error(outcomes, folded=name not in EXACT)
            row = model, name, len(outcomes), f"{right:.1%}", f"{error:.1%}", f"{lines:.0%}", f"{ms:.1f}"
            print(f"| {' | '.join(map(str, row))} |", flush=True)


if __name__ == "__main__":
    main()
