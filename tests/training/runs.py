"""What holds for the runs of all tasks on rendered pictures."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from plate_ocr.errors import DataError, OutputError
from plate_ocr.model.sessions import Detector, PlateModel
from plate_ocr.training.core.callbacks import NullCallback
from plate_ocr.training.core.config import RunConfig
from plate_ocr.training.core.folder import CHECKPOINT
from plate_ocr.training.tasks import train
from plate_ocr.training.torch_files import checkpoint_contents, strip_checkpoint

PAGE = Path(__file__).parents[2] / "docs" / "model-files.md"


class StopAfter(NullCallback):
    """Stops a run in a step, as Ctrl-C does."""

    def __init__(self, stop: int) -> None:
        self._stop = stop

    def on_step_end(self, step: int, lr: float, loss: float) -> None:
        """Raises in that step."""
        if step == self._stop:
            raise KeyboardInterrupt


def files_of_run(model: str) -> set[str]:
    """The files that the documentation promises of every run of a model."""
    text = PAGE.read_text(encoding="utf-8")
    rows = re.findall(rf"^\| (.*) \| (?:all|`{model}`) \|", text, re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`(.*?)`", row)}


def no_constants(text: str) -> Any:
    """JSON knows no such number."""
    raise AssertionError(text)


def check_stopped_run(
    config: RunConfig, folder: Path, open_model: Callable[[Path], PlateModel | Detector]
) -> dict[str, Any]:
    """A run leaves what the README says; stopped in its third step and resumed, it gives the same bytes.

    Returns:
        Its metrics; the run is in ``folder / "straight"``.
    """
    straight, stopped = folder / "straight", folder / "stopped"
    metrics = train(config, straight, NullCallback()).metrics
    assert {path.name for path in straight.iterdir()} == files_of_run(config.model)
    stored = (straight / "metrics.json").read_text(encoding="utf-8")
    assert json.loads(stored, parse_constant=no_constants) == metrics
    with pytest.raises(KeyboardInterrupt):
        train(config, stopped, StopAfter(3))
    assert checkpoint_contents(stopped / "last.ckpt").format == "plate-ocr checkpoint"
    begun = strip_checkpoint(stopped / "last.ckpt", folder / "begun.safetensors")
    assert begun.note == "the card is that of the checkpoint; nothing is measured yet"
    assert not open_model(folder / "begun.onnx").card.accuracy
    done = strip_checkpoint(straight / "last.ckpt", folder / "done.safetensors")
    assert done.note.startswith(f"the card is that of {straight}")
    assert (folder / "done.onnx").read_bytes() == (straight / "model.onnx").read_bytes()
    train(config, stopped, NullCallback(), resume=True)
    assert (stopped / "model.onnx").read_bytes() == (straight / "model.onnx").read_bytes()
    with pytest.raises(OutputError, match="already holds a run"):
        train(config, straight, NullCallback())
    with pytest.raises(DataError, match=r"config\.toml has changed"):
        train(dataclasses.replace(config, lr=1.0), stopped, NullCallback(), resume=True)
    return metrics


def check_kept(
    share: float, old: Mapping[str, Tensor], new: Mapping[str, Tensor], folder: Path, name: str
) -> None:
    """Weights of a run are a mean of those of its base model and the trained ones.

    Args:
        share: of the base model.
        old: the base model's weights.
        new: those that were saved.
        folder: of the run.
        name: of the tensor to look at.
    """
    trained = torch.load(folder / CHECKPOINT, weights_only=True)["trainer"]["best"][name]
    left = (new[name] - old[name]) / (trained - old[name])
    torch.testing.assert_close(left, torch.full_like(left, 1 - share), rtol=1e-2, atol=1e-2)
