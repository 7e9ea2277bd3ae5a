"""Batches of rendered and of real plates, and targets for the plate network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from plate_ocr.alphabet import LONGEST, Alphabet
from plate_ocr.errors import DataError
from plate_ocr.rendering.shards import Shard
from plate_ocr.training.plates.dataset import RealPlate
from plate_ocr.training.plates.distort import distorted
from plate_ocr.training.rendered.data import ShardBatches, augment_batch
from plate_ocr.vision.geometry import CORNERS

NO_REGION = -1
"""Index of a region that the network does not tell apart."""


@dataclass(frozen=True)
class PlateBatches(ShardBatches[Shard]):
    """Batches of plates, with targets as of :class:`PlateTargets`.

    Attributes:
        alphabet: the classes.
        regions: codes of those that the network tells apart.
    """

    alphabet: Alphabet
    regions: tuple[str, ...] = ()

    def targets(self, shard: Shard, rows: NDArray[np.int64], pictures: Tensor, points: Tensor) -> Tensor:
        """Texts, regions and corners of the plates."""
        classes = encode_texts([self.alphabet.spell(shard.texts[row]) for row in rows], self.alphabet)
        regions = encode_regions([shard.regions[row] for row in rows], self.regions)
        return packed_targets(classes, points, regions, rendered=True)


@dataclass(frozen=True)
class MixedBatches:
    """Batches of rendered plates, followed by distorted real ones; the batch of a step depends on it alone.

    Attributes:
        rendered: the first plates of each batch.
        plates: the real ones; each text is as likely as any other.
        count: real plates in a batch.
    """

    rendered: PlateBatches
    plates: Sequence[RealPlate]
    count: int

    def __call__(self, step: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Pictures float32 ``[batch, 1, height, width]`` and their targets, as of :class:`PlateTargets`."""
        by_text: dict[str, list[RealPlate]] = {}
        for plate in self.plates:
            by_text.setdefault(plate.label.text, []).append(plate)
        texts = sorted(by_text)
        for pictures, targets in self.rendered(step):
            rng = np.random.default_rng((self.rendered.seed, 1, step))
            drawn = [by_text[texts[i]] for i in rng.integers(len(texts), size=self.count)]
            chosen = [same[rng.integers(len(same))] for same in drawn]
            height, width = pictures.shape[2:]
            views, corners = zip(*(distorted(plate, rng, height, width) for plate in chosen), strict=True)
            random = torch.Generator().manual_seed(int(rng.integers(2**62)))
            real = torch.from_numpy(np.stack(views))[:, None].float() / 255
            real, points = augment_batch(real, torch.from_numpy(np.stack(corners)), random)
            classes = encode_texts([plate.label.text for plate in chosen], self.rendered.alphabet)
            regions = encode_regions([plate.label.region for plate in chosen], self.rendered.regions)
            packed = packed_targets(classes, points, regions, rendered=False)
            device = pictures.device
            yield torch.cat([pictures, real.to(device)]), torch.cat([targets, packed.to(device)])
            step += 1


@dataclass(frozen=True)
class PlateTargets:
    """Targets of a batch of plates.

    Attributes:
        classes: int64 ``[batch, LONGEST]``: of the text from 1, padded with 0, the blank.
        points: float32 ``[batch, 8, 2]``, as of :class:`Shard`.
        regions: int64 ``[batch]``: index of the region; :data:`NO_REGION` if the network does not know it.
        rendered: bool ``[batch]``: whether the plate is rendered.
    """

    classes: Tensor
    points: Tensor
    regions: Tensor
    rendered: Tensor

    @property
    def lengths(self) -> Tensor:
        """Numbers of characters, int64 ``[batch]``."""
        return (self.classes > 0).sum(1)

    def packed(self) -> Tensor:
        """All in one tensor, as the trainer passes them on: float32 ``[batch, LONGEST + 16 + 2]``."""
        last = torch.stack([self.regions, self.rendered], 1).to(self.points)
        return torch.cat([self.classes.to(self.points), self.points.flatten(1), last], 1)

    @classmethod
    def of(cls, packed: Tensor) -> PlateTargets:
        """The inverse of :meth:`packed`."""
        points = packed[:, LONGEST:-2].reshape(-1, 2 * CORNERS, 2)
        return cls(packed[:, :LONGEST].long(), points, packed[:, -2].long(), packed[:, -1].bool())


def packed_targets(
    classes: NDArray[np.int64], points: Tensor, regions: NDArray[np.int64], *, rendered: bool
) -> Tensor:
    """:meth:`PlateTargets.packed` of plates that are all rendered, or all real."""
    kind = torch.full((len(classes),), rendered)
    return PlateTargets(torch.from_numpy(classes), points, torch.from_numpy(regions), kind).packed()


def encode_regions(codes: Sequence[str], regions: Sequence[str]) -> NDArray[np.int64]:
    """Indices of regions, int64 ``(N,)``; :data:`NO_REGION` where a code is none of them."""
    index = {code: i for i, code in enumerate(regions)}
    return np.array([index.get(code, NO_REGION) for code in codes], np.int64)


def encode_texts(texts: Sequence[str], alphabet: Alphabet) -> NDArray[np.int64]:
    """Encode texts for the CTC loss.

    Returns:
        int64 ``(N, LONGEST)``: classes from 1, padded with 0, the blank.

    Raises:
        AlphabetError: if a character is not in the alphabet.
        DataError: if a text is too long.
    """
    rows = np.zeros((len(texts), LONGEST), np.int64)
    for row, text in zip(rows, texts, strict=True):
        if len(text) > LONGEST:
            raise DataError(f"the plate {text!r} has more than {LONGEST} characters")
        row[: len(text)] = alphabet.encode(text) + 1
    return rows
