"""The BP network against a reference in NumPy, its weights from a file; where the plate network looks."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from plate_ocr.alphabet import DIGITS, Alphabet
from plate_ocr.errors import ModelError
from plate_ocr.model.cards import DetectorCard, ModelCard, PlateCard
from plate_ocr.networks.detector import detector_network_for
from plate_ocr.networks.mlp import BPNetwork, network_for
from plate_ocr.networks.plate import JITTER_STD, LocalizationNet, jitter_corners
from plate_ocr.networks.weights import load_weights
from plate_ocr.training.core.losses import batch_loss
from plate_ocr.training.core.schedule import Loss
from plate_ocr.training.detector.run import CARD
from plate_ocr.vision.detection import CELL
from plate_ocr.vision.geometry import CORNERS
from plate_ocr.vision.plate_input import TEXT_MARGIN, text_view, view_weights
from tests.conftest import LIGHT_DETECTOR, draw_plate, new_detector_network, new_network, new_plate_network

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


WHOLE = torch.tensor([[0.0, 0], [1, 0], [1, 1], [0, 1]])
INNER = torch.tensor(TEXT_MARGIN) + WHOLE * (1 - 2 * torch.tensor(TEXT_MARGIN))
"""The text's corners where it fills the view."""


def test_a_finder_begins_with_the_whole_picture() -> None:
    pictures = torch.rand(5, 1, 64, 256, generator=torch.Generator().manual_seed(0))
    points = LocalizationNet()(pictures)
    assert points.shape == (5, 2 * CORNERS, 2)
    torch.testing.assert_close(points, torch.cat([INNER, WHOLE]).expand(5, -1, -1), atol=0.02, rtol=0)


def test_corners_lie_in_the_view_where_they_are_said_to() -> None:
    corners = torch.tensor([[0.1, 0.2], [0.8, 0.3], [0.9, 0.9], [0.2, 0.7]])
    # With an odd number of pixels one is in the very middle.
    places = (torch.from_numpy(view_weights(33, 129)) @ corners).reshape(33, 129, 2)
    torch.testing.assert_close(places[16, 64], corners.mean(0))
    own = (torch.from_numpy(view_weights(100, 100)) @ corners).reshape(100, 100, 2)
    for corner, (x, y) in zip(corners, INNER * 100, strict=True):
        rows, columns = (slice(round(float(v)) - 1, round(float(v)) + 1) for v in (y, x))
        torch.testing.assert_close(own[rows, columns].mean((0, 1)), corner, atol=0.006, rtol=0)


def test_corners_at_the_margins_show_the_whole_picture(plate_card: PlateCard) -> None:
    pictures = torch.rand(2, 1, 64, 256, generator=torch.Generator().manual_seed(0))
    view = new_plate_network(plate_card).sample_view(pictures, INNER.expand(2, -1, -1))
    torch.testing.assert_close(view, F.avg_pool2d(pictures, 2), atol=1e-4, rtol=0)


@pytest.mark.parametrize("corners", [INNER, WHOLE, [[-0.1, 0.2], [0.8, 0.3], [0.9, 1.2], [0.2, 0.7]]])
def test_the_view_that_is_shown_is_the_one_that_is_read(plate_card: PlateCard, corners: Any) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (8, 32), np.uint8)
    picture = np.asarray(cv2.resize(picture, (256, 64), interpolation=cv2.INTER_CUBIC), np.uint8)
    corners = np.asarray(corners, np.float32)
    view = new_plate_network(plate_card).sample_view(
        torch.from_numpy(picture[None, None]).float(), torch.from_numpy(corners[None])
    )
    np.testing.assert_allclose(text_view(picture, corners), view[0, 0].numpy(), atol=3)


@pytest.mark.parametrize("turn", [-8, 0, 11])
def test_a_turned_plate_is_upright_in_the_view(plate_card: PlateCard, turn: float) -> None:
    network = new_plate_network(plate_card)
    tight = cv2.GaussianBlur(cv2.resize(draw_plate("KA365CP"), (256, 64)), (0, 0), 2)
    matrix = cv2.getRotationMatrix2D((128, 32), turn, 0.5) + np.array([[0, 0, 20], [0, 0, -3.0]])
    loose = cv2.warpAffine(tight, matrix, (256, 64), borderValue=(230,))
    # Edges of pixels lie half a pixel before their centres.
    corners = (INNER.numpy() * (256, 64) - 0.5) @ matrix[:, :2].T + matrix[:, 2]
    corners = (corners + 0.5) / (256, 64)

    def seen(picture: Array, where: Array) -> Array:
        tensor = torch.tensor(picture, dtype=torch.float32)[None, None] / 255
        return (
            network.sample_view(tensor, torch.tensor(where, dtype=torch.float32)[None])[0, 0].double().numpy()
        )

    upright = seen(tight.astype(np.float64), INNER.numpy())
    found = np.corrcoef(seen(loose.astype(np.float64), corners).ravel(), upright.ravel())[0, 1]
    missed = np.corrcoef(seen(loose.astype(np.float64), INNER.numpy()).ravel(), upright.ravel())[0, 1]
    assert found > 0.97
    assert missed < 0.4


