"""Batches that are killed, on flaky storage, beside each other, and of a million paths.

``python -m benchmarks.batch_runs [kills|s3|throughput|scheduling|memory]``; all without an argument. Linux.
"""

from __future__ import annotations

import ctypes
import os
import re
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import pyarrow as pa
import pyarrow.fs
import pyarrow.parquet as pq

from benchmarks.flaky_s3 import flaky_s3, put_objects
from plate_ocr.batch.manifest import Manifest, Settings, part_name
from plate_ocr.batch.storage import Folder
from plate_ocr.vision.drawing import blank, draw_text

PICTURES = 200
"""Different ones, to which there are links."""

COMMAND = [sys.executable, "-m", "plate_ocr", "batch"]
DIGITS = ["--model", "digits", "--input", "char"]
IN_OPEN = 0x20


def draw_digits(folder: Path) -> list[Path]:
    """Digits, which are read in no time."""
    folder.mkdir()
    paths = []
    for i in range(PICTURES):
        digit = blank(60, 44 + i // 10)
        draw_text(digit, str(i % 10), (8, 52), 64)
        paths.append(folder / f"{i:03}.png")
        cv2.imwrite(str(paths[-1]), digit)
    return paths


def draw_plates(folder: Path) -> list[Path]:
    """Plates of different texts."""
    folder.mkdir()
    paths = []
    for i in range(PICTURES):
        plate = blank(80, 320)
        draw_text(plate, f"KA {301 + i} CP", (20, 60), 56)
        paths.append(folder / f"{i:03}.png")
        cv2.imwrite(str(paths[-1]), plate)
    return paths


def link(paths: list[Path], folder: Path, count: int) -> None:
    """Give the pictures as many names; a folder has 10,000."""
    for i in range(count):
        place = folder / f"{i // 10_000:03}"
        if i % 10_000 == 0:
            place.mkdir(parents=True)
        os.link(paths[i % len(paths)], place / f"{i:07}.png")


@contextmanager
def log_of_reads(folder: Path) -> Iterator[Counter[str]]:
    """Counts how often each file of the folders in a folder is opened, by inotify."""
    libc = ctypes.CDLL(None, use_errno=True)
    handle, reads = libc.inotify_init(), Counter[str]()
    for place in folder.iterdir():
        assert libc.inotify_add_watch(handle, bytes(place), IN_OPEN) >= 0

    def watch() -> None:
        while True:
            events, at = os.read(handle, 1 << 20), 0
            while at < len(events):
                _, mask, _, length = struct.unpack_from("iIII", events, at)
                assert mask & 0x4000 == 0, "events were lost"
                if name := events[at + 16 : at + 16 + length].rstrip(b"\0").decode():
                    reads[name] += 1
                at += 16 + length

    threading.Thread(target=watch, daemon=True).start()
    yield reads


@contextmanager
def ray_cluster() -> Iterator[None]:
    """A cluster of four logical processors on this machine, which outlives its drivers."""
    command = ["ray", "start", "--head", "--block", "--num-cpus=4", "--include-dashboard=false", "--port=0"]
    with tempfile.TemporaryFile("w+") as log:
        # Its workers give way to all else, unlike the processes that they are compared with.
        environment = {**os.environ, "RAY_worker_niceness": "0"}
        cluster = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment)
        try:
            shown = Path(f"/proc/self/fd/{log.fileno()}")
            while not (found := re.search(r"--address='([\d.:]+)'", shown.read_text())):
                assert cluster.poll() is None, "Ray did not start"
                time.sleep(0.2)
            os.environ["RAY_ADDRESS"] = found[1]
            yield
        finally:
            cluster.terminate()
            cluster.wait()


def wait_for(results: Path, count: int, driver: subprocess.Popen[bytes]) -> None:
    """Wait until a driver has written as many results files."""
    while len(list(results.glob("part-*.parquet"))) < count:
        assert driver.poll() is None, f"the driver ended with {driver.returncode}"
        time.sleep(0.05)


