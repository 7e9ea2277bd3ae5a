"""What training the detector on photos gains on others of their kind, and what it loses on rendered scenes.

``python -m benchmarks.own_photos SET [FOLDER ...]``: one half of a set of photos, split by the plates' texts,
is trained on and the other half read, before and after, and the reverse; so is that half of each FOLDER, with
changed photos of the same plates. O=0, I=1. The weights are thrown away.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from benchmarks import LabelledPhoto, data_folder, labelled_photos, text_halves
from benchmarks.photos import Seen, read_photos
from plate_ocr.app.progress import LogCallback
from plate_ocr.readers.auto import PlateReader
from plate_ocr.training.detector.config import DetectorRunConfig
from plate_ocr.training.tasks import train


def those_of(photos: Sequence[LabelledPhoto], texts: set[str]) -> list[LabelledPhoto]:
    """The photos of some plates."""
    return [photo for photo in photos if photo.texts[0] in texts]


def trained(photos: Sequence[LabelledPhoto], folder: Path, seed: int) -> PlateReader:
    """A reader whose detector was trained on some photos in a new folder."""
    table = folder / "photos.csv"
    with table.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["image_path", "plate_text", "x", "y", "w", "h"])
        for photo in photos:
            for text, (x, y, w, h) in zip(photo.texts, photo.boxes, strict=True):
                rows.writerow([photo.path.absolute(), text, x - w / 2, y - h / 2, w, h])
    config = DetectorRunConfig.new(
        data=(str(table),), weights="detector", seed=seed, assets=str(data_folder())
    )
    train(config, folder / "run", LogCallback())
    print((folder / "run" / "card.md").read_text(encoding="utf-8"))
    return PlateReader(detector=folder / "run", input="photo", threads=1)


def added(name: str, of: Sequence[Seen]) -> str:
    """A row of what was seen in all halves."""
    read = [one for seen in of for one in seen.read]
    return f"{name} | {np.mean(read):.1%} of {len(read)} | {sum(seen.invented for seen in of)}"


def main() -> None:
    """Print what is read before and after."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("set")
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    photos = labelled_photos(data_folder() / "photos" / options.set)
    pictures = {options.set: photos} | {folder.name: labelled_photos(folder) for folder in options.folders}
    before: dict[str, list[Seen]] = {name: [] for name in pictures}
    after: dict[str, list[Seen]] = {name: [] for name in pictures}
    shipped = PlateReader(input="photo", threads=1)
    # A photo belongs where its first plate does.
    own = text_halves(photo.texts[0] for photo in photos)
    for learnt, measured in (own, own[::-1]):
        with tempfile.TemporaryDirectory() as folder:
            reader = trained(those_of(photos, learnt), Path(folder), options.seed)
            for name, of in pictures.items():
                others = those_of(of, measured)
                before[name].append(read_photos(shipped, name, others))
                after[name].append(read_photos(reader, name, others))
    print("| photos | detector | read | wrong extra plates |\n|---|---|---|---|")
    for name in pictures:
        print(f"| {name}, the other half | {added('before', before[name])} |")
        print(f"| | {added('after', after[name])} |")


if __name__ == "__main__":
    main()
