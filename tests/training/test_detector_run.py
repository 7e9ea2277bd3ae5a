"""Training detectors, from rendered scenes to a model that locates."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from plate_ocr.errors import DataError, ModelError
from plate_ocr.model.cards import DetectorCard
from plate_ocr.model.sessions import Detector
from plate_ocr.networks.weights import load_detector_weights
from plate_ocr.rendering.shards import SceneShard
from plate_ocr.training.core.callbacks import NullCallback
from plate_ocr.training.detector.config import DetectorRunConfig
from plate_ocr.training.detector.data import detector_targets
from plate_ocr.training.detector.evaluate import evaluate_detector
from plate_ocr.training.tasks import stored_config, train
from tests.training.runs import StopAfter, check_stopped_run

CONFIG = DetectorRunConfig(regions=("us",), epochs=2, samples_per_epoch=8, batch_size=4, device="cpu")


@pytest.fixture
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few scenes of everything."""
    monkeypatch.setattr(DetectorRunConfig, "SHARD", 8)
    monkeypatch.setattr(DetectorRunConfig, "VAL", 4)
    monkeypatch.setattr(DetectorRunConfig, "TEST", 6)


class Says(nn.Module):
    """Gives the answers it is told to, whatever it sees."""

    def __init__(self, answers: torch.Tensor) -> None:
        super().__init__()
        self.answers = nn.Parameter(answers)
        self._given = 0

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """The next answers."""
        self._given += len(pictures)
        return self.answers[self._given - len(pictures) : self._given]


def test_found_wrong_and_missed_plates_are_counted() -> None:
    box = torch.tensor([[20.0, 20], [80, 20], [80, 40], [20, 40]])
    other = torch.tensor([[120.0, 70], [150, 70], [150, 80], [120, 80]])
    none = torch.full((4, 2), torch.nan)

    def scene(*plates: torch.Tensor) -> torch.Tensor:
        target = detector_targets(torch.stack(plates)[None], 96, 160)[0]
        return torch.cat([torch.where(target[:1] == 1, 9.0, -9.0), target[2:]])

    # Two found, one of them a little off; one invented; one missed; one too far off, so missed and wrong.
    truth = torch.stack(
        [torch.stack(pair) for pair in ((box, other), (none, none), (box, none), (box, none))]
    )
    said = torch.stack([scene(box, other + 1.5), scene(box), scene(none), scene(box + 25)])
    points = (truth / torch.tensor([160.0, 96])).reshape(4, 8, 2).numpy()
    scenes = SceneShard(np.zeros((4, 96, 160), np.uint8), points)
    found = evaluate_detector(Says(said), scenes, 0.3, batch=3)
    assert (found.true_positives, found.false_positives, found.false_negatives) == (2, 2, 2)
    assert found.corner_error == pytest.approx((0 + np.hypot(1.5, 1.5) / 30) / 2, abs=1e-4)
    assert found.f_measure == pytest.approx(2 * 2 / (2 * 2 + 2 + 2))
    nothing = evaluate_detector(Says(torch.full_like(said, -9)), scenes, 0.3)
    assert (
        nothing.true_positives,
        nothing.false_positives,
        nothing.false_negatives,
        nothing.corner_error,
    ) == (0, 0, 4, None)
    assert nothing.f_measure == 0


def test_a_configuration_survives_its_file(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(CONFIG.to_toml(), encoding="utf-8")
    assert stored_config(tmp_path) == CONFIG
    with pytest.raises(DataError, match="a batch of 0"):
        dataclasses.replace(CONFIG, batch_size=0)


@pytest.mark.slow
@pytest.mark.usefixtures("_small")
def test_a_run_leaves_a_model_and_goes_on_after_a_stop(tmp_path: Path) -> None:
    metrics = check_stopped_run(CONFIG, tmp_path, Detector)
    assert metrics["scenes"] == 6
    page = (tmp_path / "straight" / "card.md").read_text(encoding="utf-8")
    assert "16 augmented samples of 8 rendered scenes with plates of the regions us" in page
    assert "inf" not in page
    card = Detector(tmp_path / "straight").card
    assert card.training == {"drawn": 16, "rendered": 8, "regions": ["us"], "seed": 0}
    assert set(card.accuracy) == {"rendered recall", "rendered precision"}


@pytest.mark.slow
@pytest.mark.usefixtures("_small")
def test_a_run_begins_with_another_detector_of_whatever_size(
    tmp_path: Path, tiny_detector: Path, detector_card: DetectorCard
) -> None:
    base = tmp_path / "weights"
    shutil.copytree(tiny_detector, base)
    config = dataclasses.replace(CONFIG, weights=str(base), epochs=1, lr=1e-9)
    with pytest.raises(KeyboardInterrupt):
        train(config, tmp_path / "run", StopAfter(1))
    # A run that goes on needs the other one no more.
    shutil.rmtree(base)
    train(config, tmp_path / "run", NullCallback(), resume=True)
    card, network = load_detector_weights(tmp_path / "run")
    assert (card.channels, card.features) == (detector_card.channels, detector_card.features)
    assert card.training["from"] == detector_card.training
    assert "made up" not in card.accuracy
    weights = load_detector_weights(tiny_detector)[1].output.weight
    torch.testing.assert_close(network.output.weight, weights, atol=1e-4, rtol=0)


@pytest.mark.slow
def test_there_must_be_a_run_to_go_on_with_and_a_detector_to_begin_with(
    tmp_path: Path, tiny_plate_model: Path
) -> None:
    with pytest.raises(ModelError, match="no run to resume"):
        train(CONFIG, tmp_path, NullCallback(), resume=True)
    with pytest.raises(ModelError, match="such as detector"):
        train(dataclasses.replace(CONFIG, weights=str(tiny_plate_model)), tmp_path / "new", NullCallback())
    assert not (tmp_path / "new").exists()
