"""What is exported of networks of each kind, without the headers of the files.

Weights that are stored as they are make a hash. Those of the graph are partly computed, which processors and
versions of torch round differently: of the graph, the hash leaves the values out, and a sum stands for each.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch

from plate_ocr.alphabet import DIGITS, PLATE_CHARACTERS, Alphabet
from plate_ocr.model.cards import Card, DetectorCard, ModelCard, PlateCard
from plate_ocr.networks.detector import PlateDetector, detector_network_for
from plate_ocr.networks.export import save_model
from plate_ocr.networks.mlp import BPNetwork, network_for
from plate_ocr.networks.plate import PlateNetwork, plate_network_for
from plate_ocr.vision.settings import Preprocessing

CHARACTERS = ModelCard(Alphabet(DIGITS), Preprocessing(), hidden=48)
PLATES = PlateCard(Alphabet(PLATE_CHARACTERS))
DETECTOR = DetectorCard()
SMALL_PLATES = PlateCard(
    Alphabet(DIGITS), width=128, finder=(8, 12, 16), channels=(8, 12, 16, 20), transformer=24, layers=1
)
SMALL_DETECTOR = DetectorCard(channels=(4, 6, 8, 10, 12), features=8)


def exported() -> dict[str, list[dict[str, Any]]]:
    """What the files of each network hold beside their headers."""
    return {
        "characters": _records(network_for(CHARACTERS), CHARACTERS),
        "plates": _records(plate_network_for(PLATES), PLATES),
        "detector": _records(detector_network_for(DETECTOR), DETECTOR),
        "small plates": _records(plate_network_for(SMALL_PLATES), SMALL_PLATES),
        "small detector": _records(detector_network_for(SMALL_DETECTOR), SMALL_DETECTOR),
    }


Network = BPNetwork | PlateNetwork | PlateDetector


def fill(network: Network) -> None:
    """Give a network weights that depend on their names and shapes alone, whatever torch does at random."""
    rng = np.random.default_rng(0)
    weights = network.state_dict()
    for name in sorted(weights):
        if weights[name].dtype.is_floating_point:
            least = 0.5 if name.endswith("running_var") else -0.5
            values = rng.random(tuple(weights[name].shape), np.float32) + np.float32(least)
            weights[name] = torch.from_numpy(np.asarray(values, np.float32))
    network.load_state_dict(weights)
    network.eval()


def _records(network: Network, card: Card) -> list[dict[str, Any]]:
    fill(network)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        save_model(network, card, path)
        model: Any = onnx.load_from_string(path.with_suffix(".onnx").read_bytes())
        tensors = path.with_suffix(".safetensors").read_bytes()
    del model.metadata_props[:]
    sums = [_sum(tensor) for tensor in model.graph.initializer]
    for tensor in model.graph.initializer:
        tensor.ClearField("raw_data")
    graph = hashlib.sha256(model.SerializeToString(deterministic=True)).hexdigest()
    return [{"graph": graph, "tensors": _hash_of_tensors(tensors)}, *sums]


def _sum(tensor: Any) -> dict[str, Any]:
    """All values, each by a weight of its place; by the length of a random vector of as many."""
    values = onnx.numpy_helper.to_array(tensor).astype(np.float64).ravel()
    weights = np.sin(np.arange(1, len(values) + 1)) / np.sqrt(len(values))
    return {"name": tensor.name, "sum": round(float(values @ weights), 6)}


def _hash_of_tensors(data: bytes) -> str:
    """Of names, types, shapes and values; the layout: length of the header, header in JSON, values."""
    length = int.from_bytes(data[:8], "little")
    tensors, values = json.loads(data[8 : 8 + length]), data[8 + length :]
    digest = hashlib.sha256()
    for name in sorted(set(tensors) - {"__metadata__"}):
        begin, end = tensors[name]["data_offsets"]
        digest.update(f"{name} {tensors[name]['dtype']} {tensors[name]['shape']}".encode())
        digest.update(values[begin:end])
    return digest.hexdigest()
