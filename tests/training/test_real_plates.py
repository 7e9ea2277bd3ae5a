"""Training plate models on pictures of real plates, from labels to a model and what it gained."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from plate_ocr.alphabet import DIGITS, LETTERS, PLATE_CHARACTERS, Alphabet
from plate_ocr.errors import DataError
from plate_ocr.model.cards import PlateCard
from plate_ocr.model.sessions import PlateModel
from plate_ocr.networks.export import save_model
from plate_ocr.networks.weights import load_plate_weights
from plate_ocr.rendering.shards import Rendering, Shard, write_plates
from plate_ocr.training.core.callbacks import NullCallback
from plate_ocr.training.core.device import ALONE
from plate_ocr.training.core.run import Context
from plate_ocr.training.core.trainer import Trainer
from plate_ocr.training.plates.config import PlateRunConfig
from plate_ocr.training.plates.data import MixedBatches, PlateBatches, PlateTargets
from plate_ocr.training.plates.dataset import (
    RealPlate,
    crops_of,
    grown_alphabet,
    read_real_plates,
    split_plates,
)
from plate_ocr.training.plates.distort import distorted
from plate_ocr.training.plates.loss import PlateText, Teacher
from plate_ocr.training.plates.run import open_plates
from plate_ocr.training.rendered.data import Shards
from plate_ocr.training.tasks import train
from plate_ocr.vision.images import Image
from tests.app.conftest import Run, run  # noqa: F401
from tests.conftest import draw_plate, new_plate_network
from tests.training.runs import StopAfter, check_kept

BASE = PlateCard(
    Alphabet(PLATE_CHARACTERS, unknown=True),
    channels=(8, 8, 8, 8),
    transformer=16,
    layers=1,
    training={"drawn": 64, "rendered": 32, "regions": ["cn", "us"], "seed": 5},
)


def write_pictures(folder: Path, texts: list[str], header: str = "image_path,plate_text") -> Path:
    """A table of drawn plates."""
    folder.mkdir(exist_ok=True)
    for i, text in enumerate(texts):
        cv2.imwrite(str(folder / f"{i}.png"), draw_plate(text)[:, : 40 * len(text) + 40 - i % 3])
    table = folder / "plates.csv"
    lines = [header, *(f"{i}.png,{text}" for i, text in enumerate(texts))]
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return table


def some_texts(count: int) -> list[str]:
    """Different texts."""
    return [f"AB{i:03}" for i in range(count)]


def config_of(*data: Path, **given: object) -> PlateRunConfig:
    """With the defaults of a training on data."""
    return PlateRunConfig.new(data=tuple(map(str, data)), **given)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """An untrained plate model of few weights."""
    save_model(new_plate_network(BASE), BASE, tmp_path / "base" / "model")
    return tmp_path / "base"


@pytest.fixture
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few rendered plates of everything."""
    monkeypatch.setattr(PlateRunConfig, "SHARD", 16)
    monkeypatch.setattr(PlateRunConfig, "VAL_WITH_DATA", 8)
    monkeypatch.setattr(PlateRunConfig, "COUNTS_WITH_DATA", (8, 4, 8))
    monkeypatch.delenv("PLATE_OCR_DATA", raising=False)


