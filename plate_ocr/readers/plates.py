"""Reading plates that were cut out, by the plate network."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from plate_ocr.model.sessions import PlateModel
from plate_ocr.readers.base import check_min_confidence
from plate_ocr.readers.ctc import FormatPrior, Spot, align, beam_search, greedy
from plate_ocr.readers.results import ALTERNATIVES, Char, Plate, plate_of
from plate_ocr.region_files.table import Region, formats_for
from plate_ocr.vision.geometry import Cut, hull_cut, whole_cut
from plate_ocr.vision.images import Image
from plate_ocr.vision.plate_input import network_input

BATCH = 16
"""Pictures in one run of the plate network."""

CLOSER = (0.08, 0.14)
"""What is left about a plate that is read closer, as parts of its hull's width and height."""

UNSURE = 0.9
"""Where a character is less sure, the next crop of a plate is read."""

LOOSE = 0.95
"""Of a crop that is read closer, less than that part is left."""

SHORT = 3
"""Plates of fewer characters may have a bound of their own."""

LEAST_IN_LINE = 2
"""Characters of a line, at least."""


class NetworkReader:
    """Reads pictures of whole plates by the plate network, without cutting them.

    Args:
        model: a plate model.
        min_confidence: below it a character is unknown; by default the model's own bound.
        region: a code, a file or several, whose formats are a hint of what stands where; by default that
            of the model's card, and no hint where it names none.

    Raises:
        DataError: if a region is unknown or its file has a mistake.
        ValueError: if ``min_confidence`` is not in 0..1.

    Safe to call from several threads.
    """

    def __init__(
        self,
        model: PlateModel,
        *,
        min_confidence: float | None = None,
        region: Region | Sequence[Region] | None = None,
    ) -> None:
        check_min_confidence(min_confidence)
        self.model = model
        self.min_confidence = model.card.min_confidence if min_confidence is None else min_confidence
        region = region or model.card.region
        formats = formats_for(model.card.alphabet, region) if region else ()
        self._prior = FormatPrior(model.card.alphabet, formats)

    def read(self, pictures: Sequence[Image]) -> list[tuple[Plate, ...]]:
        """Read grey pictures of a plate each, uint8 ``(H, W)``; one that is not found is left out."""
        plates = self.read_crops([[whole_cut(picture)] for picture in pictures])
        return [(plate,) if plate else () for plate in plates]

    def read_crops(
        self, crops: Sequence[Sequence[Cut]], *, short_confidence: float = 0.0
    ) -> list[Plate | None]:
        """Read the better of several crops of each plate, :data:`BATCH` plates in a run of the network.

        Where a character of a crop is less sure than :data:`UNSURE`, the crop is read once more, closer about
        the corners that were found, and the more confident reading stays; where a character is still less
        sure, so is the next crop.

        Args:
            crops: grey pieces of a picture for each plate, at least one; the first is always read.
            short_confidence: what is shorter than :data:`SHORT` must be so sure to be a plate, 0..1; all must
                be as sure as the model's card says.

        Returns:
            Each plate with its corners in the whole picture; None where the first crop shows none.
        """
        plates: list[Plate | None] = []
        for start in range(0, len(crops), BATCH):
            plates += self._read_batch(crops[start : start + BATCH], short_confidence)
        return plates

    def _read_batch(self, crops: Sequence[Sequence[Cut]], short_confidence: float) -> list[Plate | None]:
        least = self.model.card.min_plate_confidence
        best: list[Plate | None] = [None] * len(crops)
        for turn in range(max(map(len, crops))):
            unread = [
                i for i, cuts in enumerate(crops) if turn < len(cuts) and (not turn or _is_unsure(best[i]))
            ]
            cuts = [crops[i][turn] for i in unread]
            plates = self._see(cuts)
            closer = {i: cut for i, plate in enumerate(plates) if (cut := _closer(cuts[i], plate))}
            for i, plate in zip(closer, self._see([*closer.values()]), strict=True):
                plates[i] = _more_confident(plates[i], _in_whole(plate, closer[i]))
            for i, cut, plate in zip(unread, cuts, plates, strict=True):
                short = plate is not None and len(plate.chars) < SHORT
                if plate is not None and plate.confidence >= max(least, short * short_confidence):
                    best[i] = _more_confident(best[i], _in_whole(plate, cut))
        return best

    def _see(self, cuts: Sequence[Cut]) -> list[Plate | None]:
        """What a run of the network reads, however unsure, with its corners in the pieces."""
        if not cuts:
            return []
        card = self.model.card
        inputs = [network_input(cut.picture, card.height, card.width) for cut in cuts]
        answers = zip(*self.model(np.stack(inputs)), cuts, strict=True)
        return [self.plate(shares, corners, cut.picture.shape[::-1]) for shares, corners, cut in answers]

    def plate(
        self, probabilities: NDArray[np.float32], corners: NDArray[np.float32], size: tuple[int, int]
    ) -> Plate | None:
        """What the network's answer means; None where it names no character.

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
            return None
        # The second half of the steps is the lower row of features.
        lower = sum(2 * spot.step >= len(probabilities) for spot in spots)
        lines = 2 if min(lower, len(spots) - lower) >= LEAST_IN_LINE else 1
        inside = np.clip(corners, 0, 1) * size
        return plate_of(chars, tuple((float(x), float(y)) for x, y in inside), lines)

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


def _is_unsure(plate: Plate | None) -> bool:
    return plate is not None and plate.min_confidence < UNSURE


def _closer(cut: Cut, plate: Plate | None) -> Cut | None:
    """What is about a plate that was read unsurely in a loose crop, as a piece of the crop."""
    if plate is None or not _is_unsure(plate):
        return None
    closer = hull_cut(cut.picture, np.array(plate.corners), CLOSER)
    return closer if closer.picture.size < LOOSE * cut.picture.size else None


def _in_whole(plate: Plate | None, cut: Cut) -> Plate | None:
    """A plate that was read in a piece of a picture, with its corners in that picture."""
    if plate is None:
        return None
    corners = tuple((float(x), float(y)) for x, y in cut.outside(plate.corners))
    return dataclasses.replace(plate, corners=corners)


def _more_confident(one: Plate | None, other: Plate | None) -> Plate | None:
    """Of two readings of one plate the surer; of equals the first."""
    if one is None or other is None:
        return one or other
    return other if other.confidence > one.confidence else one
