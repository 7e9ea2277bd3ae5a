"""Saving a trained network: weights only, and the same network for reading."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import safetensors.torch
from onnx import TensorProto, helper, numpy_helper

from plate_ocr.files import write_whole
from plate_ocr.model import METADATA_KEY, ModelCard
from plate_ocr.networks import BPNetwork

_OPSET = 17
_IR_VERSION = 8
"""Old enough for every ONNX Runtime that this package allows."""


def save_model(network: BPNetwork, card: ModelCard, path: Path) -> None:
    """Write ``path`` with the suffixes ``.safetensors`` and ``.onnx``.

    The first holds the weights and, as JSON in its header, the card: no optimiser, no learning
    rate, no epoch. The second is the same network for ONNX Runtime, with the same card.

    Raises:
        OutputError: if a file cannot be written; what was there stays.
    """
    weights = {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
    metadata = {METADATA_KEY: card.to_json()}
    write_whole(path.with_suffix(".safetensors"), safetensors.torch.save(weights, metadata))
    write_whole(path.with_suffix(".onnx"), to_onnx(network, metadata))


def to_onnx(network: BPNetwork, metadata: dict[str, str]) -> bytes:
    """The network as an ONNX graph, ``ratios`` ``[batch, inputs]`` to ``logits`` ``[batch, outputs]``.

    Two matrix products with a ReLU between them are written down faster than they are traced, and
    the file holds nothing of the machine that made it.
    """
    tensors = [
        numpy_helper.from_array(np.asarray(value.detach().cpu().numpy()), name)
        for name, value in network.state_dict().items()
    ]
    inputs, outputs = network.hidden.in_features, network.output.out_features
    graph = helper.make_graph(
        [
            helper.make_node("Gemm", ["ratios", "hidden.weight", "hidden.bias"], ["sums"], transB=1),
            helper.make_node("Relu", ["sums"], ["units"]),
            helper.make_node("Gemm", ["units", "output.weight", "output.bias"], ["logits"], transB=1),
        ],
        "BPNetwork",
        [helper.make_tensor_value_info("ratios", TensorProto.FLOAT, ["batch", inputs])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", outputs])],
        tensors,
    )
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
        producer_name="plate-ocr",
    )
    helper.set_model_props(model, metadata)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())
