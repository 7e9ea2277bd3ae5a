"""The networks as torch modules, for training and for whoever builds on torch.

Reading does not need this module: it runs the same networks through ONNX Runtime.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from plate_ocr.errors import DataError, ModelError
from plate_ocr.model import (
    LocatorCard,
    ModelCard,
    PlateCard,
    find_model,
    locator_card_from,
    model_card_from,
    plate_card_from,
)


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
    return PlateNetwork(
        len(card.alphabet), card.channels, card.transformer, card.layers, card.steps, card.finder
    )


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
        ModelError: if there is no such model, it is a character model, or the file does not hold
            what its header says.
    """
    path = find_model(model, ".safetensors")
    card, weights = _read_weights(path, plate_card_from)
    return card, _filled(plate_network_for(card), weights, path)


def locator_network_for(card: LocatorCard) -> LocatorNetwork:
    """A network of the sizes that a locator's card names, with fresh weights."""
    return LocatorNetwork(card.channels, card.features)


def load_locator_weights(model: str | PathLike[str]) -> tuple[LocatorCard, LocatorNetwork]:
    """The network of a saved locator, ready to use or to train further, and its card.

    Args:
        model: ``"locator"``, a ``.safetensors`` file or the folder of a training run.

    Returns:
        The card, and the network in evaluation mode on the CPU.

    Raises:
        ModelError: if there is no such model, it is none that locates, or the file does not hold what its
            header says.
    """
    path = find_model(model, ".safetensors")
    card, weights = _read_weights(path, locator_card_from)
    return card, _filled(locator_network_for(card), weights, path)


def read_weights(path: Path) -> tuple[ModelCard, dict[str, Tensor]]:
    """Card and weights of a character model's ``.safetensors`` file, on the CPU.

    Raises:
        ModelError: if it is cut short, was not made by this package, is a plate model or of a newer version.
    """
    return _read_weights(path, model_card_from)


N = TypeVar("N", bound=nn.Module)


def _filled(network: N, weights: Mapping[str, Tensor], path: Path) -> N:
    """The network with these weights, in evaluation mode; a ModelError if they do not fit."""
    if wrong := shape_differences(network, weights):
        raise ModelError(f"{path}: the weights do not fit the sizes in the header: {'; '.join(wrong)}")
    network.load_state_dict(weights)
    return network.eval()


_AnyCard = TypeVar("_AnyCard", ModelCard, PlateCard, LocatorCard)


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


def check_batch(pictures: Tensor, channels: int = 1) -> None:
    """Refuse what is no batch of pictures, ``[batch, channel, height, width]``, and name what it looks like.

    Only shape and type are looked at, so that a batch on a GPU is not waited for. How the values lie
    in memory (torch's ``channels_last``) is another matter: it leaves the shape as it is.

    Args:
        pictures: what should be floating-point ``[batch, channel, height, width]``, 0..1.
        channels: how many the network takes.

    Raises:
        DataError: naming the shape or type found and the one expected.
    """
    expected = f"[batch, channel, height, width] with {channels} channel{'s' * (channels != 1)} is expected"
    found = f"a batch of shape {list(pictures.shape)}"
    if pictures.ndim != 4:
        if pictures.ndim == 3 and channels in (pictures.shape[0], pictures.shape[2]):
            raise DataError(f"{found} is a single picture: {expected}")
        raise DataError(f"{found} has {pictures.ndim} axes: {expected}")
    if 0 in pictures.shape:
        raise DataError(f"{found} is empty: {expected}")
    if pictures.shape[1] != channels:
        if pictures.shape[3] == channels:
            raise DataError(
                f"{found} is [batch, height, width, channel]: {expected}; permute(0, 3, 1, 2) makes it so"
            )
        raise DataError(f"{found} has {pictures.shape[1]} channels: {expected}")
    if not pictures.is_floating_point():
        raise DataError(f"{found} holds {pictures.dtype}: floating-point values from 0 to 1 are expected")


