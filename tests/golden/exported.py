"""Hashes of exported networks of each kind, without the headers of the files."""

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
from plate_ocr.model import Card, LocatorCard, ModelCard, PlateCard
from plate_ocr.networks import (
    BPNetwork,
    LocatorNetwork,
    PlateNetwork,
    locator_network_for,
    network_for,
    plate_network_for,
)
from plate_ocr.training.export import save_model
from plate_ocr.vision.characters import Preprocessing

CHARACTERS = ModelCard(Alphabet(DIGITS), Preprocessing(), hidden=48)
PLATES = PlateCard(Alphabet(PLATE_CHARACTERS))
LOCATOR = LocatorCard()
SMALL_PLATES = PlateCard(
    Alphabet(DIGITS), width=128, finder=(8, 12, 16), channels=(8, 12, 16, 20), transformer=24, layers=1
)
SMALL_LOCATOR = LocatorCard(channels=(4, 6, 8, 10, 12), features=8)


def exported() -> dict[str, list[dict[str, str]]]:
    """What the files of each network hold beside their headers."""
    return {
        "characters": [_hashes(network_for(CHARACTERS), CHARACTERS)],
        "plates": [_hashes(plate_network_for(PLATES), PLATES)],
        "locator": [_hashes(locator_network_for(LOCATOR), LOCATOR)],
        "small plates": [_hashes(plate_network_for(SMALL_PLATES), SMALL_PLATES)],
        "small locator": [_hashes(locator_network_for(SMALL_LOCATOR), SMALL_LOCATOR)],
    }


Network = BPNetwork | PlateNetwork | LocatorNetwork


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


def _hashes(network: Network, card: Card) -> dict[str, str]:
    fill(network)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        save_model(network, card, path)
        graph: Any = onnx.load_from_string(path.with_suffix(".onnx").read_bytes())
        del graph.metadata_props[:]
        return {
            ".onnx": hashlib.sha256(graph.SerializeToString(deterministic=True)).hexdigest(),
            ".safetensors": _hash_of_tensors(path.with_suffix(".safetensors").read_bytes()),
        }


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
