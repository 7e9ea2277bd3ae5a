"""Whole plates, read by the plate network and classically: crops of real plates, none of them learnt from.

``python -m benchmarks.plates [MODEL]...``, by default ``plates`` and ``chars``.
"""

from __future__ import annotations

import sys
import time

import cv2
import numpy as np

from benchmarks import COUNTRIES, EXACT, MORE_SETS, SETS, data_folder, labelled_plates
from plate_ocr.metrics import Sample, calibration_error
from plate_ocr.readers.auto import PlateReader


def read_set(reader: PlateReader, name: str) -> list[Sample]:
    """Read the crops of a set."""
    plates = labelled_plates(data_folder() / "plates" / name)
    return [Sample(str(plate.path), plate.text, reader(plate.path)) for plate in plates]


def share_right(samples: list[Sample], name: str) -> float:
    """The share of a set's crops that were read right: to the letter, or with O=0 and I=1, by the set."""
    return float(np.mean([sample.is_correct(folded=name not in EXACT) for sample in samples]))


def share_of_country(samples: list[Sample], name: str) -> float:
    """The share of a set's crops whose country was told, and right; not told counts as wrong."""
    right = COUNTRIES.get(name, (name,))
    regions = [plate.region for sample in samples for plate in sample.reading.plates[:1]]
    return sum(region is not None and region.country in right for region in regions) / len(samples)


def main() -> None:
    """Print a table.

    Chinese plates count when every character is right, others with O=0 and I=1; the calibration error is of
    characters.
    """
    cv2.setNumThreads(1)
    print("| model | plates | crops | correct | country | calibration error | two lines | ms per crop |")
    print("|---|---|---|---|---|---|---|---|")
    for model in sys.argv[1:] or ["plates", "chars"]:
        reader = PlateReader(model, input="plate", threads=1)
        for name in (*SETS, *MORE_SETS):
            started = time.perf_counter()
            samples = read_set(reader, name)
            ms = 1000 * (time.perf_counter() - started) / len(samples)
            right = share_right(samples, name)
            found = [plate for sample in samples for plate in sample.reading.plates]
            lines = sum(plate.lines == 2 for plate in found) / len(samples)
            country = share_of_country(samples, name)
            error = calibration_error(samples, folded=name not in EXACT)
            shares = f"{right:.1%}", f"{country:.1%}", f"{error:.1%}", f"{lines:.0%}"
            row = model, name, len(samples), *shares, f"{ms:.1f}"
            print(f"| {' | '.join(map(str, row))} |", flush=True)


if __name__ == "__main__":
    main()