@pytest.mark.slow
@pytest.mark.usefixtures("_small")
def test_a_training_on_own_plates_tells_what_it_gained(
    run: Run,  # noqa: F811
    tmp_path: Path,
    base: Path,
) -> None:
    labels = write_plates(Rendering(regions=("us", "br")), 48, tmp_path / "own")
    with labels.open("a", encoding="utf-8") as file:
        file.write("plates/none.png,AB12,us\n")
    given = ["--epochs", 2, "--samples-per-epoch", 16, "--batch-size", 8, "--device", "cpu", "--region", "us"]
    out = tmp_path / "mine"
    code, said, err = run("train", labels, "--model", "plates", "--weights", base, "-o", out, *given)
    assert (code, said) == (0, f"{out}\n")
    assert "48 pictures of 48 plates: 34 to train on, 7 to choose by, 7 to measure on" in err
    assert f"{base} reads 0.00% of 48 pictures of the data\nregion br: 0.00% of " in err
    assert f"{labels} line 50: " in err
    assert "own plates, test part: 0.00% before, 0.00% after, of 7 plates" in err
    names = {"model.onnx", "model.safetensors", "card.md", "metrics.json", "curves.png", "mistakes.html"}
    assert names < {path.name for path in out.iterdir()}
    metrics = json.loads((out / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["real"]["part"] == "test part"
    assert metrics["real"]["before"]["plates"] == metrics["real"]["after"]["plates"] == 7
    assert set(metrics["real"]["after"]["regions"]) <= {"us", "br"}
    assert metrics["before"]["plates"]["count"] == metrics["plates"]["count"] == 8
    assert set(metrics["before"]["regions"]) == set(metrics["regions"])
    page = (out / "card.md").read_text(encoding="utf-8")
    assert "| own plates, test part | 7 | 0.00% | 0.00% |" in page
    assert "Trained on rendered and real plates:" in page
    assert "- 32 augmented samples of 34 pictures of real plates and of 8 rendered plates of" in page
    assert "7 of 7 labels misread" in (out / "mistakes.html").read_text(encoding="utf-8")
    card = PlateModel(out).card
    assert (card.alphabet, card.channels) == (BASE.alphabet, BASE.channels)
    assert card.training["real"] == 34
    old, new = (load_plate_weights(folder)[1].state_dict() for folder in (base, out))
    changed = {name.partition(".")[0] for name in old if not torch.equal(old[name], new[name])}
    assert changed == {"project", "place", "transformer", "norm", "output"}
    check_kept(0.3, old, new, out, "output.bias")
    assert card.accuracy["own plates, test part"] == 0
    labels.write_text(labels.read_text(encoding="utf-8").replace(",us\n", ",br\n"), encoding="utf-8")
    assert run("train", "--resume", out, "-q")[:2] == (0, f"{out}\n")
    lines = labels.read_text(encoding="utf-8").splitlines()
    labels.write_text("\n".join(lines[:40]) + "\n", encoding="utf-8")
    code, _, err = run("train", "--resume", out)
    assert (code, "the data has changed since the run in" in err) == (1, True)


@pytest.mark.slow
@pytest.mark.usefixtures("_small")
def test_a_share_of_the_base_model_is_kept_and_its_convolutions_without_data_too(
    run: Run,  # noqa: F811
    tmp_path: Path,
) -> None:
    base, whole = tmp_path / "base", PlateCard(Alphabet(PLATE_CHARACTERS, unknown=True))
    save_model(new_plate_network(whole), whole, base / "model")
    given = ["--epochs", 1, "--samples-per-epoch", 16, "--batch-size", 8, "--device", "cpu", "--region", "us"]
    out = tmp_path / "mine"
    command = ["train", "--model", "plates", "--weights", base, "--keep", 0.75, "--freeze", "-o", out, *given]
    assert run(*command)[0] == 0
    old, new = (load_plate_weights(folder)[1].state_dict() for folder in (base, out))
    check_kept(0.75, old, new, out, "project.weight")
    frozen = [name for name in old if name.startswith(("finder.", "convolutions."))]
    assert len(frozen) > 50
    assert all(torch.equal(old[name], new[name]) for name in frozen)


@pytest.mark.slow
@pytest.mark.usefixtures("_small")
def test_a_stopped_training_on_own_plates_goes_on_as_if_it_had_not_been(tmp_path: Path, base: Path) -> None:
    table = write_plates(Rendering(regions=("us",)), 48, tmp_path / "own")
    given = {"epochs": 2, "samples_per_epoch": 16, "batch_size": 8, "device": "cpu", "regions": ("us",)}
    config, straight, stopped = config_of(table, weights=str(base), **given), tmp_path / "a", tmp_path / "b"
    train(config, straight, NullCallback())
    with pytest.raises(KeyboardInterrupt):
        train(config, stopped, StopAfter(3))
    train(config, stopped, NullCallback(), resume=True)
    assert (stopped / "model.onnx").read_bytes() == (straight / "model.onnx").read_bytes()


def test_what_the_base_model_knows_is_taught_unless_the_alphabet_leaves_it_out(
    tmp_path: Path, base: Path
) -> None:
    table = write_pictures(tmp_path / "own", some_texts(5))
    context = Context(tmp_path, torch.device("cpu"), NullCallback(), True, None, False)

    def teacher(**given: object) -> Teacher | None:
        config = config_of(table, regions=("us",), epochs=1, samples_per_epoch=8, batch_size=8, **given)
        with open_plates(config, context) as task:
            assert isinstance(task.objective, PlateText)
            return task.objective.teacher

    for alphabet, known in (("+", len(BASE.alphabet)), ("+한", len(BASE.alphabet)), (DIGITS + LETTERS, None)):
        taught = teacher(weights=str(base), alphabet=alphabet)
        assert (len(taught.rows[0]) - 1 if taught else None) == known
    assert teacher() is None


def test_two_rendered_plates_more_or_less_are_chance_in_the_validation() -> None:
    for mix in (0.5, 0.25):
        min_delta = config_of(Path("plates.csv"), mix=mix).settings.min_delta
        assert 2 * mix / 256 < min_delta < 3 * mix / 256
    assert PlateRunConfig.new().settings.min_delta == 0


@pytest.mark.slow
@pytest.mark.usefixtures("_small")
def test_few_plates_are_cross_validated(
    run: Run,  # noqa: F811
    tmp_path: Path,
    base: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    learnt_by = list[tuple[object, object]]()

    class Recorded(Trainer):
        def __init__(self, *given: Any) -> None:
            learnt_by.append((given[5].teacher, given[7]))
            super().__init__(*given)

    monkeypatch.setattr("plate_ocr.training.plates.cross_validation.Trainer", Recorded)
    table = write_pictures(tmp_path / "own", [*some_texts(5), "אB005", "AB000"])
    given = [
        "--alphabet",
        "labels",
        "--epochs",
        1,
        "--samples-per-epoch",
        16,
        "--batch-size",
        8,
        "--device",
        "cpu",
        "--region",
        "us",
    ]
    out = tmp_path / "mine"
    code, _, err = run("train", table, "--model", "plates", "--weights", base, "-o", out, *given)
    assert code == 0
    assert "7 pictures of 6 plates: " in err
    assert (
        "fewer than 40 plates: none is kept for a test; 5-fold cross-validation measures the training" in err
    )
    assert "training 5 folds, steps: 10 of 10\n" in err
    assert len(learnt_by) == 5
    assert all(teacher and processes == ALONE for teacher, processes in learnt_by)
    assert "own plates, cross-validation: 0.00% before, 0.00% after, of 7 plates" in err
    metrics = json.loads((out / "metrics.json").read_text(encoding="utf-8"))["real"]
    assert (metrics["part"], metrics["after"]["plates"]) == ("cross-validation", 7)
    assert PlateModel(out).card.alphabet.characters == BASE.alphabet.characters + "א"
    old, new = (load_plate_weights(folder)[1].state_dict() for folder in (base, out))
    assert not torch.equal(old["convolutions.0.weight"], new["convolutions.0.weight"])
    assert "each read by a model that was trained without it" in (out / "card.md").read_text(encoding="utf-8")
    assert "7 of 7 labels misread" in (out / "mistakes.html").read_text(encoding="utf-8")


def test_plates_are_split_by_text_and_few_have_no_test_part(tmp_path: Path) -> None:
    texts = [text for text in some_texts(40) for _ in range(3)]
    real, _ = read_real_plates(config_of(write_pictures(tmp_path, texts)), BASE.alphabet)
    parts = [{plate.label.text for plate in part} for part in (real.train, real.validation, real.test)]
    assert [len(part) for part in parts] == [28, 6, 6]
    assert len(set.union(*parts)) == 40
    assert len(real.all) == 120
    again = split_plates(real.all, config_of(tmp_path))
    assert {plate.label.text for plate in again.test} == parts[2]
    other = split_plates(real.all, config_of(tmp_path, seed=1))
    assert {plate.label.text for plate in other.test} != parts[2]
    few, _ = read_real_plates(config_of(write_pictures(tmp_path / "few", some_texts(39))), BASE.alphabet)
    assert [len(part) for part in (few.train, few.validation, few.test)] == [33, 6, 0]


def test_what_cannot_be_trained_on_is_left_out_and_named(tmp_path: Path) -> None:
    table = write_pictures(tmp_path, some_texts(4), "image_path,plate_text,x,y,w,h")
    for name, picture in (("tiny.png", np.zeros((5, 30), np.uint8)), ("same.png", draw_plate("XY987"))):
        cv2.imwrite(str(tmp_path / name), picture)
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with table.open("a", encoding="utf-8") as file:
        file.write(
            "tiny.png,AB1\nsame.png,XY987\nsame.png,XY981\nbroken.png,AB2\nmissing.png,AB3\n"
            "0.png,ABCDEFGHIJKLM,1,1,99,20\n0.png,AB4,9999,1,99,20\n0.png,AB5,1,1,99,3\n1.png,\n"
        )
    real, _ = read_real_plates(config_of(table), BASE.alphabet)
    assert sorted(plate.label.path.name for plate in real.all) == ["1.png", "2.png", "3.png"]
    named = "\n".join(real.problems)
    for says in (
        "line 6: the picture of 30×5 pixels is too small",
        "line 7: the picture has several labels, and this one does not say where the plate is",
        "broken.png: not a picture in a known format",
        "missing.png",
        "line 11: the text ABCDEFGHIJKLM has more than 12 characters",
        "line 12: the plate lies outside the picture of 240×80 pixels",
        "line 13: the plate of 99×3 pixels is too small",
        "labels of pictures without a plate, which are not trained on: 1",
    ):
        assert says in named


def test_one_picture_under_two_texts_is_left_out(tmp_path: Path) -> None:
    table = write_pictures(tmp_path, [*some_texts(3), "XY1", "XY2"])
    for name in ("3.png", "4.png"):
        cv2.imwrite(str(tmp_path / name), draw_plate("XY1"))
    real, _ = read_real_plates(config_of(table), BASE.alphabet)
    assert len(real.all) == 3
    (problem,) = real.problems
    assert problem == f"the same picture under different texts: {table} line 5 (XY1), {table} line 6 (XY2)"


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (["AB1"], "plates with two different texts are needed at least; 1 could be used of "),
        (["AB1"] * 3, "two different texts"),
        (
            ["AB1", "אב12"],
            "--alphabet labels takes in characters that the model does not know; .*\n.*line 3: ",
        ),
    ],
)
def test_data_that_cannot_be_trained_on_is_refused(tmp_path: Path, texts: list[str], says: str) -> None:
    with pytest.raises(DataError, match=says):
        read_real_plates(config_of(write_pictures(tmp_path, texts)), BASE.alphabet)


def test_pictures_that_are_all_missing_are_refused(tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    table.write_text("image_path,plate_text\n" + "\n".join(f"{t}.png,{t}" for t in some_texts(9)))
    with pytest.raises(
        DataError, match=r"0 could be used of .*a\.csv\n.*line 2: .*\n.*\n.*\n\.\.\. and 6 more"
    ):
        read_real_plates(config_of(table), BASE.alphabet)


def test_an_alphabet_grows_behind_the_known_characters(tmp_path: Path) -> None:
    known = Alphabet("ZA0")
    assert grown_alphabet("+באA", known) == Alphabet("ZA0אב", unknown=True)
    assert grown_alphabet("AB", known) == Alphabet("AB", unknown=True)
    table = write_pictures(tmp_path, ["12א3456", "34ב5678"])
    for alphabet in ("labels", "+בא"):
        real, made = read_real_plates(config_of(table, alphabet=alphabet), Alphabet(DIGITS + LETTERS))
        assert {plate.label.text for plate in real.all} == {"12א3456", "34ב5678"}
        assert made.characters[:36] == DIGITS + LETTERS
        assert {"א", "ב"} <= {*made.characters}


@pytest.mark.parametrize(
    "given", [{"mix": 0.3}, {"val_fraction": 0.2}, {"test_fraction": 0.2}, {"alphabet": "labels"}]
)
def test_what_belongs_to_data_is_refused_without(given: dict[str, object]) -> None:
    with pytest.raises(DataError, match="belongs to a training on real pictures: give DATA"):
        PlateRunConfig.new(**given)
    with pytest.raises(DataError, match="leaves no rendered or no real picture"):
        config_of(Path("a.csv"), mix=0.05, batch_size=4)


def plate_with(place: np.ndarray | None, corners: bool, picture: Image) -> RealPlate:
    """A real plate with or without a known place."""
    from plate_ocr.labels import LabelledPlate

    points = tuple(map(tuple, place.tolist())) if corners and place is not None else None
    label = LabelledPlate(Path("a.png"), "AB1", "", "a.png", corners=points)
    return RealPlate(label, picture, place, picture.shape[::-1])


def test_distorted_corners_lie_on_the_plate(rng: np.random.Generator) -> None:
    # A white plate on black: its corners in the input lie where white begins.
    picture = np.zeros((100, 200), np.uint8)
    place = np.array([[50, 30], [150, 40], [148, 70], [48, 60]], np.float64)
    cv2.fillPoly(picture, [place.astype(np.int32)], 255)
    for _ in range(40):
        view, points = distorted(plate_with(place, True, picture), rng, 64, 256)
        assert view.shape == (64, 256)
        assert np.isnan(points[:4]).all()
        inside = cv2.fillPoly(
            np.zeros((64, 256), np.uint8), [np.rint(points[4:] * (256, 64)).astype(int)], 255
        )
        both = (inside > 0) & (view > 127)
        assert both.sum() > 0.85 * ((inside > 0) | (view > 127)).sum()
    for known in (place, None):
        assert np.isnan(distorted(plate_with(known, False, picture), rng, 64, 256)[1]).all()


def test_distortions_differ_and_repeat_with_the_seed() -> None:
    plate = plate_with(None, False, draw_plate("KA365CP"))
    one, same, other = (distorted(plate, np.random.default_rng(seed), 64, 256)[0] for seed in (1, 1, 2))
    assert (one == same).all()
    assert (one != other).any()


def test_a_batch_holds_rendered_plates_and_every_text_as_often(tmp_path: Path) -> None:
    texts = ["AB1", *["CD2"] * 9]
    real, _ = read_real_plates(config_of(write_pictures(tmp_path, texts)), BASE.alphabet)
    shard = Shard(np.zeros((4, 64, 256), np.uint8), ("X1",) * 4, ("us",) * 4, np.zeros((4, 8, 2), np.float32))

    class Same(Shards[Shard]):
        """Always the same shard."""

        def __init__(self) -> None:
            self.size = 4

        def get(self, number: int) -> Shard:
            return shard

    batches = MixedBatches(PlateBatches(Same(), 3, 2, 1, BASE.alphabet), real.all, 6)
    counts = {"AB1": 0, "CD2": 0}
    stream = batches(0)
    for step in range(20):
        pictures, packed = next(stream)
        assert pictures.shape == (8, 1, 64, 256)
        targets = PlateTargets.of(packed)
        read = ["".join(BASE.alphabet[c - 1] for c in row.tolist() if c) for row in targets.classes]
        assert read[:2] == ["X1"] * 2
        assert targets.rendered.tolist() == [True] * 2 + [False] * 6
        assert targets.points[:2].isfinite().all()
        assert targets.points[2:].isnan().all()
        for text in read[2:]:
            counts[text] += 1
        again = next(iter(batches(step)))
        assert torch.equal(again[0], pictures)
    assert counts["AB1"] > 40
    assert counts["CD2"] > 40


def test_plates_in_photos_are_cropped_as_they_are_read(tmp_path: Path) -> None:
    photo = np.full((300, 400), 90, np.uint8)
    plate = draw_plate("AB123")
    photo[100:180, 50 : 50 + plate.shape[1]] = plate
    cv2.imwrite(str(tmp_path / "a.png"), photo)
    cv2.imwrite(str(tmp_path / "b.png"), np.maximum(photo, 91))
    x, right, bottom = 50, 50 + plate.shape[1], 180
    box, corners = f"{x},100,{plate.shape[1]},80", f"{x},100,{right},100,{right},{bottom},{x},{bottom}"
    table = tmp_path / "a.csv"
    table.write_text(
        f"image_path,plate_text,x,y,w,h,x1,y1,x2,y2,x3,y3,x4,y4\na.png,AB123,{box}\nb.png,AB124,,,,,{corners}\n"
    )
    real, _ = read_real_plates(config_of(table), BASE.alphabet)
    with_box, with_corners = sorted(real.all, key=lambda plate: plate.label.text)
    assert (with_box.has_corners, with_corners.has_corners) == (False, True)
    views = crops_of([with_box, with_corners], 64, 256)
    inner = np.abs(views[0].astype(int) - views[1])[16:48, 40:216]
    assert inner.mean() < 40
    assert with_box.size == (400, 300)
    assert dataclasses.replace(real, train=()).fingerprint != real.fingerprint
