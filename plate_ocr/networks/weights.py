"""Loads the weights of saved models, to use or to train further."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path
from typing import TypeAlias, TypeVar

from torch import Tensor, nn

from plate_ocr.errors import ModelError
from plate_ocr.model.cards import (
    Card,
    DetectorCard,
    ModelCard,
    PlateCard,
    card_from,
    detector_card_from,
    model_card_from,
    plate_card_from,
)
from plate_ocr.model.registry import find_model
from plate_ocr.networks.detector import PlateDetector, detector_network_for
from plate_ocr.networks.mlp import BPNetwork, network_for
from plate_ocr.networks.plate import PlateNetwork, plate_network_for

Network: TypeAlias = BPNetwork | PlateNetwork | PlateDetector


def network_for_card(card: Card) -> Network:
    """An untrained network of the type and sizes in a card."""
    if isinstance(card, PlateCard):
        return plate_network_for(card)
    return detector_network_for(card) if isinstance(card, DetectorCard) else network_for(card)


def load_weights(model: str | PathLike[str], expected: ModelCard | None = None) -> BPNetwork:
    """The network of a saved model, ready to use or to train further.

    Args:
        model: ``"digits"``, ``"chars"``, a ``.safetensors`` file or the folder of a training run.
        expected: the required card, as far as weights depend on it.

    Returns:
        The network in evaluation mode on the CPU.

    Raises:
        ModelError: if there is no such model, the file does not match its header, or
            its alphabet, preprocessing or size differs from the expected one; each difference is named.
    """
    path = find_model(model, ".safetensors")
    card, weights = read_weights(path)
    if expected is not None and (wrong := card.differences(expected)):
        raise ModelError(f"{path} is another model than expected: {'; '.join(wrong)}")
    return _filled(network_for(card), weights, path)


def load_plate_weights(model: str | PathLike[str]) -> tuple[PlateCard, PlateNetwork]:
    """The network of a saved plate model, ready to use or to train further, and its card.

    Args:
        model: ``"plates"``, a ``.safetensors`` file or the folder of a training run.

    Returns:
        The card, and the network in evaluation mode on the CPU.

    Raises:
        ModelError: if there is no such model, it is a character model, or the file does not match
            its header.
    """
    path = find_model(model, ".safetensors")
    card, weights = _read_weights(path, plate_card_from)
    return card, _filled(plate_network_for(card), weights, path)


def load_detector_weights(model: str | PathLike[str]) -> tuple[DetectorCard, PlateDetector]:
    """The network of a saved detector, ready to use or to train further, and its card.

    Args:
        model: ``"detector"``, a ``.safetensors`` file or the folder of a training run.

    Returns:
        The card, and the network in evaluation mode on the CPU.

    Raises:
        ModelError: if there is no such model, it is not a detector, or the file does not match its
            header.
    """
    path = find_model(model, ".safetensors")
    card, weights = _read_weights(path, detector_card_from)
    return card, _filled(detector_network_for(card), weights, path)


def read_weights(path: Path) -> tuple[ModelCard, dict[str, Tensor]]:
    """Card and weights of a character model's ``.safetensors`` file, on the CPU.

    Raises:
        ModelError: if it is cut short, was not made by this package, is a plate model or of a newer version.
    """
    return _read_weights(path, model_card_from)


def read_any_weights(path: Path) -> tuple[Card, dict[str, Tensor]]:
    """The same for any type of model."""
    return _read_weights(path, card_from)


def load_any_weights(model: str | PathLike[str]) -> tuple[Card, Network]:
    """Card and network of a saved model of any type, in evaluation mode on the CPU.

    Raises:
        ModelError: if there is no such model or the file does not match its header.
    """
    path = find_model(model, ".safetensors")
    card, weights = read_any_weights(path)
    return card, _filled(network_for_card(card), weights, path)


N = TypeVar("N", bound=nn.Module)


def _filled(network: N, weights: Mapping[str, Tensor], path: Path) -> N:
    """The network with these weights, in evaluation mode; a ModelError if they do not fit."""
    if wrong := shape_differences(network, weights):
        raise ModelError(f"{path}: the weights do not fit the sizes in the header: {'; '.join(wrong)}")
    network.load_state_dict(weights)
    return network.eval()


_AnyCard = TypeVar("_AnyCard", bound=Card)


def _read_weights(
    path: Path, parse_card: Callable[[dict[str, str] | None, Path], _AnyCard]
) -> tuple[_AnyCard, dict[str, Tensor]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            card = parse_card(file.metadata(), path)
            return card, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path} is not a whole .safetensors file: {error}") from None


def shape_differences(network: nn.Module, weights: Mapping[str, Tensor]) -> list[str]:
    """Describes why weights do not fit a network.

    Args:
        network: has the expected names and shapes.
        weights: tensors by name.

    Returns:
        A phrase for each tensor that is missing, unexpected or of another shape.
    """
    expected = network.state_dict()
    found = [f"{name} is missing" for name in expected if name not in weights]
    found += [f"{name} is not known" for name in weights if name not in expected]
    return found + [
        f"{name} is {_shape(weights[name])} instead of {_shape(value)}"
        for name, value in expected.items()
        if name in weights and weights[name].shape != value.shape
    ]


def _shape(tensor: Tensor) -> str:
    return "×".join(map(str, tensor.shape)) or "a single number"
