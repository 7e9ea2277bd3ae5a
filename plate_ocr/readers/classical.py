"""The classical way to read: white-pixel ratios and a BP network, character by character."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray

from plate_ocr.errors import ImageError
from plate_ocr.formats import PlateFormat
from plate_ocr.model.sessions import CharModel
from plate_ocr.readers.results import ALTERNATIVES, CharReading, Plate, plate_of, whole_picture
from plate_ocr.region_files.table import Region, formats_for
from plate_ocr.vision.binarize import otsu
from plate_ocr.vision.images import Image, ImageSource, read_image, to_gray
from plate_ocr.vision.lines import Line, Segments, best_path, propose_segments, straighten
from plate_ocr.vision.preprocessing import Candidates, CharStack, candidates, row_vectors, stack_characters

LEAST = 1e-6
"""No piece of a plate is taken for less likely than this: one bad character must not veto a reading."""


class CharClassifier:
    """Reads pictures of single characters.

    Args:
        model: ``"digits"``, ``"chars"``, an ``.onnx`` file, the folder of a training run, or a loaded model.
        threads: processor cores for the network; by default as many as the process may use.
        min_confidence: below it the answer is "unknown"; by default the model's own bound.

    Raises:
        ModelError: if there is no such model or it cannot be used.

    Safe to call from several threads.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | CharModel = "chars",
        *,
        threads: int | None = None,
        min_confidence: float | None = None,
    ) -> None:
        self.model = model if isinstance(model, CharModel) else CharModel(model, threads=threads)
        self.min_confidence = self.model.card.min_confidence if min_confidence is None else min_confidence

    @property
    def alphabet(self) -> str:
        """The characters it tells apart, in the order of the scores."""
        return self.model.card.alphabet.characters

    @overload
    def __call__(self, image: list[ImageSource], /) -> list[CharReading]: ...
    @overload
    def __call__(self, image: ImageSource, /) -> CharReading: ...
    def __call__(self, image: ImageSource | list[ImageSource], /) -> CharReading | list[CharReading]:
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
        if isinstance(image, list):
            return self.classify([to_gray(read_image(one)) for one in image])
        return self.classify([to_gray(read_image(image))])[0]

    def read(self, pictures: Sequence[Image]) -> list[tuple[Plate, ...]]:
        """Read grey pictures of one character each, uint8 ``(H, W)``, as plates of one, or none."""
        return [
            (plate_of((reading,), whole_picture(gray.shape[1], gray.shape[0])),)
            if reading.scores.any()
            else ()
            for gray, reading in zip(pictures, self.classify(pictures), strict=True)
        ]

    def classify(self, pictures: Sequence[Image] | NDArray[np.uint8]) -> list[CharReading]:
        """Read grey pictures: uint8 ``(H, W)`` each, or an array ``(N, H, W)``."""
        stack = stack_characters(pictures, self.model.card.preprocessing)
        scores, _ = self.scores(stack)
        return [self.reading(row) for row in scores]

    def scores(self, stack: CharStack) -> tuple[NDArray[np.float32], Candidates]:
        """Probabilities of each class, by the candidate of which the network is surest.

        Returns:
            float32 ``(N, classes)``, all 0 for blank pictures, and the candidates looked at.
        """
        tried = candidates(stack, self.model.card.preprocessing)
        probabilities = self.model.probabilities(tried.ratios)
        return best_of_candidates(probabilities, tried, len(stack)), tried

    def reading(self, scores: NDArray[np.float32]) -> CharReading:
        """What probabilities float32 ``(classes,)`` mean."""
        order = np.argsort(-scores, kind="stable")[: ALTERNATIVES + 1]
        ranked = [(self.alphabet[i], float(scores[i])) for i in order if scores[i] > 0]
        if ranked and ranked[0][1] >= self.min_confidence:
            return CharReading(ranked[0][0], ranked[0][1], tuple(ranked[1:]), scores)
        confidence = ranked[0][1] if ranked else 0.0
        return CharReading(None, confidence, tuple(ranked[:ALTERNATIVES]), scores)


def best_of_candidates(
    probabilities: NDArray[np.float32], tried: Candidates, count: int
) -> NDArray[np.float32]:
    """The row of the surest and most plausible candidate of each picture.

    Args:
        probabilities: float32 ``(M, classes)``.
        tried: the M candidates.
        count: N pictures.

    Returns:
        float32 ``(N, classes)``; 0 where a picture has no candidate.
    """
    scores = np.zeros((count, probabilities.shape[1]), np.float32)
    if len(tried.owner):
        surest_last = np.argsort(probabilities.max(axis=1) * tried.plausible, kind="stable")
        scores[tried.owner[surest_last]] = probabilities[surest_last]
    return scores


