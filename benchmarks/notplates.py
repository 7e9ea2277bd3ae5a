"""What is taken for a plate where there is none, how fast plates are rendered, and the memory of a reader.

``python -m benchmarks.notplates [MODEL]``, by default ``plates``.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np

from benchmarks import SETS, data_folder, labelled_photos, photo_folders, reading_memory
from plate_ocr.model.onnx_session import available_threads
from plate_ocr.readers.auto import PlateReader
from plate_ocr.rendering.shards import Rendering, render_all, render_shard
from plate_ocr.vision.images import Image, read_image, to_gray

WIDTHS = (64, 128, 256)
CUTS = 8
"""Of each width, from each photo, at most."""
EMPTY = 1000
"""Rendered pictures without a plate."""
WARM, RENDERED = 1500, 1024
"""Plates of each process before the clock starts, as it loads characters when it first needs them; timed."""
SEED = 2


def cuts(folder: Path, width: int) -> Iterator[Image]:
    """Pieces of a set's photos, 1.5 to 5 times as wide as high, that touch no labelled plate."""
    rng = np.random.default_rng((SEED, width))
    for labelled in labelled_photos(folder):
        photo = to_gray(read_image(labelled.path))
        for _ in range(CUTS):
            height = round(width / rng.uniform(1.5, 5))
            if photo.shape[0] <= height or photo.shape[1] <= width:
                continue
            x, y = rng.integers(photo.shape[1] - width), rng.integers(photo.shape[0] - height)
            if all(x + width < a or x > c or y + height < b or y > d for a, b, c, d in labelled.hulls()):
                yield photo[y : y + height, x : x + width]


def row(name: str, read: int, count: int) -> None:
    """Print how many pictures are taken for a plate."""
    print(f"| {name} | {count:,} | {read / count:.2%} |", flush=True)


def main() -> None:
    """Print a table and two lines."""
    cv2.setNumThreads(1)
    model = sys.argv[1] if len(sys.argv) > 1 else "plates"
    reader = PlateReader(model, input="plate", threads=1)
    data = data_folder()
    rendering = Rendering(str(data), seed=SEED, not_plates=1.0)
    print("| no plates | pictures | taken for one |\n|---|---|---|")
    read = count = 0
    for width in WIDTHS:
        found = [bool(reader(cut).plates) for folder in photo_folders() for cut in cuts(folder, width)]
        row(f"cut from photos, {width} wide", sum(found), len(found))
        read, count = read + sum(found), count + len(found)
    row("all of these", read, count)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
        empty = [*render_all(rendering, 0, EMPTY, executor).images]
        row("rendered", sum(bool(reader(picture).plates) for picture in empty), EMPTY)
        plates = Rendering(str(data), seed=SEED)
        render_all(plates, 0, 2 * WARM, executor, part=250)
        started = time.perf_counter()
        render_all(plates, 2 * WARM, RENDERED, executor, part=128)
        seconds = time.perf_counter() - started
    render_shard(plates, 0, WARM)
    started = time.process_time()
    render_shard(plates, WARM, 256)
    alone = 256 / (time.process_time() - started)
    print(
        f"\ntwo processes rendered {RENDERED / seconds:,.0f} plates per second, one {alone:,.0f} in a second "
        f"of processor time; {available_threads()} cores, load average {os.getloadavg()[0]:.1f}"
    )
    some = [path for name in SETS for path in sorted((data / "plates" / name / "images").iterdir())[:20]]
    memory = reading_memory(model, "plate", some)
    print(f"a process that reads {len(some)} plates takes {memory:.0f} MB at most")


if __name__ == "__main__":
    main()
