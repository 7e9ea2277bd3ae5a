"""The networks as torch modules, for training and for whoever builds on torch.

Reading does not need this module: it runs the same networks through ONNX Runtime.
"""

from __future__ import annotations

from os import PathLike

import torch
from torch import Tensor, nn

from plate_ocr.errors import ModelError
from plate_ocr.model import ModelCard, find_model, model_card_from


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

    def forward(self, ratios: Tensor) -> Tensor:
        """Row vectors ``[batch, inputs]`` to logits ``[batch, outputs]``."""
        logits: Tensor = self.output(torch.relu(self.hidden(ratios)))
        return logits


def network_for(card: ModelCard) -> BPNetwork:
    """A network of the sizes that a model card names, with fresh weights."""
    return BPNetwork(card.preprocessing.values, card.hidden, len(card.alphabet))


def load_weights(model: str | PathLike[str]) -> BPNetwork:
    """The network of a saved model, ready to use or to train further.

    Args:
        model: ``"digits"``, ``"chars"``, a ``.safetensors`` file or the folder of a training run.

    Returns:
        The network in evaluation mode on the CPU.

    Raises:
        ModelError: if there is no such model or the file does not hold what its header says.
    """
    from safetensors import SafetensorError, safe_open

    path = find_model(model, ".safetensors")
    try:
        with safe_open(path, framework="pt") as file:
            card = model_card_from(file.metadata(), path)
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path} is not a whole .safetensors file: {error}") from None
    network = network_for(card)
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise ModelError(f"{path}: the weights do not fit the sizes in the header: {reason}") from None
    return network.eval()
