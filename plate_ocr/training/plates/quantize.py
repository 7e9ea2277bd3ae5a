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

from plate_ocr.files import write_whole
from plate_ocr.model.cards import METADATA_KEY
from plate_ocr.model.sessions import OpenModel, PlateModel
from plate_ocr.rendering.shards import HELD_OUT, Rendering, render_shard
from plate_ocr.vision.images import Image

N_CALIBRATION = 256
"""Number of rendered plates for calibrating the range of each feature."""

_INTEGER = re.compile(r"convolutions\.(?!0\.)|transformer\.\d+\.linear")
"""Names of the weights of quantized layers."""


class _Pictures(CalibrationDataReader):  # type: ignore[misc] # ONNX Runtime has no types
    """Pictures uint8 ``(N, height, width)`` one by one, as the network takes them."""

    def __init__(self, pictures: Image) -> None:
        self._waiting: Iterator[Any] = iter(pictures[:, None, None])

    def get_next(self) -> dict[str, Any] | None:
        picture = next(self._waiting, None)
        return None if picture is None else {"pictures": picture.astype(np.float32) / np.float32(255)}


def quantized(model: bytes, pictures: Image) -> bytes:
    """The ONNX graph of a plate network with convolutions and wide layers in 8-bit integers.

    The ranges of features are calibrated and fixed, so that a picture reads the same alone and in a batch.
    They exclude the outermost hundred-thousandth of the values: the others then have finer steps.
    Not quantized are the network that finds the text, as an error of one pixel changes the reading;
    attention, which would lose accuracy; and the first convolution, which would be no faster on a single
    channel. Weights have a scale per channel and 7 bits, so that their products fit into the 16-bit sums of
    older processors.

    Args:
        model: as of :func:`plate_ocr.networks.export.to_onnx`, with its card.
        pictures: uint8 ``(N, height, width)``: for calibrating the range of each feature.

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
                _Pictures(pictures),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=["Conv", "MatMul"],
                nodes_to_quantize=[n.name for n in graph.graph.node if any(map(_INTEGER.match, n.input))],
                per_channel=True,
                reduce_range=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                calibrate_method=CalibrationMethod.Percentile,
                extra_options={
                    "CalibPercentile": 99.999,
                    # Outputs of wide layers stay in floating point.
                    "OpTypesToExcludeOutputQuantization": ["MatMul"],
                },
            )
        result = onnx.load(path)
    helper.set_model_props(result, {METADATA_KEY: metadata[METADATA_KEY]})
    result.ir_version = version
    onnx.checker.check_model(result)
    return bytes(result.SerializeToString())


def quantize(model: str | Path, out: Path, rendering: Rendering) -> tuple[int, int]:
    """Write a plate model in 8-bit integers, calibrated on rendered plates.

    Args:
        model: a name, an ``.onnx`` file or the folder of a training run.
        out: an ``.onnx`` file with the same card, for reading only.
        rendering: of the calibration plates.

    Returns:
        Bytes of the model's ``.onnx`` file and of the new one.

    Raises:
        ModelError: if there is no such model or it is a character model.
        DataError: if the plates cannot be rendered.
        OutputError: if the file cannot be written.
    """
    whole = PlateModel(OpenModel.of(model, 1)).path.read_bytes()
    small = quantized(whole, render_shard(rendering, HELD_OUT, N_CALIBRATION).images)
    write_whole(out, small)
    return len(whole), len(small)