def test_corners_wander_about_their_places() -> None:
    corners = torch.tensor([[0.1, 0.3], [0.7, 0.2], [0.8, 0.7], [0.2, 0.8]])
    with torch.random.fork_rng():
        torch.manual_seed(0)
        moved = jitter_corners(corners.expand(4000, -1, -1))
    reach = corners.amax(0) - corners.amin(0)
    assert ((moved.mean(0) - corners).abs() < 0.003).all()
    each = (moved - moved.mean(1, keepdim=True)).std(0) / reach
    together = moved.mean(1).std(0) / reach
    assert (each > 0.8 * JITTER_STD[0]).all()
    torch.testing.assert_close(together, torch.full((2,), JITTER_STD[1]), atol=0.006, rtol=0)
    assert ((moved - corners).std(0) < 3 * max(JITTER_STD) * reach).all()


def test_corners_wander_in_training_alone_and_learn_from_their_truth_alone(plate_card: PlateCard) -> None:
    network = new_plate_network(plate_card)
    pictures = torch.rand(2, 1, 64, 256, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(network(pictures)[0], network(pictures)[0])
    network.train()
    first, second = network(pictures), network(pictures)
    assert not torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])
    first[0].sum().backward()
    assert all(parameter.grad is None for parameter in network.finder.parameters())
    second[1].sum().backward()
    assert all(parameter.grad is not None for parameter in network.finder.parameters())


@pytest.mark.parametrize("size", [(32, 32), (64, 96), (256, 352), (480, 640)])
def test_a_detector_answers_for_every_cell(size: tuple[int, int], detector_card: DetectorCard) -> None:
    network = new_detector_network(detector_card)
    pictures = torch.rand(2, 1, *size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        answers = network(pictures)
        assert answers.shape == (2, 1 + 2 * CORNERS, size[0] // CELL, size[1] // CELL)
        torch.testing.assert_close(network(pictures[1:]), answers[1:], atol=1e-5, rtol=0)


@pytest.mark.parametrize("size", [(32, 32), (96, 64), (256, 352)])
def test_a_light_detector_gives_the_same_form(size: tuple[int, int]) -> None:
    network = new_detector_network(LIGHT_DETECTOR)
    pictures = torch.rand(2, 1, *size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        answers = network(pictures)
        assert answers.shape == (2, 1 + 2 * CORNERS, size[0] // CELL, size[1] // CELL)
        torch.testing.assert_close(network(pictures[1:]), answers[1:], atol=1e-5, rtol=0)


def test_context_is_seen_from_far() -> None:
    # What a cell says depends on pixels that no 3×3 convolution brings there.
    def reach(card: DetectorCard) -> int:
        network = new_detector_network(card)
        pictures = torch.rand(1, 1, 32, 1280, generator=torch.Generator().manual_seed(0), requires_grad=True)
        network(pictures)[0, 0, 2, 80].backward()
        assert pictures.grad is not None
        (columns,) = pictures.grad[0, 0].abs().sum(0).nonzero(as_tuple=True)
        return int(columns.max() - columns.min())

    near = dataclasses.replace(LIGHT_DETECTOR, context=0)
    assert reach(near) < 320
    assert reach(dataclasses.replace(LIGHT_DETECTOR, context=3)) > 640


def test_the_network_that_is_trained_is_small() -> None:
    weights = sum(parameter.numel() for parameter in detector_network_for(CARD).parameters())
    assert 4 * weights < 1_050_000


@pytest.mark.parametrize("card", [DetectorCard(), LIGHT_DETECTOR])
def test_a_detector_begins_with_few_plates(card: DetectorCard) -> None:
    pictures = torch.rand(1, 1, 64, 96, generator=torch.Generator().manual_seed(0))
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        shares = detector_network_for(card).eval()(pictures)[:, 0].sigmoid()
    assert shares.mean() < 0.1


def test_a_detector_sees_the_same_wherever_it_is(detector_card: DetectorCard) -> None:
    # Moved by a whole cell of the coarsest stage, the answer moves along; edges are another matter.
    network = new_detector_network(detector_card)
    whole = torch.rand(1, 1, 320 + 32, 320, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        upper, lower = network(whole[:, :, :320]), network(whole[:, :, 32:])
    inside = slice(16, 24)
    torch.testing.assert_close(upper[:, :, 20:24, inside], lower[:, :, 16:20, inside], atol=1e-4, rtol=0)
