"""Kills trainings with SIGKILL at random moments and resumes them: are the weights the same in the end?

``python -m benchmarks.kill [KILLS]``, on systems that can fork.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

import torch

from plate_ocr.model.sessions import CharModel
from plate_ocr.training.characters.config import DigitsRunConfig
from plate_ocr.training.core import trainer
from plate_ocr.training.core.callbacks import NullCallback
from plate_ocr.training.core.folder import CHECKPOINT
from plate_ocr.training.tasks import train

CONFIG = DigitsRunConfig.new(
    hidden=32,
    epochs=5,
    samples_per_epoch=512,
    batch_size=32,
    device="cpu",
    warmup=("lr=linear:8", "batch=8:32:30", "layers=20", "data=0.3:50:easy", "loss=smoothing:40"),
)


def start(folder: Path) -> int:
    """Train, or go on, in another process; returns its number."""
    child = os.fork()
    if child == 0:
        try:
            train(CONFIG, folder, NullCallback(), resume=(folder / CHECKPOINT).exists())
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    return child


def whole(folder: Path) -> bool:
    """Whether every file that a killed run has left can be loaded."""
    if (folder / CHECKPOINT).exists():
        torch.load(folder / CHECKPOINT, weights_only=True)
    if (folder / "model.onnx").exists():
        CharModel(folder)
    return True


def main(kills: int = 50) -> None:
    """Kill so many times; print how many runs ended with the bytes of a run that was left alone."""
    trainer.SAVE_SECONDS = 0.02
    chance = random.Random(0)
    killed = runs = same = 0
    with tempfile.TemporaryDirectory() as base:
        alone = Path(base) / "alone"
        began = time.monotonic()
        os.waitpid(start(alone), 0)
        takes = time.monotonic() - began
        expected = (alone / "model.safetensors").read_bytes()
        while killed < kills:
            folder = Path(base) / f"run{runs}"
            while True:
                child = start(folder)
                deadline = time.monotonic() + chance.uniform(0, takes) if killed < kills else float("inf")
                while (ended := os.waitpid(child, os.WNOHANG)) == (0, 0) and time.monotonic() < deadline:
                    time.sleep(0.001)
                if ended != (0, 0):
                    if ended[1]:
                        raise SystemExit("a resumed run failed")
                    break
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                killed += whole(folder)
            runs += 1
            same += (folder / "model.safetensors").read_bytes() == expected
    print(f"{killed} kills in {runs} runs of {takes:.1f} s; {same} of {runs} ended bit-identical")
    if same != runs:
        raise SystemExit(1)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
