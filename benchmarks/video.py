"""Cars that drive through rendered videos: how many are reported exactly once, with the right text.

``python -m benchmarks.video [COUNT] [--seed N]``, by default 40 videos; plates are lettered as those that the
plate network learns from. ``python -m benchmarks.video --gate [--seed N] [--peer v4=PYTHON] [--save FILE]``:
the processor time that ``plate-ocr predict`` takes for each frame of a film of a toll gate, and its cars;
with a peer also the peer's time for one frame (``docs/benchmarks.md`` says how to install it).
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import cv2

from benchmarks import fonts_folder
from benchmarks.gate_film import COUNT as GATE_COUNT
from benchmarks.gate_film import GateFilm
from benchmarks.peers import Worker
from benchmarks.rendered_videos import RATE, VideoGenerator
from plate_ocr.readers.auto import PlateReader
from plate_ocr.text import fold_lookalikes
from plate_ocr.video import watch
from plate_ocr.video.vehicle import VehicleTrack

COUNT = 40
REGIONS = ("eu", "gb", "us", "br", "tr")
SEED = 7

PEER_FRAMES = 20
"""Frames of the gate film that a peer reads."""


def main() -> None:
    """Print what went wrong, then the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", nargs="?", type=int, default=COUNT)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--gate", action="store_true")
    parser.add_argument("--peer", metavar="NAME=PYTHON")
    parser.add_argument("--save", type=Path, help="keep the gate film in this file, .mp4")
    given = parser.parse_args()
    if given.gate:
        with tempfile.TemporaryDirectory() as folder:
            gate(given.save or Path(folder) / "gate.mp4", given.seed, given.peer)
    elif given.peer or given.save:
        parser.error("--peer and --save belong to --gate")
    else:
        rendered(given.count, given.seed)


def rendered(count: int, seed: int) -> None:
    """Watch rendered videos."""
    cv2.setNumThreads(1)
    generator = VideoGenerator(fonts_folder(), REGIONS)
    reader = PlateReader(input="photo", threads=1)
    cars = right = too_many = pictures = 0
    seconds = 0.0
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "video.mp4")
        for index in range(count):
            video = generator.video(seed, index)
            video.write(path)
            started = time.process_time()
            found = [car for car in watch(path, reader, print) if isinstance(car, VehicleTrack)]
            seconds += time.process_time() - started
            pictures += video.count
            told = Counter(fold_lookalikes(car.plate.text) for car in found)
            driven = [fold_lookalikes(car.text) for car in video.cars]
            cars += len(driven)
            right += sum(told[text] == 1 for text in driven)
            too_many += max(0, len(found) - len(driven))
            if sorted(told.elements()) != sorted(driven):
                texts = " ".join(told.elements()) or "nothing"
                print(f"video {index}: {' '.join(driven)} reported as {texts}")
    print(
        f"{count} videos, {cars} cars (O=0, I=1): {right / cars:.0%} reported once with the right text, "
        f"{too_many} too many\n"
        f"{pictures / seconds:.0f} frames per second of processor time; a video has {RATE}"
    )


def gate(path: Path, seed: int, peer: str | None) -> None:
    """Read the gate film in a process of its own."""
    film = GateFilm(VideoGenerator(fonts_folder(), REGIONS), seed)
    film.write(path)
    command = [sys.executable, "-m", "plate_ocr", "predict", "--json", str(path)]
    before = _children_seconds()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    frame = (_children_seconds() - before) / GATE_COUNT
    told = [plate["text"] for line in done.stdout.splitlines() for plate in json.loads(line)["plates"]]
    print(f"cars: {' '.join(car.text for car in film.cars)}, reported: {' '.join(told)}")
    print(f"{1000 * frame:.1f} ms of processor time per frame")
    if peer:
        name, _, program = peer.partition("=")
        theirs = _peer_seconds(name, program, path)
        print(f"{name}: {1000 * theirs:.0f} ms per frame; ours takes {frame / theirs:.3f} of it")


def _peer_seconds(name: str, program: str, film: Path) -> float:
    """Processor time of a peer for a frame, seconds."""
    worker, paths = Worker(name, program, detect=True), list[Path]()
    capture = cv2.VideoCapture(str(film))
    for number in range(GATE_COUNT):
        _, picture = capture.read()
        if number % (GATE_COUNT // PEER_FRAMES) == 0:
            paths.append(film.with_name(f"{film.stem}-{number}.png"))
            cv2.imwrite(str(paths[-1]), picture)
    worker.read(paths[:1], counted=False)
    worker.read(paths)
    worker.end()
    for path in paths:
        path.unlink()
    return worker.seconds / len(paths)


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
