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

from plate_ocr.model.sessions import PlateModel

COMMON = ["--samples-per-epoch", "1024", "--batch-size", "64", "--device", "cpu"]
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


@pytest.mark.long
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


@pytest.mark.long
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
        "--grad-accum",
        "3",
    ]
    subprocess.run([*one, *COMMON], check=True, capture_output=True)
    assert_same(alone, folder)


@pytest.mark.long
def test_where_one_process_is_killed_the_others_end_and_one_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    process = subprocess.Popen(
        command(2, "-o", folder, "--epochs", 8, *COMMON), stderr=subprocess.PIPE, text=True, env=ENVIRONMENT
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


SMALL_PLATES = """
import sys
from functools import partial
from pathlib import Path

from plate_ocr.alphabet import Alphabet
from plate_ocr.model.cards import PlateCard
from plate_ocr.training.core.callbacks import NullCallback
from plate_ocr.training.core.run import run
from plate_ocr.training.plates import run as plates
from plate_ocr.training.plates.config import PlateRunConfig

if __name__ == "__main__":
    PlateRunConfig.SHARD, PlateRunConfig.VAL, PlateRunConfig.COUNTS = 16, 8, (8, 4, 8)
    alphabet = Alphabet("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", unknown=True)
    card = PlateCard(alphabet, channels=(4, 4, 4, 8), transformer=16)
    settings = {"regions": ("us",), "epochs": 3, "samples_per_epoch": 48, "batch_size": 8, "repeats": 1}
    config = PlateRunConfig(**settings, device="cpu")
    open_task = partial(plates.open_plates, config, card=card)
    result = run(config, open_task, Path(sys.argv[1]), NullCallback(), resume=len(sys.argv) > 2)
    print("measured" if result.metrics else "helped", flush=True)
"""


@pytest.mark.long
def test_two_processes_train_one_plate_model_and_go_on_as_one(tmp_path: Path) -> None:
    script = tmp_path / "small.py"
    script.write_text(SMALL_PLATES)
    start = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone"]
    done = subprocess.run(
        [*start, str(script), str(tmp_path / "run")],
        check=True,
        capture_output=True,
        text=True,
        env={**ENVIRONMENT, "PYTHONPATH": os.pathsep.join(sys.path)},
        timeout=300,
    )
    assert sorted(done.stdout.split()) == ["helped", "measured"]
    card = PlateModel(tmp_path / "run").card
    # Nine shards of 16 plates, each drawn once by both together.
    assert (card.training["drawn"], card.training["rendered"]) == (144, 144)
    assert not list((tmp_path / "run").rglob("*.npz"))
    rows = (tmp_path / "run" / "metrics.csv").read_text().splitlines()
    assert [int(row.split(",")[1]) for row in rows[1:]] == [6, 12, 18]
    # One process alone can go on with it.
    alone = [sys.executable, str(script), str(tmp_path / "run"), "resume"]
    done = subprocess.run(alone, check=True, capture_output=True, text=True, timeout=200)
    assert done.stdout.split() == ["measured"]


INTERRUPTED = """
import sys, time

from plate_ocr.training.core.processes import spawned

if __name__ == "__mp_main__":  # imported again by each process, before anything else
    # In one piece, so that nothing of the other process stands between, unbuffered or not.
    print("importing\\n", end="", flush=True)
    time.sleep(1)

if __name__ == "__main__":
    with spawned(2) as executor:
        try:
            waiting = [executor.submit(time.sleep, 60) for _ in range(2)]
            waiting[0].result()
        except KeyboardInterrupt:
            print("stopped")
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="there are no such signals")
def test_ctrl_c_ends_processes_that_still_import_without_a_word(tmp_path: Path) -> None:
    (tmp_path / "interrupted.py").write_text(INTERRUPTED, encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, tmp_path / "interrupted.py"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        # As a terminal has it: jobs in the background ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    ) as process:  # fmt: skip
        assert process.stdout is not None
        begun = [process.stdout.readline() for _ in range(2)]
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert begun == ["importing\n"] * 2
    assert (process.returncode, out, err) == (0, "stopped\n", "")