def _batch_to_gray(batch: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if batch.dtype != np.uint8 or batch.shape[1] not in (1, 3) or 0 in batch.shape[2:]:
        raise ImageError(
            f"a batch of {batch.dtype} {batch.shape} cannot be read: "
            f"uint8 [batch, channel, height, width] with one or three channels is expected"
        )
    if batch.shape[1] == 1:
        return batch[:, 0]
    gray = np.empty((len(batch), *batch.shape[2:]), np.uint8)
    for i, picture in enumerate(batch):
        gray[i] = to_gray(np.ascontiguousarray(picture.transpose(1, 2, 0)))
    return gray


@dataclass(frozen=True)
class LineReading:
    """How a line of characters was read: what ``plate-ocr inspect`` shows.

    Attributes:
        line: the straightened line.
        segments: the pieces that were considered.
        chosen: indices of the pieces that were taken for characters.
        scores: float32 ``(len(chosen), classes)``: probabilities of the chosen ones; 0 for what the
            plate's format excludes there.
        value: log-probability of the whole reading, less the cost of unexplained ink.
    """

    line: Line
    segments: Segments
    chosen: tuple[int, ...]
    scores: NDArray[np.float32]
    value: float


class ClassicalReader:
    """Reads pictures of whole plates classically: straighten, binarise, cut, classify.

    Args:
        model: a character model, as for :class:`CharClassifier`.
        threads: processor cores for the network; by default as many as the process may use.
        min_confidence: below it a character is unknown; by default the model's own bound.
        region: a code, a file or several, whose formats plates have; by default those that the model's
            alphabet can write.

    Raises:
        ModelError: if there is no such model or it cannot be used.
        DataError: if a region is unknown or its file has a mistake.

    Safe to call from several threads.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | CharModel = "chars",
        *,
        threads: int | None = None,
        min_confidence: float | None = None,
        region: Region | Sequence[Region] | None = None,
    ) -> None:
        self.classifier = CharClassifier(model, threads=threads, min_confidence=min_confidence)
        self._formats = formats_for(self.classifier.model.card.alphabet, region)

    def read(self, pictures: Sequence[Image]) -> list[tuple[Plate, ...]]:
        """Read grey pictures of a plate each, uint8 ``(H, W)``; one that is not found is left out."""
        return [self._read(gray) for gray in pictures]

    def lines(self, gray: Image) -> list[LineReading]:
        """Every guess of where the line of characters is, read; the best first.

        Args:
            gray: uint8 ``(H, W)``: a plate, cut out with or without its surroundings.
        """
        readings = [self._read_line(line) for line in straighten(gray)]
        return sorted(readings, key=lambda reading: -reading.value)

    def _read(self, gray: Image) -> tuple[Plate, ...]:
        if (lines := self.lines(gray)) and lines[0].chosen:
            chars = tuple(self.classifier.reading(scores) for scores in lines[0].scores)
            if any(char.char for char in chars):
                return (plate_of(chars, _corners(lines[0])),)
        return ()

    def _read_line(self, line: Line) -> LineReading:
        segments = propose_segments(line.binary)
        settings = self.classifier.model.card.preprocessing
        stack = stack_characters(segments.cut(line.gray), settings)
        ratios, found = row_vectors(otsu(stack.gray), stack.aspect, settings)
        scores = self.classifier.model.probabilities(ratios) * found[:, None]
        readings = [self._read_as(form, line, segments, scores) for form in self._formats]
        return max(readings, key=lambda reading: reading.value)

    def _read_as(
        self, form: PlateFormat, line: Line, segments: Segments, scores: NDArray[np.float32]
    ) -> LineReading:
        alphabet = self.classifier.model.card.alphabet
        folded = scores.copy()
        for lacking, instead in form.alike:
            if lacking in alphabet and instead in alphabet:
                folded[:, alphabet.encode(instead)] += folded[:, alphabet.encode(lacking)]
        allowed = np.array([[char in place for char in alphabet.characters] for place in form.places])
        likeliest = np.array([(folded * mask).max(1, initial=0) for mask in allowed])
        chosen, value = best_path(
            segments, np.log(np.maximum(likeliest, LEAST)).astype(np.float64), form.shortest
        )
        taken = folded[chosen] * allowed[: len(chosen)]
        return LineReading(line, segments, tuple(chosen), taken, value + form.prior)


def _corners(reading: LineReading) -> tuple[tuple[float, float], ...]:
    """The corners of the characters' common box, on the picture."""
    left = reading.segments.cuts[reading.segments.first[reading.chosen[0]]]
    right = reading.segments.cuts[reading.segments.last[reading.chosen[-1]]]
    height = reading.line.gray.shape[0]
    box = np.array([[left, 0, 1], [right, 0, 1], [right, height, 1], [left, height, 1]])
    return tuple((float(x), float(y)) for x, y in box @ reading.line.to_plate.T)
