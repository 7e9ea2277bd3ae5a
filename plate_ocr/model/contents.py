"""The contents of model files, and the size of each part.

The headers of ``.safetensors`` and ``.onnx`` files are parsed here, so that neither torch nor the
weights have to be loaded.

References:
    The safetensors format: https://huggingface.co/docs/safetensors. ONNX: ``onnx/onnx.proto``, in the
    wire format of https://protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

import dataclasses
import json
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from plate_ocr.errors import ModelError
from plate_ocr.model.cards import METADATA_KEY, Card, card_from

_SAFETENSORS_TYPES = {"BOOL": "bool", "BF16": "bfloat16"} | {
    f"{letter}{bits}": f"{word}{bits}"
    for letter, word in (("F", "float"), ("I", "int"), ("U", "uint"))
    for bits in (8, 16, 32, 64)
}
_ONNX_TYPES = (
    *("undefined", "float32", "uint8", "int8", "uint16", "int16", "int32", "int64", "string", "bool"),
    *("float16", "float64", "uint32", "uint64", "complex64", "complex128", "bfloat16"),
)
"""In the order of ``TensorProto.DataType``."""

# Field numbers of onnx.proto.
_MODEL_GRAPH, _MODEL_METADATA, _GRAPH_TENSOR = 7, 14, 5
_TENSOR_DIMS, _TENSOR_TYPE, _TENSOR_NAME = 1, 2, 8
_TENSOR_VALUES = (4, 5, 6, 7, 9, 10, 11)

_T = TypeVar("_T")


@dataclass(frozen=True)
class TensorInfo:
    """One tensor of a file.

    Attributes:
        name: as in the file.
        dtype: for example ``"float32"``.
        shape: of the tensor.
        bytes: size of its values.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    bytes: int


@dataclass(frozen=True)
class Part:
    """One part of a file, such as the weights or a moment of the optimiser.

    Attributes:
        name: its keys, joined by dots.
        bytes: its size in the file.
        tensors: in it; empty for numbers and text.
    """

    name: str
    bytes: int
    tensors: tuple[TensorInfo, ...] = ()


