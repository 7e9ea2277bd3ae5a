"""The BP network of the classical reader: a multilayer perceptron over white-pixel ratios."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from plate_ocr.model.cards import ModelCard


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
        """Its layers, the output first, for the layer warm-up."""
        return [self.output, self.hidden]

    def forward(self, ratios: Tensor) -> Tensor:
        """Row vectors ``[batch, inputs]`` to logits ``[batch, outputs]``."""
        logits: Tensor = self.output(torch.relu(self.hidden(ratios)))
        return logits


def network_for(card: ModelCard) -> BPNetwork:
    """An untrained network of the sizes in a model card."""
    return BPNetwork(card.preprocessing.values, card.hidden, len(card.alphabet))
