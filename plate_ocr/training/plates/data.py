"""Batches of rendered plates, and targets for the plate network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from plate_ocr.alphabet import LONGEST, Alphabet
from plate_ocr.errors import DataError
from plate_ocr.rendering.shards import Shard
from plate_ocr.training.rendered.data import ShardBatches
from plate_ocr.vision.geometry import CORNERS


@dataclass(frozen=True)
class PlateBatches(ShardBatches[Shard]):
    """Batches of plates, with targets as of :class:`PlateTargets`.

    Attributes:
        alphabet: the classes.
    """

    alphabet: Alphabet

    def targets(self, shard: Shard, rows: NDArray[np.int64], pictures: Tensor, points: Tensor) -> Tensor:
        """Texts and corners of the plates."""
        classes = encode_texts([shard.texts[row] for row in rows], self.alphabet)
        return PlateTargets(torch.from_numpy(classes), points).packed()


@dataclass(frozen=True)
class PlateTargets:
    """Targets of a batch of plates.

    Attributes:
        classes: int64 ``[batch, LONGEST]``: of the text from 1, padded with 0, the blank.
        points: float32 ``[batch, 8, 2]``, as of :class:`Shard`.
    """

    classes: Tensor
    points: Tensor

    def packed(self) -> Tensor:
        """Both in one tensor, as the trainer passes them on: float32 ``[batch, LONGEST + 16]``."""
        return torch.cat([self.classes.float(), self.points.flatten(1)], 1)

    @classmethod
    def of(cls, packed: Tensor) -> PlateTargets:
        """The inverse of :meth:`packed`."""
        return cls(packed[:, :LONGEST].long(), packed[:, LONGEST:].reshape(-1, 2 * CORNERS, 2))


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
