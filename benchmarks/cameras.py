"""Two cameras for a long time, watched by a server: cars that are lost, and memory.

``python -m benchmarks.cameras [--minutes 60]``. Two stand-ins for cameras send the gate films of two seeds
over and over, 1280×720, 10 frames a second: four cars each time. Ends with status 1 if a car is not among
the sightings or memory grew.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2
import httpx

from benchmarks import fonts_folder
from benchmarks.gate_film import RATE, GateFilm
from benchmarks.rendered_videos import VideoGenerator
from benchmarks.server import MAX_GROWTH, serve
from benchmarks.video import REGIONS
from plate_ocr.text import fold_lookalikes

FRAMES_PER_SECOND = 10
"""Of a camera."""

SEEDS = (1, 2)
"""Of the two films."""

WARM_S = 300.0
"""Memory is taken after so many seconds, of a shorter run after a tenth of it, and at its end."""

KEEP_S = 30.0
"""All sightings are kept within so many seconds after the end of the films."""


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
        self.rounds = self.sent = 0
        self.stopped, self.ended = threading.Event(), threading.Event()

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
                        self.sent += 1
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


def sightings(client: httpx.Client, camera: str) -> Counter[str]:
    """How often the server saw which plate."""
    answer = client.get("/api/v1/sightings", params={"camera": camera, "format": "jsonl"})
    return Counter(fold_lookalikes(json.loads(line)["text"]) for line in answer.text.splitlines())


def main() -> None:
    """Print the figures; exit status 1 if a car was lost or memory grew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    seconds = 60 * parser.parse_args().minutes
    warm = min(WARM_S, seconds / 10)
    generator = VideoGenerator(fonts_folder(), REGIONS)
    cameras = {f"camera {seed}": FilmCamera(GateFilm(generator, seed)) for seed in SEEDS}
    with serve() as server, httpx.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=60) as client:
        used, started = server.cpu(), time.monotonic()
        for name, camera in cameras.items():
            value = {"name": name, "kind": "stream", "source": camera.address}
            client.post("/api/v1/cameras", json=value).raise_for_status()
        time.sleep(warm)
        early = server.memory()
        time.sleep(max(0, seconds - (time.monotonic() - started)))
        for camera in cameras.values():
            camera.stopped.set()
        for camera in cameras.values():
            camera.ended.wait()
        late, cores = server.memory(), (server.cpu() - used) / (time.monotonic() - started)
        want = {name: Counter(camera.texts * camera.rounds) for name, camera in cameras.items()}
        end = time.monotonic() + KEEP_S
        while True:
            found = {name: sightings(client, name) for name in cameras}
            if all(want[name] <= found[name] for name in cameras) or time.monotonic() > end:
                break
            time.sleep(1)
        pictures = sum(one["pictures"] for one in client.get("/api/v1/cameras").json())
    lost = sum((want[name] - found[name] for name in cameras), Counter[str]())
    extra = sum((found[name] - want[name] for name in cameras), Counter[str]())
    cars = sum(counter.total() for counter in want.values())
    sent = sum(camera.sent for camera in cameras.values())
    print(
        f"{len(cameras)} cameras, {seconds / 60:g} minutes: "
        f"{cars:,} cars, {lost.total()} lost, {extra.total()} too many"
    )
    if lost or extra:
        print(*(f"{text} {count} times" for text, count in (lost + extra).items()), sep=", ")
    print(f"memory: {early:.0f} MB after {warm:.0f} s, {late / early:.2f} × that at the end")
    print(f"{pictures / sent:.0%} of the pictures looked at, {cores:.2f} cores")
    if lost or late > MAX_GROWTH * early:
        sys.exit(1)


if __name__ == "__main__":
    main()
