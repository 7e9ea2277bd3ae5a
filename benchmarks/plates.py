"""Whole plates, read by the plate network and classically: crops of real plates, none of them learnt from.

``python -m benchmarks.plates [MODEL]...``, by default ``plates`` and ``chars``.
"""

from __future__ import annotations

import sys
import time

import cv2
import numpy as np

from benchmarks import FOLD, SETS, data_folder, labelled_plates
from plate_ocr import PlateReader, Reading
from plate_ocr.training.platemeasure import gap, right_characters

EXACT = ("cn",)
"""Sets whose labels tell O from 0 and I from 1."""


def main() -> None:
    """Print a table. Chinese plates count when every character is right, others with O=0 and I=1."""
    cv2.setNumThreads(1)
    print("| model | plates | crops | right | characters' calibration error | two lines | ms a crop |")
    print("|---|---|---|---|---|---|---|")
    for model in sys.argv[1:] or ["plates", "chars"]:
        reader = PlateReader(model, threads=1)
        for name in SETS:
            started = time.perf_counter()
            crops = list(labelled_plates(data_folder() / "plates" / name))
            readings = [reader(path) for path, _ in crops]
            ms = 1000 * (time.perf_counter() - started) / len(crops)
            labels = [label if name in EXACT else label.translate(FOLD) for _, label in crops]
            texts = [_text(reading, fold=name not in EXACT) for reading in readings]
            right = np.mean([text == label for text, label in zip(texts, labels, strict=True)])
            lines = np.mean([bool(r.plates) and r.plates[0].lines == 2 for r in readings])
            error = _calibration_error(readings, texts, labels)
            print(
                f"| {model} | {name} | {len(crops)} | {right:.1%} | {error:.1%} | {lines:.0%} | {ms:.1f} |",
                flush=True,
            )


def _text(reading: Reading, *, fold: bool) -> str:
    text = reading.plates[0].text if reading.plates else ""
    return text.translate(FOLD) if fold else text


def _calibration_error(readings: list[Reading], texts: list[str], labels: list[str]) -> float:
    """Mean gap between the characters' confidence and the share of right ones; unknown ones say nothing."""
    confidences, right = [], []
    for reading, text, label in zip(readings, texts, labels, strict=True):
        chars = reading.plates[0].chars if reading.plates else ()
        for char, value in zip(chars, right_characters(text, label), strict=True):
            if char.char is not None:
                confidences.append(char.confidence)
                right.append(value)
    return gap(np.array(confidences, np.float32), np.array(right, bool))


if __name__ == "__main__":
    main()
