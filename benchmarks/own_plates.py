"""What training on real plates gains on their kind, and what it loses on all others.

``python -m benchmarks.own_plates SET... [--plates N]``: one half of a set of crops, split by text, is trained
on and the other half measured, and the reverse; all other sets are read before and after, with O=0 and I=1.
Korean crops are few: plates that are found in the photos are cut out, too. The weights are thrown away.
"""

from __future__ import annotations

import argparse
import csv
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from benchmarks import data_folder, labelled_photos, text_halves
from plate_ocr.app.progress import LogCallback
from plate_ocr.labels import LabelledPlate, list_plates
from plate_ocr.readers.auto import PlateReader
from plate_ocr.text import fold_lookalikes
from plate_ocr.training.plates.config import PlateRunConfig
from plate_ocr.training.tasks import train
from plate_ocr.vision.geometry import crop_box
from plate_ocr.vision.images import read_image

SMALL = 100
"""Sets of fewer crops are pooled."""

WITH_PHOTOS = ("kr",)
"""Sets with crops that are cut from photos beside them."""
CUT_MARGIN = (0.1, 0.15)
"""Around a plate that is cut out, as parts of its box's width and height."""


def mistakes(reader: PlateReader, plates: Sequence[LabelledPlate]) -> int:
    """How many plates are not read to the letter, O=0 and I=1."""
    texts = [reading.text for reading in reader([plate.path for plate in plates])]
    return sum(
        fold_lookalikes(text) != fold_lookalikes(plate.text)
        for text, plate in zip(texts, plates, strict=True)
    )


def halves(plates: Sequence[LabelledPlate]) -> tuple[list[LabelledPlate], list[LabelledPlate]]:
    """Two halves with no text in common."""
    one, other = text_halves(plate.text for plate in plates)
    return [plate for plate in plates if plate.text in one], [
        plate for plate in plates if plate.text in other
    ]


def all_sets() -> dict[str, list[LabelledPlate]]:
    """The crops of each set."""
    folders = sorted(path for path in (data_folder() / "plates").iterdir() if path.is_dir())
    return {folder.name: list_plates(folder, None)[0] for folder in folders}


def cut_from_photos(name: str, reader: PlateReader, folder: Path) -> list[LabelledPlate]:
    """Crops of the surest plate that is found in each photo of a set, written to a folder."""
    plates = []
    for photo in labelled_photos(data_folder() / "photos" / name):
        picture = read_image(photo.path)
        if found := reader(picture).plates:
            path = folder / f"{photo.path.stem}.png"
            cv2.imwrite(str(path), crop_box(picture, np.array(found[0].corners), CUT_MARGIN).picture)
            plates.append(LabelledPlate(path, photo.texts[0], "", ""))
    return plates


def trained(
    plates: Sequence[LabelledPlate], seed: int, options: argparse.Namespace
) -> tuple[PlateReader, float]:
    """A reader of a model that was trained on some plates, and the processor time that it took, seconds."""
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
            keep=options.keep,
            lr=options.lr,
            epochs=options.epochs,
            device=options.device,
            seed=seed,
            assets=str(data_folder()),
        )
        started = sum(os.times()[:4])
        train(config, Path(folder, "run"), LogCallback())
        return PlateReader(Path(folder, "run"), input="plate"), sum(os.times()[:4]) - started


def measure(
    name: str,
    sets: Mapping[str, Sequence[LabelledPlate]],
    before: Mapping[str, int],
    shipped: PlateReader,
    options: argparse.Namespace,
) -> None:
    """Print a table of mistakes before and after, means of all trainings on one set."""
    others = {other: plates for other, plates in sets.items() if other != name}
    after = dict.fromkeys(others, 0)
    own = halves(sets[name])
    first = last = count = 0
    for learnt, measured in (own, own[::-1]):
        missed = mistakes(shipped, measured)
        for seed in options.seeds:
            reader, seconds = trained(learnt[: options.plates], seed, options)
            first, last, count = first + missed, last + mistakes(reader, measured), count + len(measured)
            for other, plates in others.items():
                after[other] += mistakes(reader, plates)
            said = f"{len(learnt[: options.plates])} plates of {name}, {seconds:.0f} s of processor time"
            print(f"{said}: so far {first} mistakes became {last}", flush=True)
    runs = 2 * len(options.seeds)
    groups = [[other] for other in others if len(others[other]) >= SMALL]
    groups.append([other for other in others if len(others[other]) < SMALL])
    rows: list[tuple[str, float, float, float]] = []
    rows.append((f"{name}, the other half", count / runs, first / runs, last / runs))
    for group in groups:
        number = sum(len(others[other]) for other in group)
        missed = sum(before[other] for other in group)
        rows.append((", ".join(group), number, missed, sum(after[other] for other in group) / runs))
    points = [100 * (start - end) / number for _, number, start, end in rows]
    print("| crops | number | mistakes before | after, mean | points |")
    print("|---|---|---|---|---|")
    for (crops, total, start, end), change in zip(rows, points, strict=True):
        print(f"| {crops} | {total:.0f} | {start:.1f} | {end:.1f} | {change:+.2f} |")
    print(f"| all but {name}, mean | | | | {np.mean(points[1:]):+.2f} |", flush=True)


def main() -> None:
    """Print a table for each set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="+")
    parser.add_argument("--plates", type=int, help="train on so many plates of the half")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--alphabet")
    parser.add_argument("--mix", type=float)
    parser.add_argument("--keep", type=float)
    parser.add_argument("--lr", type=float)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--device")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    sets = all_sets()
    shipped = PlateReader("plates", input="plate")
    with tempfile.TemporaryDirectory() as folder:
        for name in {*options.sets} & {*WITH_PHOTOS}:
            cut = cut_from_photos(name, shipped.with_settings(input="photo"), Path(folder))
            print(f"{len(cut)} plates are cut from photos of {name}")
            sets[name] += cut
        before = {name: mistakes(shipped, plates) for name, plates in sets.items()}
        for name in options.sets:
            measure(name, sets, before, shipped, options)


if __name__ == "__main__":
    main()
