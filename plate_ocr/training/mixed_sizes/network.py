"""A fully convolutional network for characters of any size."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from plate_ocr.errors import DataError


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
