"""``plate-ocr serve`` under load: ``python -m benchmarks.server [throughput|latency|start|overload]``.

Throughput and latency are told against a loop over the same pictures in this process, in turn with it in one
run. ``overload [--clients 200] [--minutes 5]`` sends as fast as it can, and ends with status 1 if an answer
is neither 200 nor 429, if memory grew or if the server is not healthy a second later.
"""

from __future__ import annotations

import argparse
import http.client
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from shutil import copyfileobj
from statistics import median

import cv2
import numpy as np

from benchmarks import labelled_photos, photo_folders
from plate_ocr.model.onnx_session import available_threads
from plate_ocr.readers.auto import PlateReader
from plate_ocr.vision.images import read_image

COUNT, PIXELS, QUALITY = 32, 1_000_000, 90
"""Number of photos, their size and that of JPEG files."""

CLIENTS = 16
ROUNDS, ROUND_S = 3, 5.0
"""Of the loop and the server in turn."""

WARM_S = 60.0
"""Memory is taken after so many seconds of overload, and at its end."""

MAX_GROWTH = 1.1


def photos() -> list[bytes]:
    """Real photos of a megapixel, JPEG files."""
    paths = [photo.path for folder in photo_folders() for photo in labelled_photos(folder)]
    pictures = []
    for path in random.Random(0).sample(paths, COUNT):
        picture = read_image(path)
        scale = (PIXELS / (picture.shape[0] * picture.shape[1])) ** 0.5
        resized = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        pictures.append(bytes(cv2.imencode(".jpg", resized, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1]))
    return pictures


@dataclass
class Server:
    """A server in a process of its own."""

    process: subprocess.Popen[str]
    port: int

    def memory(self) -> float:
        """Resident, MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1000

    def cpu(self) -> float:
        """Processor time, seconds."""
        times = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]
        return sum(map(int, times)) / os.sysconf("SC_CLK_TCK")

    def get(self, path: str) -> int:
        """The status of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", path)
        status = connection.getresponse().status
        connection.close()
        return status


