"""Several processes train as one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors.numpy import load_file

COMMON = ["--per-epoch", "1024", "--batch-size", "64", "--device", "cpu"]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def command(processes: int, *arguments: object) -> list[str]:
    start = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--nproc-per-node",
        str(processes),
        "--standalone",
    ]
    return [*start, "-m", "plate_ocr", "train", *map(str, arguments)]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("alone") / "run"
    one = [sys.executable, "-m", "plate_ocr", "train", "-o", str(folder), "--epochs", "3", *COMMON]
    subprocess.run(one, check=True, capture_output=True)
    return folder


def assert_same(a: Path, b: Path) -> None:
    first, second = load_file(a / "model.safetensors"), load_file(b / "model.safetensors")
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert abs(value - second[name]).max() < 1e-4 * abs(value).max()


def test_two_processes_give_the_weights_of_one(alone: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        command(2, "-o", tmp_path / "run", "--epochs", 3, *COMMON),
        check=True,
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        timeout=200,
    )
    assert done.stdout.split() == [str(tmp_path / "run")]
    assert_same(alone, tmp_path / "run")


def test_parts_of_a_batch_add_up(alone: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    one = [
        sys.executable,
        "-m",
        "plate_ocr",
        "train",
        "-o",
        str(folder),
        "--epochs",
        "3",
        "--accumulate",
        "3",
    ]
    subprocess.run([*one, *COMMON], check=True, capture_output=True)
    assert_same(alone, folder)


def test_where_one_process_is_killed_the_others_end_and_one_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    process = subprocess.Popen(
        command(2, "-o", folder, "--epochs", 30, *COMMON), stderr=subprocess.PIPE, text=True, env=ENVIRONMENT
    )
    deadline = time.monotonic() + 60
    while not (folder / "metrics.csv").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    workers = subprocess.run(["pgrep", "-P", str(process.pid)], check=True, capture_output=True, text=True)
    os.kill(int(workers.stdout.split()[-1]), signal.SIGKILL)
    _, said = process.communicate(timeout=200)
    assert process.returncode != 0
    assert "another process of this training has ended" in said or "Signal 9" in said
    one = [sys.executable, "-m", "plate_ocr", "train", "--resume", str(folder)]
    subprocess.run(one, check=True, capture_output=True)
    assert (folder / "model.onnx").exists()
