"""Reading plates that were cut out, by the plate network."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from plate_ocr.model.sessions import PlateModel
from plate_ocr.readers.ctc import FormatPrior, Spot, align, beam_search, greedy
from plate_ocr.readers.results import ALTERNATIVES, Char, Plate, Reading, plate_of
from plate_ocr.region_files.table import formats_for
from plate_ocr.vision.geometry import Cut, hull_cut
from plate_ocr.vision.images import Image, ImageSource, read_image, to_gray
from plate_ocr.vision.plate_input import network_input

BATCH = 16
"""Pictures in one run of the plate network."""

CLOSER = (0.08, 0.14)
"""The same about a plate in a loose crop that is read once more."""

UNSURE = 0.9
"""Where a character is less sure, a plate is looked at once more: closer, or as it stands."""

LOOSE = 0.95
"""Of a crop that is looked at closer, less than that part is left."""

LEAST_IN_LINE = 2
"""Characters of a line, at least."""


class NetworkReader:
    """Reads pictures of whole plates by the plate network, without cutting them.

    Args:
        model: a plate model.
        min_confidence: below it a character is unknown; by default the model's own bound.
        region: whose formats are a hint of what stands where; by default that of the model's card, and no
            hint where it names none.

    Raises:
        AlphabetError: if the region is unknown.

    Safe to call from several threads.
    """

    def __init__(
        self, model: PlateModel, *, min_confidence: float | None = None, region: str | None = None
    ) -> None:
        self.model = model
        self.min_confidence = model.card.min_confidence if min_confidence is None else min_confidence
        if region is None:
            region = model.card.region or None
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
        """Read grey pictures of plates, uint8 ``(H, W)`` each, in one or two runs of the network.

        What is read unsurely in a loose crop is looked at once more, closer, and the surer reading counts.
        Nothing is read where even that is too unsure that there is a plate.
        """
        plates = self._see(pictures)
        closer: dict[int, Cut] = {}
        for i, (picture, plate) in enumerate(zip(pictures, plates, strict=True)):
            if plate is not None and plate.min_confidence < UNSURE:
                cut = hull_cut(picture, np.array(plate.corners), CLOSER)
                if cut.picture.size < LOOSE * picture.size:
                    closer[i] = cut
        again = self._see([cut.picture for cut in closer.values()])
        for (i, cut), plate in zip(closer.items(), again, strict=True):
            plates[i] = more_confident(plates[i], to_image(plate, cut, pictures[i].shape))
        least = self.model.card.min_plate_confidence
        return [(plate,) if plate is not None and plate.confidence >= least else () for plate in plates]

    def _see(self, pictures: Sequence[Image]) -> list[Plate | None]:
        """What a run of the network reads, however unsure."""
        if not pictures:
            return []
        card = self.model.card
        inputs = [network_input(picture, card.height, card.width) for picture in pictures]
        answers = zip(*self.model(np.stack(inputs)), pictures, strict=True)
        return [self.plate(shares, corners, picture.shape[::-1]) for shares, corners, picture in answers]

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


def to_image(plate: Plate | None, cut: Cut, shape: tuple[int, ...]) -> Plate | None:
    """A plate that was read in a piece of a picture of that shape, with its corners in that picture."""
    if plate is None:
        return None
    corners = np.clip(cut.outside(plate.corners), 0, shape[1::-1])
    return dataclasses.replace(plate, corners=tuple((float(x), float(y)) for x, y in corners))


def more_confident(one: Plate | None, other: Plate | None) -> Plate | None:
    """Of two readings of one plate the surer; of equals the first."""
    if one is None or other is None:
        return one or other
    return other if other.confidence > one.confidence else one
