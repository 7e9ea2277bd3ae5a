"""The BP network against a reference written out in NumPy; its weights from a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from plate_ocr import ModelError
from plate_ocr.alphabet import DIGITS, Alphabet
from plate_ocr.model import ModelCard
from plate_ocr.networks import BPNetwork, load_weights, network_for
from plate_ocr.training.warmup import Loss, batch_loss
from tests.conftest import new_network

Array = NDArray[np.float64]
LOSSES: list[Loss] = ["cross_entropy", "squared_error"]


def weights_of(network: BPNetwork) -> tuple[Array, Array, Array, Array]:
    hidden, output = network.hidden, network.output
    w1, b1, w2, b2 = (
        tensor.detach().numpy().astype(np.float64)
        for tensor in (hidden.weight, hidden.bias, output.weight, output.bias)
    )
    return w1, b1, w2, b2


def softmax(logits: Array) -> Array:
    return np.asarray(np.exp(logits) / np.exp(logits).sum(1, keepdims=True))


def backpropagate(
    weights: tuple[Array, Array, Array, Array], inputs: Array, target: Array, loss: Loss
) -> tuple[float, list[Array]]:
    """The loss and its derivatives by the weights, by the chain rule (Rumelhart et al., 1986)."""
    w1, b1, w2, b2 = weights
    sums = inputs @ w1.T + b1
    units = np.where(sums > 0, sums, 0)
    p = softmax(units @ w2.T + b2)
    n = len(inputs)
    if loss == "cross_entropy":
        value = -(target * np.log(p)).sum() / n
        d_logits = (p * target.sum(1, keepdims=True) - target) / n
    else:
        value = ((p - target) ** 2).sum() / n
        d_p = 2 * (p - target) / n
        d_logits = p * (d_p - (d_p * p).sum(1, keepdims=True))
    d_sums = (d_logits @ w2) * (sums > 0)
    return float(value), [d_sums.T @ inputs, d_sums.sum(0), d_logits.T @ units, d_logits.sum(0)]


@pytest.fixture
def batch(rng: np.random.Generator) -> tuple[Array, Array]:
    """Row vectors and targets: one-hot ones, and one that spreads over all classes."""
    target = Alphabet(DIGITS).one_hot("0459317").astype(np.float64)
    target[-1] = 0.1
    return rng.random((7, 25)), target


def test_forward_is_the_reference(digit_card: ModelCard, batch: tuple[Array, Array]) -> None:
    network = new_network(digit_card)
    inputs, _ = batch
    w1, b1, w2, b2 = weights_of(network)
    expected = np.maximum(inputs @ w1.T + b1, 0) @ w2.T + b2
    logits = network(torch.from_numpy(inputs).float()).detach().numpy()
    np.testing.assert_allclose(logits, expected, atol=1e-5)


@pytest.mark.parametrize("loss", LOSSES)
def test_backward_is_the_reference(digit_card: ModelCard, batch: tuple[Array, Array], loss: Loss) -> None:
    network = new_network(digit_card)
    inputs, target = batch
    expected, gradients = backpropagate(weights_of(network), inputs, target, loss)
    value = batch_loss(network(torch.from_numpy(inputs).float()), torch.from_numpy(target).float(), loss)
    value.backward()  # type: ignore[no-untyped-call]
    assert value.item() == pytest.approx(expected, abs=1e-6)
    for parameter, gradient in zip(network.parameters(), gradients, strict=True):
        assert parameter.grad is not None
        np.testing.assert_allclose(parameter.grad, gradient, atol=1e-6)
        assert np.abs(gradient).max() > 1e-4


@pytest.mark.parametrize("loss", LOSSES)
def test_the_loss_is_least_at_the_one_hot_vector(loss: Loss) -> None:
    target = torch.eye(10)[[3]]
    right, uniform, wrong = 20 * target, torch.zeros(1, 10), 20 * torch.eye(10)[[4]]
    values = [batch_loss(logits, target, loss).item() for logits in (right, uniform, wrong)]
    assert values[0] == pytest.approx(0, abs=1e-6)
    assert values == sorted(values)
    if loss == "squared_error":
        # (1 - 1/10)² + 9·(1/10)², and for a sure mistake 1² + 1².
        assert values[1:] == pytest.approx([0.9, 2.0], abs=1e-6)
    else:
        assert values[1] == pytest.approx(np.log(10))


def test_25_inputs_and_10_outputs_by_default() -> None:
    assert BPNetwork()(torch.zeros(3, 25)).shape == (3, 10)


def test_a_network_has_the_sizes_of_its_card(digit_card: ModelCard) -> None:
    network = network_for(digit_card)
    shapes = [tuple(parameter.shape) for parameter in network.parameters()]
    assert shapes == [(8, 25), (8,), (10, 8), (10,)]


def test_a_saved_network_comes_back_ready_to_use(tiny_model: Path, digit_card: ModelCard) -> None:
    original = new_network(digit_card).state_dict()
    for name in (tiny_model, tiny_model / "model.safetensors", str(tiny_model / "model.onnx")):
        network = load_weights(name)
        assert not network.training
        for key, value in network.state_dict().items():
            assert torch.equal(value, original[key])


def test_there_must_be_weights(tmp_path: Path, tiny_model: Path) -> None:
    with pytest.raises(ModelError, match=r"no model .*nowhere"):
        load_weights(tmp_path / "nowhere")
    (tiny_model / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"model\.safetensors"):
        load_weights(tiny_model)
