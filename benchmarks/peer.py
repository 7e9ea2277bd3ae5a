"""One system that reads plates, as a process of its own: what ``python -m benchmarks.peers`` starts.

It stands alone and imports nothing but what it runs, so that a peer can live in an environment of its own
and its memory is that of reading. ``python benchmarks/peer.py SYSTEM DETAIL [--detect] [--decoded]`` takes
lists of paths from standard input, one JSON list a line, and answers each with texts and seconds of processor
time; at the end of its input it says how much memory it took at most.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

PACKAGES = re.compile(r"plate-ocr|rapidocr|onnxruntime|opencv|numpy")
"""Those whose versions are told."""

Read: TypeAlias = Callable[[Sequence[Any]], list[list[str]]]
"""What stands in pictures, given by their paths or as arrays: the plates or lines of each."""


def ours(model: str, detect: bool) -> tuple[Read, int]:
    """This project's reader, one picture at a time; returned with the bytes of its models."""
    reader = importlib.import_module("plate_ocr").PlateReader(
        model, input="photo" if detect else "plate", threads=1
    )
    models = [reader.model.path, *([reader.model.finder.path] if model not in ("chars", "digits") else [])]
    if detect:
        models.append(importlib.import_module("plate_ocr.model.registry").find_model("detector", ".onnx"))

    def read(path: Any) -> list[str]:
        return [plate.text for plate in reader(path).plates]

    return lambda paths: [read(path) for path in paths], sum(map(os.path.getsize, models))


def v4(_: str, detect: bool) -> tuple[Read, int]:
    """RapidOCR 1.4.4 with PP-OCRv4; detection finds lines."""
    ocr = importlib.import_module("rapidocr_onnxruntime").RapidOCR(
        intra_op_num_threads=1, inter_op_num_threads=1
    )

    def read(path: Any) -> list[str]:
        lines, _ = ocr(path, use_det=detect, use_cls=False, use_rec=True)
        return [plain(line[1] if detect else line[0]) for line in lines or ()]

    return lambda paths: [read(path) for path in paths], _model_bytes("rapidocr_onnxruntime", detect)


def v6(_: str, detect: bool) -> tuple[Read, int]:
    """RapidOCR 3.10 with PP-OCRv6."""
    threads = {f"EngineConfig.onnxruntime.{kind}_op_num_threads": 1 for kind in ("intra", "inter")}
    ocr = importlib.import_module("rapidocr").RapidOCR(params={**threads, "Global.log_level": "error"})

    def read(path: Any) -> list[str]:
        return [plain(line) for line in ocr(path, use_det=detect, use_cls=False, use_rec=True).txts or ()]

    return lambda paths: [read(path) for path in paths], _model_bytes("rapidocr", detect)


def tesseract(program: str, detect: bool) -> tuple[Read, int]:
    """Tesseract's program with its English model, started once for each list of pictures."""

    def read(paths: Sequence[str]) -> list[list[str]]:
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as listing:
            listing.write("\n".join(paths))
            listing.flush()
            mode = "6" if detect else "7"
            command = [program, listing.name, "stdout", "-l", "eng", "--psm", mode]
            pages = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\f")
        return [[plain(line) for line in page.splitlines()] for page in pages[: len(paths)]]

    listed = subprocess.run([program, "--list-langs"], check=True, capture_output=True, text=True).stdout
    return read, os.path.getsize(Path(listed.split('"')[1]) / "eng.traineddata")


def plain(text: str) -> str:
    """Letters and digits alone, in capitals; provinces are letters."""
    return "".join(char for char in text.upper() if char.isalnum())


def _model_bytes(package: str, detect: bool) -> int:
    found = importlib.util.find_spec(package)
    assert found is not None
    assert found.origin is not None
    models = Path(found.origin).parent / "models"
    kinds = ("rec", "det") if detect else ("rec",)
    return sum(path.stat().st_size for path in models.glob("*.onnx") if any(k in path.name for k in kinds))


def _versions(system: str, program: str) -> str:
    """Of the packages that it reads with, or what the program says of itself."""
    if system == "tesseract":
        said = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout
        return said.splitlines()[0]
    found = sorted({(d.metadata["Name"].lower(), d.version) for d in importlib.metadata.distributions()})
    return ", ".join(f"{name} {version}" for name, version in found if PACKAGES.match(name))


def _seconds() -> float:
    """Processor time of this process and of those it has started."""
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def _peak_bytes() -> int:
    """The most memory that this process or one it has started took."""
    # Linux hands the peak of the parent on in ru_maxrss; VmHWM is this program's own.
    own = next(line for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line)
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return 1024 * max(int(own.split()[1]), children)


def main() -> None:
    """Answer until the input ends."""
    # What a system prints belongs to standard error.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    system, detail, *options = sys.argv[1:]
    read, size = {"ours": ours, "v4": v4, "v6": v6, "tesseract": tesseract}[system](
        detail, "--detect" in options
    )
    print(json.dumps({"model": size, "versions": _versions(system, detail)}), file=answers, flush=True)
    for line in sys.stdin:
        sources = json.loads(line)
        if "--decoded" in options:
            sources = [importlib.import_module("cv2").imread(path) for path in sources]
        started = _seconds()
        texts = read(sources)
        print(json.dumps({"texts": texts, "seconds": _seconds() - started}), file=answers, flush=True)
    print(json.dumps({"memory": _peak_bytes()}), file=answers, flush=True)


if __name__ == "__main__":
    main()
