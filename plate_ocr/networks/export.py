"""Saving a trained network: as weights, and as an ONNX graph for reading."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import safetensors.torch
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from plate_ocr.files import Content, write_together
from plate_ocr.model.cards import METADATA_KEY, Card
from plate_ocr.model.registry import finder_of
from plate_ocr.networks.detector import PlateDetector
from plate_ocr.networks.mlp import BPNetwork
from plate_ocr.networks.plate import LocalizationNet, PlateNetwork
from plate_ocr.networks.weights import Network
from plate_ocr.vision.geometry import CORNERS

_OPSET = 17
_IR_VERSION = 8
"""Supported by every ONNX Runtime version that this package allows."""


def save_model(network: Network, card: Card, path: Path) -> tuple[Path, ...]:
    """Write ``path`` with the suffixes ``.safetensors`` and ``.onnx``.

    The first holds the weights and, as JSON in its header, the card; no optimiser, learning
    rate or epoch. The second is the same network for ONNX Runtime, with the same card; of a plate network
    it is the part that reads, and a third, ``.finder.onnx``, the part that finds the text. The weights
    of a character model are kept in half precision, see :func:`fp16_roundtrip`.

    Returns:
        The written files.

    Raises:
        OutputError: if a file cannot be written; existing files are kept.
    """
    weights = {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
    if isinstance(network, BPNetwork):
        weights = {name: value.half() for name, value in weights.items()}
    stored = safetensors.torch.save(weights, {METADATA_KEY: card.to_json()})
    files: dict[Path, Content] = {path.with_suffix(".safetensors"): stored, **onnx_files(network, card, path)}
    write_together(files)
    return tuple(files)


def onnx_files(network: Network, card: Card, path: Path, *, flat: bool = True) -> dict[Path, bytes]:
    """The contents of ``path`` with the suffix ``.onnx`` and, of a plate network, ``.finder.onnx``.

    ``flat`` as in :func:`to_onnx`.
    """
    metadata, reading = {METADATA_KEY: card.to_json()}, path.with_suffix(".onnx")
    files = {reading: to_onnx(network, metadata, flat=flat)}
    if isinstance(network, PlateNetwork):
        files[finder_of(reading)] = to_onnx(network.finder, metadata)
    return files


def fp16_roundtrip(weight: torch.Tensor) -> torch.Tensor:
    """A weight of a character model as saved and loaded: rounded to half precision.

    Half the bytes; the loss is far below the variation between trainings.
    """
    return weight.half().float()


def to_onnx(network: Network | LocalizationNet, metadata: dict[str, str], *, flat: bool = True) -> bytes:
    """The network as an ONNX graph with a free batch size.

    The graph is built node by node, not traced: it is reproducible, batch normalisation is folded into the
    convolutions, and only ``onnx`` is needed.

    Args:
        network: of any type.
        metadata: of the file.
        flat: whether a plate network's linear layers work on ``[batch · steps, width]``, which is faster, or
            on ``[batch, steps, width]``, as runtimes need that take the first axis for the batch's.

    Returns:
        ``ratios`` ``[batch, inputs]`` to ``logits`` ``[batch, outputs]``; of a plate network ``views``
        ``[batch, 1, height / 2, width / 2]``, 0..1, to ``logits`` ``[batch, steps, outputs + 1]`` and, if
        it tells regions apart, ``regions`` ``[batch, regions]``; of its
        finder ``pictures`` ``[batch, 1, height, width]``, 0..1, to ``points`` ``[batch, 8, 2]``; of a
        detector ``pictures`` of any size to ``answers``.
    """
    graph = _Graph(flat)
    inputs: list[Any]
    outputs: dict[str, list[Any]]
    if isinstance(network, BPNetwork):
        name, inputs = "ratios", [network.hidden.in_features]
        outputs = {"logits": [network.output.out_features]}
        units = graph.add("Relu", graph.add("Gemm", name, *graph.halves(network.hidden, "hidden"), transB=1))
        graph.add("Gemm", units, *graph.halves(network.output, "output"), transB=1, output="logits")
    elif isinstance(network, PlateDetector):
        name, inputs = "pictures", [1, "height", "width"]
        outputs = {"answers": [1 + 2 * CORNERS, "rows", "columns"]}
        _write_detector_network(graph, network)
    elif isinstance(network, LocalizationNet):
        name, inputs = "pictures", [1, *network.size]
        outputs = {"points": [2 * CORNERS, 2]}
        _write_finder(graph, network)
    else:
        name, steps = "views", network.place.shape[1]
        inputs = [1, network.VIEW_HEIGHT, 2 * steps]
        outputs = {"logits": [steps, network.output.out_features]}
        if network.region is not None:
            outputs["regions"] = [network.region.out_features]
        _write_plate_network(graph, network)
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "plate-ocr",
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *inputs])],
            [
                helper.make_tensor_value_info(output, TensorProto.FLOAT, ["batch", *shape])
                for output, shape in outputs.items()
            ],
            graph.tensors,
        ),
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
        producer_name="plate-ocr",
    )
    helper.set_model_props(model, metadata)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


class _Graph:
    """A builder of an ONNX graph: its nodes and weights; ``flat`` as in :func:`to_onnx`."""

    def __init__(self, flat: bool) -> None:
        self.flat = flat
        self.nodes: list[Any] = []
        self.tensors: list[Any] = []

    def add(self, op_type: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """Append a node; returns the name of its output."""
        output = output or f"{op_type.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op_type, list(inputs), [output], **attributes))
        return output

    def weight(self, name: str, value: torch.Tensor | NDArray[Any]) -> str:
        """Add a tensor; returns its name."""
        array = value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else value
        self.tensors.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def number(self, value: float) -> str:
        """Add a scalar."""
        return self.weight(f"number_{len(self.tensors)}", np.array(value, np.float32))

    def integers(self, *values: int) -> str:
        """Add a list of integers, such as a shape."""
        return self.weight(f"integers_{len(self.tensors)}", np.array(values, np.int64))

    def halves(self, layer: nn.Linear, name: str) -> list[str]:
        """Add weight and bias in half precision; ONNX Runtime casts them once, when it loads the model."""
        parts = {"weight": layer.weight, "bias": layer.bias}
        return [
            self.add("Cast", self.weight(f"{name}.{key}", value.half()), to=TensorProto.FLOAT)
            for key, value in parts.items()
        ]

    def gemm(
        self, rows: str, name: str, weight: torch.Tensor, bias: torch.Tensor | None = None, output: str = ""
    ) -> str:
        """A linear layer on ``[rows, inputs]``, in torch's layout."""
        weights = [self.weight(f"{name}.weight", weight)]
        if bias is not None:
            weights.append(self.weight(f"{name}.bias", bias))
        return self.add("Gemm", rows, *weights, transB=1, output=output)

    def linear(self, steps: str, name: str, weight: torch.Tensor, bias: torch.Tensor | None = None) -> str:
        """A linear layer on the last axis of a plate network's steps."""
        if self.flat:
            return self.gemm(steps, name, weight, bias)
        product = self.add("MatMul", steps, self.weight(f"{name}.weight", weight.T))
        return product if bias is None else self.add("Add", product, self.weight(f"{name}.bias", bias))

    def reshaped(self, steps: str, *shape: int, output: str = "") -> str:
        """With another shape after the first axis."""
        return self.add("Reshape", steps, self.integers(-1 if self.flat else 0, *shape), output=output)

    def normalised(self, steps: str, name: str, norm: nn.LayerNorm) -> str:
        """Layer normalisation of the last axis."""
        weights = self.weight(f"{name}.weight", norm.weight), self.weight(f"{name}.bias", norm.bias)
        return self.add("LayerNormalization", steps, *weights, axis=-1, epsilon=norm.eps)

    def convolved(self, features: str, name: str, convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> str:
        """A convolution with the batch normalisation after it folded in."""
        assert norm.running_mean is not None
        assert norm.running_var is not None
        gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        group: dict[str, Any] = {"group": convolution.groups} if convolution.groups > 1 else {}
        return self.add(
            "Conv",
            features,
            self.weight(f"{name}.weight", convolution.weight * gain[:, None, None, None]),
            self.weight(f"{name}.bias", norm.bias - norm.running_mean * gain),
            kernel_shape=list(convolution.kernel_size),
            strides=list(convolution.stride),
            pads=[int(p) for p in convolution.padding] * 2,
            **group,
        )


def _write_stages(graph: _Graph, features: str, prefix: str, stages: Any) -> str:
    """A convolution with its normalisation, then residual blocks."""
    features = graph.add("Relu", graph.convolved(features, f"{prefix}.0", stages[0], stages[1]))
    return _write_blocks(graph, features, prefix, stages, 3)


def _write_blocks(graph: _Graph, features: str, prefix: str, stages: Any, first: int = 0) -> str:
    """The residual and context blocks of stages, from the first one on."""
    for i in range(first, len(stages)):
        block, name = stages[i], f"{prefix}.{i}"
        body = graph.add("Relu", graph.convolved(features, f"{name}.body.0", block.body[0], block.body[1]))
        body = graph.convolved(body, f"{name}.body.3", block.body[3], block.body[4])
        around = features
        shortcut: Any = getattr(block, "shortcut", None)
        if isinstance(shortcut, nn.Sequential):
            around = graph.convolved(features, f"{name}.shortcut", *shortcut)
        features = graph.add("Relu", graph.add("Add", body, around))
    return features


def _centred(graph: _Graph, pictures: str) -> str:
    return graph.add("Sub", graph.add("Mul", pictures, graph.number(2)), graph.number(1))


def _write_finder(graph: _Graph, finder: LocalizationNet) -> None:
    stages = [*finder.convolutions]
    small = graph.add("AveragePool", _centred(graph, "pictures"), kernel_shape=[2, 2], strides=[2, 2])
    features = _write_stages(graph, small, "finder", stages[1:-1])
    last: Any = stages[-1]
    features = graph.add(
        "Conv",
        features,
        graph.weight("finder.last.weight", last.weight),
        graph.weight("finder.last.bias", last.bias),
    )
    units = graph.add("Flatten", graph.add("Relu", features))
    for name, layer in (("hidden", finder.hidden), ("output", finder.output)):
        units = graph.gemm(units, f"finder.{name}", layer.weight, layer.bias)
        if name == "hidden":
            units = graph.add("Relu", units)
    graph.add("Reshape", units, graph.integers(0, 2 * CORNERS, 2), output="points")


def _write_detector_network(graph: _Graph, network: PlateDetector) -> None:
    def side(features: str, i: int) -> str:
        convolution: Any = network.sides[i]
        weights = graph.weight(f"sides.{i}.weight", convolution.weight)
        return graph.add("Conv", features, weights, graph.weight(f"sides.{i}.bias", convolution.bias))

    stem = _write_stages(graph, _centred(graph, "pictures"), "stem", network.stem)
    eighth = _write_blocks(graph, stem, "eighth", network.eighth)
    sixteenth = _write_blocks(graph, eighth, "sixteenth", network.sixteenth)
    sums = side(_write_blocks(graph, sixteenth, "coarsest", network.coarsest), 2)
    double = graph.weight("double", np.array([1, 1, 2, 2], np.float32))
    for i, features in ((1, sixteenth), (0, eighth)):
        larger = graph.add(
            "Resize",
            sums,
            "",
            double,
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )
        sums = graph.add("Add", side(features, i), larger)
    head: Any = network.head
    features = graph.add("Relu", sums)
    if len(head) > 3:
        features = graph.convolved(features, "head.each", head[0], head[1])
    features = graph.add("Relu", graph.convolved(features, "head", head[-3], head[-2]))
    last: Any = network.output
    weights = graph.weight("output.weight", last.weight), graph.weight("output.bias", last.bias)
    graph.add("Conv", features, *weights, output="answers")


def _write_plate_network(graph: _Graph, network: PlateNetwork) -> None:
    features = _write_stages(graph, _centred(graph, "views"), "convolutions", network.convolutions)
    count, width = network.place.shape[1:]
    flat = graph.add("Reshape", features, graph.integers(0, network.project.in_features, count))
    steps = graph.add("Transpose", flat, perm=[0, 2, 1])
    steps = graph.add("MatMul", steps, graph.weight("project.weight", network.project.weight.T))
    steps = graph.add("Add", steps, graph.weight("place", network.project.bias + network.place))
    if graph.flat:
        steps = graph.reshaped(steps, width)
    for i, layer in enumerate(network.transformer.layers):
        steps = _write_transformer_layer(graph, f"transformer.{i}", layer, steps, (count, width))
    steps = graph.normalised(steps, "norm", network.norm)
    logits = graph.linear(steps, "output", network.output.weight, network.output.bias)
    graph.reshaped(logits, count, network.output.out_features, output="logits")
    if network.region is not None:
        mean = graph.add("ReduceMean", graph.reshaped(steps, count, width), axes=[1], keepdims=0)
        graph.gemm(mean, "region", network.region.weight, network.region.bias, output="regions")


def _write_transformer_layer(graph: _Graph, name: str, layer: Any, steps: str, shape: tuple[int, int]) -> str:
    """Pre-norm attention of several heads and two linear layers with GELU, both with shortcuts."""
    count, width = shape
    each = width // PlateNetwork.HEADS
    seen = graph.normalised(steps, f"{name}.norm1", layer.norm1)
    query, key, value = layer.self_attn.in_proj_weight.chunk(3)
    query_bias, _, value_bias = layer.self_attn.in_proj_bias.chunk(3)
    out, scale = layer.self_attn.out_proj, 1 / math.sqrt(each)

    def heads(rows: str, perm: list[int]) -> str:
        return graph.add("Transpose", graph.reshaped(rows, count, PlateNetwork.HEADS, each), perm=perm)

    # The softmax is the same without the keys' bias. As the weights of values sum to 1, their bias is added
    # after them.
    queries = graph.linear(seen, f"{name}.query", query * scale, query_bias * scale)
    products = graph.add(
        "MatMul", heads(queries, [0, 2, 1, 3]), heads(graph.linear(seen, f"{name}.key", key), [0, 2, 3, 1])
    )
    values = heads(graph.linear(seen, f"{name}.value", value), [0, 2, 1, 3])
    mixed = graph.add("MatMul", graph.add("Softmax", products, axis=-1), values)
    mixed = graph.add("Transpose", mixed, perm=[0, 2, 1, 3])
    mixed = graph.reshaped(mixed, *([] if graph.flat else [count]), width)
    bias = out.bias + out.weight @ value_bias
    steps = graph.add("Add", steps, graph.linear(mixed, f"{name}.attention", out.weight, bias))
    seen = graph.normalised(steps, f"{name}.norm2", layer.norm2)
    units = graph.linear(seen, f"{name}.linear1", layer.linear1.weight, layer.linear1.bias)
    share = graph.add("Erf", graph.add("Div", units, graph.number(math.sqrt(2))))
    share = graph.add("Mul", units, graph.add("Add", share, graph.number(1)))
    units = graph.add("Mul", share, graph.number(0.5))
    units = graph.linear(units, f"{name}.linear2", layer.linear2.weight, layer.linear2.bias)
    return graph.add("Add", steps, units)
