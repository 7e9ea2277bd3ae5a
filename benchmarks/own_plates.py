"""What training on real plates gains on their kind, and what it loses on all others.

``python -m benchmarks.own_plates SET [--plates N]``: one half of a set of crops, split by text, is trained on
and the other half measured, and the reverse, with two seeds each; all other sets are read before and after,
with O=0 and I=1. The weights are thrown away.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from benchmarks import data_folder
from plate_ocr.app.progress import LogCallback
from plate_ocr.labels import LabelledPlate, list_plates
from plate_ocr.readers.auto import PlateReader
from plate_ocr.text import fold_lookalikes
from plate_ocr.training.plates.config import PlateRunConfig
from plate_ocr.training.tasks import train

SEEDS = 2
SMALL = 100
"""Sets of fewer crops are pooled."""


def mistakes(reader: PlateReader, plates: Sequence[LabelledPlate]) -> int:
    """How many plates are not read to the letter, O=0 and I=1."""
    texts = [reading.text for reading in reader([plate.path for plate in plates])]
    return sum(
        fold_lookalikes(text) != fold_lookalikes(plate.text)
        for text, plate in zip(texts, plates, strict=True)
    )


def halves(plates: Sequence[LabelledPlate]) -> tuple[list[LabelledPlate], list[LabelledPlate]]:
    """Two halves with no text in common."""
    texts = np.random.default_rng(0).permutation(sorted({plate.text for plate in plates}))
    first = set(texts[: len(texts) // 2].tolist())
    one, other = ([plate for plate in plates if (plate.text in first) == inside] for inside in (True, False))
    return one, other


def all_sets() -> dict[str, list[LabelledPlate]]:
    """The crops of each set, without labels that have characters of no model."""
    folders = sorted(path for path in (data_folder() / "plates").iterdir() if path.is_dir())
    return {folder.name: list_plates(folder, None)[0] for folder in folders}


def trained(
    plates: Sequence[LabelledPlate], seed: int, options: argparse.Namespace
) -> tuple[PlateReader, float]:
    """A reader of a model that was trained on some plates, and the time that it took, seconds."""
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder, "plates.csv")
        with table.open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["image_path", "plate_text"])
            rows.writerows((plate.path.absolute(), plate.text) for plate in plates)
        config = PlateRunConfig.new(
            data=(str(table),),
            weights="plates",
            alphabet=options.alphabet,
            mix=options.mix,
            lr=options.lr,
            epochs=options.epochs,
            device=options.device,
            seed=seed,
            assets=str(data_folder()),
        )
        started = time.perf_counter()
        train(config, Path(folder, "run"), LogCallback())
        return PlateReader(Path(folder, "run"), input="plate"), time.perf_counter() - started


def main() -> None:
    """Print a table of mistakes before and after, added up over halves and seeds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("set")
    parser.add_argument("--plates", type=int, help="train on so many plates of the half")
    parser.add_argument("--alphabet")
    parser.add_argument("--mix", type=float)
    parser.add_argument("--lr", type=float)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--device")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    sets = all_sets()
    own = halves(sets.pop(options.set))
    shipped = PlateReader("plates", input="plate")
    before = {name: mistakes(shipped, plates) for name, plates in sets.items()}
    after = dict.fromkeys(sets, 0)
    first = last = count = 0
    for learnt, measured in (own, own[::-1]):
        missed = mistakes(shipped, measured)
        for seed in range(SEEDS):
            reader, seconds = trained(learnt[: options.plates], seed, options)
            first, last, count = first + missed, last + mistakes(reader, measured), count + len(measured)
            for name, plates in sets.items():
                after[name] += mistakes(reader, plates)
            said = f"{len(learnt[: options.plates])} plates, {seconds:.0f} s"
            print(f"{said}: so far {first} mistakes became {last}", flush=True)
    print("| crops | number | mistakes before | after, mean | points |")
    print("|---|---|---|---|---|")
    runs = 2 * SEEDS
    rows = [(f"{options.set}, the other half", count / runs, first / runs, last / runs)]
    large = [name for name, plates in sets.items() if len(plates) >= SMALL]
    rows += [(name, len(sets[name]), before[name], after[name] / runs) for name in large]
    small = [name for name in sets if name not in large]
    totals = (sum(group[name] for name in small) for group in (before, after))
    rows.append((", ".join(small), sum(len(sets[name]) for name in small), next(totals), next(totals) / runs))
    for name, number, start, end in rows:
        print(f"| {name} | {number:.0f} | {start:.1f} | {end:.1f} | {100 * (start - end) / number:+.2f} |")


if __name__ == "__main__":
    main()