class ConvNetwork(nn.Module):
    """Learned windows over a picture of one character of any size: fully convolutional.

    Pictures of different sizes may share a batch if each lies at the top left of its place and a mask
    tells picture from padding. Then every logit and every gradient is what batches of one give, to
    rounding, because no layer lets the padding in:

    - a convolution finds zeros beyond the picture's edge, as at the edge of a batch of one: what lies
      there is set to zero after each;
    - of a stride of 2 the windows' centres 0, 2, 4 … remain, so every second value of the mask is the
      mask of the result;
    - the normalisation takes mean and variance of one picture at a time, over the mask only; batch
      statistics would tie a picture to its neighbours;
    - the final averages are over a grid of windows laid on the picture, not on its place in the batch.

    Args:
        outputs: classes.
        channels: of the three stages; each a multiple of :data:`ConvNetwork.GROUPS`.

    Shapes:
        ``[batch, 1, height, width]`` float32, grey, 0..1, with a bool mask of the same shape or none,
        to ``[batch, outputs]`` logits.

    References:
        Long, Shelhamer and Darrell, *Fully Convolutional Networks*, 2015; Wu and He, *Group
        Normalization*, 2018; He et al., *Spatial Pyramid Pooling in Deep Convolutional Networks*,
        2014 (averages over a grid that follows the picture's size).
    """

    GROUPS = 4
    GRID = (3, 2)

    def __init__(self, outputs: int, channels: tuple[int, int, int] = (16, 32, 64)) -> None:
        super().__init__()
        first, second, third = channels
        self.windows = nn.ModuleList(
            _Windows(inputs, outputs, stride)
            for inputs, outputs, stride in (
                (1, first, 1),
                (first, second, 2),
                (second, second, 1),
                (second, third, 2),
                (third, third, 1),
            )
        )
        self.output = nn.Linear(third * self.GRID[0] * self.GRID[1], outputs)

    def forward(self, pictures: Tensor, mask: Tensor | None = None) -> Tensor:
        """Pictures to logits.

        Args:
            pictures: float32 ``[batch, 1, height, width]``, 0..1.
            mask: bool, the same shape: true on the picture, a rectangle at the top left, false on the
                padding. Without it all is picture.

        Returns:
            ``[batch, outputs]``.

        Raises:
            DataError: if the batch has another shape or type, or the mask another shape.
        """
        check_batch(pictures)
        features = pictures * 2 - 1
        if mask is None:
            for windows in self.windows:
                features = windows(features)
            pooled = F.adaptive_avg_pool2d(features, self.GRID)
        else:
            if mask.shape != pictures.shape:
                raise DataError(
                    f"a mask of shape {list(mask.shape)} does not fit pictures of {list(pictures.shape)}"
                )
            valid = mask.to(pictures.dtype)
            features = features * valid
            for windows in self.windows:
                valid = valid[:, :, :: windows.stride, :: windows.stride]
                features = windows(features, valid)
            rows = _windows_over(valid[:, 0, :, 0], self.GRID[0])
            columns = _windows_over(valid[:, 0, 0], self.GRID[1])
            pooled = torch.einsum("brh,bchw,bqw->bcrq", rows, features.to(rows.dtype), columns)
        logits: Tensor = self.output(pooled.flatten(1))
        return logits


def _windows_over(valid: Tensor, windows: int) -> Tensor:
    """What each place counts in the mean of each window, the windows spread over the valid places alone.

    Args:
        valid: ``[batch, places]``, 1 on the picture, then 0.
        windows: how many; they overlap by a place where the length is no multiple, as in
            :func:`torch.nn.functional.adaptive_avg_pool2d`.

    Returns:
        ``[batch, windows, places]``; each window's weights add up to 1.
    """
    length = valid.sum(1).long()[:, None, None]
    window = torch.arange(windows, device=valid.device)[:, None]
    place = torch.arange(valid.shape[1], device=valid.device)
    first = window * length // windows
    end = ((window + 1) * length + windows - 1) // windows
    inside = ((place >= first) & (place < end)).to(valid.dtype)
    return inside / inside.sum(2, keepdim=True)


class _Windows(nn.Module):
    """3×3 convolution, group normalisation, ReLU; padding that comes in as zeros goes out as zeros."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.convolution = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.norm = nn.GroupNorm(ConvNetwork.GROUPS, outputs)

    def forward(self, features: Tensor, valid: Tensor | None = None) -> Tensor:
        """``[batch, inputs, H, W]`` to ``[batch, outputs, ⌈H/s⌉, ⌈W/s⌉]``; valid is 1 on the picture."""
        features = self.convolution(features)
        if valid is None:
            return torch.relu(self.norm(features))
        return torch.relu(_masked_group_norm(features, valid, self.norm)) * valid


def _masked_group_norm(features: Tensor, valid: Tensor, norm: nn.GroupNorm) -> Tensor:
    """Group normalisation with mean and variance over the valid places of each picture alone."""
    batch, channels, height, width = features.shape
    grouped = features.reshape(batch, norm.num_groups, channels // norm.num_groups, height, width)
    # The mask has the type of the pictures: float32 sums also where autocast gave bfloat16 features.
    inside = valid[:, :, None]
    count = inside.sum((2, 3, 4), keepdim=True) * grouped.shape[2]
    mean = (grouped * inside).sum((2, 3, 4), keepdim=True) / count
    centred = (grouped - mean) * inside
    variance = centred.square().sum((2, 3, 4), keepdim=True) / count
    normal = (centred * torch.rsqrt(variance + norm.eps)).flatten(1, 2)
    scaled: Tensor = normal * norm.weight[:, None, None] + norm.bias[:, None, None]
    return scaled


CORNERS = 4
"""Of the text, and of the plate: clockwise from its own top left."""

MARGIN = (0.05, 0.11)
"""Between the text's corners and the edges of what the plate network looks at, parts of width and height."""

