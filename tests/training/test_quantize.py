"""Plate models with convolutions in 8-bit integers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from plate_ocr.model.sessions import PlateModel
from plate_ocr.training.plates.quantize import quantized
from plate_ocr.vision.images import Image


@pytest.fixture
def pictures(rng: np.random.Generator) -> Image:
    """Noise, as the network takes it."""
    return rng.integers(0, 256, (8, 64, 256), np.uint8)


def test_it_answers_nearly_the_same_and_keeps_the_card(tiny_plate_model: Path, pictures: Image) -> None:
    whole = PlateModel(tiny_plate_model, threads=1)
    small = tiny_plate_model / "small.onnx"
    small.write_bytes(quantized(whole.path.read_bytes(), pictures))
    read = PlateModel(small, threads=1)
    assert read.card == whole.card
    for a, b in zip(whole(pictures), read(pictures), strict=True):
        assert np.abs(a - b).max() < 0.05


def test_convolutions_alone_have_small_weights_and_the_same_bytes_come_out_again(
    tiny_plate_model: Path, pictures: Image
) -> None:
    before = (tiny_plate_model / "model.onnx").read_bytes()
    small = quantized(before, pictures)
    assert small == quantized(before, pictures)
    kinds = {tensor.name: tensor.data_type for tensor in onnx.load_from_string(small).graph.initializer}
    convolutions = [name for name in kinds if name.startswith("convolutions") and "weight" in name]
    assert convolutions.pop(0) == "convolutions.0.weight"
    assert convolutions
    assert all(name.endswith(("_quantized", "_scale", "_zero_point")) for name in convolutions)
    assert kinds["finder.0.weight"] == onnx.TensorProto.FLOAT
    assert kinds["project.weight"] == onnx.TensorProto.FLOAT
