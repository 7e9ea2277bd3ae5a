"""What users call: pictures in, text out."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from time import perf_counter
from typing import Literal, TypeAlias, get_args, overload

import numpy as np
from numpy.typing import NDArray

from plate_ocr.alphabet import UNKNOWN, PlateFormat, formats_for
from plate_ocr.ctc import FormatPrior, Spot, align, beam_search, greedy
from plate_ocr.errors import ImageError, ModelError
from plate_ocr.model import CharModel, LocatorModel, PlateModel, load_model
from plate_ocr.vision.binarize import otsu
from plate_ocr.vision.characters import Candidates, CharStack, candidates, row_vectors, stack_characters
from plate_ocr.vision.images import Image, ImageSource, read_image, to_gray
from plate_ocr.vision.locate import Located, overlap
from plate_ocr.vision.plate import Line, Segments, best_path, propose_segments, straighten
from plate_ocr.vision.platepicture import network_input

ALTERNATIVES = 3
"""How many other classes a reading names beside its own."""

BATCH = 16
"""Pictures in one run of the plate network."""

AROUND = (0.12, 0.2)
"""What is left about a plate that was found in a photo, as parts of its width and height."""

LARGEST_CHAR, WIDEST_CHAR = 128, 1.15
"""A picture is that of a single character up to this height, pixels, and this width against its height."""

SAME = 0.2
"""Plates that overlap more are one plate."""

LEAST_IN_LINE = 2
"""Characters of a line, at least."""

LEAST = 1e-6
"""No piece of a plate is taken for less likely than this: one bad character must not veto a reading."""


@dataclass(frozen=True)
class Char:
    """One character of a plate.

    Attributes:
        char: the character, or None where none was recognised.
        confidence: probability of the likeliest class, 0..1.
        alternatives: the next likely characters with their probabilities, likeliest first.
    """

    char: str | None
    confidence: float
    alternatives: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Plate:
    """One plate.

    Attributes:
        text: upper case, without separators; ``?`` for an unknown character.
        confidence: mean confidence of its characters, 0..1.
        min_confidence: the least of them: a mean hides a bad one.
        lines: lines of text, which are joined from top to bottom.
        corners: x and y of its four corners in pixels, clockwise from its own top left.
        chars: its characters.
    """

    text: str
    confidence: float
    min_confidence: float
    lines: int
    corners: tuple[tuple[float, float], ...]
    chars: tuple[Char, ...]


@dataclass(frozen=True)
class Reading:
    """What was read in one picture.

    Attributes:
        width: of the picture in pixels, after EXIF rotation.
        height: of the picture in pixels.
        ms: how long it took.
        plates: what was found; empty if nothing was.
    """

    width: int
    height: int
    ms: float
    plates: tuple[Plate, ...]


@dataclass(frozen=True)
class CharReading(Char):
    """What was read in the picture of one character.

    Attributes:
        scores: float32 ``(classes,)``: probabilities in the alphabet's order; all 0 for a blank picture.
    """

    scores: NDArray[np.float32] = field(repr=False, compare=False)


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

    def read(self, image: ImageSource) -> Reading:
        """Read a picture of one character as if it were a plate of one; none if the picture is blank.

        Raises:
            ImageError: if the picture cannot be read.
        """
        started = perf_counter()
        picture = read_image(image)
        height, width = picture.shape[:2]
        reading = self.classify([to_gray(picture)])[0]
        plates = (_plate((reading,), _whole(width, height)),) if reading.scores.any() else ()
        return Reading(width, height, 1000 * (perf_counter() - started), plates)

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
        region: whose formats plates have; by default those that the model's alphabet can write.

    Raises:
        ModelError: if there is no such model or it cannot be used.
        AlphabetError: if the region is unknown.

    Safe to call from several threads.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | CharModel = "chars",
        *,
        threads: int | None = None,
        min_confidence: float | None = None,
        region: str | None = None,
    ) -> None:
        self.classifier = CharClassifier(model, threads=threads, min_confidence=min_confidence)
        self._formats = formats_for(self.classifier.model.card.alphabet, region)

    def read(self, images: Sequence[ImageSource]) -> list[Reading]:
        """Read pictures of plates.

        Raises:
            ImageError: if a picture cannot be read.
        """
        return [self._read(image) for image in images]

    def lines(self, gray: Image) -> list[LineReading]:
        """Every guess of where the line of characters is, read; the best first.

        Args:
            gray: uint8 ``(H, W)``: a plate, cut out with or without its surroundings.
        """
        readings = [self._read_line(line) for line in straighten(gray)]
        return sorted(readings, key=lambda reading: -reading.value)

    def _read(self, image: ImageSource) -> Reading:
        started = perf_counter()
        picture = read_image(image)
        height, width = picture.shape[:2]
        plates: tuple[Plate, ...] = ()
        if (lines := self.lines(to_gray(picture))) and lines[0].chosen:
            chars = tuple(self.classifier.reading(scores) for scores in lines[0].scores)
            if any(char.char for char in chars):
                plates = (_plate(chars, _corners(lines[0])),)
        return Reading(width, height, 1000 * (perf_counter() - started), plates)

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


class NetworkReader:
    """Reads pictures of whole plates by the plate network, without cutting them.

    Args:
        model: a plate model.
        min_confidence: below it a character is unknown; by default the model's own bound.
        region: whose formats are a hint of what stands where; by default there is no hint.

    Raises:
        AlphabetError: if the region is unknown.

    Safe to call from several threads.
    """

    def __init__(
        self, model: PlateModel, *, min_confidence: float | None = None, region: str | None = None
    ) -> None:
        self.model = model
        self.min_confidence = model.card.min_confidence if min_confidence is None else min_confidence
        formats = () if region is None else formats_for(model.card.alphabet, region)
        self._prior = FormatPrior(model.card.alphabet, formats)

    def read(self, images: Sequence[ImageSource]) -> list[Reading]:
        """Read pictures of plates, :data:`BATCH` in a run of the network.

        Raises:
            ImageError: if a picture cannot be read.
        """
        readings: list[Reading] = []
        for start in range(0, len(images), BATCH):
            started = perf_counter()
            pictures = [to_gray(read_image(image)) for image in images[start : start + BATCH]]
            plates = self.look(pictures)
            ms = 1000 * (perf_counter() - started) / len(pictures)
            for picture, found in zip(pictures, plates, strict=True):
                readings.append(Reading(picture.shape[1], picture.shape[0], ms, found))
        return readings

    def look(self, pictures: Sequence[Image]) -> list[tuple[Plate, ...]]:
        """Read grey pictures of plates, uint8 ``(H, W)`` each, in one run of the network."""
        card = self.model.card
        inputs = [network_input(picture, card.height, card.width) for picture in pictures]
        answers = zip(*self.model(np.stack(inputs)), pictures, strict=True)
        return [self.plates(shares, corners, picture.shape[::-1]) for shares, corners, picture in answers]

    def plates(
        self, probabilities: NDArray[np.float32], corners: NDArray[np.float32], size: tuple[int, int]
    ) -> tuple[Plate, ...]:
        """What the network's answer means; nothing where it is too unsure that there is a plate.

        Args:
            probabilities: float32 ``(steps, classes + 1)``, the blank first.
            corners: float32 ``(4, 2)``: of the plate, as parts of the picture's width and height.
            size: width and height of the picture, pixels.
        """
        spots = self._spots(probabilities)
        shares = probabilities[[spot.step for spot in spots]]
        if self._prior.formats:
            shares[:, 1:] *= self._prior.weights(tuple(spot.char for spot in spots))
            shares /= shares.sum(axis=1, keepdims=True)
        chars = tuple(self._char(spot, row[1:]) for spot, row in zip(spots, shares, strict=True))
        if not chars:
            return ()
        # The second half of the steps is the lower row of features.
        lower = sum(2 * spot.step >= len(probabilities) for spot in spots)
        lines = 2 if min(lower, len(spots) - lower) >= LEAST_IN_LINE else 1
        inside = np.clip(corners, 0, 1) * size
        plate = _plate(chars, tuple((float(x), float(y)) for x, y in inside), lines)
        return (plate,) if plate.confidence >= self.model.card.min_plate_confidence else ()

    def _spots(self, probabilities: NDArray[np.float32]) -> list[Spot]:
        if not self._prior.formats:
            return greedy(probabilities)
        return align(probabilities, beam_search(probabilities, self._prior)[0][0])

    def _char(self, spot: Spot, shares: NDArray[np.float32]) -> Char:
        order = np.argsort(-shares, kind="stable")[: ALTERNATIVES + 1]
        alphabet, confidence = self.model.card.alphabet, float(shares[spot.char])
        ranked = [(alphabet[i], float(shares[i])) for i in order]
        if confidence < self.min_confidence:
            return Char(None, confidence, tuple(ranked[:ALTERNATIVES]))
        others = [(char, share) for char, share in ranked if char != alphabet[spot.char]]
        return Char(alphabet[spot.char], confidence, tuple(others[:ALTERNATIVES]))


class PhotoReader:
    """Finds the plates in photos and reads them.

    Args:
        reader: reads what was found.
        locator: finds.

    Safe to call from several threads.
    """

    def __init__(self, reader: NetworkReader, locator: LocatorModel) -> None:
        self.reader, self.locator = reader, locator

    def read(self, images: Sequence[ImageSource]) -> list[Reading]:
        """Read photos; the surest plate of each comes first.

        Raises:
            ImageError: if a picture cannot be read.
        """
        return [self._read(image) for image in images]

    def _read(self, image: ImageSource) -> Reading:
        started = perf_counter()
        gray = to_gray(read_image(image))
        height, width = gray.shape
        plates = self.plates(gray)
        return Reading(width, height, 1000 * (perf_counter() - started), plates)

    def plates(self, gray: Image) -> tuple[Plate, ...]:
        """All plates in a photo, uint8 ``(H, W)``."""
        longest = self.locator.card.longest
        plates = self._among(gray, self.locator(gray, longest))
        if not plates and max(gray.shape) > longest:
            # Far away: the same once more, with more pixels.
            plates = self._among(gray, self.locator(gray, 2 * longest))
        return plates

    def _among(self, gray: Image, places: Sequence[Located]) -> tuple[Plate, ...]:
        """What is read where plates may be; of overlapping ones the surest."""
        found: list[Plate] = []
        for start in range(0, len(places), BATCH):
            boxes = [_about(place.corners, gray.shape) for place in places[start : start + BATCH]]
            crops = [gray[top:bottom, left:right] for left, top, right, bottom in boxes]
            for (left, top, _, _), plates in zip(boxes, self.reader.look(crops), strict=True):
                for plate in plates:
                    moved = tuple((x + left, y + top) for x, y in plate.corners)
                    found.append(dataclasses.replace(plate, corners=moved))
        kept: list[Plate] = []
        for plate in sorted(found, key=lambda plate: -plate.confidence):
            box = np.array(plate.corners)
            if all(overlap(box, np.array(other.corners)) < SAME for other in kept):
                kept.append(plate)
        return tuple(kept)


class AnyReader:
    """Reads whatever a picture shows: a plate that was cut out, a single character, or a photo.

    What is small and no wider than high is taken for a character. All else is read as a plate first; where
    that is no plate, plates are looked for in it.

    Args:
        plates: reads plates.
        threads: processor cores for the other networks; by default as many as the process may use.

    Safe to call from several threads.
    """

    def __init__(self, plates: NetworkReader, threads: int | None = None) -> None:
        self.plates, self._threads = plates, threads

    # Opened when they are needed first: most calls are for one kind of picture.

    @cached_property
    def photos(self) -> PhotoReader:
        """Reads photos."""
        return PhotoReader(self.plates, LocatorModel(threads=self._threads))

    @cached_property
    def characters(self) -> CharClassifier:
        """Reads single characters."""
        return CharClassifier(threads=self._threads)

    def read(self, images: Sequence[ImageSource]) -> list[Reading]:
        """Read pictures.

        Raises:
            ImageError: if a picture cannot be read.
        """
        return [self._read(image) for image in images]

    def _read(self, image: ImageSource) -> Reading:
        started = perf_counter()
        gray = to_gray(read_image(image))
        height, width = gray.shape
        if height <= LARGEST_CHAR and width <= WIDEST_CHAR * height:
            return self.characters.read(gray)
        plates = self.plates.look([gray])[0] or self.photos.plates(gray)
        return Reading(width, height, 1000 * (perf_counter() - started), plates)


def _about(corners: NDArray[np.float64], shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of a crop about a plate, inside a picture."""
    low, high = corners.min(0), corners.max(0)
    reach = np.array(AROUND) * (high - low)
    left, top = np.maximum(np.floor(low - reach), 0).astype(int)
    right, bottom = np.minimum(np.ceil(high + reach), shape[::-1]).astype(int)
    left, top = min(left, shape[1] - 2), min(top, shape[0] - 2)
    return int(left), int(top), int(max(right, left + 2)), int(max(bottom, top + 2))


