"""Photos that are small parts of large pictures: what is read there, how long it takes, and how much memory.

``python -m benchmarks.large [MODEL]``, by default ``plates``.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from benchmarks import LabelledPhoto, labelled_photos, photo_folders, reading_memory
from plate_ocr.readers.auto import PlateReader
from plate_ocr.text import fold_lookalikes
from plate_ocr.vision.images import Image, read_image, to_gray

SIDE, EACH = 640, 5
"""Sides of the photos, pixels, at most; how many of each set."""

PICTURES = ((640, 640), (1500, 1000), (3000, 2000), (6000, 4000))
"""Width and height of the pictures that they are parts of."""

FILES = ((4000, 3000), (8000, 6000))
"""Of those in which memory is measured."""


def ground(width: int, height: int) -> Image:
    """Noise, coarse and fine: uint8 ``(height, width)``."""
    rng, noise = np.random.default_rng(1), np.full((height, width), 128, np.float32)
    for coarse in (1, 8, 64, 512):
        points = rng.standard_normal((height // coarse + 2, width // coarse + 2), np.float32)
        noise += 20 * cv2.resize(points, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.clip(noise, 0, 255).astype(np.uint8)


def within(around: Image, photo: LabelledPhoto) -> Image:
    """A picture with a photo in it."""
    gray = to_gray(read_image(photo.path))
    scale = min(1.0, SIDE / max(gray.shape))
    small = cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    picture = around.copy()
    top, left = ((larger - side) // 3 for larger, side in zip(around.shape, small.shape, strict=True))
    picture[top : top + small.shape[0], left : left + small.shape[1]] = small
    return picture


def row(reader: PlateReader, around: Image, photos: list[LabelledPhoto]) -> str:
    """What is read in a picture with one photo after another in it, and in the picture alone."""
    millions, read, seconds, invented = around.size / 1e6, list[bool](), 0.0, 0
    for photo in photos:
        picture = within(around, photo)
        started = time.process_time()
        texts = [fold_lookalikes(plate.text) for plate in reader(picture).plates]
        seconds += time.process_time() - started
        wanted = [fold_lookalikes(text) for text in photo.texts]
        read += [text in texts for text in wanted]
        invented += sum(text not in wanted for text in texts)
    started = time.process_time()
    invented += len(reader(around).plates)
    alone = time.process_time() - started
    figures = f"{len(read)} | {np.mean(read):.1%} | {invented / (len(photos) + 1):.2f}"
    return f"{figures} | {1000 * seconds / len(photos) / millions:.0f} | {1000 * alone / millions:.0f}"


def main() -> None:
    """Print a table and a line. O and 0, I and 1 are the same."""
    cv2.setNumThreads(1)
    model = sys.argv[1] if len(sys.argv) > 1 else "plates"
    reader = PlateReader(model, input="photo", threads=1)
    photos = [photo for folder in photo_folders() for photo in labelled_photos(folder)[:EACH]]
    print(
        "| picture | plates | read | wrong extra plates per picture | ms per megapixel | ms without a photo |"
    )
    print("|---|---|---|---|---|---|")
    for width, height in PICTURES:
        print(f"| {width}×{height} | {row(reader, ground(width, height), photos)} |", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for width, height in FILES:
            path = Path(folder) / "large.jpg"
            cv2.imwrite(str(path), cv2.cvtColor(ground(width, height), cv2.COLOR_GRAY2BGR))
            memory = reading_memory(model, "photo", [path])
            print(f"a process that reads {width}×{height} pixels takes {memory:.0f} MB at most")


if __name__ == "__main__":
    main()
