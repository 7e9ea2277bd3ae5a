"""What users call: pictures in, text out."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import overload

import numpy as np
from numpy.typing import NDArray

from plate_ocr.errors import ImageError
from plate_ocr.model import CharModel
from plate_ocr.vision.characters import Candidates, CharStack, candidates, stack_characters
from plate_ocr.vision.images import Image, ImageSource, read_image, to_gray

ALTERNATIVES = 3
"""How many other classes a reading names beside its own."""


@dataclass(frozen=True)
class CharReading:
    """What was read in the picture of one character.

    Attributes:
        char: the character, or None where none was recognised.
        confidence: probability of the likeliest class, 0..1; 0 for a blank picture.
        alternatives: the next likely characters with their probabilities, likeliest first.
        scores: float32 ``(classes,)``: probabilities in the alphabet's order.
    """

    char: str | None
    confidence: float
    alternatives: tuple[tuple[str, float], ...]
    scores: NDArray[np.float32] = field(repr=False, compare=False)


class CharClassifier:
    """Reads pictures of single characters.

    Args:
        model: ``"digits"``, ``"chars"``, an ``.onnx`` file or the folder of a training run.
        threads: processor cores for the network; by default as many as the process may use.
        min_confidence: below it the answer is "unknown"; by default the model's own bound.

    Raises:
        ModelError: if there is no such model or it cannot be used.

    Safe to call from several threads.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] = "chars",
        *,
        threads: int | None = None,
        min_confidence: float | None = None,
    ) -> None:
        self.model = CharModel(model, threads=threads)
        self.min_confidence = self.model.card.min_confidence if min_confidence is None else min_confidence

    @property
    def alphabet(self) -> str:
        """The characters it tells apart, in the order of the scores."""
        return self.model.card.alphabet.characters

    @overload
    def __call__(self, image: ImageSource, /) -> CharReading: ...
    @overload
    def __call__(self, image: Sequence[ImageSource], /) -> list[CharReading]: ...
    def __call__(self, image: ImageSource | Sequence[ImageSource], /) -> CharReading | list[CharReading]:
        """Read one picture or many.

        Args:
            image: anything that :func:`plate_ocr.read_image` takes; or a list of such, or an array
                ``[batch, channel, height, width]``, uint8 with one (grey) or three (BGR) channels:
                these are read in one pass.

        Returns:
            A reading; a list of them for a list or a batch.

        Raises:
            ImageError: if a picture cannot be read.
        """
        if isinstance(image, np.ndarray) and image.ndim == 4:
            return self.classify(_batch_to_gray(image))
        if isinstance(image, (list, tuple)):
            return self.classify([to_gray(read_image(one)) for one in image])
        return self.classify([to_gray(read_image(image))])[0]  # type: ignore[arg-type]

    def classify(self, pictures: Sequence[Image] | NDArray[np.uint8]) -> list[CharReading]:
        """Read grey pictures: uint8 ``(H, W)`` each, or an array ``(N, H, W)``."""
        stack = stack_characters(pictures, self.model.card.preprocessing)
        scores, _ = self.scores(stack)
        return [self._reading(row) for row in scores]

    def scores(self, stack: CharStack) -> tuple[NDArray[np.float32], Candidates]:
        """Probabilities of each class, by the candidate of which the network is surest.

        Returns:
            float32 ``(N, classes)``, all 0 for blank pictures, and the candidates looked at.
        """
        tried = candidates(stack, self.model.card.preprocessing)
        probabilities = self.model.probabilities(tried.ratios)
        return best_of_candidates(probabilities, tried.owner, len(stack)), tried

    def _reading(self, scores: NDArray[np.float32]) -> CharReading:
        order = np.argsort(-scores, kind="stable")[: ALTERNATIVES + 1]
        ranked = [(self.alphabet[i], float(scores[i])) for i in order if scores[i] > 0]
        if ranked and ranked[0][1] >= self.min_confidence:
            return CharReading(ranked[0][0], ranked[0][1], tuple(ranked[1:]), scores)
        confidence = ranked[0][1] if ranked else 0.0
        return CharReading(None, confidence, tuple(ranked[:ALTERNATIVES]), scores)


def best_of_candidates(
    probabilities: NDArray[np.float32], owner: NDArray[np.int64], count: int
) -> NDArray[np.float32]:
    """The row of the surest candidate of each picture.

    Args:
        probabilities: float32 ``(M, classes)``.
        owner: int64 ``(M,)``: the picture of each row.
        count: N pictures.

    Returns:
        float32 ``(N, classes)``; 0 where a picture has no candidate.
    """
    scores = np.zeros((count, probabilities.shape[1]), np.float32)
    surest_last = np.argsort(probabilities.max(axis=1), kind="stable") if len(owner) else owner
    scores[owner[surest_last]] = probabilities[surest_last]
    return scores


def _batch_to_gray(batch: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if batch.dtype != np.uint8 or batch.shape[1] not in (1, 3) or 0 in batch.shape[2:]:
        raise ImageError(
            f"a batch of {batch.dtype} {batch.shape} cannot be read: "
            f"uint8 [batch, channel, height, width] with one or three channels is expected"
        )
    if batch.shape[1] == 1:
        return batch[:, 0]
    return np.array([to_gray(np.ascontiguousarray(picture.transpose(1, 2, 0))) for picture in batch])
