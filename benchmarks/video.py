"""Cars that drive through rendered videos: how many are reported exactly once, with the right text.

``python -m benchmarks.video [COUNT]``, by default 40 videos.
Plates are lettered as those that the plate network learns from.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import cv2

from benchmarks import data_folder
from benchmarks.rendered_videos import RATE, VideoGenerator
from plate_ocr.readers.auto import PlateReader
from plate_ocr.readers.results import Reading
from plate_ocr.text import fold_lookalikes
from plate_ocr.video import watch
from plate_ocr.video.tracking import MIN_DETECTIONS, VehicleTrack
from plate_ocr.vision.images import Image

COUNT = 40
REGIONS = ("eu", "gb", "us", "br", "tr")
SEED = 7


def main() -> None:
    """Print what went wrong, then the figures."""
    cv2.setNumThreads(1)
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    generator = VideoGenerator(data_folder(), REGIONS)
    reader = PlateReader(input="photo", threads=1)
    readings: Counter[str] = Counter()

    def read(picture: Image) -> Reading:
        reading = reader(picture)
        readings.update(fold_lookalikes(plate.text) for plate in reading.plates)
        return reading

    outcomes: list[tuple[bool, bool]] = []
    too_many = pictures = 0
    seconds = 0.0
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "video.mp4")
        for index in range(count):
            video = generator.video(SEED, index)
            video.write(path)
            readings.clear()
            started = time.process_time()
            found = [car for car in watch(path, read, print) if isinstance(car, VehicleTrack)]
            seconds += time.process_time() - started
            pictures += video.count
            told = Counter(fold_lookalikes(car.plate.text) for car in found)
            driven = [fold_lookalikes(car.text) for car in video.cars]
            outcomes += [(told[text] == 1, readings[text] >= MIN_DETECTIONS) for text in driven]
            too_many += max(0, len(found) - len(driven))
            if sorted(told.elements()) != sorted(driven):
                texts = " ".join(told.elements()) or "nothing"
                print(f"video {index}: {' '.join(driven)} reported as {texts}")
    right, read_at_all = (sum(column) for column in zip(*outcomes, strict=True))
    both = sum(once and some for once, some in outcomes)
    print(
        f"{count} videos, {len(outcomes)} cars (O=0, I=1): {right / len(outcomes):.0%} reported once with "
        f"the right text, {too_many} too many\n"
        f"of the {read_at_all} read correctly {MIN_DETECTIONS} times or more: {both / read_at_all:.0%}\n"
        f"{pictures / seconds:.0f} frames per second of processor time; a video has {RATE}"
    )


if __name__ == "__main__":
    main()
