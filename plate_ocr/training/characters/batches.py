"""Batches of row vectors, the same for a step every time."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from plate_ocr.training.characters.augment import Augmentation, augment, make_negatives
from plate_ocr.training.core.processes import spawned
from plate_ocr.training.core.schedule import TrainSchedule
from plate_ocr.vision.binarize import otsu_threshold
from plate_ocr.vision.preprocessing import CharStack, row_vectors
from plate_ocr.vision.settings import Preprocessing

BLOCK = 2048
"""Rows made at once, at least."""

POOL = 32768
"""Rows among which those of a batch are chosen, where each is learnt from several times. In smaller pools
a network gets used to them: with 2,048 or 8,192 it learns less from as many (docs/lab-notes.md)."""

AHEAD = 2 * POOL // BLOCK
"""How often as many rows worker processes make ahead."""

Rows: TypeAlias = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Row vectors ``(M, values)`` and targets ``(M, classes)``."""


@dataclass(frozen=True)
class SampleBlock:
    """Draws of many steps at once.

    Attributes:
        first: the step it begins with.
        sizes: samples in the batch of each step.
        distinct: int64 ``(M,)``: the samples drawn, each to be distorted once.
        order: int64 ``(sum(sizes),)``: which of ``distinct`` the batches hold.
    """

    first: int
    sizes: list[int]
    distinct: NDArray[np.int64]
    order: NDArray[np.int64]

    @property
    def parts(self) -> list[NDArray[np.int64]]:
        """``distinct`` in parts that fit a processor's cache when they are distorted."""
        return np.array_split(self.distinct, max(1, len(self.distinct) // BLOCK))

    def batches(self, start: int) -> Iterator[NDArray[np.int64]]:
        """The ``order`` of each batch from a step on."""
        parts = np.split(self.order, np.cumsum(self.sizes)[:-1])
        yield from parts[max(0, start - self.first) :]


@dataclass(frozen=True)
class WeightedStepSampler:
    """Which samples the batch of each step holds: drawn with weights, the same for a step each time.

    Attributes:
        weights: float64 ``(N,)``: how often each sample is drawn.
        schedule: sizes of the batches, and how many of the samples take part.
        order: int64 ``(N,)``: in which order samples begin to take part.
        seed: a step's draw depends on it and the step alone.
        repeats: how often what was drawn is learnt from, before anything else is drawn.
    """

    weights: NDArray[np.float64]
    schedule: TrainSchedule
    order: NDArray[np.int64]
    seed: int
    repeats: int = 1

    def blocks(self, start: int) -> Iterator[SampleBlock]:
        """The blocks from that one on which holds the step ``start``."""
        reach = np.cumsum(self.weights[self.order])
        min_count = BLOCK if self.repeats == 1 else POOL * self.repeats
        first, sizes = 0, list[int]()
        for step in range(self.schedule.steps):
            sizes.append(self.schedule.batch_size_at(step))
            if sum(sizes) < min_count and step < self.schedule.steps - 1:
                continue
            if step >= start:
                rng = np.random.default_rng((self.seed, first))
                shares = np.array([self.schedule.data_fraction_at(first + i) for i in range(len(sizes))])
                limit = np.repeat(reach[np.ceil(shares * len(reach)).astype(np.int64) - 1], sizes)
                limit = limit[:: self.repeats]
                drawn = rng.random(len(limit)) * limit
                place = np.minimum(np.searchsorted(reach, drawn, side="right"), len(reach) - 1)
                order = np.arange(len(limit))
                if self.repeats > 1:
                    order = np.concatenate([rng.permutation(order) for _ in range(self.repeats)])
                yield SampleBlock(first, sizes, self.order[place], order[: sum(sizes)])
            first, sizes = step + 1, []

    def at(self, step: int) -> NDArray[np.int64]:
        """The samples of one step."""
        block = next(self.blocks(step))
        return block.distinct[next(block.batches(step))]


@dataclass(frozen=True)
class RowBatches:
    """Batches of row vectors that were computed before.

    Attributes:
        ratios: float32 ``[N, values]``.
        target: float32 ``[N, classes]``.
        draws: which rows each batch holds.
    """

    ratios: Tensor
    target: Tensor
    draws: WeightedStepSampler

    def __call__(self, start: int) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches from a step on: float32 ``[batch, values]`` and ``[batch, classes]``."""
        for block in self.draws.blocks(start):
            for order in block.batches(start):
                rows = torch.from_numpy(block.distinct[order])
                yield self.ratios[rows], self.target[rows]


@dataclass(frozen=True)
class CharBatches:
    """Batches of row vectors and targets, every picture distorted each time it is drawn.

    Attributes:
        stack: N pictures with bright glyphs.
        labels: int64 ``(N,)``.
        classes: length of the target rows.
        settings: the model's preprocessing.
        augmentation: how strongly pictures are changed.
        draws: which pictures each batch holds.
        device: where the pictures are changed.
        executor: worker processes that make the rows, see :meth:`made_by`; None: this process does.
    """

    stack: CharStack
    labels: NDArray[np.int64]
    classes: int
    settings: Preprocessing
    augmentation: Augmentation
    draws: WeightedStepSampler
    device: torch.device
    executor: Executor | None = None

    def __call__(self, start: int) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches from a step on: float32 ``[batch, values]`` and ``[batch, classes]``."""
        made = self._made(start)
        for block in self.draws.blocks(start):
            parts = zip(*(next(made) for _ in block.parts), strict=True)
            ratios, target = (torch.from_numpy(np.concatenate(part)) for part in parts)
            for order in block.batches(start):
                rows = torch.from_numpy(order)
                yield ratios[rows], target[rows]

    @contextmanager
    def made_by(self, count: int) -> Iterator[CharBatches]:
        """The same batches to the bit, made by so many processes beside this one; 0: by this one."""
        if not count:
            yield self
            return
        with spawned(count, _hold, self) as executor:
            yield replace(self, executor=executor)

    def _made(self, start: int) -> Iterator[Rows]:
        """The rows of all parts of the blocks from a step on."""
        tasks = (
            (block.first, number, part)
            for block in self.draws.blocks(start)
            for number, part in enumerate(block.parts)
        )
        if self.executor is None:
            yield from itertools.starmap(self.rows, tasks)
            return
        waiting = deque[Future[Rows]]()
        for task in tasks:
            waiting.append(self.executor.submit(_rows, *task))
            if len(waiting) > AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

    def rows(self, first: int, part: int, index: NDArray[np.int64]) -> Rows:
        """The rows of a part of a block of draws.

        Args:
            first: the step that the block begins with.
            part: number of the part.
            index: int64 ``(M,)``: the pictures drawn.

        Returns:
            float32 ``(M, values)`` and ``(M, classes)``.
        """
        count = len(index)
        rng = np.random.default_rng((self.draws.seed, first, 1 + part))
        generator = torch.Generator(self.device).manual_seed(int(rng.integers(2**62)))
        augmentation = self.augmentation.at(first / self.draws.schedule.steps)
        pictures = torch.from_numpy(self.stack.gray[index]).to(self.device)[:, None].float() / 255
        changed, wider = augment(pictures, augmentation, generator)
        nothing = rng.random(count) < augmentation.negatives
        if nothing.any():
            some = torch.from_numpy(np.flatnonzero(nothing)).to(self.device)
            changed[some] = make_negatives(changed[some], generator)
        gray = (changed[:, 0].clamp(0, 1) * 255).byte().cpu().numpy()
        shift = rng.uniform(-1, 1, count) * augmentation.threshold * 255
        threshold = np.clip(otsu_threshold(gray) + shift, 8, 247)
        binary = (gray > threshold[:, None, None]).astype(np.uint8) * np.uint8(255)
        # The wrong polarity is no character either.
        inverted = rng.random(count) < augmentation.inverted
        binary[inverted] = 255 - binary[inverted]
        nothing |= inverted

        aspect = self.stack.aspect[index] * wider.cpu().numpy()
        ratios, found = row_vectors(binary, aspect, self.settings)
        target = np.eye(self.classes, dtype=np.float32)[self.labels[index]]
        target[nothing | ~found] = 1 / self.classes
        return ratios, target


_held: CharBatches | None = None


def _hold(batches: CharBatches) -> None:
    global _held  # noqa: PLW0603 - what all tasks of a worker process share
    torch.set_num_threads(1)
    _held = batches


def _rows(first: int, part: int, index: NDArray[np.int64]) -> Rows:
    assert _held
    return _held.rows(first, part, index)


def class_balance(labels: NDArray[np.int64], min_count: int = 20) -> NDArray[np.float64]:
    """Drawing weights that temper the imbalance of classes: 1/√n a picture, n at least ``min_count``.

    Returns:
        float64 ``(N,)``, adding up to 1.
    """
    weights = 1 / np.sqrt(np.maximum(np.bincount(labels), min_count))[labels]
    return np.asarray(weights / weights.sum())
