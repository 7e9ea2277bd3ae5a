"""Pictures of different sizes in one batch, ``[batch, channel, height, width]``: four ways.

A tensor has one height and one width, pictures have many. Each way is a small object for the
``collate_fn`` of a ``torch.utils.data.DataLoader``; ``docs/batches.md`` measures them:

- :class:`BatchOfOne`: a picture at a time, nothing resized;
- :class:`Padding`: zeros to the right and below, and a mask that tells them from the picture;
- :class:`EqualSizes`, with :class:`SizeBuckets` as ``batch_sampler``: only equal sizes meet;
- :class:`Resizing`: all to one size.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Sampler

from plate_ocr.errors import DataError
from plate_ocr.vision.images import Image

LabelledPicture: TypeAlias = tuple[Image, int]
"""A grey picture, uint8 ``(H, W)``, and its class."""


@dataclass(frozen=True)
class PictureBatch:
    """Pictures and labels, ready for a network.

    Attributes:
        pictures: float32 ``[batch, 1, height, width]``, 0..1.
        mask: bool of the same shape, true on the picture and false on padding; none where nothing
            was padded.
        labels: int64 ``[batch]``: classes.
    """

    pictures: Tensor
    mask: Tensor | None
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class BatchOfOne:
    """One picture in its own size."""

    def __call__(self, samples: Sequence[LabelledPicture]) -> PictureBatch:
        """One sample to ``[1, 1, H, W]``.

        Raises:
            DataError: if there is not exactly one, or it is no grey picture.
        """
        _check(samples)
        if len(samples) != 1:
            raise DataError(f"a batch of one was given {len(samples)} pictures")
        return _stacked(samples)


@dataclass(frozen=True)
class Padding:
    """Each picture at the top left of the largest height and width of the batch, zeros elsewhere, a mask."""

    def __call__(self, samples: Sequence[LabelledPicture]) -> PictureBatch:
        """N samples to ``[N, 1, largest H, largest W]``.

        Raises:
            DataError: if there is none, or one is no grey picture.
        """
        _check(samples)
        height = max(picture.shape[0] for picture, _ in samples)
        width = max(picture.shape[1] for picture, _ in samples)
        padded = np.zeros((len(samples), 1, height, width), np.uint8)
        mask = np.zeros(padded.shape, np.bool_)
        for i, (picture, _) in enumerate(samples):
            padded[i, 0, : picture.shape[0], : picture.shape[1]] = picture
            mask[i, 0, : picture.shape[0], : picture.shape[1]] = True
        return PictureBatch(_scaled(padded), torch.from_numpy(mask), _labels(samples))


@dataclass(frozen=True)
class EqualSizes:
    """Pictures that have one size already, as :class:`SizeBuckets` chooses them."""

    def __call__(self, samples: Sequence[LabelledPicture]) -> PictureBatch:
        """N samples of ``(H, W)`` to ``[N, 1, H, W]``.

        Raises:
            DataError: if sizes differ, there is none, or one is no grey picture.
        """
        _check(samples)
        sizes = sorted({picture.shape for picture, _ in samples})
        if len(sizes) > 1:
            raise DataError(
                f"pictures of {len(sizes)} sizes, {sizes[0]} and {sizes[1]} among them, in a batch for equal "
                f"sizes: draw it with SizeBuckets, or use Padding or Resizing"
            )
        return _stacked(samples)


@dataclass(frozen=True)
class Resizing:
    """All pictures stretched to one size, whatever their aspect.

    Attributes:
        height: of all, pixels.
        width: of all, pixels.
    """

    height: int
    width: int

    def __post_init__(self) -> None:
        if self.height < 1 or self.width < 1:
            raise DataError(f"pictures cannot be resized to {self.height}×{self.width}: 1×1 is the least")

    def __call__(self, samples: Sequence[LabelledPicture]) -> PictureBatch:
        """N samples to ``[N, 1, height, width]``.

        Raises:
            DataError: if there is none, or one is no grey picture.
        """
        _check(samples)
        resized = np.empty((len(samples), 1, self.height, self.width), np.uint8)
        for i, (picture, _) in enumerate(samples):
            # Shrinking averages what falls into a pixel; picking single ones would alias thin strokes.
            smaller = picture.shape[0] > self.height and picture.shape[1] > self.width
            how = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
            resized[i, 0] = cv2.resize(picture, (self.width, self.height), interpolation=how)
        return PictureBatch(_scaled(resized), None, _labels(samples))


class SizeBuckets(Sampler[list[int]]):
    """Batches of pictures of equal size, in an order that mixes sizes.

    Every picture is drawn once an epoch; the last batch of a size is as small as it comes out. An
    epoch's batches depend on the seed and the epoch alone.

    Args:
        sizes: height and width of each picture, pixels.
        batch_size: pictures in a batch, at most.
        grain: sizes count as equal when they are so after rounding up to multiples of this. Above 1
            the sizes in a batch still differ a little: such batches are for :class:`Padding`.
        seed: of the order.

    Raises:
        DataError: if there are no sizes, or batch size or grain is below 1.
    """

    def __init__(
        self, sizes: Sequence[tuple[int, int]], batch_size: int, *, grain: int = 1, seed: int = 0
    ) -> None:
        if not len(sizes):
            raise DataError("there are no pictures to draw batches from")
        if batch_size < 1 or grain < 1:
            raise DataError(f"batch size {batch_size} and grain {grain}: both must be 1 at least")
        self.batch_size = batch_size
        self.seed = seed
        self._epoch = 0
        buckets: dict[tuple[int, int], list[int]] = defaultdict(list)
        for i, (height, width) in enumerate(sizes):
            buckets[-(-height // grain), -(-width // grain)].append(i)
        self._buckets = [np.array(buckets[size], np.int64) for size in sorted(buckets)]

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch, counted from 0, whose batches come next, as torch's samplers do."""
        self._epoch = epoch

    def __len__(self) -> int:
        """Batches in an epoch."""
        return sum(-(-len(bucket) // self.batch_size) for bucket in self._buckets)

    def __iter__(self) -> Iterator[list[int]]:
        rng = np.random.default_rng((self.seed, self._epoch))
        batches: list[NDArray[np.int64]] = []
        for bucket in self._buckets:
            mixed = rng.permutation(bucket)
            batches += [mixed[i : i + self.batch_size] for i in range(0, len(mixed), self.batch_size)]
        for i in rng.permutation(len(batches)):
            yield batches[i].tolist()


def _check(samples: Sequence[LabelledPicture]) -> None:
    if not samples:
        raise DataError("a batch needs at least one picture")
    for i, (picture, _) in enumerate(samples):
        if picture.ndim != 2 or picture.dtype != np.uint8 or 0 in picture.shape:
            raise DataError(
                f"picture {i} of the batch is {picture.dtype} {picture.shape}: "
                f"grey uint8 (height, width) is expected"
            )


def _stacked(samples: Sequence[LabelledPicture]) -> PictureBatch:
    pictures = np.stack([picture for picture, _ in samples])[:, None]
    return PictureBatch(_scaled(pictures), None, _labels(samples))


def _scaled(pictures: NDArray[np.uint8]) -> Tensor:
    """0..255 to float32 0..1."""
    return torch.from_numpy(pictures).float() / 255


def _labels(samples: Sequence[LabelledPicture]) -> Tensor:
    return torch.tensor([label for _, label in samples], dtype=torch.int64)