@dataclass(frozen=True)
class Contents:
    """The contents of a file.

    Attributes:
        path: the file.
        format: description of the file type.
        bytes: its size, which is the sum of the parts.
        parts: in the file's order.
        card: if it is a model of this package.
        facts: other metadata.
    """

    path: Path
    format: str
    bytes: int
    parts: tuple[Part, ...]
    card: Card | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """The contents as one line of JSON."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        values["path"] = str(self.path)
        values["parts"] = [dataclasses.asdict(part) for part in self.parts]
        values["card"] = None if self.card is None else json.loads(self.card.to_json())
        return json.dumps(values, ensure_ascii=False)


def model_contents(path: Path) -> Contents:
    """The contents of a ``.safetensors`` or ``.onnx`` file, of this package or any other.

    Raises:
        ModelError: if it cannot be read, is cut short, is something else or of a newer version.
    """
    if path.suffix == ".onnx":
        return read_file(path, "a whole ONNX model", _onnx)
    return read_file(path, "a whole .safetensors file", _safetensors)


def read_file(path: Path, expected: str, read: Callable[[Path], _T]) -> _T:
    """Call ``read`` on a file; every failure becomes a ModelError.

    Args:
        path: the file.
        expected: description of a valid file, for the error message.
        read: parses an existing file that is not empty.

    Raises:
        ModelError: naming the file and what is wrong with it.
    """
    try:
        if path.is_dir():
            raise ModelError(f"{path} is a folder; name a file in it")
        if not path.stat().st_size:
            raise ModelError(f"{path} is empty")
        return read(path)
    except FileNotFoundError:
        raise ModelError(f"there is no file {path}") from None
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror or error}") from None
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        raise ModelError(f"{path} is not {expected}: {error}") from None


def _safetensors(path: Path) -> Contents:
    size = path.stat().st_size
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8).ljust(8, b"\xff"))
        if length > size - 8:
            raise ValueError("it is cut short, or something else")
        header = json.loads(file.read(length))
    metadata = header.pop("__metadata__", {}) if isinstance(header, dict) else None
    if not isinstance(metadata, dict):
        raise ValueError("its header is damaged")
    begins = {name: int(value["data_offsets"][0]) for name, value in header.items()}
    tensors = tuple(
        TensorInfo(
            name,
            _SAFETENSORS_TYPES.get(header[name]["dtype"], header[name]["dtype"]),
            tuple(map(int, header[name]["shape"])),
            int(header[name]["data_offsets"][1]) - begins[name],
        )
        for name in sorted(begins, key=begins.__getitem__)
    )
    weights = Part("weights", sum(tensor.bytes for tensor in tensors), tensors)
    if weights.bytes != size - 8 - length:
        raise ValueError(f"{size - 8 - length:,} bytes of weights instead of {weights.bytes:,}")
    return _described(path, "safetensors", (Part("header", 8 + length), weights), metadata)


def _onnx(path: Path) -> Contents:
    data = memoryview(path.read_bytes())
    metadata: dict[str, str] = {}
    tensors: list[TensorInfo] = []
    graphs = header = 0
    for number, value in _fields(data):
        if number == _MODEL_METADATA:
            pair = {key: str(_message(text), "utf-8") for key, text in _fields(_message(value))}
            metadata[pair.get(1, "")] = pair.get(2, "")
            header += len(_message(value))
        elif number == _MODEL_GRAPH:
            graphs += 1
            tensors += [_onnx_tensor(_message(v)) for n, v in _fields(_message(value)) if n == _GRAPH_TENSOR]
    if graphs != 1:
        raise ValueError("there is no graph in it")
    weights = Part("weights", sum(tensor.bytes for tensor in tensors), tuple(tensors))
    rest = len(data) - weights.bytes - header
    return _described(path, "ONNX", (weights, Part("graph", rest), Part("header", header)), metadata)


def _described(path: Path, form: str, parts: tuple[Part, ...], metadata: dict[str, str]) -> Contents:
    ours = METADATA_KEY in metadata
    return Contents(
        path,
        f"plate-ocr model, {form}" if ours else form,
        sum(part.bytes for part in parts),
        parts,
        card_from(metadata, path) if ours else None,
        {key: value for key, value in metadata.items() if key != METADATA_KEY},
    )


def _onnx_tensor(data: memoryview) -> TensorInfo:
    shape: list[int] = []
    name, dtype, size = "", 0, 0
    for number, value in _fields(data):
        if number == _TENSOR_DIMS:
            shape += [value] if isinstance(value, int) else _varints(value)
        elif number == _TENSOR_TYPE and isinstance(value, int):
            dtype = value
        elif number == _TENSOR_NAME:
            name = str(_message(value), "utf-8")
        elif number in _TENSOR_VALUES:
            # Values in external files take no space here.
            size += 4 if isinstance(value, int) else len(value)
    known = _ONNX_TYPES[dtype] if dtype < len(_ONNX_TYPES) else f"type {dtype}"
    return TensorInfo(name, known, tuple(shape), size)


def _fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Number and value of each field of a protobuf message."""
    place = 0
    while place < len(data):
        key, place = _varint(data, place)
        match key & 7:
            case 0:
                value, place = _varint(data, place)
                yield key >> 3, value
                continue
            case 1:
                size = 8
            case 2:
                size, place = _varint(data, place)
            case 5:
                size = 4
            case _:
                raise ValueError("it is damaged, or something else")
        if place + size > len(data):
            raise ValueError("it is cut short, or something else")
        yield key >> 3, data[place : place + size]
        place += size


def _message(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise ValueError("it is damaged, or something else")
    return value


def _varints(data: memoryview) -> list[int]:
    numbers, place = [], 0
    while place < len(data):
        number, place = _varint(data, place)
        numbers.append(number)
    return numbers


def _varint(data: memoryview, place: int) -> tuple[int, int]:
    """A number of variable length, seven bits per byte, and the place of the next one."""
    number = 0
    for shift in range(0, 70, 7):
        if place == len(data):
            break
        byte = data[place]
        place += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, place
    raise ValueError("it is cut short, or something else")
