"""Plants wrong labels in real data and counts how many a training lists as suspects."""

from __future__ import annotations

import csv
import tempfile
from pathlib import Path

import numpy as np

from benchmarks import data_folder
from plate_ocr.alphabet import DIGITS, LETTERS
from plate_ocr.app.progress import LogCallback
from plate_ocr.training.characters.config import CharsRunConfig
from plate_ocr.training.characters.dataset import list_samples
from plate_ocr.training.tasks import train

SHARE = 0.02


def main() -> None:
    """Print what was found."""
    known = DIGITS + LETTERS
    samples, _ = list_samples(data_folder() / "chars" / "zhengpeng")
    samples = [sample for sample in samples if sample.label in known]
    labels = np.array([sample.label for sample in samples])
    rng = np.random.default_rng(0)
    planted = rng.choice(len(samples), round(SHARE * len(samples)), replace=False)
    for i in planted:
        labels[i] = rng.choice([c for c in np.unique(labels) if c != labels[i]])
    with tempfile.TemporaryDirectory() as base:
        listing = Path(base) / "labels.csv"
        with listing.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["image_path", "label"])
            writer.writerows(zip((sample.path.resolve() for sample in samples), labels, strict=True))
        config = CharsRunConfig.new(
            data=(str(listing),), grid=(10, 8), hidden=128, epochs=10, val_fraction=0.01, test_fraction=0.01
        )
        folder = Path(base) / "run"
        train(config, folder, LogCallback())
        with (folder / "label_issues.csv").open(encoding="utf-8", newline="") as file:
            listed = [row["image_path"] for row in csv.DictReader(file)]
    wrong = {str(samples[i].path.resolve()) for i in planted}
    # What went to the validation and test part was not learnt from and cannot be listed.
    found = len(wrong & set(listed))
    print(
        f"{len(wrong)} of {len(samples):,} labels were wrong; a list of {len(listed)} holds {found} of them, "
        f"{found / len(wrong):.1%}"
    )


if __name__ == "__main__":
    main()
