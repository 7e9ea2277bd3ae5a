"""Batches of rendered pictures, reproducible per step."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from plate_ocr.files import write_whole
from plate_ocr.rendering.shards import Rendered
from plate_ocr.training.core.device import ALONE, ProcessGroup
from plate_ocr.training.rendered.config import steps_per_shard

PARTS = 32
"""Number of parts that a shard is rendered in: limits the memory of the rendering processes."""

SHIFT = (3, 6)
"""Maximum vertical and horizontal shift, pixels."""

CPU = torch.device("cpu")

AnyShard = TypeVar("AnyShard", bound=Rendered)


class Shards(Generic[AnyShard]):
    """Shards by number: rendered ahead and kept as files while they are needed.

    Each process of one training on a machine renders its own part of them and waits for the files
    of the others.

    Args:
        render: renders a shard from the index of its first picture and their count; run in workers.
        shard_type: of the shards.
        size: pictures in a shard.
        folder: of the files.
        executor: runs ``render``.
        last: number of the last shard.
        processes: of this training on this machine.
        ahead: number of shards rendered ahead.
    """

    def __init__(
        self,
        render: Callable[[int, int], AnyShard],
        shard_type: type[AnyShard],
        size: int,
        folder: Path,
        executor: Executor,
        last: int,
        processes: ProcessGroup = ALONE,
        ahead: int = 2,
    ) -> None:
        self._render, self._shard_type, self.size = render, shard_type, size
        self._folder, self._executor = folder, executor
        self._last, self._ahead, self._processes = last, ahead, processes
        self._waiting: dict[int, list[Future[AnyShard]]] = {}

    def get(self, number: int) -> AnyShard:
        """A shard; files of earlier ones are deleted.

        Raises:
            OutputError: if its file cannot be written.
        """
        # Every process has these in memory: none is more than a step ahead of another.
        for path in self._folder.glob("*.npz"):
            if path.stem.isdecimal() and int(path.stem) < number:
                path.unlink(missing_ok=True)
        for i in range(number, min(number + self._ahead * self._processes.count, self._last) + 1):
            if self._is_mine(i) and i not in self._waiting and not self._path(i).exists():
                self._waiting[i] = self._begun(i)
        path = self._path(number)
        while number not in self._waiting:
            try:
                return self._shard_type.load(path)
            except (OSError, ValueError, KeyError):
                if self._is_mine(number):
                    path.unlink(missing_ok=True)
                    return self.get(number)
                time.sleep(0.02)
        shard = self._shard_type.joined([part.result() for part in self._waiting.pop(number)])
        write_whole(path, shard.to_bytes())
        return shard

    def _begun(self, number: int) -> list[Future[AnyShard]]:
        """Start rendering the parts of a shard."""
        first, part = number * self.size, -(-self.size // PARTS)
        return [
            self._executor.submit(self._render, first + i, min(part, self.size - i))
            for i in range(0, self.size, part)
        ]

    def _is_mine(self, number: int) -> bool:
        return number % self._processes.count == self._processes.rank

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:06}.npz"


class SameShard(Shards[AnyShard]):
    """One shard in memory, whatever its number."""

    def __init__(self, shard: AnyShard) -> None:
        self._shard, self.size = shard, len(shard.images)

    def get(self, number: int) -> AnyShard:
        """The shard."""
        return self._shard


@dataclass(frozen=True)
class ShardBatches(ABC, Generic[AnyShard]):
    """The batches of a training from a step on; the batch of a step depends on the step alone.

    Attributes:
        shards: the pictures; each shard is used ``repeats`` times before the next.
        seed: random seed.
        batch_size: pictures in a batch.
        repeats: passes over each shard.
        device: of the batches.
    """

    shards: Shards[AnyShard]
    seed: int
    batch_size: int
    repeats: int
    device: torch.device = field(default=CPU, kw_only=True)

    @abstractmethod
    def targets(self, shard: AnyShard, rows: NDArray[np.int64], pictures: Tensor, points: Tensor) -> Tensor:
        """Targets of these rows of a shard, given their augmented pictures and points."""

    def augmented(self, pictures: Tensor, points: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """Augmented pictures and points, see :func:`augment_batch`."""
        return augment_batch(pictures, points, random)

    @property
    def steps_per_shard(self) -> int:
        """Optimiser steps with one shard."""
        return steps_per_shard(self.repeats, self.shards.size, self.batch_size)

    def __call__(self, step: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Pictures float32 ``[batch, 1, height, width]`` and their :meth:`targets`."""
        while True:
            number, within = divmod(step, self.steps_per_shard)
            shard = self.shards.get(number)
            for i in range(within, self.steps_per_shard):
                turn, place = divmod(i, self.shards.size // self.batch_size)
                order = np.random.default_rng((self.seed, number, turn)).permutation(self.shards.size)
                rows = order[place * self.batch_size : (place + 1) * self.batch_size]
                random = torch.Generator(self.device).manual_seed(self.seed * 2**32 + step)
                pictures = torch.from_numpy(shard.images[rows]).to(self.device)[:, None].float() / 255
                points = torch.from_numpy(shard.points[rows]).to(self.device)
                pictures, points = self.augmented(pictures, points, random)
                yield pictures, self.targets(shard, rows, pictures, points)
                step += 1


def augment_batch(pictures: Tensor, points: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Cheap augmentation for repeated use of a picture: shift, contrast, brightness, noise, inversion.

    Args:
        pictures: float32 ``[batch, 1, height, width]``, 0..1.
        points: float32 ``[batch, points, 2]``: places in the pictures, parts of their width and height.
        random: random generator, on the pictures' device.

    Returns:
        Pictures of the same shape and range, and the moved points.
    """
    count, height, width = len(pictures), *pictures.shape[2:]
    device = pictures.device

    def between(low: float, high: float) -> Tensor:
        return torch.rand(count, 1, 1, 1, generator=random, device=device) * (high - low) + low

    y, x = (int(torch.randint(0, 2 * high + 1, (), generator=random, device=device)) for high in SHIFT)
    padded = F.pad(pictures, (SHIFT[1], SHIFT[1], SHIFT[0], SHIFT[0]), mode="replicate")
    pictures = padded[:, :, y : y + height, x : x + width]
    points = points + points.new_tensor([(SHIFT[1] - x) / width, (SHIFT[0] - y) / height])
    pictures = (pictures - 0.5) * between(0.7, 1.25) + 0.5 + between(-0.12, 0.12)
    noise = torch.randn(pictures.shape, generator=random, device=device) * between(0, 0.04)
    pictures = pictures + noise * (between(0, 1) < 0.5)
    return torch.where(between(0, 1) < 0.08, 1 - pictures, pictures).clamp(0, 1), points
