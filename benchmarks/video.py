"""Cars that drive through rendered videos: how many are told of exactly once, with the right text.

``python -m benchmarks.video [COUNT]``, by default 20 videos.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import cv2

from plate_ocr import PlateReader
from plate_ocr.app.video import watch
from plate_ocr.tracking import Car
from plate_ocr.training.plates.videos import RATE, VideoGenerator

COUNT = 20
REGIONS = ("eu", "gb", "us", "br", "tr")
SEED = 6


def main() -> None:
    """Print what went wrong, then the figures."""
    cv2.setNumThreads(1)
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    generator = VideoGenerator(None, REGIONS)
    read = PlateReader(input="photo", threads=1)
    cars = right = too_many = pictures = 0
    seconds = 0.0
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "video.mp4")
        for index in range(count):
            video = generator.video(SEED, index)
            video.write(path)
            started = time.perf_counter()
            found = [car for car in watch(path, read, print) if isinstance(car, Car)]
            seconds += time.perf_counter() - started
            pictures += video.count
            told, driven = Counter(car.plate.text for car in found), [car.text for car in video.cars]
            cars += len(driven)
            right += sum(told[text] == 1 for text in driven)
            too_many += max(0, len(found) - len(driven))
            if sorted(told.elements()) != sorted(driven):
                print(f"video {index}: {' '.join(driven)} told as {' '.join(told.elements()) or 'nothing'}")
    print(
        f"{count} videos, {cars} cars: {right / cars:.1%} told of once with the right text, "
        f"{too_many} too many; {pictures / seconds:.0f} pictures a second on one core, {RATE} is live"
    )


if __name__ == "__main__":
    main()
