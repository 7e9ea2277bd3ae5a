"""A training run from data to the files it leaves, through the command line."""

from __future__ import annotations

import io
import json
import signal
import struct
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

import numpy as np
import PIL.Image
import pytest

from plate_ocr.app.cli import main
from plate_ocr.readers.classical import CharClassifier
from plate_ocr.rendering.characters import render_characters
from plate_ocr.rendering.fonts import bundled_fonts
from plate_ocr.training.tasks import stored_config

QUICK = ["--epochs", "4", "--samples-per-epoch", "2048", "--device", "cpu"]
FILES = {
    "card.md",
    "config.toml",
    "confusion.png",
    "curves.png",
    "last.ckpt",
    "metrics.csv",
    "metrics.json",
    "mistakes.png",
    "model.onnx",
    "model.safetensors",
    "schedule.png",
}


class Done(NamedTuple):
    """A command that was run."""

    returncode: int
    stdout: str
    stderr: str


def train(*arguments: object) -> Done:
    """The command, run in this process: it need not load PyTorch again."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["plate-ocr", "train", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
    code = stopped.value.code
    return Done(code if isinstance(code, int) else 0, out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of class folders: 0 to 3, dark on light, each in every font that is installed."""
    folder = tmp_path_factory.mktemp("data")
    pictures, chars = render_characters("0123", bundled_fonts())
    for i, (picture, char) in enumerate(zip(pictures, chars, strict=True)):
        (folder / char).mkdir(exist_ok=True)
        PIL.Image.fromarray(255 - picture).save(folder / char / f"{i}.png")
    return folder


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run without data."""
    folder = tmp_path_factory.mktemp("run") / "run"
    done = train("-o", folder, *QUICK)
    assert (done.returncode, done.stdout.strip()) == (0, str(folder))
    assert "epoch 4/4" in done.stderr
    assert "times as many" in done.stderr
    return folder


@pytest.mark.slow
def test_a_run_leaves_its_files(run_folder: Path) -> None:
    assert {path.name for path in run_folder.iterdir()} == FILES


@pytest.mark.slow
def test_the_model_of_a_run_reads(run_folder: Path) -> None:
    pictures, chars = render_characters("0123456789", bundled_fonts()[:3])
    read = CharClassifier(run_folder, min_confidence=0.0).classify(pictures)
    assert np.mean([reading.char == char for reading, char in zip(read, chars, strict=True)]) > 0.8


@pytest.mark.slow
def test_the_weights_file_holds_weights_and_a_json_header_only(run_folder: Path) -> None:
    data = (run_folder / "model.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    card = json.loads(header.pop("__metadata__")["plate_ocr"])
    assert set(header) == {"hidden.weight", "hidden.bias", "output.weight", "output.bias"}
    assert card["alphabet"] == "0123456789"
    assert not {"optimizer", "lr", "epoch"} & set(card)
    assert len(data) < (run_folder / "last.ckpt").stat().st_size / 3


@pytest.mark.slow
def test_metrics_are_measured(run_folder: Path) -> None:
    metrics = json.loads((run_folder / "metrics.json").read_text(encoding="utf-8"))
    assert 0.5 < metrics["test"]["rendered"]["accuracy"] <= 1
    rows = (run_folder / "metrics.csv").read_text().splitlines()
    assert rows[0] == "epoch,step,lr,batch_size,train_loss,train_acc,val_metric,seconds"
    assert len(rows) == 5


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes(run_folder: Path, tmp_path: Path) -> None:
    train("-o", tmp_path / "again", *QUICK)
    for name in ("model.safetensors", "model.onnx"):
        assert (tmp_path / "again" / name).read_bytes() == (run_folder / name).read_bytes()


@pytest.mark.slow
def test_a_run_is_not_overwritten(run_folder: Path) -> None:
    done = train("-o", run_folder, *QUICK)
    assert done.returncode == 1
    assert f"--resume {run_folder}" in done.stderr


def _mind_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.slow
def test_an_interrupted_run_goes_on_as_if_it_had_not_been(run_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    command = [sys.executable, "-m", "plate_ocr", "train", "-o", str(folder), *QUICK]
    # Shells let background jobs, such as a whole test run, ignore Ctrl-C; their children would too.
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=_mind_ctrl_c)  # noqa: PLW1509
    deadline = time.monotonic() + 60
    while not (folder / "metrics.csv").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"plate-ocr train --resume {folder}" in err
    assert "Traceback" not in err
    assert not (folder / "model.onnx").exists()
    done = train("--resume", folder)
    assert done.returncode == 0
    assert (folder / "model.onnx").read_bytes() == (run_folder / "model.onnx").read_bytes()


@pytest.mark.slow
def test_data_in_folders(data: Path, tmp_path: Path) -> None:
    done = train(data, "-o", tmp_path / "run", *QUICK, "--loss", "squared_error", "--lr-schedule", "step")
    assert done.returncode == 0
    assert CharClassifier(tmp_path / "run").alphabet == "0123"


@pytest.mark.slow
def test_problems_are_named_and_strict_stops(data: Path, tmp_path: Path) -> None:
    good = sorted(data.glob("*/*.png"))
    listing = tmp_path / "labels.csv"
    lines = ["image_path,label", *(f"{path},{path.parent.name}" for path in good)]
    (tmp_path / "broken.png").write_bytes(good[0].read_bytes()[:60])
    lines += [f"{tmp_path / 'broken.png'},1", "missing.png,2", f"{good[1]},§", f"{good[2]},3", ",0"]
    listing.write_text("\n".join(lines), encoding="utf-8")
    n = len(good) + 1
    done = train(listing, "-o", tmp_path / "run", *QUICK)
    assert done.returncode == 0
    for line, kind in [
        (n + 1, "unreadable picture"),
        (n + 2, "unreadable picture"),
        (n + 3, "unknown label"),
        (n + 4, "same picture under two labels"),
        (n + 5, "incomplete line"),
    ]:
        assert f"{listing} line {line}: {kind}" in done.stderr
    done = train(listing, "-o", tmp_path / "strict", *QUICK, "--strict")
    assert done.returncode == 1
    assert "problems in the data" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({}, "holds no pictures"),
        ({"7": 3}, "two classes at least; only '7'"),
        ({"§": 3}, "two classes at least; none"),
    ],
)
def test_data_that_cannot_be_learnt_from(
    data: Path, tmp_path: Path, content: dict[str, int], says: str
) -> None:
    folder = tmp_path / "few"
    folder.mkdir()
    for label, count in content.items():
        (folder / label).mkdir()
        for i, path in enumerate(sorted((data / "2").iterdir())[:count]):
            (folder / label / f"{i}.png").write_bytes(path.read_bytes())
    done = train(folder, "-o", tmp_path / "run", *QUICK)
    assert done.returncode == 1
    assert says in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        ([], 2, "either -o RUN"),
        (["nowhere", "-o", "run"], 1, "there is no data set nowhere"),
        (["--resume", "nowhere"], 1, "holds no run"),
        (["-o", "run", "--grid", "five"], 2, "rows and columns are expected"),
        (["-o", "run", "--device", "cuda"], 1, "CUDA is not available"),
        (["-o", "run", "--fonts", "nowhere"], 1, "there are no fonts in nowhere"),
        (["-o", "run", "--alphabet", "00"], 1, "more than once"),
        (["data", "-o", "run", "--group", "("], 1, "no regular expression"),
        (["-o", "/proc/run", "--epochs", "1"], 1, "cannot write /proc/run"),
    ],
)
def test_bad_options_are_one_line(arguments: list[str], status: int, says: str) -> None:
    import torch

    if "cuda" in arguments and torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    done = train(*arguments)
    assert (done.returncode, done.stdout) == (status, "")
    assert says in done.stderr


@pytest.mark.slow
def test_a_damaged_checkpoint_is_refused(run_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes((run_folder / "config.toml").read_bytes())
    (tmp_path / "last.ckpt").write_bytes((run_folder / "last.ckpt").read_bytes()[:-100])
    done = train("--resume", tmp_path)
    assert done.returncode == 1
    assert "not a whole checkpoint" in done.stderr


@pytest.mark.slow
def test_config_round_trip(run_folder: Path) -> None:
    config = stored_config(run_folder)
    assert type(config).from_toml(config.to_toml(), "here") == config
