"""Whole plates, read by the plate network and classically: crops of real plates, none of them learnt from.

``python -m benchmarks.plates [MODEL]...``, by default ``plates`` and ``chars``.
"""

from __future__ import annotations

import sys
import time
from difflib import SequenceMatcher

import cv2
import numpy as np

from benchmarks import FOLD, data_folder, labelled_plates
from plate_ocr import PlateReader, Reading
from plate_ocr.alphabet import UNKNOWN

SETS = ("cn", "us", "br", "eu", "uz", "vn-two-line")
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


def _calibration_error(readings: list[Reading], texts: list[str], labels: list[str], bins: int = 15) -> float:
    """Mean gap between confidence and share of right characters over bins of confidence."""
    confidences, right = [], []
    for reading, text, label in zip(readings, texts, labels, strict=True):
        if reading.plates:
            matches = SequenceMatcher(None, text, label, autojunk=False).get_matching_blocks()
            among = {place for match in matches for place in range(match.a, match.a + match.size)}
            for place, char in enumerate(reading.plates[0].chars):
                if text[place] != UNKNOWN:
                    confidences.append(char.confidence)
                    right.append(place in among)
    gaps = np.zeros(bins)
    places = np.minimum((np.array(confidences) * bins).astype(int), bins - 1)
    np.add.at(gaps, places, np.array(right) - np.array(confidences))
    return float(np.abs(gaps).sum() / max(1, len(right)))


if __name__ == "__main__":
    main()
