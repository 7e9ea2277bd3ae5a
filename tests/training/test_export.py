"""Saving a trained network."""

from __future__ import annotations

import dataclasses
import errno
import os
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from plate_ocr import OutputError
from plate_ocr.model import CharModel, ModelCard
from plate_ocr.networks import load_weights
from plate_ocr.training.export import save_model, to_onnx
from tests.conftest import Learnt, new_network


def test_both_files_are_written_and_nothing_else(tmp_path: Path, digit_card: ModelCard) -> None:
    save_model(new_network(digit_card), digit_card, tmp_path / "new" / "model")
    assert sorted(os.listdir(tmp_path / "new")) == ["model.onnx", "model.safetensors"]


def test_saving_twice_gives_the_same_bytes(tmp_path: Path, digit_card: ModelCard) -> None:
    for name in ("a", "b"):
        save_model(new_network(digit_card), digit_card, tmp_path / name)
    for suffix in (".onnx", ".safetensors"):
        assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


def test_saving_does_not_touch_the_network(tmp_path: Path, digit_card: ModelCard) -> None:
    network = new_network(digit_card).train()
    save_model(network, digit_card, tmp_path / "model")
    assert network.training
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_a_trained_network_reads_the_same_from_both_files(learnt: Learnt, rng: np.random.Generator) -> None:
    ratios = rng.random((40, 25)).astype(np.float32)
    with torch.no_grad():
        in_memory = torch.softmax(learnt.network(torch.from_numpy(ratios)), 1).numpy()
        from_weights = torch.softmax(load_weights(learnt.folder)(torch.from_numpy(ratios)), 1).numpy()
    np.testing.assert_array_equal(from_weights, in_memory)
    np.testing.assert_allclose(CharModel(learnt.folder).probabilities(ratios), in_memory, atol=1e-5)


def test_the_graph_holds_the_weights_and_tells_nothing_of_the_machine(digit_card: ModelCard) -> None:
    network = new_network(digit_card)
    model = onnx.load_from_string(to_onnx(network, {"a": "b"}))
    stored = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    assert set(stored) == set(network.state_dict())
    for name, value in network.state_dict().items():
        np.testing.assert_array_equal(stored[name], value.numpy())
    assert not model.doc_string
    assert os.getcwd().encode() not in model.SerializeToString()


@pytest.mark.parametrize("suffix", [".safetensors", ".onnx"])
def test_when_the_disk_is_full_neither_file_is_left_in_part(
    suffix: str, tiny_model: Path, digit_card: ModelCard, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path.name: path.read_bytes() for path in tiny_model.iterdir()}
    write_bytes = Path.write_bytes

    def write_half(path: Path, data: bytes) -> int:
        if path.suffix != suffix:
            return write_bytes(path, data)
        write_bytes(path, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", write_half)
    other = dataclasses.replace(digit_card, temperature=3.0)
    with pytest.raises(OutputError, match=rf"model\{suffix}.*No space left"):
        save_model(new_network(other, seed=1), other, tiny_model / "model")
    assert sorted(path.name for path in tiny_model.iterdir()) == sorted(before)
    assert (tiny_model / f"model{suffix}").read_bytes() == before[f"model{suffix}"]
