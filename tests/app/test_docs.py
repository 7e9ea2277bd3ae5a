"""Each console and Python block of the documentation does what it shows."""

from __future__ import annotations

import importlib
import importlib.util
import io
import itertools
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
import typer.main
from filelock import FileLock

from plate_ocr.app.cli import command_line
from plate_ocr.app.options import DATA_VARIABLE
from plate_ocr.training.plates.dataset import MIN_TEST_PLATES
from plate_ocr.vision.drawing import blank, draw_text, to_color
from plate_ocr.vision.images import read_image
from tests.app.conftest import Run
from tests.conftest import draw_plate

ROOT = Path(__file__).parents[2]
PAGES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in sorted([*ROOT.glob("*.md"), *ROOT.glob("data/*.md"), *ROOT.glob("docs/*.md")])
}

LONG = re.compile(
    r"^(?:plate-ocr study|make)\b"
    r"|^python -m benchmarks(?!\.(?:characters|two_calls)$)"
    r"|^plate-ocr (?:quantize|generate|evaluate) (?:runs/plates|rendered)"
)
"""Commands that take a minute or more, need real pictures, or the result of hours."""

DATA = os.environ.get(DATA_VARIABLE, "")

TRAINING = re.compile(r"^plate-ocr train (?!--resume|.*--dry-run\b)")
"""Trainings of one epoch here, of few rendered plates: they run, each once, and their models are found."""

DIGITS = ("--epochs", "4")
"""Of the training whose results the pages show: they are those after all twenty epochs."""

CHARACTERS = ("--epochs", "1", "--samples-per-epoch", "512")
RENDERED = ("--epochs", "1", "--samples-per-epoch", "16", "--batch-size", "8")

PLATES = "plate_ocr.training.plates.config.PlateRunConfig"
DETECTOR = "plate_ocr.training.detector.config.DetectorRunConfig"
FEW = {
    f"{PLATES}.SHARD": 16,
    f"{PLATES}.VAL": 8,
    f"{PLATES}.VAL_WITH_DATA": 8,
    f"{PLATES}.COUNTS": (8, 4, 8),
    f"{PLATES}.COUNTS_WITH_DATA": (8, 4, 8),
    f"{DETECTOR}.SHARD": 8,
    f"{DETECTOR}.VAL": 4,
    f"{DETECTOR}.TEST": 6,
    f"{DETECTOR}.TEST_WITH_DATA": 6,
}
"""Rendered pictures of a short training."""

FEWER: dict[str, dict[str, float]] = {
    "quantize": {"plate_ocr.training.plates.quantize.N_CALIBRATION": 16},
    "benchmark": {
        "plate_ocr.app.commands.benchmark.N_RUNS": 2,
        "plate_ocr.app.commands.benchmark.SECONDS": 0.1,
    },
}
"""What makes other commands shorter."""

INSTALLS = re.compile(r"^(?:pip|uv|pipx|python -m venv|peers/|docker)\b")

NEEDED = re.compile(r"^(?:uv|pipx|docker)\b")
"""Programs that no package of ours brings."""

ENGINES = re.compile(r"^(?:import dask|from (?:pyspark|plate_ocr\.batch))\b", re.MULTILINE)
"""Python that needs an engine for batches, and pictures in object storage."""

ELSEWHERE = re.compile(r"rtsp://|s3://|^plate-ocr predict 0 |^plate-ocr serve\b")
"""Commands that do not end by themselves, or need object storage: they are parsed."""

ASKS = "curl "
"""Commands that need a server, which has them run: ``tests/server/test_serve.py``."""

TIMES = re.compile(
    r"\b[\d.,]+ ?(?:ms|s|min|h|MB at most|(?:\w+ )?per second|in a second|cores)\b"
    r"|\b[\d.,]+ ×(?! \d)|\([\d.]+ to [\d.]+\)|(?<=load average )[\d.]+|(?<=takes )[\d.]+(?= of it)"
    r"|(?<=\"ms\": )[\d.]+"
)
"""Times, memory and their ratios."""

ENDS = re.compile(r"\d\d(?= after: )|\d,\d{3}(?= bytes before, )|(?<=error of characters: 0\.0)\d(?=%)")
"""Of the size of a file that has accuracies or epochs, and of small errors: they depend on the processor."""

MACHINE = re.compile(r"\b(?:ms|time|memory)\b")
"""In the header of a column."""


@dataclass(frozen=True)
class Step:
    """A command or a piece of Python, and the lines that follow it."""

    language: str
    text: str
    shown: tuple[str, ...] = ()


TABLES = re.compile(r"^```\n\n((?:(?:\|.*\n)+\n?)+)(?:```text\n((?:[^`].*\n)*)```\n)?", re.MULTILINE)
"""Tables, and text after them, that a command prints and that stand behind its block."""

