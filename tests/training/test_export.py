"""Saving a trained network."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from plate_ocr.errors import OutputError
from plate_ocr.model.cards import DetectorCard, ModelCard
from plate_ocr.model.sessions import CharModel
from plate_ocr.networks.export import save_model, to_onnx
from plate_ocr.networks.weights import load_weights
from tests.conftest import Learnt, fill_disk, new_detector_network, new_network


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
        np.testing.assert_array_equal(stored[name], value.half().numpy())
    assert not model.doc_string
    assert os.getcwd().encode() not in model.SerializeToString()


@pytest.mark.parametrize("suffix", [".safetensors", ".onnx"])
def test_when_the_disk_is_full_both_old_files_stay(
    suffix: str, tiny_model: Path, digit_card: ModelCard, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path.name: path.read_bytes() for path in tiny_model.iterdir()}
    fill_disk(monkeypatch, suffix)
    other = dataclasses.replace(digit_card, temperature=3.0)
    with pytest.raises(OutputError, match=rf"model\{suffix}.*No space left"):
        save_model(new_network(other, seed=1), other, tiny_model / "model")
    assert {path.name: path.read_bytes() for path in tiny_model.iterdir()} == before


def test_a_detectors_graph_has_free_sizes_and_is_the_same_each_time(detector_card: DetectorCard) -> None:
    network = new_detector_network(detector_card)
    data = to_onnx(network, {"a": "b"})
    assert data == to_onnx(network, {"a": "b"})
    model = onnx.load_from_string(data)
    onnx.checker.check_model(model, full_check=True)
    sizes = [
        [dimension.dim_param or dimension.dim_value for dimension in value.type.tensor_type.shape.dim]
        for value in (model.graph.input[0], model.graph.output[0])
    ]
    assert sizes == [["batch", 1, "height", "width"], ["batch", 9, "rows", "columns"]]
    assert b"BatchNormalization" not in data
    assert os.getcwd().encode() not in data
