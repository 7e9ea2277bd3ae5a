"""Plate models with convolutions and wide layers in 8-bit integers."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest

from plate_ocr.model.sessions import PlateModel
from plate_ocr.readers.auto import PlateReader
from plate_ocr.readers.plates import BATCH
from plate_ocr.rendering.shards import HELD_OUT, Rendering, render_shard
from plate_ocr.training.plates.quantize import quantize, quantized
from plate_ocr.vision.images import Image, ImageSource
from tests.conftest import some_pictures


@pytest.fixture
def views(rng: np.random.Generator) -> Image:
    """Noise, as the network takes it."""
    return rng.integers(0, 256, (8, 32, 128), np.uint8)


@pytest.mark.slow
def test_it_answers_nearly_the_same_and_keeps_the_card(
    tiny_plate_model: Path, tmp_path: Path, rng: np.random.Generator
) -> None:
    whole, small = PlateModel(tiny_plate_model, threads=1), tmp_path / "small.onnx"
    before, after = quantize(tiny_plate_model, small, Rendering())
    assert whole.finder is not None
    finder = whole.finder.path.read_bytes()
    assert (tmp_path / "small.finder.onnx").read_bytes() == finder
    assert before == whole.path.stat().st_size + len(finder)
    assert after == small.stat().st_size + len(finder)
    # Again, of what is quantized already.
    copied = shutil.copytree(tiny_plate_model, tmp_path / "copy")
    shutil.copy(small, copied / "model.onnx")
    assert quantize(copied, tmp_path / "again.onnx", Rendering()) == (before, after)
    assert (tmp_path / "again.onnx").read_bytes() == small.read_bytes()
    read = PlateModel(small, threads=1)
    assert read.card == whole.card
    pictures = rng.integers(0, 256, (8, 64, 256), np.uint8)
    for a, b in zip(whole(pictures), read(pictures), strict=True):
        assert np.abs(a - b).max() < 0.05


def test_most_convolutions_and_wide_layers_have_small_weights_and_the_same_bytes_come_out_again(
    tiny_plate_model: Path, views: Image
) -> None:
    before = (tiny_plate_model / "model.onnx").read_bytes()
    small = quantized(before, views)
    assert small == quantized(before, views)
    graph = onnx.load_from_string(small).graph
    made_by = {node.output[0]: node.op_type for node in graph.node}
    assert {made_by[node.input[0]] for node in graph.node if node.op_type == "Relu"} == {"Add", "Conv"}
    kinds = {tensor.name: tensor.data_type for tensor in graph.initializer}
    convolutions = [name for name in kinds if name.startswith("convolutions") and "weight" in name]
    whole = [name for name in convolutions if re.match(r"convolutions\.[03]\.", name)]
    assert len(whole) == 4
    assert all(kinds[name] == onnx.TensorProto.FLOAT for name in whole)
    convolutions = [name for name in convolutions if name not in whole]
    wide = [name for name in kinds if ".linear" in name and "weight" in name]
    for names in (convolutions, wide):
        assert names
        assert all(name.endswith(("_quantized", "_scale", "_zero_point")) for name in names)
    for name in ("project.weight", "transformer.0.query.weight"):
        assert kinds[name] == onnx.TensorProto.FLOAT


def test_no_range_is_found_while_it_reads(tiny_plate_model: Path, views: Image, shipped_plates: Path) -> None:
    small = quantized((tiny_plate_model / "model.onnx").read_bytes(), views)
    for graph in (onnx.load_from_string(small).graph, onnx.load(shipped_plates).graph):
        kinds = {node.op_type for node in graph.node}
        assert "QuantizeLinear" in kinds
        assert "DynamicQuantizeLinear" not in kinds


def check_alone_and_among_others(model: Path, pictures: list[ImageSource]) -> None:
    """Each picture reads the same alone, in a batch, and in a batch with other neighbours."""
    reader = PlateReader(model, input="plate", threads=1)
    alone = [reader(picture) for picture in pictures]
    shifted = reader(pictures[: BATCH // 2]) + reader(pictures[BATCH // 2 :])
    for among in (reader(pictures), shifted):
        for one, other in zip(alone, among, strict=True):
            assert [plate.text for plate in one.plates] == [plate.text for plate in other.plates]
            for a, b in zip(one.plates, other.plates, strict=True):
                assert a.confidence == pytest.approx(b.confidence, abs=1e-3)
                sure = [char.confidence for char in b.chars]
                assert [char.confidence for char in a.chars] == pytest.approx(sure, abs=1e-3)


def test_a_rendered_plate_reads_the_same_alone_and_among_others(shipped_plates: Path) -> None:
    check_alone_and_among_others(shipped_plates, [*render_shard(Rendering(), HELD_OUT, 64).images])


@pytest.mark.data
def test_a_real_plate_reads_the_same_alone_and_among_others(shipped_plates: Path, data_folder: Path) -> None:
    crops: list[ImageSource] = [*some_pictures(data_folder / "plates" / "us" / "images", 200)]
    assert len(crops) == 200
    check_alone_and_among_others(shipped_plates, crops)
