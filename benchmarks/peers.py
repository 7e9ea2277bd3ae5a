"""Other readers and ours on the same crops or photos, in turn and on one core: accuracy, time, memory, size.

``python -m benchmarks.peers [[--photos] FOLDER...] --peer v4=PYTHON --peer v6=PYTHON --peer
tesseract=PROGRAM``. A folder has a ``labels.csv`` with ``image_path,plate_text`` and, of photos, ``x,y,w,h``;
by default all real crops are read, then all photos, in which every system finds by itself what to read. The
peers are no dependencies of this project: ``docs/benchmarks.md`` says how to install each apart from it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import MORE_SETS, SETS, data_folder, labelled_photos, labelled_plates, photo_folders
from plate_ocr.text import fold_lookalikes

ROUND = 10
"""Pictures that one system reads before it is the next one's turn."""

PEERS = ("v4", "v6", "tesseract")

VERSIONS: dict[str, str] = {}
"""What each system that has read is made of."""


class Worker:
    """A system that reads, in a process of its own.

    Args:
        system: as :mod:`benchmarks.peer` names it.
        program: the peer's Python or program; of ours, the model.
        detect: find lines, or in ours plates, instead of taking the whole picture for one.
        decoded: give it the decoded picture, an array, instead of a path.
    """

    def __init__(self, system: str, program: str, detect: bool, decoded: bool = False) -> None:
        python = program if system in ("v4", "v6") else sys.executable
        script = Path(__file__).with_name("peer.py")
        self.name = system
        self.texts: list[list[str]] = []
        self.seconds = 0.0
        self._process = subprocess.Popen(
            [python, str(script), system, program, *["--detect"] * detect, *["--decoded"] * decoded],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            env={**os.environ, "OMP_NUM_THREADS": "1", "OMP_THREAD_LIMIT": "1"},
        )
        began = self._answer()
        self.model_bytes = int(began["model"])
        VERSIONS[system] = began["versions"]

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            sys.exit(f"{self.name} ended with status {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def read(self, paths: Sequence[Path], *, counted: bool = True) -> None:
        """Read pictures; unless they are to warm up, keep texts and time."""
        assert self._process.stdin is not None
        print(json.dumps([str(path.resolve()) for path in paths]), file=self._process.stdin, flush=True)
        answer = self._answer()
        if counted:
            self.texts += answer["texts"]
            self.seconds += answer["seconds"]

    def end(self) -> int:
        """Returns the most memory it took, bytes."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        memory = int(self._answer()["memory"])
        self._process.wait()
        return memory


def labelled(folder: Path, photos: bool) -> list[tuple[Path, tuple[str, ...]]]:
    """Pictures and the plates in each."""
    if photos:
        return [(photo.path, photo.texts) for photo in labelled_photos(folder)]
    return [(plate.path, (plate.text,)) for plate in labelled_plates(folder)]


def compare(
    folder: Path, systems: dict[str, str], limit: int | None, *, photos: bool, detect: bool, decoded: bool
) -> None:
    """Print a row for each system."""
    pictures = labelled(folder, photos)[:limit]
    paths = [path for path, _ in pictures]
    workers = [
        Worker(name, of, photos or (detect and name != "ours"), decoded) for name, of in systems.items()
    ]
    for worker in workers:
        worker.read(paths[:ROUND], counted=False)
    for start in range(0, len(paths), ROUND):
        print(f"\r{folder.name}: {start} of {len(paths)}", end="\r", file=sys.stderr, flush=True)
        for worker in workers:
            worker.read(paths[start : start + ROUND])
    for worker in workers:
        exact, folded, extra = list[bool](), list[bool](), 0
        for lines, (_, plates) in zip(worker.texts, pictures, strict=True):
            texts = lines if photos else ["".join(lines)]
            wanted = [fold_lookalikes(plate) for plate in plates]
            exact += [plate in texts for plate in plates]
            folded += [plate in [fold_lookalikes(text) for text in texts] for plate in wanted]
            # Peers do not say what of all that is written somewhere are plates.
            reported = texts if worker.name == "ours" else filter(is_like_plate, texts)
            extra += sum(fold_lookalikes(text) not in wanted for text in reported)
        joined = ", lines joined" * (detect and not photos and worker.name != "ours")
        wrong = f"| {extra / len(paths):.2f} " * photos
        print(
            f"| {folder.name} | {len(paths)} | {worker.name}{joined} "
            f"| {sum(exact) / len(exact):.1%} | {sum(folded) / len(folded):.1%} {wrong}"
            f"| {worker.seconds / workers[0].seconds:.3f} | {worker.end() / 1e6:.0f} "
            f"| {worker.model_bytes / 1e6:.1f} |",
            flush=True,
        )


def is_like_plate(text: str) -> bool:
    """Whether letters and digits could be those of a plate: 5 to 9, a digit among them."""
    return 5 <= len(text) <= 9 and any(char.isdecimal() for char in text)


def print_table(
    folders: Sequence[Path],
    systems: dict[str, str],
    limit: int | None,
    *,
    photos: bool,
    detect: bool,
    decoded: bool,
) -> None:
    """A row for each folder and system."""
    pictures, wrong = ("photos", "| wrong extra plates per photo ") if photos else ("crops", "")
    header = (
        f"| plates | {pictures} | system | exact | O=0 and I=1 {wrong}| time | peak memory, MB | models, MB |"
    )
    print(header, "|" + "---|" * (header.count("|") - 1), sep="\n")
    for folder in folders:
        # Two lines are no task for a recogniser of one.
        lines = detect or folder.name.endswith("two-line")
        compare(folder, systems, limit, photos=photos, detect=lines, decoded=decoded)


def processor() -> str:
    """Its name."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(": ")[2]
    return platform.processor() or platform.machine()


def main() -> None:
    """Print a table of crops, one of photos, and what they were measured with."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path, help="with labels.csv; by default all real sets")
    parser.add_argument("--photos", action="store_true", help="read photos alone; the folders have some")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PROGRAM", help=", ".join(PEERS))
    parser.add_argument("--model", default="plates", help="ours: a name, an .onnx file or a run's folder")
    parser.add_argument("--limit", type=int, help="pictures of each folder, at most")
    parser.add_argument("--detect", action="store_true", help="peers find lines first, in all folders")
    parser.add_argument("--decoded", action="store_true", help="decode pictures before the time is taken")
    options = parser.parse_args()
    systems = dict(peer.split("=", 1) for peer in options.peer)
    if unknown := set(systems) - set(PEERS):
        parser.error(f"no peer is called {', '.join(sorted(unknown))}: {', '.join(PEERS)} are known")
    if not options.decoded and "tesseract" not in systems and (program := shutil.which("tesseract")):
        systems["tesseract"] = program
    if left_out := [peer for peer in PEERS if peer not in systems]:
        print(f"left out, as it was not given: {', '.join(left_out)}", file=sys.stderr)
    systems["ours"] = options.model
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    sets = [] if options.photos else [data_folder() / "plates" / name for name in (*SETS, *MORE_SETS)]
    folders: tuple[list[Path], list[Path]] = (sets, photo_folders())
    if options.folders:
        folders = ([], options.folders) if options.photos else (options.folders, [])
    how = {"detect": options.detect, "decoded": options.decoded}
    crops, photos = folders
    if crops:
        print_table(crops, systems, options.limit, photos=False, **how)
    if crops and photos:
        print()
    if photos:
        # Tesseract expects pages.
        systems.pop("tesseract", None)
        print_table(photos, systems, options.limit, photos=True, **how)
    print(f"\none core of {processor()}, {platform.system()}, Python {platform.python_version()}")
    for name, versions in VERSIONS.items():
        print(f"{name}: {versions}")


if __name__ == "__main__":
    main()
