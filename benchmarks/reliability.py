"""How often a character is right that the plate network is so sure of, on crops of real plates.

``python -m benchmarks.reliability OUT.png [MODEL]`` draws the diagram (DeGroot and Fienberg, *The Comparison
and Evaluation of Forecasters*, 1983) and prints each set's expected calibration error.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.stats import binomtest

from benchmarks import EXACT, SETS, data_folder, labelled_plates
from plate_ocr.metrics import Sample, expected_calibration_error, judged_characters
from plate_ocr.readers.auto import PlateReader

BINS, MIN_COUNT = 10, 5
"""Bins of confidence, and how many characters one has at least that is drawn."""


def main() -> None:
    """Draw and print."""
    if len(sys.argv) not in (2, 3):
        sys.exit(str(__doc__))
    reader = PlateReader(sys.argv[2] if len(sys.argv) == 3 else "plates", input="plate", threads=1)
    figure = Figure(figsize=(9, 6), layout="constrained")
    panels = figure.subplots(2, 3, sharex=True, sharey=True).flat
    for name, panel in zip(SETS, panels, strict=True):
        plates = labelled_plates(data_folder() / "plates" / name)
        samples = [Sample(str(plate.path), plate.text, reader(plate.path)) for plate in plates]
        confidences, right = judged_characters(samples, folded=name not in EXACT)
        gap = expected_calibration_error(confidences, right)
        print(f"{name}: {len(right):,} characters, expected calibration error {gap:.1%}", flush=True)
        place = np.minimum((confidences * BINS).astype(int), BINS - 1)
        there = [i for i in range(BINS) if (place == i).sum() >= MIN_COUNT]
        panel.plot([0, 1], [0, 1], "--", color="0.7", linewidth=1)
        shares = np.array([right[place == i].mean() for i in there])
        ends = np.array([_interval(right[place == i]) for i in there]).T
        panel.errorbar(
            [confidences[place == i].mean() for i in there],
            shares,
            [shares - ends[0], ends[1] - shares],
            fmt="o-",
            capsize=2,
            elinewidth=0.8,
        )
        panel.set_title(f"{name}: {gap:.1%}", fontsize=10)
        for i in there:
            panel.annotate(f"{(place == i).sum()}", ((i + 0.5) / BINS, 0.02), fontsize=6, ha="center")
    figure.supxlabel("confidence")
    figure.supylabel("share of right characters with its 95 % interval; below: how many")
    figure.savefig(Path(sys.argv[1]), dpi=110, metadata={"Software": None})


def _interval(right: NDArray[np.bool_]) -> tuple[float, float]:
    """Where the share of right ones lies by 95 %, as far as so many characters tell (Wilson)."""
    ends = binomtest(int(right.sum()), len(right)).proportion_ci(method="wilson")
    return ends.low, ends.high


if __name__ == "__main__":
    main()
