"""Whole plates, read by the plate network and classically: crops of real plates, none of them learnt from.

``python -m benchmarks.plates [MODEL]...``, by default ``plates`` and ``chars``.
"""

from __future__ import annotations

import sys
import time

import cv2
import numpy as np

from benchmarks import EXACT, SETS, data_folder, labelled_plates
from plate_ocr.metrics import Sample, calibration_error
from plate_ocr.readers.auto import PlateReader


def read_set(reader: PlateReader, name: str) -> list[Sample]:
    """Read the crops of a set."""
    plates = labelled_plates(data_folder() / "plates" / name)
    return [Sample(str(plate.path), plate.text, reader(plate.path)) for plate in plates]


def share_right(samples: list[Sample], name: str) -> float:
    """The share of a set's crops that were read right: to the letter, or with O=0 and I=1, by the set."""
    return float(np.mean([sample.is_correct(folded=name not in EXACT) for sample in samples]))


def main() -> None:
    """Print a table. Chinese plates count when every character is right, others with O=0 and I=1."""
    cv2.setNumThreads(1)
    print("| model | plates | crops | correct | calibration error of characters | two lines | ms per crop |")
    print("|---|---|---|---|---|---|---|")
    for model in sys.argv[1:] or ["plates", "chars"]:
        reader = PlateReader(model, input="plate", threads=1)
        for name in SETS:
            started = time.perf_counter()
            samples = read_set(reader, name)
            ms = 1000 * (time.perf_counter() - started) / len(samples)
            right = share_right(samples, name)
            found = [plate for sample in samples for plate in sample.reading.plates]
            lines = sum(plate.lines == 2 for plate in found) / len(samples)
            error = calibration_error(samples, folded=name not in EXACT)
            row = model, name, len(samples), f"{right:.1%}", f"{error:.1%}", f"{lines:.0%}", f"{ms:.1f}"
            print(f"| {' | '.join(map(str, row))} |", flush=True)


if __name__ == "__main__":
    main()
