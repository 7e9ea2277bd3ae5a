"""Reading plates that were cut out, by the plate network."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from functools import cache, cached_property, partial

import numpy as np
from numpy.typing import NDArray

from plate_ocr.alphabet import CHARACTERS_OF, DIGITS, LETTERS, SCRIPTS, UNKNOWN, Alphabet
from plate_ocr.model.sessions import PlateModel
from plate_ocr.readers.base import check_choice, check_confidence
from plate_ocr.readers.ctc import (
    DecodedChar,
    FormatPrior,
    beam_search,
    first_line,
    forced_align,
    greedy_decode,
)
from plate_ocr.readers.extents import with_extents
from plate_ocr.readers.lazy import Lazy
from plate_ocr.readers.regions import region_formats
from plate_ocr.readers.results import ALTERNATIVES, Char, Plate, plate_of, with_region
from plate_ocr.readers.three_lines import ThreeLines, rearrange_three_lines
from plate_ocr.readers.thresholds import REREAD_BELOW, SHORT_LENGTH
from plate_ocr.readers.trace import Candidate, CropAttempt, CropReading, current_trace
from plate_ocr.region_files.table import Region, formats_for
from plate_ocr.vision.geometry import Crop, crop_box, whole_crop
from plate_ocr.vision.images import Image
from plate_ocr.vision.plate_input import preprocess_plate

BATCH = 16
"""Batch size of the plate network."""

CLOSE_MARGIN = (0.08, 0.14)
"""Margin around a plate in its tighter crop, as fractions of the box's width and height."""

MAX_CLOSE_AREA = 0.95
"""A tighter crop is read only if its area is below this fraction of the crop's."""

UNKNOWN_WEIGHT = 0.5
"""Of the probability that a character is none of the alphabet, in its confidence: a plate may have one such
character, but what has several is rather no plate, or hangs upside down."""

SURE_UNKNOWN = 0.95
"""Least probability of such a character where nothing is the next likeliest: it may be a coat of arms."""