BLOCKS = re.compile(r"^```(console|python)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks_of(page: str) -> Iterator[list[Step]]:
    for language, text in BLOCKS.findall(TABLES.sub(r"\1\2```\n", PAGES[page])):
        if language == "python":
            yield [Step(language, text)]
            continue
        steps = []
        for part in re.split(r"^\$ ", text.replace("\\\n", " "), flags=re.MULTILINE)[1:]:
            command, *shown = part.rstrip("\n").split("\n")
            *before, last = re.split(r" && ", command)
            steps += [*(Step(language, one) for one in before), Step(language, last, tuple(shown))]
        yield steps


def steps_of(page: str) -> list[Step]:
    return [step for block in blocks_of(page) for step in block]


def is_long(step: Step) -> bool:
    return step.language == "console" and bool(LONG.search(step.text) or INSTALLS.search(step.text))


READ = re.compile(r"\S+  \S+  \d\.\d\d")
"""A plate of a picture: in which order plates stand that are equally sure depends on the processor."""


def masked(lines: list[str] | tuple[str, ...], folder: Path) -> list[str]:
    """Without times, the last digits of some sizes, and the columns of tables that are of this machine."""
    found, machine = list[str](), set[int]()
    for line in filter(None, lines):
        cells = line.replace(f"{folder}/", "").rstrip().split("|")
        if not line.startswith("|"):
            machine = set()
        elif not (found and found[-1].startswith("|")):
            machine = {i for i, cell in enumerate(cells) if MACHINE.search(cell)}
        shown = "|".join(" TIME " if i in machine else cell for i, cell in enumerate(cells))
        found.append(ENDS.sub("..", TIMES.sub("TIME", shown)))
    grouped = itertools.groupby(found, key=lambda line: bool(READ.fullmatch(line)))
    return [line for plates, group in grouped for line in (sorted(group) if plates else group)]


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files by the names that the pages use."""
    folder = tmp_path_factory.mktemp("samples")
    (folder / "data").symlink_to(ROOT / "data")
    street, plate, digit = (ROOT / "data" / name for name in ("street.jpg", "plate.png", "7.png"))
    large = cv2.resize(to_color(read_image(street)), (1920, 1080))
    for name in ("shots/AB-123.jpg", "shots/AB-123_2.jpg", "gate/1.jpg"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / name), large)
    for name, source in {
        "car.jpg": street, "car1.jpg": street, "ceiling.jpg": street, "more/1.png": plate, "plate.png": plate,
        "plates/1.png": plate, "crop.png": digit, "7.png": digit,
        "my.toml": ROOT / "plate_ocr" / "region_files" / "regions" / "tr.toml",
    }.items():  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, folder / name)
    shutil.copy(folder / "my.toml", folder / "my-region.toml")
    for label in "789":
        (folder / "pictures" / label).mkdir(parents=True)
        for i in range(12):
            drawn = blank(60, 44)
            draw_text(drawn, label, (7 + i % 4, 50), 50 + i)
            cv2.imwrite(str(folder / "pictures" / label / f"{i + 1}.png"), drawn)
    pictures = sorted((folder / "pictures").rglob("*.png"))
    rows = [f"{picture.relative_to(folder)},{picture.parent.name}" for picture in pictures]
    (folder / "characters.csv").write_text("\n".join(["image_path,label", *rows]), encoding="utf-8")
    plates = "image_path,plate_text,plate,name\nplate.png,皖A512T3,皖A512T3,Ann\n"
    for name in ("plates.csv", "labels.csv", "other.csv"):
        (folder / name).write_text(plates, encoding="utf-8")
    (folder / "list.csv").write_text("path\nshots/AB-123.jpg\nplate.png\n", encoding="utf-8")
    (region,) = re.findall(r"```toml\n(.*?)```", PAGES["docs/country.md"], re.DOTALL)
    (folder / "freedonia.toml").write_text(region, encoding="utf-8")
    film = cv2.VideoWriter(str(folder / "drive.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), 2, (620, 310))
    for _ in range(8):
        film.write(cv2.resize(large, (620, 310)))
    film.release()
    return folder


@pytest.fixture
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all test processes keep the folders of trainings."""
    folder = tmp_path_factory.getbasetemp()
    folder = (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "runs"
    folder.mkdir(exist_ok=True)
    return folder


def write_photos(folder: Path, *tables: str) -> None:
    """Photos of plates with boxes, enough for a test part."""
    lines = ["image_path,plate_text,x,y,w,h"]
    for i in range(MIN_TEST_PLATES):
        plate = draw_plate(f"AB{i:02}C")
        photo = np.pad(plate, 60, constant_values=120)
        cv2.imwrite(str(folder / f"photo{i}.png"), photo)
        lines.append(f"photo{i}.png,AB{i:02}C,60,60,{plate.shape[1]},{plate.shape[0]}")
    for name in tables:
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


class Runner:
    """Runs the steps of a page in a folder of its own."""

    def __init__(self, folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch, runs: Path) -> None:
        self.folder, self._run, self._monkeypatch, self._runs = folder, run, monkeypatch, runs
        self.names: dict[str, Any] = {}

    def python(self, page: str, step: Step, capsys: Callable[[], str]) -> None:
        """Its prints print what their comments say."""
        code = compile(step.text, page, "exec")
        if ENGINES.search(step.text):
            return
        exec(code, self.names)
        promised = re.findall(r"^ *print\(.*\)  # (.*)$", step.text, re.MULTILINE)
        assert capsys().splitlines() == promised, step.text

    def command(self, step: Step) -> None:
        """It succeeds, and says what is shown."""
        arguments = shlex.split(step.text, comments=True)[1:]
        if TRAINING.search(step.text) and "-o" in arguments:
            self.train(step, arguments)
            return
        if "<" in arguments:
            *arguments, _, name = arguments
            stdin = SimpleNamespace(buffer=io.BytesIO((self.folder / name).read_bytes()))
            self._monkeypatch.setattr(sys, "stdin", stdin)
        if arguments[0] in ("label", "generate"):  # what they write is new
            for name in ("plates", "plates-crops"):
                shutil.rmtree(self.folder / name, ignore_errors=True)
            (self.folder / "plates.csv").unlink(missing_ok=True)
        with self._monkeypatch.context() as monkeypatch:
            for setting, few in FEWER.get(arguments[0], {}).items():
                monkeypatch.setattr(setting, few)
            code, out, err = self._run(*arguments)
        assert code == 0, f"{step.text}\n{err}"
        if step.shown:
            said = [*masked(err.splitlines(), self.folder), *masked(out.splitlines(), self.folder)]
            assert said == masked(step.shown, self.folder)

    def train(self, step: Step, arguments: list[str]) -> None:
        """A training ends, or has ended on another page; its folder is there."""
        place = arguments.index("-o")
        options, out = [*arguments[1:place], *arguments[place + 2 :]], arguments[place + 1]
        options = [option for option in options if option != "-q"]
        short = DIGITS if not options else RENDERED if {"plates", "detector"} & {*options} else CHARACTERS
        kept = self._runs / re.sub(r"[^\w.-]+", "_", " ".join(sorted(options)) or "first")
        shutil.rmtree(self.folder / out, ignore_errors=True)
        if options:
            write_photos(self.folder, "plates.csv", "photos.csv")
        with FileLock(f"{kept}.lock"):
            if not kept.exists():
                with self._monkeypatch.context() as monkeypatch:
                    for setting, few in FEW.items():
                        monkeypatch.setattr(setting, few)
                    code, said, err = self._run("train", *options, *short, "--device", "cpu", "-o", out)
                assert (code, said) == (0, f"{out}\n"), f"{step.text}\n{err}"
                shutil.copytree(self.folder / out, kept)
            else:
                shutil.copytree(kept, self.folder / out)
        assert step.shown in ((), (out,))


def measure(step: Step, monkeypatch: pytest.MonkeyPatch, said: Callable[[], str]) -> None:
    """A benchmark of seconds says what is shown, where there are real pictures."""
    if DATA:
        _, _, module, *arguments = step.text.split()
        with monkeypatch.context() as patched:
            patched.setenv(DATA_VARIABLE, DATA)
            patched.setattr(sys, "argv", [module, *arguments])
            threads = cv2.getNumThreads()
            try:
                importlib.import_module(module).main()
            finally:
                cv2.setNumThreads(threads)
        assert masked(said().splitlines(), ROOT) == masked(step.shown, ROOT)


def parse(command: str) -> None:
    """The command exists, and so do its options."""
    name, *arguments = shlex.split(command, comments=True)
    group: Any = typer.main.get_command(command_line())
    assert name == "plate-ocr"
    while arguments and arguments[0] in getattr(group, "commands", {}):
        group = group.commands[arguments.pop(0)]
    group.parse_args(group.make_context("plate-ocr", [], resilient_parsing=True), arguments)


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if steps_of(page)])
def test_blocks_do_what_they_show(
    page: str, samples: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str], runs: Path,
) -> None:  # fmt: skip
    folder = shutil.copytree(samples, tmp_path / "page", symlinks=True)
    monkeypatch.chdir(folder)
    monkeypatch.delenv("PLATE_OCR_DATA", raising=False)
    runner = Runner(folder, run, monkeypatch, runs)
    capfd.readouterr()
    for step in steps_of(page):
        if step.language == "python":
            runner.python(page, step, lambda: capfd.readouterr().out)
        elif step.text.startswith("python -m benchmarks") and not is_long(step):
            measure(step, monkeypatch, lambda: capfd.readouterr().out)
        elif not step.text.startswith("plate-ocr "):
            assert is_long(step) or step.text.startswith(ASKS), step.text
        elif is_long(step) or ELSEWHERE.search(step.text):
            parse(step.text)
        else:
            runner.command(step)


