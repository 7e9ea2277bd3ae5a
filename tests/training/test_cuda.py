"""Trainings on a GPU; ``pytest -m cuda`` where there is one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from plate_ocr.training.core.callbacks import NullCallback
from plate_ocr.training.core.config import RunConfig
from plate_ocr.training.detector.config import DetectorRunConfig
from plate_ocr.training.plates.config import PlateRunConfig
from plate_ocr.training.tasks import train
from tests.training.runs import StopAfter, files_of_run

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device"),
]

PLATES = PlateRunConfig(regions=("us",), epochs=2, samples_per_epoch=64, batch_size=32, device="cuda")
SCENES = DetectorRunConfig(regions=("us",), epochs=2, samples_per_epoch=16, batch_size=8, device="cuda")


@pytest.mark.parametrize("config", [PLATES, SCENES], ids=lambda config: str(config.model))
def test_a_stopped_run_goes_on(config: RunConfig, tmp_path: Path) -> None:
    torch.cuda.reset_peak_memory_stats()
    with pytest.raises(KeyboardInterrupt):
        train(config, tmp_path / "run", StopAfter(3))
    result = train(config, tmp_path / "run", NullCallback(), resume=True)
    assert {path.name for path in (tmp_path / "run").iterdir()} == files_of_run(config.model)
    assert 0 <= result.metrics["val_metric"] <= 1
    assert torch.cuda.max_memory_allocated() > 10**7  # it was the GPU that computed
    weights = load_file(tmp_path / "run" / "model.safetensors")
    assert all(value.isfinite().all() for value in weights.values() if value.is_floating_point())


@pytest.mark.parametrize("launcher", [[], ["-m", "torch.distributed.run", "--standalone"]], ids=["", "NCCL"])
def test_characters_are_learnt_on_a_gpu(launcher: list[str], tmp_path: Path) -> None:
    """Alone, and as the only process of a group, whose gradients go through NCCL."""
    command = [sys.executable, *launcher, "-m", "plate_ocr", "train", "--device", "cuda", "--epochs", "4"]
    subprocess.run(
        [*command, "-o", tmp_path / "run"],
        check=True,
        capture_output=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        timeout=300,
    )
    last = (tmp_path / "run" / "metrics.csv").read_text(encoding="utf-8").splitlines()
    columns = dict(zip(last[0].split(","), last[-1].split(","), strict=True))
    assert float(columns["val_metric"]) > 0.9
