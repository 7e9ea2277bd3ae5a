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


def main() -> None:
    """Print a table. Chinese plates count when every character is right, others with O=0 and I=1."""
    cv2.setNumThreads(1)
    print("| model | plates | crops | right | characters' calibration error | two lines | ms a crop |")
    print("|---|---|---|---|---|---|---|")
    for model in sys.argv[1:] or ["plates", "chars"]:
        reader = PlateReader(model, input="plate", threads=1)
        for name in SETS:
            plates = labelled_plates(data_folder() / "plates" / name)
            started = time.perf_counter()
            outcomes = [Outcome(str(plate.path), plate.text, reader(plate.path)) for plate in plates]
            ms = 1000 * (time.perf_counter() - started) / len(outcomes)
            folded = name not in EXACT
            right = np.mean([outcome.is_right(folded=folded) for outcome in outcomes])
            found = [plate for outcome in outcomes for plate in outcome.reading.plates]
            lines = sum(plate.lines == 2 for plate in found) / len(outcomes)
            error = calibration_error(outcomes, folded=folded)
            row = model, name, len(outcomes), f"{right:.1%}", f"{error:.1%}", f"{lines:.0%}", f"{ms:.1f}"
            print(f"| {' | '.join(map(str, row))} |", flush=True)


if __name__ == "__main__":
    main()
