"""Two cameras for a long time in one process: cars that are lost, and memory.

``python -m benchmarks.cameras [--minutes 10]``. Two stand-ins for cameras send the gate films of two seeds
over and over, 1280×720, 10 frames a second: four cars each time.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2

from benchmarks import data_folder
from benchmarks.gate_film import RATE, GateFilm
from benchmarks.rendered_videos import VideoGenerator
from benchmarks.video import REGIONS
from plate_ocr.readers.auto import PlateReader
from plate_ocr.text import fold_lookalikes
from plate_ocr.video import VehicleTrack, watch

FRAMES_PER_SECOND = 10
"""Of a camera."""

SEEDS = (1, 2)
"""Of the two films."""

MAX_GROWTH = 1.1
"""Memory at the end against that after a tenth of the time, at most."""


class FilmCamera:
    """Sends the pictures of a film over HTTP, over and over.

    Args:
        film: what it sends, at its own speed: of its pictures some are left out.
    """

    def __init__(self, film: GateFilm) -> None:
        pictures = [
            cv2.imencode(".jpg", picture)[1].tobytes()
            for i, picture in enumerate(film)
            if int(i * FRAMES_PER_SECOND / RATE) != int((i - 1) * FRAMES_PER_SECOND / RATE)
        ]
        self.texts = [fold_lookalikes(car.text) for car in film.cars]
        self.rounds, self.stopped, self.ended = 0, threading.Event(), threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(handler) -> None:  # noqa: N805
                handler.send_response(200)
                handler.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
                handler.end_headers()
                due = time.monotonic()
                while not self.stopped.is_set():
                    for data in pictures:
                        head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
                        handler.wfile.write(head.encode() + data + b"\r\n")
                        due += 1 / FRAMES_PER_SECOND
                        time.sleep(max(0.0, due - time.monotonic()))
                    self.rounds += 1
                self.ended.set()

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        self.address = f"http://127.0.0.1:{server.server_address[1]}/"
        threading.Thread(target=server.serve_forever, daemon=True).start()


def main() -> None:
    """Print the figures; exit status 1 if a car was lost or memory grew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    seconds = 60 * parser.parse_args().minutes
    generator = VideoGenerator(data_folder(), REGIONS)
    cameras = [FilmCamera(GateFilm(generator, seed)) for seed in SEEDS]
    found, stop = [Counter[str]() for _ in cameras], threading.Event()
    reader = PlateReader(input="photo")

    def run(camera: FilmCamera, told: Counter[str]) -> None:
        for car in watch(camera.address, reader, print, stop=stop):
            if isinstance(car, VehicleTrack):
                told[fold_lookalikes(car.plate.text)] += 1

    threads = [threading.Thread(target=run, args=pair) for pair in zip(cameras, found, strict=True)]
    used, started, memory = time.process_time(), time.monotonic(), list[float]()
    for thread in threads:
        thread.start()
    while time.monotonic() - started < seconds:
        time.sleep(1)
        memory.append(_memory_mb())
    for camera in cameras:
        camera.stopped.set()
        camera.ended.wait()
    time.sleep(1)
    stop.set()
    for thread in threads:
        thread.join()
    lost, extra = Counter[str](), Counter[str]()
    for camera, told in zip(cameras, found, strict=True):
        want = Counter(camera.texts * camera.rounds)
        lost, extra = lost + (want - told), extra + (told - want)
    early, half, late = (memory[min(len(memory) - 1, round(part * len(memory)))] for part in (0.1, 0.5, 1.0))
    cores = (time.process_time() - used) / (time.monotonic() - started)
    cars = sum(len(camera.texts) * camera.rounds for camera in cameras)
    counts = f"{cars} cars, {lost.total()} lost, {extra.total()} too many"
    print(f"{len(cameras)} cameras, {seconds / 60:g} minutes: {counts}")
    if lost or extra:
        print(*(f"{text} {count} times" for text, count in (lost + extra).items()), sep=", ")
    print(f"memory {early:.0f} MB after a tenth of the time, {half:.0f} after half, {late:.0f} at the end")
    print(f"{cores:.2f} cores, of which the cameras take a part")
    if lost or late > MAX_GROWTH * early:
        sys.exit(1)


def _memory_mb() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) * 1024 / 1e6


if __name__ == "__main__":
    main()