@contextmanager
def serve(*arguments: str) -> Iterator[Server]:
    """Start a server with a data folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "plate_ocr", "serve", "--port", "0", "--data", folder, *arguments]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr
            found = re.search(r":(\d+)$", process.stderr.readline().strip())
            if not found:
                sys.exit("the server did not start")
            # Where nobody reads, a process that writes waits.
            told = threading.Thread(target=copyfileobj, args=(process.stderr, sys.stderr))
            told.start()
            try:
                yield Server(process, int(found[1]))
            finally:
                process.terminate()
                told.join()


@dataclass
class Load:
    """Clients that send pictures one after the other.

    Attributes:
        seconds: that each answer took, of those with 200.
        statuses: how often each status came; 0 for a connection that broke.
    """

    port: int
    pictures: Sequence[bytes]
    clients: int
    pause: float = 0.0
    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    stopped: threading.Event = field(default_factory=threading.Event)

    def run(self, seconds: float) -> float:
        """Send for so long; the answers with 200 per second."""
        threads = [threading.Thread(target=self._send, args=(i,)) for i in range(self.clients)]
        started = time.perf_counter()
        for thread in threads:
            thread.start()
        self.stopped.wait(seconds)
        self.stopped.set()
        for thread in threads:
            thread.join()
        return self.statuses[200] / (time.perf_counter() - started)

    def _send(self, number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        rng = random.Random(number)
        for picture in islice(cycle(self.pictures), number, None):
            if self.stopped.wait(rng.expovariate(1 / self.pause) if self.pause else 0):
                return
            started = time.perf_counter()
            try:
                connection.request("POST", "/api/v1/read", picture, {"Content-Type": "image/jpeg"})
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException):
                self.statuses[0] += 1
                connection.close()
                continue
            self.statuses[answer.status] += 1
            if answer.status == 200:
                self.seconds.append(time.perf_counter() - started)


def throughput(pictures: Sequence[bytes]) -> None:
    """Pictures per second of the server against a loop, and against loops in a thread per core."""
    reader, cores = PlateReader(), PlateReader(threads=1)
    against: dict[str, list[float]] = {"in a loop": [], "in a loop in a thread per core": []}
    with serve() as server:
        Load(server.port, pictures, CLIENTS).run(2)
        for _ in range(ROUNDS):
            load = Load(server.port, pictures, CLIENTS)
            rates = [
                1 / float(np.mean(loop_seconds(reader, pictures, ROUND_S))),
                rate_of_threads(cores, pictures, ROUND_S),
            ]
            most = load.run(ROUND_S)
            assert set(load.statuses) == {200}, load.statuses
            for ratios, rate in zip(against.values(), rates, strict=True):
                ratios.append(most / rate)
    for name, ratios in against.items():
        spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
        print(f"| throughput, {CLIENTS} clients | `PlateReader` {name} | {median(ratios):.2f} × ({spread}) |")


def rate_of_threads(reader: PlateReader, pictures: Sequence[bytes], seconds: float) -> float:
    """Pictures per second that a thread per core reads, each in a loop."""
    count = available_threads()
    with ThreadPoolExecutor(count) as pool:
        started = time.perf_counter()
        done = list(pool.map(lambda _: len(loop_seconds(reader, pictures, seconds)), range(count)))
        return sum(done) / (time.perf_counter() - started)


def latency(pictures: Sequence[bytes]) -> None:
    """The 99th percentile of the server's time at half of its throughput against the loop's mean time."""
    reader, ratios = PlateReader(), []
    with serve() as server:
        most = Load(server.port, pictures, CLIENTS).run(5)
        for _ in range(ROUNDS):
            times = loop_seconds(reader, pictures, ROUND_S)
            load = Load(server.port, pictures, CLIENTS, pause=2 * CLIENTS / most - CLIENTS / most / CLIENTS)
            rate = load.run(3 * ROUND_S)
            slow = float(np.percentile(load.seconds, 99))
            ratios.append((slow / float(np.mean(times)), slow / float(np.percentile(times, 99))))
            print(f"{rate / most:.2f} of the throughput", file=sys.stderr)
    for name, values in zip(("mean", "99th percentile"), zip(*ratios, strict=True), strict=True):
        spread = f"{min(values):.2f} to {max(values):.2f}"
        print(f"| 99th percentile at half load | `PlateReader`, {name} | {median(values):.2f} × ({spread}) |")


def loop_seconds(reader: PlateReader, pictures: Sequence[bytes], seconds: float) -> list[float]:
    """The time of each picture in a loop."""
    times: list[float] = []
    for picture in cycle(pictures):
        if sum(times) > seconds and len(times) >= len(pictures):
            return times
        started = time.perf_counter()
        reader(picture)
        times.append(time.perf_counter() - started)
    raise AssertionError


def start(pictures: Sequence[bytes]) -> None:
    """From the start of a process to its first answer, against ``plate-ocr predict`` of the same picture."""
    ratios, walls, seconds = [], list[float](), list[float]()
    for _ in range(ROUNDS):
        started = time.perf_counter()
        command = [sys.executable, "-m", "plate_ocr", "predict", "-"]
        subprocess.run(command, input=pictures[0], check=True, capture_output=True)
        single = time.perf_counter() - started
        started = time.perf_counter()
        with serve() as server:
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
            connection.request("POST", "/api/v1/read", pictures[0])
            assert connection.getresponse().status == 200
            connection.close()
            walls.append(time.perf_counter() - started)
            ratios.append(walls[-1] / single)
            seconds.append(server.cpu())
    told = f"{median(walls):.1f} s, {median(seconds):.1f} s of processor time"
    print(f"| start to first answer, {told} | `plate-ocr predict` | {median(ratios):.2f} × |")


def overload(pictures: Sequence[bytes], clients: int, minutes: float) -> None:
    """Far more clients than can be served: only 200 and 429, bounded memory, healthy afterwards."""
    with serve() as server:
        load, memory = Load(server.port, pictures, clients), list[float]()
        warm = min(WARM_S, 60 * minutes / 5)
        watch = threading.Timer(warm, lambda: memory.append(server.memory()))
        watch.start()
        load.run(60 * minutes)
        time.sleep(1)
        memory.append(server.memory())
        healthy = server.get("/healthz") == 200
    growth = memory[1] / memory[0]
    counts = ", ".join(f"{count:,} × {status}" for status, count in sorted(load.statuses.items()))
    print(f"{clients} clients for {minutes:g} minutes: {counts}; healthy a second later: {healthy}")
    print(f"memory: {memory[0]:.0f} MB after {warm:.0f} s, {growth:.2f} × that at the end")
    if set(load.statuses) - {200, 429} or growth > MAX_GROWTH or not healthy:
        sys.exit(1)


def main() -> None:
    """Run what is asked for; without a name all but the overload."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="?", choices=["throughput", "latency", "start", "overload"])
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=5)
    arguments = parser.parse_args()
    pictures = photos()
    if arguments.what == "overload":
        overload(pictures, arguments.clients, arguments.minutes)
        return
    print("| `plate-ocr serve` | against | |\n|---|---|---|")
    for name, run in (("throughput", throughput), ("latency", latency), ("start", start)):
        if arguments.what in (None, name):
            run(pictures)


if __name__ == "__main__":
    main()
