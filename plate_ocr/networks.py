"""The networks as torch modules, for training and for whoever builds on torch.

Reading does not need this module: it runs the same networks through ONNX Runtime.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from plate_ocr.errors import ModelError
from plate_ocr.model import ModelCard, PlateCard, find_model, model_card_from, plate_card_from


class BPNetwork(nn.Module):
    """A multilayer perceptron trained by backpropagation: row vector → hidden layer → one-hot.

    Args:
        inputs: length of the row vector (25 for the 5×5 windows).
        hidden: units of the hidden layer.
        outputs: classes.

    Shapes:
        ``[batch, inputs]`` float32 in 0..1 to ``[batch, outputs]`` logits; their softmax
        approaches the one-hot vector of the class.

    References:
        Rumelhart, Hinton and Williams, *Learning representations by back-propagating errors*, 1986.
    """

    def __init__(self, inputs: int = 25, hidden: int = 128, outputs: int = 10) -> None:
        super().__init__()
        self.hidden = nn.Linear(inputs, hidden)
        self.output = nn.Linear(hidden, outputs)

    def groups(self) -> list[nn.Module]:
        """Its parts, the output first, for a warm-up of layers."""
        return [self.output, self.hidden]

    def forward(self, ratios: Tensor) -> Tensor:
        """Row vectors ``[batch, inputs]`` to logits ``[batch, outputs]``."""
        logits: Tensor = self.output(torch.relu(self.hidden(ratios)))
        return logits


def network_for(card: ModelCard) -> BPNetwork:
    """A network of the sizes that a model card names, with fresh weights."""
    return BPNetwork(card.preprocessing.values, card.hidden, len(card.alphabet))


def plate_network_for(card: PlateCard) -> PlateNetwork:
    """A network of the sizes that a plate model's card names, with fresh weights."""
    return PlateNetwork(len(card.alphabet), card.channels, card.transformer, card.layers, card.steps)


def load_weights(model: str | PathLike[str], expected: ModelCard | None = None) -> BPNetwork:
    """The network of a saved model, ready to use or to train further.

    Args:
        model: ``"digits"``, ``"chars"``, a ``.safetensors`` file or the folder of a training run.
        expected: the card that the model must have, as far as weights depend on it.

    Returns:
        The network in evaluation mode on the CPU.

    Raises:
        ModelError: if there is no such model, the file does not hold what its header says, or
            another alphabet, preprocessing or size is expected; each difference is named.
    """
    path = find_model(model, ".safetensors")
    card, weights = read_weights(path)
    network = network_for(card)
    if wrong := shape_differences(network, weights):
        raise ModelError(f"{path}: the weights do not fit the sizes in the header: {'; '.join(wrong)}")
    if expected is not None and (wrong := card.differences(expected)):
        raise ModelError(f"{path} is another model than expected: {'; '.join(wrong)}")
    network.load_state_dict(weights)
    return network.eval()


def load_plate_weights(model: str | PathLike[str]) -> tuple[PlateCard, PlateNetwork]:
    """The network of a saved plate model, ready to use or to train further, and its card.

    Args:
        model: ``"plates"``, a ``.safetensors`` file or the folder of a training run.

    Returns:
        The card, and the network in evaluation mode on the CPU.

    Raises:
        ModelError: if there is no such model, it is a character model, or the file does not hold
            what its header says.
    """
    path = find_model(model, ".safetensors")
    card, weights = _read_weights(path, plate_card_from)
    network = plate_network_for(card)
    if wrong := shape_differences(network, weights):
        raise ModelError(f"{path}: the weights do not fit the sizes in the header: {'; '.join(wrong)}")
    network.load_state_dict(weights)
    return card, network.eval()


def read_weights(path: Path) -> tuple[ModelCard, dict[str, Tensor]]:
    """Card and weights of a character model's ``.safetensors`` file, on the CPU.

    Raises:
        ModelError: if it is cut short, was not made by this package, is a plate model or of a newer version.
    """
    return _read_weights(path, model_card_from)


_AnyCard = TypeVar("_AnyCard", ModelCard, PlateCard)


def _read_weights(
    path: Path, card_from: Callable[[dict[str, str] | None, Path], _AnyCard]
) -> tuple[_AnyCard, dict[str, Tensor]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            card = card_from(file.metadata(), path)
            return card, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path} is not a whole .safetensors file: {error}") from None


def shape_differences(network: nn.Module, weights: Mapping[str, Tensor]) -> list[str]:
    """What keeps weights from being loaded into a network, each in words.

    Args:
        network: gives the names and shapes that are expected.
        weights: tensors by name.

    Returns:
        A phrase for each tensor that is missing, left over or of another shape.
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


class PlateNetwork(nn.Module):
    """Learned windows that slide over a whole plate, read by CTC: nothing is cut into characters.

    Convolutions bring the picture down to two rows of features. Both rows are laid one after the
    other as one sequence, so that a second line of text is nothing special; two transformer layers
    look at all of it.

    Args:
        outputs: characters; the blank of CTC comes before them as class 0.
        channels: of the convolutional stages.
        width: of the transformer layers.
        layers: of the transformer.
        steps: of the output: half of the picture's width.

    Shapes:
        ``[batch, 1, 32, 128]`` float32, grey, 0..1, to ``[batch, 64, outputs + 1]`` logits.

    References:
        Graves et al., *Connectionist Temporal Classification*, 2006; Shi et al., *CRNN*, 2017;
        Du et al., *SVTR*, 2022.
    """

    HEADS = 4

    def __init__(
        self,
        outputs: int,
        channels: tuple[int, int, int, int] = (24, 40, 72, 112),
        width: int = 144,
        layers: int = 2,
        steps: int = 64,
    ) -> None:
        super().__init__()
        first, second, third, fourth = channels
        self.convolutions = nn.Sequential(
            nn.Conv2d(1, first, 5, stride=2, padding=2, bias=False),
            nn.BatchNorm2d(first),
            nn.ReLU(inplace=True),
            _Residual(first, second, (2, 2)),
            _Residual(second, second),
            _Residual(second, third, (2, 1)),
            _Residual(third, third),
            _Residual(third, fourth, (2, 1)),
            _Residual(fourth, fourth),
        )
        self.project = nn.Linear(fourth, width)
        self.place = nn.Parameter(torch.zeros(1, steps, width))
        nn.init.trunc_normal_(self.place, std=0.02)
        layer = nn.TransformerEncoderLayer(
            width, self.HEADS, 2 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.transformer = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(width)
        self.output = nn.Linear(width, outputs + 1)

    def forward(self, pictures: Tensor) -> Tensor:
        """Pictures ``[batch, 1, 32, 128]``, 0..1, to logits ``[batch, 64, outputs + 1]``."""
        features = self.convolutions(pictures * 2 - 1)
        # [batch, channel, 2, 32]: the lower row follows the upper one.
        steps = self.project(features.flatten(2).transpose(1, 2)) + self.place
        logits: Tensor = self.output(self.norm(self.transformer(steps)))
        return logits


class _Residual(nn.Module):
    """Two 3×3 convolutions and a way round them (He et al., 2016)."""

    def __init__(self, inputs: int, outputs: int, stride: tuple[int, int] = (1, 1)) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut: nn.Module = nn.Identity()
        if inputs != outputs or stride != (1, 1):
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, features: Tensor) -> Tensor:
        joined: Tensor = torch.relu(self.body(features) + self.shortcut(features))
        return joined