def ray_workers() -> list[int]:
    """The processes of actors that read."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if b"ray::MapWorker" in (process / "cmdline").read_bytes():
                found.append(int(process.name))
        except OSError:  # it has ended
            pass
    return found


def kills(folder: Path) -> None:
    """Kill the driver of a batch on Ray, then a worker of the next."""
    count, part_size = 20_000, 100
    link(draw_digits(folder / "pictures"), folder / "links", count)
    results = folder / "out" / "results"
    command = [*COMMAND, str(folder / "links"), "-o", str(folder / "out"), "--engine", "ray", "-j", "2"]
    command += [*DIGITS, "--part-size", str(part_size)]
    with log_of_reads(folder / "links") as reads:
        driver = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        wait_for(results, 50, driver)
        driver.kill()
        driver.wait()
        while ray_workers():
            time.sleep(0.1)
        first = len(list(results.glob("part-*")))
        driver = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        wait_for(results, first + 50, driver)
        os.kill(ray_workers()[0], signal.SIGKILL)
        second = len(list(results.glob("part-*")))
        status = driver.wait()
        time.sleep(1)
        once = reads.total()
        subprocess.run(command, stderr=subprocess.DEVNULL, check=True)
        time.sleep(1)
    rows = Counter(
        path for file in results.glob("part-*.parquet") for path in pq.read_table(file)["path"].to_pylist()
    )
    twice = {int(Path(name).stem) // part_size for name, times in reads.items() if times > 1}
    print(f"driver killed after {first} parts, a worker after {second}; then status {status}")
    print(f"rows: {len(rows):,} pictures, each {set(rows.values())} times")
    print(f"reads: {once:,}; parts read again: {len(twice)}, of those in flight at two kills")
    print(f"reads of a further run: {reads.total() - once}")
    assert status == 0
    assert len(rows) == count == len(reads)
    assert set(rows.values()) == {1}
    # Two were read when the driver was killed, one by the killed worker.
    assert len(twice) <= 3
    assert max(reads.values()) <= 3
    assert reads.total() == once


def s3(folder: Path) -> None:
    """Read 2,000 objects where one request in fifty is slow and one fails."""
    count = 2000
    pictures = [path.read_bytes() for path in draw_digits(folder / "pictures")]
    with flaky_s3() as (variables, app):
        put_objects("bucket", ((f"in/{i:05}.png", pictures[i % PICTURES]) for i in range(count)))
        os.environ.update(variables)
        command = [*COMMAND, "s3://bucket/in", "-o", "s3://bucket/out", *DIGITS, "-j", "2"]
        subprocess.run(command, check=True)
        system = pyarrow.fs.FileSystem.from_uri("s3://bucket")[0]
        pyarrow.fs.copy_files("bucket/out", str(folder / "out"), source_filesystem=system)
        print(f"requests: {len(app.log):,}, of which failed: {app.failures:,}")
    files = list((folder / "out" / "results").iterdir())
    rows = [row for file in files for row in pq.read_table(file).to_pylist()]
    print(f"rows: {len(rows):,}, errors: {sum(row['error'] is not None for row in rows)}")
    assert len({row["path"] for row in rows}) == len(rows) == count
    assert not any(row["error"] for row in rows)


def throughput(folder: Path) -> None:
    """Time of Ray, with four logical processors, as parts of that of two processes, in turn."""
    import ray

    from plate_ocr.batch import local, on_ray

    pictures = [str(path) for path in draw_plates(folder / "pictures")] * 60
    ray.init("local", num_cpus=4, log_to_driver=False, include_dashboard=False)
    engines: dict[str, Callable[[list[str]], object]] = {
        "local -j 2": lambda parts: list(local.read_parts(parts, 2)),
        "ray": lambda parts: list(on_ray.read_parts(parts, None, None)),
    }
    seconds = defaultdict[str, float](float)
    for turn in range(2):
        for name, engine in engines.items():
            place = Folder(str(folder / f"{name} {turn}"))
            manifest = Manifest.write(place, "x", Settings("plates", "plate"), pictures, 50)
            started = time.perf_counter()
            engine([manifest.part(number) for number in range(manifest.parts)])
            seconds[name] += time.perf_counter() - started
    ray.shutdown()
    local_time = seconds["local -j 2"]
    for name, time_taken in seconds.items():
        speed = 2 * len(pictures) / time_taken
        print(f"{name}: {speed:.0f} pictures per second, {local_time / time_taken:.2f} × local -j 2")


def scheduling(folder: Path) -> None:
    """Parts per second that Ray hands out: all of them are done already."""
    from plate_ocr.batch import on_ray

    names = (f"{i}.png" for i in range(20_000))
    manifest = Manifest.write(Folder(str(folder)), "x", Settings("plates", "plate"), names, 10)
    (folder / "results").mkdir()
    for number in range(manifest.parts):
        (folder / "results" / part_name(number)).touch()
    done = on_ray.read_parts([manifest.part(number) for number in range(manifest.parts)], 2, None)
    next(done)
    started = time.perf_counter()
    count = sum(1 for _ in done)
    print(f"{count:,} parts in {time.perf_counter() - started:.1f} s")


def memory(folder: Path) -> None:
    """The most memory that a driver of a million pictures had when its first results were there."""
    paths = draw_digits(folder / "pictures")
    names = [str(paths[i % PICTURES]) for i in range(1_000_000)]
    pq.write_table(pa.table({"path": names}), folder / "list.parquet")
    for engine in ("local", "ray"):
        out = folder / engine
        started = time.perf_counter()
        command = [*COMMAND, str(folder / "list.parquet"), "-o", str(out), *DIGITS, "-j1", "--engine", engine]
        driver = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        while not (out / "manifest" / "manifest.json").exists():
            time.sleep(0.1)
        listed = time.perf_counter() - started
        wait_for(out / "results", 1, driver)
        status = Path(f"/proc/{driver.pid}/status").read_text()
        driver.kill()
        driver.wait()
        most = int(status.partition("VmHWM:")[2].split()[0]) / 1024
        print(f"{engine}: {most:.0f} MiB at 1,000,000 paths, which were listed in {listed:.0f} s")
        assert most <= 400 / 1.048576


RUNS = {"kills": kills, "s3": s3, "throughput": throughput, "scheduling": scheduling, "memory": memory}


def main() -> None:
    """Run what is named, or all."""
    # Else Ray 2.60 asks for a token where one was made, and its drivers send none.
    os.environ.setdefault("RAY_AUTH_MODE", "disabled")
    with ray_cluster():
        for name in sys.argv[1:] or RUNS:
            with tempfile.TemporaryDirectory() as folder:
                print(f"{name}:", flush=True)
                RUNS[name](Path(folder))


if __name__ == "__main__":
    main()