Input: TypeAlias = Literal["auto", "photo", "plate", "char"]
"""What a picture shows."""


class PlateReader:
    """Reads pictures of plates.

    Args:
        model: ``"plates"``, which reads whole plates by a network; ``"chars"`` or ``"digits"``, which
            read them classically, cut into characters; an ``.onnx`` file or the folder of a training run.
        input: what pictures show: ``"photo"`` all that is in front of a camera; ``"plate"`` a plate, cut
            out; ``"char"`` a single character, which takes a character model; ``"auto"`` any of these, told
            apart picture by picture (a character model takes it for ``"plate"``).
        region: such as ``"cn"`` or ``"us"``: its formats help where characters look alike.
        threads: processor cores for the network; by default as many as the process may use.
        min_confidence: below it a character is unknown; by default the model's own bound.

    Raises:
        ModelError: if there is no such model, or it cannot read such pictures.
        AlphabetError: if the region is unknown.
        ValueError: if ``input`` is none of these.

    Safe to call from several threads.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] = "plates",
        *,
        input: Input = "auto",
        region: str | None = None,
        threads: int | None = None,
        min_confidence: float | None = None,
    ) -> None:
        if input not in get_args(Input):
            raise ValueError(f"input {input!r} is none of {', '.join(get_args(Input))}")
        self.model = load_model(model, threads=threads)
        self._read: Callable[[Sequence[ImageSource]], list[Reading]]
        if isinstance(self.model, PlateModel):
            if input == "char":
                raise ModelError(
                    f"{self.model.path} reads whole plates; single characters take chars or digits"
                )
            plates = NetworkReader(self.model, min_confidence=min_confidence, region=region)
            if input == "plate":
                self._read = plates.read
            elif input == "photo":
                self._read = PhotoReader(plates, LocatorModel(threads=threads)).read
            else:
                self._read = AnyReader(plates, threads).read
        else:
            if input == "photo":
                raise ModelError(f"{self.model.path} reads single characters; photos take plates")
            classical = ClassicalReader(self.model, min_confidence=min_confidence, region=region)
            single = classical.classifier.read
            self._read = (lambda images: [*map(single, images)]) if input == "char" else classical.read

    @property
    def alphabet(self) -> str:
        """The characters it tells apart."""
        return self.model.card.alphabet.characters

    @overload
    def __call__(self, image: list[ImageSource], /) -> list[Reading]: ...
    @overload
    def __call__(self, image: ImageSource, /) -> Reading: ...
    def __call__(self, image: ImageSource | list[ImageSource], /) -> Reading | list[Reading]:
        """Read one picture, or a list of them, which is faster than one by one.

        Raises:
            ImageError: if a picture cannot be read.
        """
        if isinstance(image, list):
            return self._read(image)
        return self._read([image])[0]


def _plate(chars: tuple[Char, ...], corners: tuple[tuple[float, float], ...], lines: int = 1) -> Plate:
    confidences = [char.confidence for char in chars]
    text = "".join(char.char or UNKNOWN for char in chars)
    return Plate(text, sum(confidences) / len(confidences), min(confidences), lines, corners, chars)


def _whole(width: int, height: int) -> tuple[tuple[float, float], ...]:
    """The corners of a picture."""
    return (0.0, 0.0), (float(width), 0.0), (float(width), float(height)), (0.0, float(height))


def _corners(reading: LineReading) -> tuple[tuple[float, float], ...]:
    """The corners of the characters' common box, on the picture."""
    left = reading.segments.cuts[reading.segments.first[reading.chosen[0]]]
    right = reading.segments.cuts[reading.segments.last[reading.chosen[-1]]]
    height = reading.line.gray.shape[0]
    box = np.array([[left, 0, 1], [right, 0, 1], [right, height, 1], [left, height, 1]])
    return tuple((float(x), float(y)) for x, y in box @ reading.line.to_plate.T)
