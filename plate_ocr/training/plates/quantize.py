"""Quantizes a plate model to 8-bit integers: smaller and faster, at a small loss of accuracy."""

from __future__ import annotations

import contextlib
import io
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)

from plate_ocr.files import write_together
from plate_ocr.model.cards import METADATA_KEY
from plate_ocr.model.registry import finder_of
from plate_ocr.model.sessions import PlateModel
from plate_ocr.networks.export import onnx_files
from plate_ocr.networks.weights import load_plate_weights
from plate_ocr.rendering.shards import HELD_OUT, Rendering, render_shard
from plate_ocr.vision.geometry import CORNERS
from plate_ocr.vision.images import Image
from plate_ocr.vision.plate_input import text_views

N_CALIBRATION = 256
"""Number of rendered plates for calibrating the range of each feature."""

_INTEGER = re.compile(r"convolutions\.(?![03]\.)|transformer\.\d+\.linear")
"""Names of the weights of quantized layers: not those of the first convolution and the first block."""


class _Views(CalibrationDataReader):  # type: ignore[misc] # ONNX Runtime has no types
    """Views uint8 ``(N, height, width)`` one by one, as the network takes them."""

    def __init__(self, views: Image) -> None:
        self._waiting: Iterator[Any] = iter(views[:, None, None])

    def get_next(self) -> dict[str, Any] | None:
        view = next(self._waiting, None)
        return None if view is None else {"views": view.astype(np.float32) / np.float32(255)}


def quantized(model: bytes, views: Image) -> bytes:
    """The ONNX graph of a plate network that reads, with convolutions and wide layers in 8-bit integers.

    The ranges of features are calibrated and fixed, so that a picture reads the same alone and in a batch.
    They exclude the outermost hundred-thousandth of the values: the others then have finer steps.
    Not quantized are attention and the first block of convolutions, which would lose accuracy, and the
    convolution before it, which would be no faster on a single channel; nor is the network that finds the
    text, as an error of one pixel changes the reading. Weights have a scale per channel and 7 bits, so that
    their products fit into the 16-bit sums of older processors.

    Args:
        model: as of :func:`plate_ocr.networks.export.to_onnx`, with its card.
        views: uint8 ``(N, height / 2, width / 2)``: for calibrating the range of each feature.

    References:
        Jacob et al., *Quantization and Training of Neural Networks for Efficient
        Integer-Arithmetic-Only Inference*, 2018.
    """
    graph = onnx.load_from_string(model)
    metadata = {entry.key: entry.value for entry in graph.metadata_props}
    version = graph.ir_version
    for i, node in enumerate(graph.graph.node):
        node.name = node.name or f"{node.op_type.lower()}_{i}"
    # ONNX Runtime's preprocessing has nothing left to fold; without this entry it asks for it.
    helper.set_model_props(graph, {"onnx.quant.pre_process": "onnxruntime.quant"})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        # It prints its progress.
        with contextlib.redirect_stdout(io.StringIO()):
            quantize_static(
                graph,
                path,
                _Views(views),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=["Conv", "Gemm"],
                nodes_to_quantize=[n.name for n in graph.graph.node if any(map(_INTEGER.match, n.input))],
                per_channel=True,
                reduce_range=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                calibrate_method=CalibrationMethod.Percentile,
                extra_options={
                    "CalibPercentile": 99.999,
                    # Outputs of wide layers stay in floating point.
                    "OpTypesToExcludeOutputQuantization": ["Gemm"],
                },
            )
        result = onnx.load(path)
    _quantize_after_relu(result.graph)
    helper.set_model_props(result, {METADATA_KEY: metadata[METADATA_KEY]})
    result.ir_version = version
    onnx.checker.check_model(result)
    return bytes(result.SerializeToString())


def _quantize_after_relu(graph: Any) -> None:
    """Quantize ReLUs after a convolution once: not what they are given, only what they give."""
    made_by = {node.output[0]: node for node in graph.node}
    for relu in [node for node in graph.node if node.op_type == "Relu"]:
        if (back := made_by[relu.input[0]]).op_type == "DequantizeLinear":
            there = made_by[back.input[0]]
            relu.input[0] = there.input[0]
            graph.node.remove(back)
            graph.node.remove(there)
    used = {name for node in graph.node for name in node.input}
    for tensor in [tensor for tensor in graph.initializer if tensor.name not in used]:
        graph.initializer.remove(tensor)


def quantize(model: str | Path, out: Path, rendering: Rendering) -> tuple[int, int]:
    """Write a plate model in 8-bit integers, calibrated on rendered plates.

    Args:
        model: a name, a ``.safetensors`` file or the folder of a training run.
        out: an ``.onnx`` file with the same card, for reading only; its finder is written beside it.
        rendering: of the calibration plates.

    Returns:
        Bytes of the two ``.onnx`` files of the model as it was learnt, and of the new ones.

    Raises:
        ModelError: if there is no such model or it is a character model.
        DataError: if the plates cannot be rendered.
        OutputError: if the file cannot be written.
    """
    card, network = load_plate_weights(model)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "whole.onnx"
        files = onnx_files(network, card, path)
        write_together(files)
        whole = PlateModel(path, threads=1)
    assert whole.finder is not None
    pictures = render_shard(rendering, HELD_OUT, N_CALIBRATION).images
    views = text_views(pictures, whole.finder(pictures)[:, :CORNERS])
    before, finder = files.values()
    small = quantized(before, views)
    write_together({out: small, finder_of(out): finder})
    return len(before) + len(finder), len(small) + len(finder)
