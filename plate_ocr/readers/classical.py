"""The classical reader: white-pixel ratios and a BP network, character by character."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from plate_ocr.formats import PlateFormat
from plate_ocr.model.providers import Providers
from plate_ocr.model.sessions import CharModel
from plate_ocr.readers.base import Reader, check_confidence
from plate_ocr.readers.lazy import ready
from plate_ocr.readers.results import ALTERNATIVES, CharReading, Plate, plate_of, whole_picture
from plate_ocr.readers.spacing import find_group_starts
from plate_ocr.readers.trace import CharAttempts, LineReading, current_trace
from plate_ocr.region_files.table import Region, formats_for
from plate_ocr.vision.binarize import otsu
from plate_ocr.vision.images import Image, ImageSource
from plate_ocr.vision.lines import MARGIN, Line, Segments, best_path, propose_segments, straighten
from plate_ocr.vision.preprocessing import (
    Candidates,
    CharStack,
    find_candidates,
    row_vectors,
    stack_characters,
)

BATCH = 256
"""Batch size, in pictures of characters."""

MIN_PROBABILITY = 1e-6
"""Lower bound of a segment's probability: one bad character must not rule out a reading."""


class CharClassifier(Reader[CharReading]):
    """Reads pictures of single characters.

    Use it as a context manager to close it; unpickling opens the model's file again.

    Args:
        model: ``"digits"``, ``"chars"``, an ``.onnx`` file, the folder of a training run, or a loaded model,
            with its own ``threads`` and ``providers``.
        threads: processor cores for the network, 1 to 1024; by default as many as the process may use.
        min_confidence: below it a character is unknown, 0..1; by default the model's own bound.
        providers: execution providers, as in :class:`~plate_ocr.PlateReader`.

    Attributes:
        model: the loaded model.
        min_confidence: below it a character is unknown.

    Raises:
        ModelError: if there is no such model or it cannot be used.
        DeviceError: if a provider is not available or does not start.
        ValueError: if a setting is out of its range.

    Safe to call from several threads.
    """

    model: CharModel

    def __init__(
        self,
        model: str | os.PathLike[str] | CharModel = "chars",
        *,
        threads: int | None = None,
        min_confidence: float | None = None,
        providers: Providers = None,
    ) -> None:
        check_confidence("min_confidence", min_confidence)
        if not isinstance(model, CharModel):
            model = CharModel(model, threads=threads, providers=providers)
        super().__init__(model, BATCH, min_confidence=min_confidence)
        self.min_confidence = self.model.card.min_confidence if min_confidence is None else min_confidence

    def _results(self, pictures: Sequence[Image], started: float) -> list[CharReading]:
        return self.classify(pictures)

    def read(self, pictures: Sequence[Image]) -> list[tuple[Plate, ...]]:
        """Read grey pictures of one character each, uint8 ``(H, W)``, as plates of one character, or none."""
        return [
            (
                plate_of(
                    (replace(reading, extent=ready((0.0, 1.0))),), whole_picture(*gray.shape[::-1]), cuts=()
                ),
            )
            if reading.scores.any()
            else ()
            for gray, reading in zip(pictures, self.classify(pictures), strict=True)
        ]

    def classify(self, pictures: Sequence[Image] | NDArray[np.uint8]) -> list[CharReading]:
        """Read grey pictures: uint8 ``(H, W)`` each, or an array ``(N, H, W)``."""
        stack = stack_characters(pictures, self.model.card.preprocessing)
        scores, _ = self.scores(stack)
        return [self.reading(row) for row in scores]

    def ratios(self, image: ImageSource) -> NDArray[np.float32]:
        """The white-pixel ratios that one picture is read by: glyph white, framed, its polarity chosen.

        ``softmax(logits / card.temperature)`` of what the network gives for them are the reading's scores.

        Args:
            image: as :func:`plate_ocr.read_image` takes it.

        Returns:
            float32 ``(values,)``, 0..1, the windows in reading order; all 0 for a blank picture.

        Raises:
            ImageError: if it cannot be read.
        """
        settings = self.model.card.preprocessing
        candidates = find_candidates(stack_characters([self._decode(image)], settings), settings)
        probabilities = self.model.probabilities(candidates.ratios)
        return best_of_candidates(candidates.ratios, probabilities, candidates, 1).ravel()

    def scores(self, stack: CharStack) -> tuple[NDArray[np.float32], Candidates]:
        """Probabilities of each class, of the candidate with the highest confidence.

        Returns:
            float32 ``(N, classes)``, all 0 for blank pictures, and the candidates.
        """
        candidates = find_candidates(stack, self.model.card.preprocessing)
        probabilities = self.model.probabilities(candidates.ratios)
        scores = best_of_candidates(probabilities, probabilities, candidates, len(stack))
        if (trace := current_trace()) and len(stack) == 1:
            trace.card = self.model.card
            trace.char = CharAttempts(stack, candidates, probabilities, scores[0])
        return scores, candidates

    def reading(self, scores: NDArray[np.float32]) -> CharReading:
        """The reading of probabilities float32 ``(classes,)``."""
        order = np.argsort(-scores, kind="stable")[: ALTERNATIVES + 1]
        ranked = [(self.alphabet[i], float(scores[i])) for i in order if scores[i] > 0]
        if ranked and ranked[0][1] >= self.min_confidence:
            return CharReading(ranked[0][0], ranked[0][1], tuple(ranked[1:]), scores)
        confidence = ranked[0][1] if ranked else 0.0
        return CharReading(None, confidence, tuple(ranked[:ALTERNATIVES]), scores)


