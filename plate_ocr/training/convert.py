"""Models in the formats of other runtimes: OpenVINO, ncnn, TensorFlow Lite and Core ML."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnxruntime import InferenceSession
from onnxruntime.tools.onnx_model_utils import make_dim_param_fixed
from torch import Tensor, nn

from plate_ocr.errors import ModelError
from plate_ocr.model.cards import Card, DetectorCard
from plate_ocr.networks.export import onnx_files
from plate_ocr.networks.plate import PlateNetwork
from plate_ocr.networks.weights import Network
from plate_ocr.vision.detection import CELL

SUFFIXES: Mapping[str, str] = {
    "onnx": ".onnx",
    "openvino": ".xml",
    "ncnn": ".ncnn.param",
    "tflite": ".tflite",
    "coreml": ".mlpackage",
}
"""Ending of the file of each format."""

STATIC = ("ncnn", "tflite", "coreml")
"""Formats whose shapes are always fixed."""

PACKAGES: dict[str, tuple[str, ...]] = {
    "onnx": (),
    "openvino": ("openvino",),
    "ncnn": ("ncnn", "pnnx"),
    "tflite": ("litert_torch",),
    "coreml": ("coremltools",),
}
"""Modules that each format needs beside those of the ``train`` extra."""

TOLERANCE = 0.01
"""Largest difference between the outputs of a model and of its conversion, relative to the largest output."""

Run: TypeAlias = Callable[[NDArray[np.float32]], Sequence[NDArray[np.float32]]]
"""Runs a converted network: inputs to outputs, both with the batch first."""


@dataclass(frozen=True)
class Part:
    """One of the networks of a model.

    Attributes:
        graph: as of :func:`plate_ocr.networks.export.to_onnx`; with fixed shapes if these are wanted.
        network: the same in torch.
        inputs: float32 ``(N, ...)``: to convert by and to compare with.
    """

    graph: bytes
    network: nn.Module
    inputs: NDArray[np.float32]


class _Reading(nn.Module):
    """The part of a plate network that reads views of the text."""

    def __init__(self, network: PlateNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, views: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        logits, regions = self.network.read(views)
        return logits if self.network.region is None else (logits, regions)


def converted(
    network: Network, card: Card, out: Path, format: str, batch: int | None = None
) -> dict[Path, bytes]:
    """A model in another format, checked to compute the same; of a plate model there are two networks.

    Args:
        network: in evaluation mode, on the CPU.
        card: of the network.
        out: the main file; its ending belongs to the format. The finder's name ends in ``.finder`` and it.
        format: one of :data:`SUFFIXES`.
        batch: fixed size of the batch, and of a detector's picture; None: free, or 1 where the format has
            fixed shapes only.

    Returns:
        The contents of all files.

    Raises:
        ModelError: if a package is missing, the conversion fails or its output differs.
    """
    missing = [name for name in PACKAGES[format] if find_spec(name) is None]
    if missing:
        names = [name.replace("_", "-") for name in missing]
        raise ModelError(f"{format} needs {' and '.join(names)}; install with: pip install {' '.join(names)}")
    if format == "ncnn" and batch not in (None, 1):
        raise ModelError(f"--batch {batch}: ncnn takes one picture at a time")
    if format in STATIC:
        batch = batch or 1
    convert: Callable[[Part, Path], Run | None] = {
        "onnx": _to_onnx,
        "openvino": _to_openvino,
        "ncnn": _to_ncnn,
        "tflite": _to_tflite,
        "coreml": _to_coreml,
    }[format]
    files: dict[Path, bytes] = {}
    with tempfile.TemporaryDirectory() as temporary:
        name = out.name.removesuffix(SUFFIXES[format]) + ".onnx"
        graphs = onnx_files(network, card, out.with_name(name), flat=format != "ncnn")
        for path, graph in graphs.items():
            part = _part(graph, network, card, batch, finder=path.suffixes[-2:] == [".finder", ".onnx"])
            target = Path(temporary, path.name.removesuffix(".onnx") + SUFFIXES[format])
            run = convert(part, target)
            if run:
                _compare(part, run, format)
            for file in _files_of(target):
                files[out.parent / file.relative_to(temporary)] = file.read_bytes()
    return files


def _part(graph: bytes, network: Network, card: Card, batch: int | None, *, finder: bool) -> Part:
    """One of the networks of a model, with fixed shapes if there is a batch."""
    model = onnx.load_from_string(graph)
    sizes = {"batch": batch or 1}
    if isinstance(card, DetectorCard):
        cells = card.longest // CELL
        sizes |= {"height": card.longest, "width": card.longest, "rows": cells, "columns": cells}
    dims = model.graph.input[0].type.tensor_type.shape.dim
    shape = [dim.dim_value or sizes[dim.dim_param] for dim in dims]
    if batch:
        for name, size in sizes.items():
            make_dim_param_fixed(model.graph, name, size)
        graph = model.SerializeToString()
    part: nn.Module = network
    if isinstance(network, PlateNetwork):
        part = network.finder if finder else _Reading(network)
    inputs = np.random.default_rng(0).random(shape, np.float32)
    return Part(graph, part.eval(), inputs)


def _compare(part: Part, run: Run, format: str) -> None:
    """Raises ModelError if a conversion computes something else."""
    session = InferenceSession(part.graph, providers=["CPUExecutionProvider"])
    outputs = session.run(None, {session.get_inputs()[0].name: part.inputs})
    for expected, found in zip(outputs, run(part.inputs), strict=True):
        scale = float(np.abs(expected).max())
        if found.shape != expected.shape or float(np.abs(found - expected).max()) > TOLERANCE * scale:
            raise ModelError(
                f"the {format} model computes something else than the weights; nothing was written"
            )


def _files_of(target: Path) -> list[Path]:
    """The files that a conversion wrote: one, two or a folder of them."""
    if target.is_dir():
        return sorted(path for path in target.rglob("*") if path.is_file())
    weights = target.with_suffix(".bin")
    return [target, weights] if weights.exists() else [target]


def _to_onnx(part: Part, target: Path) -> Run:
    target.write_bytes(part.graph)
    session = InferenceSession(target, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda inputs: session.run(None, {name: inputs})


def _to_openvino(part: Part, target: Path) -> Run:
    openvino = import_module("openvino")
    source = target.with_suffix(".onnx")
    source.write_bytes(part.graph)
    openvino.save_model(openvino.convert_model(source), target)
    # Processors with AMX would compute in bfloat16.
    compiled = openvino.Core().compile_model(target, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return lambda inputs: list(compiled(inputs).to_tuple())


def _to_ncnn(part: Part, target: Path) -> Run:
    ncnn, pnnx = import_module("ncnn"), import_module("pnnx")
    source = target.with_name("source.onnx")
    source.write_bytes(part.graph)
    shape = str([*part.inputs.shape]).replace(" ", "")
    program = [pnnx.EXEC_PATH, str(source), f"inputshape={shape}"]
    done = subprocess.run(program, cwd=target.parent, capture_output=True, check=False)
    for made, path in (("source.ncnn.param", target), ("source.ncnn.bin", target.with_suffix(".bin"))):
        if done.returncode or not target.with_name(made).exists():
            raise ModelError("pnnx cannot convert the model to ncnn")
        target.with_name(made).replace(path)
    network = ncnn.Net()
    network.load_param(str(target))
    network.load_model(str(target.with_suffix(".bin")))

    def run(inputs: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        extractor = network.create_extractor()
        extractor.input(network.input_names()[0], ncnn.Mat(inputs[0]).clone())
        return [np.array(extractor.extract(name)[1])[None] for name in network.output_names()]

    return run


def _to_tflite(part: Part, target: Path) -> Run:
    model = import_module("litert_torch").convert(part.network, (torch.from_numpy(part.inputs),))
    model.export(str(target))

    def run(inputs: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        outputs = model(torch.from_numpy(inputs))
        return [*map(np.asarray, outputs if isinstance(outputs, tuple) else (outputs,))]

    return run


def _to_coreml(part: Part, target: Path) -> Run | None:
    """On other systems than macOS nothing runs the result."""
    coremltools = import_module("coremltools")
    example = torch.from_numpy(part.inputs)
    with torch.no_grad():
        traced: Any = torch.jit.trace(part.network, example)  # type: ignore[no-untyped-call]
    kind = coremltools.TensorType(name="inputs", shape=example.shape)
    model = coremltools.convert(traced, inputs=[kind], convert_to="mlprogram")
    model.save(str(target))
    if sys.platform != "darwin":
        return None
    return lambda inputs: [*map(np.asarray, model.predict({"inputs": inputs}).values())]
