"""Training plate models, from rendered plates to a model that reads."""

from __future__ import annotations

import dataclasses
from itertools import groupby
from pathlib import Path

import pytest
import torch

from plate_ocr.alphabet import LONGEST, Alphabet
from plate_ocr.errors import DataError, ModelError, OutputError
from plate_ocr.model.cards import PlateCard
from plate_ocr.model.sessions import PlateModel
from plate_ocr.networks.plate import plate_network_for
from plate_ocr.training.core.callbacks import NullCallback
from plate_ocr.training.core.transfer import common_rows, take_over
from plate_ocr.training.plates.config import PlateRunConfig
from plate_ocr.training.plates.data import NO_REGION, PlateTargets
from plate_ocr.training.plates.loss import PlateText, Teacher
from plate_ocr.training.tasks import stored_config, train
from plate_ocr.vision.geometry import CORNERS
from tests.conftest import fill_disk, new_plate_network
from tests.training.runs import check_stopped_run

CONFIG = PlateRunConfig(regions=("us",), epochs=2, samples_per_epoch=16, batch_size=8, device="cpu")


@pytest.fixture
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few plates of everything."""
    monkeypatch.setattr(PlateRunConfig, "SHARD", 16)
    monkeypatch.setattr(PlateRunConfig, "VAL", 8)
    monkeypatch.setattr(PlateRunConfig, "COUNTS", (8, 4, 8))


NO_REGIONS, NO_VIEWS = torch.zeros(400, 0), torch.zeros(0)


def targets(
    *texts: list[int],
    points: torch.Tensor | None = None,
    regions: list[int] | None = None,
    rendered: list[bool] | None = None,
) -> torch.Tensor:
    """Packed, of texts as classes from 1."""
    classes = torch.tensor([text + [0] * (LONGEST - len(text)) for text in texts])
    points = torch.zeros(len(texts), 2 * CORNERS, 2) if points is None else points
    codes = torch.tensor(regions or [NO_REGION] * len(texts))
    return PlateTargets(classes, points, codes, torch.tensor(rendered or [True] * len(texts))).packed()


def test_right_plates_are_counted_as_python_would() -> None:
    logits = torch.randn(400, 14, 4, generator=torch.Generator().manual_seed(0))
    points = torch.zeros(400, 2 * CORNERS, 2)
    read = [[char for char, _ in groupby(row) if char] for row in logits.argmax(-1).tolist()]
    cut = targets(*(text[:LONGEST] for text in read))
    too_long = sum(len(text) > LONGEST for text in read)
    assert 0 < too_long < 100
    assert PlateText().correct((logits, points, NO_REGIONS, NO_VIEWS), cut) == 400 - too_long
    other = targets(*([text[0] % 3 + 1, *text[1:LONGEST]] for text in read))
    assert PlateText().correct((logits, points, NO_REGIONS, NO_VIEWS), other) == 0


def test_the_loss_is_least_for_the_right_text_and_bears_no_text() -> None:
    target = targets([1, 2], [])
    points = PlateTargets.of(target).points
    good = torch.full((2, 4, 3), -5.0)
    for step, char in enumerate((1, 0, 2, 0)):
        good[0, step, char] = 5
        good[1, step, 0] = 5
    assert PlateText().loss((good, points, NO_REGIONS[:2], NO_VIEWS), target, 0).item() == pytest.approx(
        0, abs=1e-3
    )
    assert PlateText().loss((-good, points, NO_REGIONS[:2], NO_VIEWS), target, 0).item() > 5


def test_the_region_counts_where_it_is_known() -> None:
    points, logits = torch.zeros(2, 2 * CORNERS, 2), torch.zeros(2, 4, 3)

    def loss(known: list[int], *scores: list[float]) -> float:
        return (
            PlateText()
            .loss((logits, points, torch.tensor(scores), NO_VIEWS), targets([1], [2], regions=known), 0)
            .item()
        )

    good, bad = [5.0, -5.0], [-5.0, 5.0]
    assert loss([0, 1], good, bad) < loss([0, 1], good, good) < loss([0, 1], bad, good)
    assert loss([0, NO_REGION], good, bad) == loss([0, NO_REGION], good, good)
    assert loss([NO_REGION] * 2, good, bad) == loss([NO_REGION] * 2, bad, good)


def test_rendered_plates_are_to_be_read_as_the_base_model_reads_them() -> None:
    base_card = PlateCard(Alphabet("AB"), channels=(4, 5, 6, 7), transformer=16)
    card = dataclasses.replace(base_card, alphabet=Alphabet("ABC"))
    base, network = new_plate_network(base_card, 0), new_plate_network(card, 1)
    text = PlateText(Teacher.of((base_card, base), card, torch.device("cpu")))
    pictures = torch.rand(2, 1, 64, 256, generator=torch.Generator().manual_seed(0))

    def loss(*texts: list[int], rendered: list[bool]) -> float:
        """That of the teacher alone."""
        output, target = network.eval()(pictures), targets(*texts, rendered=rendered)
        return (text.loss(output, target, 0) - PlateText().loss(output, target, 0)).item()

    both = loss([1], [2, 1], rendered=[True, True])
    one = loss([1], [2, 1], rendered=[True, False])
    assert both > one > 0.01
    assert loss([1], [2, 1], rendered=[False, False]) == 0
    # The base model cannot know a C.
    assert loss([1], [2, 3], rendered=[True, True]) == pytest.approx(one)
    rows = common_rows(card.alphabet, base_card.alphabet, blank=True)
    take_over(network, base.state_dict(), {"output.weight": rows, "output.bias": rows})
    with torch.no_grad():
        network.output.bias[3] = -50
    assert loss([1], [2, 1], rendered=[True, True]) == pytest.approx(0, abs=1e-4)


def test_the_outputs_learn_before_the_trunk() -> None:
    card = PlateCard(Alphabet("AB"), channels=(4, 5, 6, 7), transformer=16, regions=("br", "us"))
    network = plate_network_for(card)
    outputs, trunk = ({id(weight) for weight in group.parameters()} for group in network.groups())
    named = network.named_parameters()
    assert outputs == {id(w) for name, w in named if name.startswith(("output.", "region."))}
    assert len(outputs) == 4
    assert outputs | trunk == {id(weight) for weight in network.parameters()}
    assert not outputs & trunk


def test_corners_that_are_off_count_and_where_there_is_no_plate_nothing_does() -> None:
    truth = torch.rand(2, 2 * CORNERS, 2, generator=torch.Generator().manual_seed(0))
    truth[1] = torch.nan
    target, logits = targets([1], [], points=truth), torch.zeros(2, 4, 3)

    def loss(points: torch.Tensor) -> torch.Tensor:
        return PlateText().loss((logits, points, NO_REGIONS[:2], NO_VIEWS), target, 0)

    right = truth.nan_to_num(7.0)
    near, far = right.clone(), right.clone()
    near[0, 3, 1] += 0.01
    far[0, 3, 1] += 0.1
    assert loss(right) < loss(near) < loss(far)
    off = far.clone().requires_grad_()
    loss(off).backward()  # type: ignore[no-untyped-call]
    assert off.grad is not None
    assert off.grad[0, 3, 1] > 0
    assert (off.grad[1] == 0).all()
    assert int((off.grad != 0).sum()) == 1


def test_a_configuration_survives_its_file(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(CONFIG.to_toml(), encoding="utf-8")
    assert stored_config(tmp_path) == CONFIG
    with pytest.raises(DataError, match=r"no config\.toml"):
        stored_config(tmp_path / "nowhere")
    for wrong, says in (("colour = 1", "unknown setting colour"), ('epochs = "x"', "int is expected")):
        with pytest.raises(DataError, match=says):
            PlateRunConfig.from_toml(wrong, "config.toml")
    with pytest.raises(DataError, match="a batch of 0"):
        dataclasses.replace(CONFIG, batch_size=0)


@pytest.mark.slow
@pytest.mark.usefixtures("_small")
def test_a_run_leaves_a_model_and_goes_on_after_a_stop(tmp_path: Path) -> None:
    metrics = check_stopped_run(CONFIG, tmp_path, PlateModel)
    assert metrics["plates"]["count"] == 8
    card = PlateModel(tmp_path / "straight").card
    assert card.training == {"drawn": 32, "rendered": 16, "regions": ["us"], "seed": 0}


@pytest.mark.slow
@pytest.mark.usefixtures("_small")
def test_a_full_disk_leaves_the_checkpoint_before_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plate_ocr.training.core.trainer.SAVE_SECONDS", float("inf"))
    with monkeypatch.context() as patch:
        fill_disk(patch, ".ckpt", write=3)
        with pytest.raises(OutputError, match=rf"last\.ckpt: No space.*--resume {tmp_path}$"):
            train(CONFIG, tmp_path, NullCallback())
    state = torch.load(tmp_path / "last.ckpt", weights_only=True)["trainer"]
    assert (state["step"], len(state["history"])) == (2, 1)
    assert not list(tmp_path.glob(".*"))
    train(CONFIG, tmp_path, NullCallback(), resume=True)
    assert (tmp_path / "model.onnx").exists()


@pytest.mark.slow
def test_there_must_be_a_run_to_go_on_with(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no run to resume"):
        train(CONFIG, tmp_path, NullCallback(), resume=True)
    (tmp_path / "last.ckpt").write_bytes(b"text")
    with pytest.raises(ModelError, match="not a whole checkpoint"):
        train(CONFIG, tmp_path, NullCallback(), resume=True)