WANDER = (0.02, 0.035)
"""By how much each corner, and all of them together, are moved in training: standard deviation, as parts of
the text's width and height."""


class PlateFinder(nn.Module):
    """Finds the corners of the text and of the plate in a crop.

    Args:
        channels: of its three stages.
        size: height and width of the picture, pixels: multiples of 16.

    Shapes:
        ``[batch, 1, height, width]`` float32, grey, 0..1, to ``[batch, 8, 2]``: x and y of the text's
        corners, then of the plate's, as parts of the picture's width and height; what lies beyond the
        picture is less than 0 or more than 1.

    References:
        Jaderberg et al., *Spatial Transformer Networks*, 2015: its localisation network, but taught by
        the corners that a rendered plate is known to have.
    """

    def __init__(
        self, channels: tuple[int, int, int] = (16, 32, 48), size: tuple[int, int] = (64, 256)
    ) -> None:
        super().__init__()
        first, second, third = channels
        self.convolutions = nn.Sequential(
            nn.AvgPool2d(2),
            nn.Conv2d(1, first, 5, stride=2, padding=2, bias=False),
            nn.BatchNorm2d(first),
            nn.ReLU(inplace=True),
            _Residual(first, second, (2, 2)),
            _Residual(second, third, (2, 2)),
            _Residual(third, third),
            nn.Conv2d(third, third // 2, 1),
        )
        self.hidden = nn.Linear(third // 2 * (size[0] // 16) * (size[1] // 16), 2 * third)
        self.output = nn.Linear(2 * third, 2 * CORNERS * 2)
        # It begins with the whole picture.
        nn.init.normal_(self.output.weight, std=1e-3)
        corners = torch.tensor([[0.0, 0], [1, 0], [1, 1], [0, 1]])
        inner = torch.tensor(MARGIN) + corners * (1 - 2 * torch.tensor(MARGIN))
        self.output.bias.data.copy_(torch.cat([inner, corners]).flatten())

    def forward(self, pictures: Tensor) -> Tensor:
        """Pictures ``[batch, 1, height, width]`` to points ``[batch, 8, 2]``."""
        features = self.convolutions(pictures * 2 - 1).flatten(1)
        points: Tensor = self.output(torch.relu(self.hidden(torch.relu(features))))
        return points.reshape(-1, 2 * CORNERS, 2)


def view_of_text(height: int, width: int) -> Tensor:
    """What part each corner of the text has in the place of each pixel of a view that the text fills.

    Args:
        height: of the view, pixels.
        width: of the view, pixels.

    Returns:
        float32 ``[height * width, 4]``; times the corners ``[4, 2]`` these are the places of the view's
        pixels, by bilinear interpolation (and beyond the text, extrapolation).
    """
    down = ((torch.arange(height) + 0.5) / height - MARGIN[1]) / (1 - 2 * MARGIN[1])
    along = ((torch.arange(width) + 0.5) / width - MARGIN[0]) / (1 - 2 * MARGIN[0])
    t, s = torch.meshgrid(down, along, indexing="ij")
    return torch.stack([(1 - s) * (1 - t), s * (1 - t), s * t, (1 - s) * t], -1).flatten(0, 1)


class PlateNetwork(nn.Module):
    """Learned windows that slide over a whole plate, read by CTC: nothing is cut into characters.

    A small network first finds the corners of the text, and the picture is turned and zoomed so that
    the text fills it. Convolutions bring that down to two rows of features. Both rows are laid one after
    the other as one sequence, so that a second line of text is nothing special; two transformer layers
    look at all of it.

    Args:
        outputs: characters; the blank of CTC comes before them as class 0.
        channels: of the convolutional stages.
        width: of the transformer layers.
        layers: of the transformer.
        steps: of the output: a quarter of the picture's width.
        finder: channels of the :class:`PlateFinder`.

    Shapes:
        ``[batch, 1, 64, 256]`` float32, grey, 0..1, to ``[batch, 64, outputs + 1]`` logits and the
        ``[batch, 8, 2]`` points of its finder.

    References:
        Graves et al., *Connectionist Temporal Classification*, 2006; Shi et al., *CRNN*, 2017;
        Du et al., *SVTR*, 2022; Jaderberg et al., *Spatial Transformer Networks*, 2015.
    """

    HEADS = 4
    VIEW_HEIGHT = 32
    place_of_pixels: Tensor

    def __init__(
        self,
        outputs: int,
        channels: tuple[int, int, int, int] = (32, 48, 96, 112),
        width: int = 144,
        layers: int = 2,
        steps: int = 64,
        finder: tuple[int, int, int] = (16, 32, 48),
    ) -> None:
        super().__init__()
        self.finder = PlateFinder(finder, (2 * self.VIEW_HEIGHT, 4 * steps))
        self.register_buffer("place_of_pixels", view_of_text(self.VIEW_HEIGHT, 2 * steps), persistent=False)
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

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Pictures ``[batch, 1, 64, 256]``, 0..1, to logits and points: shapes as of the class."""
        points = self.finder(pictures)
        # The corners are learnt from their own truth alone; what reads has to live with mistakes in them.
        corners = points[:, :CORNERS].detach().float()
        view = self.look(pictures, wandering(corners) if self.training else corners)
        features = self.convolutions(view * 2 - 1)
        # [batch, channel, 2, 32]: the lower row follows the upper one.
        steps = self.project(features.flatten(2).transpose(1, 2)) + self.place
        # At so few steps the plain way is the faster one on a CPU.
        with sdpa_kernel(SDPBackend.MATH):
            logits: Tensor = self.output(self.norm(self.transformer(steps)))
        return logits, points

    def look(self, pictures: Tensor, corners: Tensor) -> Tensor:
        """What lies about the text with these corners ``[batch, 4, 2]``, as ``[batch, 1, 32, 128]``."""
        with torch.autocast(pictures.device.type, enabled=False):
            size = self.VIEW_HEIGHT, 2 * self.place.shape[1]
            places = (self.place_of_pixels @ corners).reshape(-1, *size, 2)
            return F.grid_sample(pictures, 2 * places - 1, padding_mode="border", align_corners=False)


def wandering(corners: Tensor) -> Tensor:
    """Corners ``[batch, 4, 2]``, each moved a little and all of them a little more: see :data:`WANDER`."""
    middle = corners.mean(1, keepdim=True)
    reach = corners.amax(1, keepdim=True) - corners.amin(1, keepdim=True)
    each, together, scale = (torch.randn_like(of) for of in (corners, middle, middle))
    moved = middle + (corners - middle) * (1 + WANDER[1] * scale)
    return moved + reach * (WANDER[0] * each + WANDER[1] * together)


class LocatorNetwork(nn.Module):
    """Finds plates in a whole picture: a peak at the middle of each, and where its corners are.

    Residual stages bring the picture down to a 32nd; what they see is added up from coarse to fine again,
    so that every cell of 8×8 pixels knows its details and its surroundings.

    Args:
        channels: of the stages at a half, a quarter, … and a 32nd of the picture's size.
        width: of the layers that add up.

    Shapes:
        ``[batch, 1, height, width]`` float32, grey, 0..1, both sizes multiples of 32, to
        ``[batch, 9, height / 8, width / 8]``: the logit of a plate's middle, and x and y of the plate's
        corners from the cell's middle, clockwise from its own top left, in units of 32 pixels.

    References:
        Zhou et al., *Objects as Points*, 2019; Silva and Jung, *License Plate Detection and Recognition in
        Unconstrained Scenarios*, 2018 (corners); Lin et al., *Feature Pyramid Networks*, 2017.
    """

    def __init__(
        self, channels: tuple[int, int, int, int, int] = (16, 24, 48, 72, 96), width: int = 64
    ) -> None:
        super().__init__()
        first, second, third, fourth, fifth = channels
        self.stem = nn.Sequential(
            nn.Conv2d(1, first, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(first),
            nn.ReLU(inplace=True),
            _Residual(first, second, (2, 2)),
        )
        self.eighth = nn.Sequential(_Residual(second, third, (2, 2)), _Residual(third, third))
        self.sixteenth = nn.Sequential(_Residual(third, fourth, (2, 2)), _Residual(fourth, fourth))
        self.coarsest = nn.Sequential(_Residual(fourth, fifth, (2, 2)), _Residual(fifth, fifth))
        self.sides = nn.ModuleList(nn.Conv2d(size, width, 1) for size in (third, fourth, fifth))
        self.head = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)
        )
        self.output = nn.Conv2d(width, 1 + 2 * CORNERS, 1)
        # Plates are rare: it begins with few.
        nn.init.constant_(self.output.bias[:1], -4.0)  # type: ignore[index]

    def forward(self, pictures: Tensor) -> Tensor:
        """Pictures to peaks and corners: shapes as of the class."""
        eighth = self.eighth(self.stem(pictures * 2 - 1))
        sixteenth = self.sixteenth(eighth)
        sums = self.sides[2](self.coarsest(sixteenth))
        for side, features in ((self.sides[1], sixteenth), (self.sides[0], eighth)):
            sums = side(features) + F.interpolate(sums, scale_factor=2.0, mode="nearest")
        answers: Tensor = self.output(self.head(torch.relu(sums)))
        return answers


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
