"""Training plate models, from rendered plates to a model that reads."""

from __future__ import annotations

import dataclasses
from itertools import groupby
from pathlib import Path

import pytest
import torch

from plate_ocr.errors import DataError, ModelError, OutputError
from plate_ocr.model import PlateModel
from plate_ocr.training import platedata, platemeasure, platerun, trainer
from plate_ocr.training.platerun import PlateRunConfig, PlateText, stored_plate_config, train_plates
from plate_ocr.training.run import Silent
from tests.conftest import fill_disk

CONFIG = PlateRunConfig(regions=("us",), epochs=2, per_epoch=16, batch_size=8, device="cpu")


@pytest.fixture
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few plates of everything."""
    for module in (platedata, platerun):
        monkeypatch.setattr(module, "SHARD", 16)
    monkeypatch.setattr(platerun, "CHOSEN_BY", 8)
    monkeypatch.setattr(platemeasure.finish_plates, "__kwdefaults__", {"counts": (8, 4, 8)})


def test_right_plates_are_counted_as_python_would() -> None:
    random = torch.Generator().manual_seed(0)
    logits = torch.randn(400, 6, 4, generator=random)
    target = torch.zeros(400, 4, dtype=torch.int64)
    for row, likeliest in zip(target, logits.argmax(-1).tolist(), strict=True):
        text = [char for char, _ in groupby(likeliest) if char][:4]
        row[: len(text)] = torch.tensor(text)
    too_long = sum(len([c for c, _ in groupby(x) if c]) > 4 for x in logits.argmax(-1).tolist())
    assert PlateText().right(logits, target) == 400 - too_long
    target[:100, 0] = (target[:100, 0] + 1) % 4
    assert PlateText().right(logits[:100], target[:100]) < 100


def test_the_loss_is_least_for_the_right_text_and_bears_no_text() -> None:
    target = torch.tensor([[1, 2, 0], [0, 0, 0]])
    good = torch.full((2, 4, 3), -5.0)
    for step, char in enumerate((1, 0, 2, 0)):
        good[0, step, char] = 5
        good[1, step, 0] = 5
    assert PlateText().loss(good, target, 0).item() == pytest.approx(0, abs=1e-3)
    assert PlateText().loss(-good, target, 0).item() > 5


def test_a_configuration_survives_its_file(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(CONFIG.to_toml(), encoding="utf-8")
    assert stored_plate_config(tmp_path) == CONFIG
    assert stored_plate_config(tmp_path / "nowhere") is None
    for wrong, says in (("colour = 1", "no setting colour"), ('epochs = "x"', "is no int")):
        with pytest.raises(DataError, match=says):
            PlateRunConfig.from_toml(wrong, "config.toml")
    with pytest.raises(DataError, match="a batch of 0"):
        dataclasses.replace(CONFIG, batch_size=0)


class StopAfter(Silent):
    """Stops a run in a step, as Ctrl-C does."""

    def __init__(self, stop: int) -> None:
        self._stop = stop

    def step(self, step: int, rate: float, loss: float) -> None:
        """Raises in that step."""
        if step == self._stop:
            raise KeyboardInterrupt


@pytest.mark.usefixtures("_small")
def test_a_run_leaves_a_model_and_goes_on_after_a_stop(tmp_path: Path) -> None:
    straight, stopped = tmp_path / "straight", tmp_path / "stopped"
    metrics = train_plates(CONFIG, straight, Silent())
    assert metrics["plates"]["count"] == 8
    names = {"model.onnx", "model.safetensors", "card.md", "metrics.json", "metrics.csv", "curves.png"}
    assert names <= {path.name for path in straight.iterdir()}
    assert not list(straight.rglob("*.npz"))
    card = PlateModel(straight).card
    assert card.training == {"drawn": 32, "rendered": 16, "regions": ["us"], "seed": 0}
    with pytest.raises(KeyboardInterrupt):
        train_plates(CONFIG, stopped, StopAfter(3))
    train_plates(CONFIG, stopped, Silent(), resume=True)
    assert (stopped / "model.onnx").read_bytes() == (straight / "model.onnx").read_bytes()
    with pytest.raises(OutputError, match="holds a run already"):
        train_plates(CONFIG, straight, Silent())
    with pytest.raises(DataError, match=r"config\.toml has changed"):
        train_plates(dataclasses.replace(CONFIG, rate=1.0), stopped, Silent(), resume=True)


@pytest.mark.usefixtures("_small")
def test_a_full_disk_leaves_the_checkpoint_before_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer, "SAVE_SECONDS", float("inf"))
    with monkeypatch.context() as patch:
        fill_disk(patch, ".ckpt", write=3)
        with pytest.raises(OutputError, match=rf"last\.ckpt: No space.*--resume {tmp_path}$"):
            train_plates(CONFIG, tmp_path, Silent())
    state = torch.load(tmp_path / "last.ckpt", weights_only=True)["trainer"]
    assert (state["step"], len(state["history"])) == (2, 1)
    assert not list(tmp_path.glob(".*"))
    train_plates(CONFIG, tmp_path, Silent(), resume=True)
    assert (tmp_path / "model.onnx").exists()


def test_there_must_be_a_run_to_go_on_with(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no run to go on with"):
        train_plates(CONFIG, tmp_path, Silent(), resume=True)
    (tmp_path / "last.ckpt").write_bytes(b"text")
    with pytest.raises(ModelError, match="no whole checkpoint"):
        train_plates(CONFIG, tmp_path, Silent(), resume=True)