class NetworkReader:
    """Reads pictures of whole plates by the plate network, without cutting them.

    Args:
        model: a plate model.
        min_confidence: below it a character is unknown; by default the model's own bound.
        min_plate_confidence: a plate whose characters have a lower mean confidence is none; by default, and
            at most, the model's own bound. With 0 there is no bound, on short texts neither.
        region: a code, a file or several, whose formats are a hint of what stands where; by default that
            of the model's card, and no hint where it names none.
        script: names of scripts, of :data:`~plate_ocr.alphabet.CHARACTERS_OF`, whose characters alone are
            read, beside plain Latin letters and digits; by default all.

    Raises:
        DataError: if a region is unknown or its file has a mistake.
        ValueError: if a setting is out of its range.

    Safe to call from several threads.
    """

    def __init__(
        self,
        model: PlateModel,
        *,
        min_confidence: float | None = None,
        min_plate_confidence: float | None = None,
        region: Region | Sequence[Region] | None = None,
        script: str | Sequence[str] | None = None,
    ) -> None:
        check_confidence("min_confidence", min_confidence)
        check_confidence("min_plate_confidence", min_plate_confidence)
        self.model = model
        self.min_confidence = model.card.min_confidence if min_confidence is None else min_confidence
        least = model.card.min_plate_confidence
        self.min_plate_confidence = (
            least if min_plate_confidence is None else min(least, min_plate_confidence)
        )
        self._classes = model.card.alphabet.classes
        region = region or model.card.region
        card = model.card
        formats = formats_for(card.alphabet, region) if region else ()
        self._prior = FormatPrior(card.alphabet, formats)
        given = [region] if isinstance(region, str | os.PathLike) else region
        codes = tuple(os.fspath(one).lower() for one in given if one)
        scripts = [script] if isinstance(script, str) else script or ()
        for name in scripts:
            check_choice("script", name, tuple(CHARACTERS_OF))
        kept = DIGITS + LETTERS + UNKNOWN + "".join(CHARACTERS_OF[name] for name in scripts)
        self._excluded = [1 + i for i, c in enumerate(card.alphabet.classes) if scripts and c not in kept]
        self._script_classes = {i for i, char in enumerate(card.alphabet.classes) if char in SCRIPTS}
        self._regions = partial(region_formats, card.alphabet, codes or None)

    def read(self, pictures: Sequence[Image]) -> list[tuple[Plate, ...]]:
        """Read grey pictures of a plate each, uint8 ``(H, W)``; one that is not found is left out."""
        plates = self.read_crops([[whole_crop(picture)] for picture in pictures])
        return [(plate,) if plate else () for plate in plates]

    def read_crops(
        self, crops: Sequence[Sequence[Crop]], *, short_confidence: float = 0.0
    ) -> list[Plate | None]:
        """Read the better of several crops of each plate, :data:`BATCH` plates in a run of the network.

        Plates with a character below :data:`REREAD_BELOW` are read again, from a tighter crop around the
        predicted corners and, where three lines of text are seen, rearranged; the most confident reading is
        kept. If a character is still below it, the next crop is read too.

        Args:
            crops: grey pieces of a picture for each plate, at least one; the first is always read.
            short_confidence: minimum confidence of plates with fewer than :data:`SHORT_LENGTH` characters,
                0..1; ``min_plate_confidence`` applies to all, and 0 to all alone.

        Returns:
            Each plate with its corners in the whole picture; None where the first crop shows none.
        """
        plates: list[Plate | None] = []
        for start in range(0, len(crops), BATCH):
            plates += self._read_batch(crops[start : start + BATCH], short_confidence)
        return plates

    def read_once(self, crops: Sequence[Crop]) -> list[Plate | None]:
        """Read a single crop of each plate and no other, with corners in the crop and without groups."""
        batches = (crops[start : start + BATCH] for start in range(0, len(crops), BATCH))
        readings = [reading for batch in batches for reading in self._forward(batch)]
        if trace := current_trace():
            trace.candidates += [
                Candidate((CropAttempt(0, False, reading, self.min_plate_confidence),), reading.plate)
                for reading in readings
            ]
        return [reading.plate for reading in readings]

    def _read_batch(self, crops: Sequence[Sequence[Crop]], short_confidence: float) -> list[Plate | None]:
        best: list[Plate | None] = [None] * len(crops)
        attempts: list[list[CropAttempt]] = [[] for _ in crops]

        def keep(
            i: int, reading: CropReading, tighter: bool = False, lines: ThreeLines | None = None
        ) -> Plate | None:
            bound = self._min_confidence(reading.plate, short_confidence)
            attempts[i].append(CropAttempt(turn, tighter, reading, bound, lines))
            return reading.plate

        for turn in range(max(map(len, crops))):
            unread = [
                i for i, batch in enumerate(crops) if turn < len(batch) and (not turn or _is_unsure(best[i]))
            ]
            batch = [crops[i][turn] for i in unread]
            readings = self._forward(batch)
            plates = [keep(i, reading) for i, reading in zip(unread, readings, strict=True)]
            three = {i: lines for i, reading in enumerate(readings) if (lines := _three_lines(reading))}
            closer = {i: crop for i, plate in enumerate(plates) if (crop := _closer(batch[i], plate))}
            for i, reading in zip(closer, self._forward([*closer.values()]), strict=True):
                plate = keep(unread[i], reading, tighter=True)
                plates[i] = _more_confident(plates[i], _to_image(plate, closer[i]))
            pictures = [whole_crop(lines.picture) for lines in three.values()]
            for i, reading in zip(three, self._forward(pictures), strict=True):
                keep(unread[i], reading, lines=three[i])
                plates[i] = _more_confident(plates[i], _of_three_lines(reading, readings[i].plate))
            for i, crop, plate in zip(unread, batch, plates, strict=True):
                if plate and plate.confidence >= self._min_confidence(plate, short_confidence):
                    best[i] = _more_confident(best[i], _to_image(plate, crop))
        alphabet = self.model.card.alphabet
        best = [
            plate and with_extents(plate, tried, alphabet)
            for plate, tried in zip(best, attempts, strict=True)
        ]
        if trace := current_trace():
            trace.candidates += map(Candidate, map(tuple, attempts), best)
        return best

    def _min_confidence(self, plate: Plate | None, short_confidence: float) -> float:
        """Minimum confidence of a plate."""
        if self.min_plate_confidence == 0:
            return 0.0
        short = plate is not None and len(plate.chars) < SHORT_LENGTH
        return max(self.min_plate_confidence, short * short_confidence)

    def _forward(self, batch: Sequence[Crop]) -> list[CropReading]:
        """Run the network on crops; corners are relative to the crops."""
        if not batch:
            return []
        card = self.model.card
        inputs = [preprocess_plate(crop.picture, card.height, card.width) for crop in batch]
        outputs = zip(batch, inputs, *self.model(np.stack(inputs)), strict=True)
        readings = list[CropReading]()
        for crop, input, all_probs, points, regions in outputs:
            probs = self._narrowed(all_probs)
            decoded, plate = self.interpret(probs, points, crop.picture.shape[::-1], regions)
            readings.append(CropReading(crop, input, probs, points, decoded, plate, regions))
        return readings

    def _narrowed(self, probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities ``(steps, classes + 1)`` without the characters of scripts that are not read."""
        if not self._excluded:
            return probabilities
        narrowed = probabilities.copy()
        narrowed[:, self._excluded] = 0
        return np.asarray(narrowed / np.maximum(narrowed.sum(1, keepdims=True), 1e-9), np.float32)

    def interpret(
        self,
        probabilities: NDArray[np.float32],
        points: NDArray[np.float32],
        size: tuple[int, ...],
        regions: NDArray[np.float32],
    ) -> tuple[list[DecodedChar], Plate | None]:
        """The characters and the plate in the network's output; no plate without characters.

        Args:
            probabilities: float32 ``(steps, classes + 1)``, the blank first.
            points: float32 ``(8, 2)``: corners of the text, then of the plate, as parts of the picture's
                width and height.
            size: width and height of the crop, pixels.
            regions: float32 ``(regions,)``: probabilities of the card's regions; there may be none.
        """
        decoded = self._decode(probabilities, self._prior)
        head = self._head(regions)
        prior = self._script_prior(decoded, head)
        if prior is not self._prior:
            decoded = self._decode(probabilities, prior)
        return decoded, self._plate(decoded, probabilities, points, size, head, prior)

    def _script_prior(self, decoded: Sequence[DecodedChar], head: NDArray[np.float32]) -> FormatPrior:
        """The formats as a hint: those that were given, or of the country whose script is read."""
        if self._prior.formats or self._script_classes.isdisjoint(char.char for char in decoded):
            return self._prior
        text = self.model.card.alphabet.decode(char.char for char in decoded)
        told = self._regions().tell(text, head)
        return _country_prior(self.model.card.alphabet, told.code) if told else self._prior

    def _plate(
        self,
        decoded: Sequence[DecodedChar],
        probabilities: NDArray[np.float32],
        points: NDArray[np.float32],
        size: tuple[int, ...],
        head: NDArray[np.float32],
        prior: FormatPrior,
    ) -> Plate | None:
        """The plate of characters that were decoded with a prior; None if there are none."""
        if not decoded:
            return None
        probs = probabilities[[char.timestep for char in decoded]]
        if prior.formats:
            probs[:, 1:] *= prior.weights(tuple(char.char for char in decoded))
            probs /= probs.sum(axis=1, keepdims=True)
        else:
            probs = self._regions().reweigh(decoded, probs, head)
            best = probs[:, 1:].argmax(axis=1).tolist()
            decoded = [DecodedChar(one, char.timestep) for one, char in zip(best, decoded, strict=True)]
        chars = self._chars(decoded, probs[:, 1:])
        lines = 2 if first_line(decoded, len(probabilities)) < len(decoded) else 1
        corners = np.clip(points[4:], 0, 1) * size
        plate = plate_of(chars, tuple((x, y) for x, y in corners.tolist()), lines)
        # Asked for once, of the reading that is kept.
        return with_region(plate, Lazy(partial(self._regions().tell, plate.text, head)))

    def _head(self, regions: NDArray[np.float32]) -> NDArray[np.float32]:
        """The network's probabilities of the regions whose formats are compared; alike without any."""
        if not len(regions):
            count = len(self._regions().codes)
            return np.full(count, 1 / max(1, count), np.float32)
        return np.append(regions, np.float32(0))[self._places_in_head]

    @cached_property
    def _places_in_head(self) -> NDArray[np.int64]:
        """Of each region whose formats are compared among the network's; behind them if it has none."""
        places = {code: i for i, code in enumerate(self.model.card.regions)}
        return np.array([places.get(code, len(places)) for code in self._regions().codes], np.int64)

    def _decode(self, probabilities: NDArray[np.float32], prior: FormatPrior) -> list[DecodedChar]:
        """The characters in the network's output, float32 ``(steps, classes + 1)``, the blank first."""
        if prior.formats:
            decoded = forced_align(probabilities, beam_search(probabilities, prior)[0][0])
        else:
            decoded = greedy_decode(probabilities)
        return [char for char in decoded if not self._is_badge(char, probabilities[char.timestep])]

    def _is_badge(self, char: DecodedChar, probs: NDArray[np.float32]) -> bool:
        """Whether a character that is in no alphabet may well be none, such as a coat of arms."""
        if self._classes[char.char] != UNKNOWN or probs[1 + char.char] >= SURE_UNKNOWN:
            return False
        return bool(probs[0] == np.delete(probs, 1 + char.char).max())

    def _chars(self, decoded: Sequence[DecodedChar], probs: NDArray[np.float32]) -> tuple[Char, ...]:
        """The decoded characters, by their probabilities, float32 ``(N, classes)``."""
        # Sorting all classes takes longer than decoding them.
        count = min(ALTERNATIVES + 2, probs.shape[1])
        some = np.argpartition(probs, -count, axis=1)[:, -count:]
        values = probs[np.arange(len(probs))[:, None], some]
        has_unknown = self.model.card.alphabet.unknown
        rows = zip(decoded, probs, some.tolist(), values.tolist(), strict=True)
        return tuple(
            self._char(
                char.char,
                float(row[char.char]),
                float(row[-1]) if has_unknown else 0.0,
                sorted(zip(classes, values, strict=True), key=lambda pair: (-pair[1], pair[0])),
            )
            for char, row, classes, values in rows
        )

    def _char(self, index: int, prob: float, of_unknown: float, highest: Sequence[tuple[int, float]]) -> Char:
        """A character by its class, its probability, the unknown class's and the likeliest ones'."""
        classes = self._classes
        ranked = [(classes[i], value) for i, value in highest if classes[i] != UNKNOWN]
        char, unknown = classes[index], classes[index] == UNKNOWN
        confidence = prob * (UNKNOWN_WEIGHT if unknown else 1.0)
        if unknown or confidence < self.min_confidence:
            of_unknown = 0.0 if unknown else of_unknown
            return Char(None, confidence, tuple(ranked[:ALTERNATIVES]), unknown=of_unknown)
        others = [pair for pair in ranked if pair[0] != char]
        return Char(char, confidence, tuple(others[:ALTERNATIVES]), unknown=of_unknown)


@cache
def _country_prior(alphabet: Alphabet, code: str) -> FormatPrior:
    return FormatPrior(alphabet, formats_for(alphabet, code.partition("-")[0]))


def _is_unsure(plate: Plate | None) -> bool:
    return plate is not None and plate.min_confidence < REREAD_BELOW


def _closer(crop: Crop, plate: Plate | None) -> Crop | None:
    """A tighter crop around an uncertain plate; None if the plate is certain or the crop is already tight."""
    if plate is None or not _is_unsure(plate):
        return None
    closer = crop_box(crop.picture, np.array(plate.corners), CLOSE_MARGIN)
    return closer if closer.picture.size < MAX_CLOSE_AREA * crop.picture.size else None


def _three_lines(reading: CropReading) -> ThreeLines | None:
    """The crop of an uncertain plate, rearranged; None if it has no three lines."""
    return rearrange_three_lines(reading.crop.picture, reading.points) if _is_unsure(reading.plate) else None


def _of_three_lines(rearranged: CropReading, seen: Plate | None) -> Plate | None:
    """The plate of a rearranged crop, with the corners that were seen in the crop as it is."""
    if rearranged.plate is None or seen is None or not rearranged.has_two_rows:
        return None
    return dataclasses.replace(rearranged.plate, lines=3, corners=seen.corners)


def _to_image(plate: Plate | None, crop: Crop) -> Plate | None:
    """The plate with its corners mapped from the crop to the image."""
    if plate is None:
        return None
    corners = tuple((float(x), float(y)) for x, y in crop.to_image(plate.corners))
    return dataclasses.replace(plate, corners=corners)


def _more_confident(one: Plate | None, other: Plate | None) -> Plate | None:
    """The more confident of two readings of a plate; the first of equals."""
    if one is None or other is None:
        return one or other
    return other if other.confidence > one.confidence else one