def best_of_candidates(
    rows: NDArray[np.float32], probabilities: NDArray[np.float32], candidates: Candidates, count: int
) -> NDArray[np.float32]:
    """The row of the most confident and plausible candidate of each picture.

    Args:
        rows: float32 ``(M, values)``, one a candidate.
        probabilities: float32 ``(M, classes)``.
        candidates: the M candidates.
        count: N pictures.

    Returns:
        float32 ``(N, values)``; 0 if a picture has no candidate.
    """
    best = np.zeros((count, rows.shape[1]), np.float32)
    if len(candidates.owner):
        best_last = np.argsort(probabilities.max(axis=1) * candidates.plausible, kind="stable")
        best[candidates.owner[best_last]] = rows[best_last]
    return best


class ClassicalReader:
    """Reads whole plates by straightening, binarising, segmenting and classifying characters.

    Args:
        model: a character model, as for :class:`CharClassifier`.
        threads: processor cores for the network; by default as many as the process may use.
        min_confidence: below it a character is unknown; by default the model's own bound.
        region: a code, a file or several, for the formats of plates; by default those that the model's
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
        """Read grey pictures of one plate each, uint8 ``(H, W)``; empty if no plate was read."""
        return [self._read(gray) for gray in pictures]

    def lines(self, gray: Image) -> list[LineReading]:
        """Read every guess of the line of characters; one reading per text, the likeliest first.

        Args:
            gray: uint8 ``(H, W)``: a crop of a plate, tight or loose.
        """
        by_text = defaultdict[tuple[int, ...], list[LineReading]](list)
        for line in straighten(gray):
            reading = self._read_line(line)
            by_text[tuple(reading.scores.argmax(1).tolist())].append(reading)
        readings = [_summed(same) for same in by_text.values()]
        return sorted(readings, key=lambda reading: -reading.value)

    def _read(self, gray: Image) -> tuple[Plate, ...]:
        lines = self.lines(gray)
        if trace := current_trace():
            trace.card, trace.lines = self.classifier.model.card, lines
        if lines and lines[0].chosen:
            chars = tuple(self.classifier.reading(scores) for scores in lines[0].scores)
            if any(char.char for char in chars):
                ends, cuts = self._spaces(lines[0])
                chars = tuple(
                    replace(char, extent=ready(extent)) for char, extent in zip(chars, ends, strict=True)
                )
                return (plate_of(chars, _corners(lines[0]), cuts=cuts),)
        return ()

    def _spaces(self, reading: LineReading) -> tuple[list[tuple[float, float]], list[int] | None]:
        """The characters' ends along their common box, 0..1, and the starts of groups."""
        ends = (reading.ends - reading.ends[0, 0]) / (reading.ends[-1, 1] - reading.ends[0, 0])
        box = slice(MARGIN, -MARGIN), slice(int(reading.ends[0, 0]), int(reading.ends[-1, 1]))
        text = self.classifier.model.card.alphabet.decode(reading.scores.argmax(axis=1))
        cuts = find_group_starts(reading.line.binary[box], text, ends.mean(axis=1))
        return [(float(x0), float(x1)) for x0, x1 in ends], cuts

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
            segments, np.log(np.maximum(likeliest, MIN_PROBABILITY)).astype(np.float64), form.shortest
        )
        taken = folded[chosen] * allowed[: len(chosen)]
        return LineReading(line, segments, tuple(chosen), taken, value + form.prior)


def _summed(same: Sequence[LineReading]) -> LineReading:
    """The likeliest of readings with the same text, with the probability of all together."""
    best = max(same, key=lambda reading: reading.value)
    return best._replace(value=float(np.logaddexp.reduce([reading.value for reading in same])))


def _corners(reading: LineReading) -> tuple[tuple[float, float], ...]:
    """The corners of the characters' common box, on the picture."""
    left, right = reading.ends[0, 0], reading.ends[-1, 1]
    height = reading.line.gray.shape[0]
    box = np.array([[left, 0, 1], [right, 0, 1], [right, height, 1], [left, height, 1]])
    return tuple((float(x), float(y)) for x, y in box @ reading.line.to_plate.T)