@pytest.mark.parametrize("page", PAGES)
def test_modules_targets_and_extras_are_there(page: str) -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "optional-dependencies"
    ]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for module in re.findall(r"python -m ((?:benchmarks|data|tests)[.\w]*)", PAGES[page]):
        assert importlib.util.find_spec(module), module
    for target in re.findall(r"(?:`|\$ )make (?:-B )?([\w/.-]+)", PAGES[page]):
        assert re.search(rf"^{re.escape(target)}:", makefile, re.MULTILINE), target
    for names in re.findall(r"(?:\.|plate-ocr)\[([a-z,]+)\]'", PAGES[page]):
        assert set(names.split(",")) <= {*extras}


def test_at_most_a_quarter_of_the_blocks_is_long() -> None:
    blocks = [block for page in PAGES for block in blocks_of(page)]
    assert 4 * sum(any(map(is_long, block)) for block in blocks) <= len(blocks)


LONG_BLOCKS = [
    pytest.param(block, id=f"{page}-{number}")
    for page in PAGES
    for number, block in enumerate(blocks_of(page), 1)
    if any(map(is_long, block))
]


@pytest.fixture(scope="module")
def repository(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository with the files that the pages use, and what trainings of hours leave."""
    ignored = shutil.ignore_patterns(".*", "runs", "data")
    folder = shutil.copytree(ROOT, tmp_path_factory.mktemp("long") / "copy", ignore=ignored)
    shutil.copytree(ROOT / "data", folder / "data")
    shutil.copytree(samples, folder, ignore=shutil.ignore_patterns("data"), dirs_exist_ok=True)
    run = folder / "runs" / "plates"
    run.mkdir(parents=True)
    shutil.copy(ROOT / "models" / "plates.safetensors", run / "model.safetensors")
    command = [sys.executable, "-m", "plate_ocr", "export", "plates", "-o", str(run / "model.onnx")]
    subprocess.run(command, check=True, cwd=ROOT)
    return folder


def is_shown(shown: list[str], said: list[str]) -> bool:
    """Whether these lines were said; one of ``…`` stands for any others."""
    pattern = "\n".join(".*" if line == "…" else re.escape(line) for line in shown)
    return bool(re.fullmatch(pattern, "\n".join(said), re.DOTALL))


@pytest.mark.long
@pytest.mark.parametrize("block", LONG_BLOCKS)
def test_long_blocks_do_what_they_show(block: list[Step], repository: Path, tmp_path: Path) -> None:
    """With an environment of their own, and with PLATE_OCR_DATA; without what the short test does."""
    for name in {step.text.split()[0] for step in block if NEEDED.search(step.text)}:
        # Docker is of use only with its daemon.
        tried = [name, "info" if name == "docker" else "--version"]
        if not shutil.which(name) or subprocess.run(tried, check=False, capture_output=True).returncode:
            pytest.skip(f"{name} is not there, or does not run")
    subprocess.run([sys.executable, "-m", "venv", tmp_path / ".venv"], check=True)
    packages = next((tmp_path / ".venv").glob("[Ll]ib*/**/site-packages"))
    (packages / "others.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    path = f"{tmp_path / '.venv' / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    tools = {name: str(tmp_path / name) for name in ("UV_TOOL_DIR", "UV_TOOL_BIN_DIR", "PIPX_HOME")}
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(repository), **tools}
    peers = [
        step for step in steps_of("docs/benchmarks.md") if re.match("python -m venv peers|peers/", step.text)
    ]
    wants_peers = any("=peers/" in step.text for step in block) and not (repository / "peers").exists()
    for step in [*(peers if wants_peers and peers[0] not in block else []), *block]:
        if TRAINING.search(step.text) or ELSEWHERE.search(step.text) or step.text.startswith(ASKS):
            continue
        command = ["bash", "-c", step.text]
        done = subprocess.run(
            command, check=False, cwd=repository, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{step.text}\n{done.stderr}"
        if step.shown:
            said = masked(done.stdout.splitlines(), repository)
            assert is_shown(masked(step.shown, repository), said), f"{step.text}\n{done.stdout}"
