"""Other readers and ours on the same crops of plates, in turn and on one core: accuracy, time, memory, size.

``python -m benchmarks.peers [FOLDER]... --peer v4=PYTHON --peer v6=PYTHON --peer tesseract=PROGRAM``. A
folder has a ``labels.csv`` with ``image_path,plate_text``; by default all sets of real plates are read. The
peers are no dependencies of this project: ``docs/benchmarks.md`` says how to install each apart from it.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import SETS, data_folder, labelled_plates
from plate_ocr.measures import FOLD

ROUND = 10
"""Crops that one system reads before it is the next one's turn."""

PEERS = ("v4", "v6", "tesseract")


class Worker:
    """A system that reads, in a process of its own.

    Args:
        system: as :mod:`benchmarks.peer` names it.
        program: the peer's Python or program; of ours, the model.
        detect: find lines and join them, instead of taking the whole crop for one line.
    """

    def __init__(self, system: str, program: str, detect: bool) -> None:
        python = program if system in ("v4", "v6") else sys.executable
        script = Path(__file__).with_name("peer.py")
        self.name = system
        self.texts: list[str] = []
        self.seconds = 0.0
        self._process = subprocess.Popen(
            [python, str(script), system, program, *["--detect"] * detect],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            env={**os.environ, "OMP_NUM_THREADS": "1", "OMP_THREAD_LIMIT": "1"},
        )
        self.model_bytes = int(self._answer()["model"])

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


def compare(folder: Path, systems: dict[str, str], limit: int | None, detect: bool) -> None:
    """Print a row for each system."""
    crops = [(plate.path, plate.text) for plate in labelled_plates(folder)][:limit]
    workers = [Worker(name, program, detect and name != "ours") for name, program in systems.items()]
    for worker in workers:
        worker.read([path for path, _ in crops[:ROUND]], counted=False)
    for start in range(0, len(crops), ROUND):
        print(f"\r{folder.name}: {start} of {len(crops)}", end="\r", file=sys.stderr, flush=True)
        for worker in workers:
            worker.read([path for path, _ in crops[start : start + ROUND]])
    for worker in workers:
        pairs = [(text, label) for text, (_, label) in zip(worker.texts, crops, strict=True)]
        exact = sum(text == label for text, label in pairs)
        folded = sum(text.translate(FOLD) == label.translate(FOLD) for text, label in pairs)
        joined = ", lines joined" * (detect and worker.name != "ours")
        print(
            f"| {folder.name} | {len(crops)} | {worker.name}{joined} "
            f"| {exact / len(crops):.1%} | {folded / len(crops):.1%} "
            f"| {worker.seconds / workers[0].seconds:.3f} | {worker.end() / 1e6:.0f} "
            f"| {worker.model_bytes / 1e6:.1f} |",
            flush=True,
        )


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path, help="with labels.csv; by default all real plates")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PROGRAM", help=", ".join(PEERS))
    parser.add_argument("--model", default="plates", help="ours: a name, an .onnx file or a run's folder")
    parser.add_argument("--limit", type=int, help="crops of each folder, at most")
    parser.add_argument("--detect", action="store_true", help="peers find lines first, in all folders")
    options = parser.parse_args()
    systems = dict(peer.split("=", 1) for peer in options.peer)
    if unknown := set(systems) - set(PEERS):
        parser.error(f"no peer is called {', '.join(sorted(unknown))}: {', '.join(PEERS)} are known")
    if "tesseract" not in systems and (program := shutil.which("tesseract")):
        systems["tesseract"] = program
    if left_out := [peer for peer in PEERS if peer not in systems]:
        print(f"left out, as it was not given: {', '.join(left_out)}", file=sys.stderr)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print("| plates | crops | system | exact | O=0 and I=1 | time | peak memory, MB | models, MB |")
    print("|---|---|---|---|---|---|---|---|")
    for folder in options.folders or [data_folder() / "plates" / name for name in SETS]:
        # Two lines are no task for a recogniser of one.
        two_lines = folder.name.endswith("two-line")
        compare(folder, {**systems, "ours": options.model}, options.limit, options.detect or two_lines)


if __name__ == "__main__":
    main()
