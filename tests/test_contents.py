"""Reading the headers of model files by hand, against the libraries that write them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import safetensors.numpy
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from plate_ocr.alphabet import Alphabet
from plate_ocr.errors import ModelError
from plate_ocr.model.cards import METADATA_KEY, VERSION, ModelCard
from plate_ocr.model.contents import TensorInfo, model_contents
from plate_ocr.networks.export import save_model
from plate_ocr.networks.mlp import network_for
from plate_ocr.vision.settings import Preprocessing

CARD = ModelCard(Alphabet("AÄ皖"), Preprocessing(), hidden=4, accuracy={"rendered": 0.5})
WEIGHTS = {
    TensorInfo("hidden.weight", "float16", (4, 25), 200),
    TensorInfo("hidden.bias", "float16", (4,), 8),
    TensorInfo("output.weight", "float16", (3, 4), 24),
    TensorInfo("output.bias", "float16", (3,), 6),
}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Both files of a tiny model, without their suffix."""
    save_model(network_for(CARD), CARD, tmp_path / "model")
    return tmp_path / "model"


@pytest.mark.parametrize("suffix", [".safetensors", ".onnx"])
def test_a_model_has_its_weights_and_its_card(model: Path, suffix: str) -> None:
    path = model.with_suffix(suffix)
    contents = model_contents(path)
    (weights,) = [part for part in contents.parts if part.name == "weights"]
    assert set(weights.tensors) == WEIGHTS
    assert weights.bytes == 238
    assert contents.bytes == sum(part.bytes for part in contents.parts) == path.stat().st_size
    assert contents.card == CARD
    assert json.loads(contents.to_json())["card"]["alphabet"] == "AÄ皖"


def test_any_safetensors_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    arrays: dict[str, NDArray[Any]] = {
        "b": np.zeros((2, 3), np.float16),
        "a": np.zeros((), np.int64),
        "c": np.zeros((0, 5), np.uint8),
    }
    safetensors.numpy.save_file(arrays, path, {"made by": "somebody"})
    contents = model_contents(path)
    found = {tensor.name: (tensor.dtype, tensor.shape, tensor.bytes) for tensor in contents.parts[1].tensors}
    assert found == {name: (str(a.dtype), a.shape, a.nbytes) for name, a in arrays.items()}
    assert (contents.format, contents.card, contents.facts) == ("safetensors", None, {"made by": "somebody"})


def test_any_onnx_file_is_read(tmp_path: Path) -> None:
    tensors = [
        numpy_helper.from_array(np.ones((2, 3), np.float64), "raw"),
        helper.make_tensor("typed", TensorProto.INT64, [3], [1, 2, 300]),
        helper.make_tensor("half", TensorProto.BFLOAT16, [2], [1.0, 2.0]),
    ]
    model = helper.make_model(helper.make_graph([], "empty", [], [], tensors))
    path = tmp_path / "other.onnx"
    onnx.save(model, path)
    contents = model_contents(path)
    found = [(tensor.name, tensor.dtype, tensor.shape) for tensor in contents.parts[0].tensors]
    assert found == [("raw", "float64", (2, 3)), ("typed", "int64", (3,)), ("half", "bfloat16", (2,))]
    assert contents.parts[0].tensors[0].bytes == 48
    assert (contents.format, contents.card) == ("ONNX", None)
    assert contents.bytes == path.stat().st_size


@pytest.mark.parametrize("suffix", [".safetensors", ".onnx"])
@pytest.mark.parametrize("length", [3, 9, 100, -20])
def test_a_file_that_is_cut_short_is_refused(model: Path, suffix: str, length: int) -> None:
    path = model.with_suffix(suffix)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(ModelError, match=r"is not a whole"):
        model_contents(path)


@pytest.mark.parametrize("suffix", [".safetensors", ".onnx"])
def test_what_is_no_model_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"no{suffix}"
    with pytest.raises(ModelError, match="there is no file"):
        model_contents(path)
    path.write_bytes(b"")
    with pytest.raises(ModelError, match="is empty"):
        model_contents(path)
    headers = (b'{"a": [1]}', b"[]", b'"text"', b'{"__metadata__": 1}', b"[" * 100_000, b"\xff")
    for wrong in (b"just text, nothing else", *(len(h).to_bytes(8, "little") + h for h in headers)):
        path.write_bytes(wrong)
        with pytest.raises(ModelError, match="is not a whole"):
            model_contents(path)
    torch.save({"weight": torch.ones(2)}, path)
    with pytest.raises(ModelError, match="is not a whole"):
        model_contents(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(ModelError, match="is a folder"):
        model_contents(path)


def test_a_newer_version_is_refused(tmp_path: Path) -> None:
    card = CARD.to_json().replace(f'"version": {VERSION}', '"version": 99')
    safetensors.numpy.save_file({"a": np.zeros(1)}, tmp_path / "new.safetensors", {METADATA_KEY: card})
    with pytest.raises(ModelError, match="format version 99"):
        model_contents(tmp_path / "new.safetensors")
