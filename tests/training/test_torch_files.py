"""What checkpoints hold, their weights alone, and what is refused."""

from __future__ import annotations

import argparse
import os
import pickle
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import nn

from plate_ocr.alphabet import Alphabet
from plate_ocr.errors import ModelError, OutputError
from plate_ocr.model.cards import ModelCard
from plate_ocr.model.sessions import CharModel
from plate_ocr.networks.export import fp16_roundtrip, save_model
from plate_ocr.networks.mlp import network_for
from plate_ocr.networks.weights import load_weights, read_weights
from plate_ocr.training.characters.config import DigitsRunConfig
from plate_ocr.training.core.checkpoint import CHECKPOINT_VERSION
from plate_ocr.training.core.config import TrainSettings
from plate_ocr.training.core.epoch import Epoch
from plate_ocr.training.core.schedule import TrainSchedule
from plate_ocr.training.core.trainer import Trainer
from plate_ocr.training.torch_files import checkpoint_contents, strip_checkpoint

CARD = ModelCard(Alphabet("0123456789"), DigitsRunConfig().preprocessing, hidden=128)


class Code:
    """Makes a pickle that runs a command when it is opened."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (f"touch {self.mark}",)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The checkpoint of a run after one step, as training leaves it when it is stopped."""
    trainer = Trainer(network_for(CARD), TrainSchedule(1), TrainSettings(1), torch.device("cpu"))
    target = torch.eye(10)
    trainer.fit(lambda _: [(torch.rand(10, 25), target)], lambda _: 0.5)
    state = {
        "version": CHECKPOINT_VERSION,
        "card": CARD.to_json(),
        "data": "abc",
        "trainer": trainer.state(),
    }
    torch.save(state, tmp_path / "last.ckpt")
    (tmp_path / "config.toml").write_text(DigitsRunConfig().to_toml())
    return tmp_path / "last.ckpt"


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A checkpoint as many programs write it: model, Adam, random state, settings."""
    network = nn.Sequential(nn.Linear(40, 50), nn.Linear(50, 30))
    optimizer = torch.optim.Adam(network.parameters())
    network(torch.rand(2, 40)).sum().backward()
    optimizer.step()
    state = {
        "model": network.state_dict(),
        "optimizer": optimizer.state_dict(),
        "random": [torch.get_rng_state()],
        "settings": {"rate": 0.1, "layers": [40, 50, 30]},
        "epoch": 7,
    }
    torch.save(state, tmp_path / "foreign.pt")
    return tmp_path / "foreign.pt"


def sizes(path: Path) -> dict[str, int]:
    contents = checkpoint_contents(path)
    found = {part.name: part.bytes for part in contents.parts}
    assert len(found) == len(contents.parts)
    assert sum(found.values()) == contents.bytes == path.stat().st_size
    assert min(found.values()) >= 0
    return found


def test_a_run_keeps_its_weights_four_times(run: Path) -> None:
    contents = checkpoint_contents(run)
    assert (contents.format, contents.facts) == (
        "plate-ocr checkpoint",
        {"version": CHECKPOINT_VERSION, "epochs": 1},
    )
    found = sizes(run)
    weights = 4 * sum(parameter.numel() for parameter in network_for(CARD).parameters())
    for name in ("network", "best", "optimizer.exp_avg", "optimizer.exp_avg_sq"):
        assert found[f"trainer.{name}"] == weights
    assert {"trainer.optimizer.step", "trainer.history", "version", "data"} < set(found)


def test_a_stripped_run_reads(run: Path) -> None:
    stripped = strip_checkpoint(run)
    assert stripped.files == (run.with_suffix(".safetensors"), run.with_suffix(".onnx"))
    assert 7 < stripped.before / stripped.after < 10
    assert "nothing is measured yet" in stripped.lines()[-1]
    best = torch.load(run, weights_only=True)["trainer"]["best"]
    network = load_weights(stripped.files[0], CARD)
    assert all(torch.equal(value, fp16_roundtrip(best[name])) for name, value in network.state_dict().items())
    assert CharModel(stripped.files[1]).card == CARD


def test_a_finished_run_gives_its_card(run: Path) -> None:
    network = network_for(CARD)
    network.load_state_dict(torch.load(run, weights_only=True)["trainer"]["best"])
    card = ModelCard(CARD.alphabet, CARD.preprocessing, CARD.hidden, 0.5, 0.2, {"seed": 3}, {"rendered": 0.9})
    save_model(network, card, run.parent / "model")
    strip_checkpoint(run)
    for suffix in (".safetensors", ".onnx"):
        assert run.with_suffix(suffix).read_bytes() == (run.parent / f"model{suffix}").read_bytes()
    # Other weights must not be given its measured accuracy.
    save_model(network_for(CARD), card, run.parent / "model")
    strip_checkpoint(run, run.parent / "again.safetensors")
    assert read_weights(run.parent / "again.safetensors")[0] == CARD


def test_a_run_that_was_stopped_has_its_card_in_the_checkpoint(run: Path) -> None:
    (run.parent / "config.toml").unlink()
    stripped = strip_checkpoint(run)
    assert stripped.files == (run.with_suffix(".safetensors"), run.with_suffix(".onnx"))
    assert read_weights(stripped.files[0])[0] == CARD


def test_a_newer_run_is_not_stripped(run: Path) -> None:
    state = torch.load(run, weights_only=True)
    torch.save({**state, "version": 99}, run)
    assert checkpoint_contents(run).facts["version"] == 99
    with pytest.raises(ModelError, match="has version 99"):
        strip_checkpoint(run)
    assert not run.with_suffix(".safetensors").exists()


def test_any_checkpoint_is_taken_apart(foreign: Path) -> None:
    found = sizes(foreign)
    weights = 4 * (41 * 50 + 51 * 30)
    for name in ("model", "optimizer.exp_avg", "optimizer.exp_avg_sq"):
        assert found[name] == weights
    assert {"random", "settings", "epoch", "optimizer.param_groups"} < set(found)


def test_any_checkpoint_is_stripped(foreign: Path) -> None:
    stripped = strip_checkpoint(foreign)
    weights = safetensors.torch.load_file(foreign.with_suffix(".safetensors"))
    saved = torch.load(foreign, weights_only=True)["model"]
    assert set(weights) == {"0.weight", "0.bias", "1.weight", "1.bias"}
    assert all(torch.equal(weights[name], saved[name]) for name in weights)
    assert stripped.before / stripped.after > 2.9
    assert set(stripped.left) == {part.name for part in checkpoint_contents(foreign).parts} - {
        "model",
        "names and archive",
    }
    with pytest.raises(OutputError, match="is there already"):
        strip_checkpoint(foreign)


def linear(seed: int) -> dict[str, torch.Tensor]:
    return {"weight": torch.full((2, 2), float(seed)), "bias": torch.full((2,), float(seed))}


@pytest.mark.parametrize(
    ("state", "names"),
    [
        (linear(1), {"weight", "bias"}),
        ({"what": {"ever": linear(1)}, "epoch": 3}, {"weight", "bias"}),
        ({"ema": linear(2), "state_dict": linear(1)}, {"weight", "bias"}),
        (
            {"model": {"low": linear(1), "top": linear(1), "scale": torch.ones(1)}},
            {"low.weight", "low.bias", "top.weight", "top.bias", "scale"},
        ),
        (
            {"painter": linear(1), "judge": linear(1)},
            {"painter.weight", "painter.bias", "judge.weight", "judge.bias"},
        ),
    ],
)
def test_where_the_weights_lie(tmp_path: Path, state: Any, names: set[str]) -> None:
    torch.save(state, tmp_path / "some.pth")
    strip_checkpoint(tmp_path / "some.pth", tmp_path / "out.safetensors")
    weights = safetensors.torch.load_file(tmp_path / "out.safetensors")
    assert set(weights) == names
    assert all((value == 1).all() for value in weights.values())


def test_shared_and_cut_out_tensors(tmp_path: Path) -> None:
    large, tied = torch.ones(10_000), torch.ones(50)
    torch.save({"a": large[:10], "b": tied, "c": tied, "d": torch.ones(4, 6).T}, tmp_path / "views.pt")
    found = sizes(tmp_path / "views.pt")
    # A view is saved with all of its storage, two names of one tensor with one.
    assert found["weights"] == 40_000 + 200 + 96
    stripped = strip_checkpoint(tmp_path / "views.pt")
    weights = safetensors.torch.load_file(stripped.files[0])
    assert weights["a"].shape == (10,)
    assert torch.equal(weights["b"], weights["c"])
    assert stripped.after < 1000


def test_old_and_strange_checkpoints_are_listed(tmp_path: Path) -> None:
    path = tmp_path / "old.pt"
    torch.save({"x": linear(1)}, path, _use_new_zipfile_serialization=False)
    assert sizes(path)["x"] == 24
    loop: list[Any] = [1]
    loop.append(loop)
    sparse = torch.eye(3).to_sparse()
    torch.save({"loop": loop, "sparse": [sparse], "number": 5}, path)
    assert {"loop", "sparse", "number"} < set(sizes(path))
    torch.save({"random": torch.get_rng_state()}, path)
    with pytest.raises(ModelError, match="no dictionary of weights"):
        strip_checkpoint(path)
    torch.save({"w": torch.ones(2), "sparse": sparse}, path)
    with pytest.raises(ModelError, match="sparse is sparse"):
        strip_checkpoint(path)
    torch.save([1, "two"], path)
    assert set(sizes(path)) == {"values", "names and archive"}
    torch.save(torch.ones(3), path)
    assert sizes(path)["weights"] == 12


def test_lists_that_are_nested_too_deep(foreign: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(foreign) as whole, zipfile.ZipFile(tmp_path / "deep.pt", "w") as deep:
        for name in whole.namelist():
            lists = b"\x80\x02" + b"]" * 5000 + b"a" * 4999 + b"."
            deep.writestr(name, lists if name.endswith("data.pkl") else whole.read(name))
    with pytest.raises(ModelError, match="nested too deep"):
        checkpoint_contents(tmp_path / "deep.pt")


@pytest.mark.parametrize("how", ["zip", "old", "pickle 0", "pickle 2", "pickle 4", "pickle 5"])
def test_code_is_named_and_not_run(tmp_path: Path, how: str) -> None:
    path, mark = tmp_path / "bad.pt", tmp_path / "mark"
    state = {"weight": torch.ones(2), "more": Code(mark)}
    if how.startswith("pickle"):
        path.write_bytes(pickle.dumps(Code(mark), int(how[-1])))
    else:
        torch.save(state, path, _use_new_zipfile_serialization=how == "zip")
    for look in (checkpoint_contents, strip_checkpoint):
        with pytest.raises(
            ModelError, match=rf"{path} is refused: it names {os.system.__module__}\.system, code"
        ):
            look(path)
    assert not mark.exists()


def test_types_are_named(tmp_path: Path) -> None:
    path = tmp_path / "whole.pt"
    for value, name in [
        (nn.Linear(2, 2), "torch.nn.modules.linear.Linear"),
        (argparse.Namespace(), "argparse.N"),
    ]:
        torch.save({"model": value}, path)
        with pytest.raises(ModelError, match=f"names {name}"):
            checkpoint_contents(path)


def test_what_is_no_checkpoint_is_refused(foreign: Path, tmp_path: Path) -> None:
    path, whole = tmp_path / "bad.ckpt", foreign.read_bytes()
    with pytest.raises(ModelError, match="there is no file"):
        checkpoint_contents(path)
    path.write_bytes(b"")
    with pytest.raises(ModelError, match="is empty"):
        checkpoint_contents(path)
    for wrong in (
        b"just text\n" * 50,
        pickle.dumps({"a": 1}),
        whole[:2],
        whole[:5000],
        whole[:-30],
        b"\x80\x02",
    ):
        path.write_bytes(wrong)
        with pytest.raises(ModelError, match="is not a whole checkpoint"):
            checkpoint_contents(path)
    with pytest.raises(ModelError, match="is a folder"):
        checkpoint_contents(tmp_path)
    with pytest.raises(OutputError, match=r"does not end in \.safetensors"):
        strip_checkpoint(foreign, tmp_path / "out.pt")


def test_the_history_is_counted(run: Path) -> None:
    state = torch.load(run, weights_only=True)
    state["trainer"]["history"] *= 3
    torch.save(state, run)
    assert checkpoint_contents(run).facts["epochs"] == 3
    assert set(state["trainer"]["history"][0]) == set(asdict(Epoch(1, 0, 0, 0, 0, 0, 0, 0)))
