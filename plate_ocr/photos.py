"""The plate network's way to read: plates that were cut out, and plates that are looked for in photos."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from plate_ocr.alphabet import formats_for
from plate_ocr.ctc import FormatPrior, Spot, align, beam_search, greedy
from plate_ocr.model import LocatorModel, PlateModel
from plate_ocr.reading import ALTERNATIVES, Char, Plate, Reading, plate_of
from plate_ocr.vision.cuts import Cut, hull_cut, straight_cut
from plate_ocr.vision.images import Image, ImageSource, read_image, to_gray
from plate_ocr.vision.locate import Located, overlap
from plate_ocr.vision.platepicture import network_input

BATCH = 16
"""Pictures in one run of the plate network."""

STRAIGHT = (0.08, 0.2)
"""What is left about a plate that was found in a photo and straightened, as parts of its width and height."""

AS_IT_STANDS = (0.12, 0.2)
"""The same about one that is read as it stands."""

CLOSER = (0.08, 0.14)
"""The same about a plate in a loose crop that is read once more."""

UNSURE = 0.9
"""Where a character is less sure, a plate is looked at once more: closer, or as it stands."""

LOOSE = 0.95
"""Of a crop that is looked at closer, less than that part is left."""

SAME = 0.2
"""Plates that overlap more are one plate."""

SHORT, SURE = 3, 0.97
"""What is found in a photo and has fewer characters must be surer to count: badges and lamps read so."""

LEAST_IN_LINE = 2
"""Characters of a line, at least."""


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
            plates[i] = _surer(plates[i], _outside(plate, cut, pictures[i].shape))
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
        for longest in _sides(self.locator.card.longest, max(gray.shape)):
            if plates := self._among(gray, self.locator(gray, longest)):
                return plates
        return ()

    def _among(self, gray: Image, places: Sequence[Located]) -> tuple[Plate, ...]:
        """What is read where plates may be; of overlapping ones the surest."""
        found: list[Plate] = []
        for start in range(0, len(places), BATCH):
            corners = [place.corners for place in places[start : start + BATCH]]
            plates = self._look(gray, [straight_cut(gray, box, STRAIGHT) for box in corners])
            unsure = [i for i, plate in enumerate(plates) if plate and plate.min_confidence < UNSURE]
            again = self._look(gray, [hull_cut(gray, corners[i], AS_IT_STANDS) for i in unsure])
            for i, plate in zip(unsure, again, strict=True):
                plates[i] = _surer(plates[i], plate)
            found += [plate for plate in plates if plate]
        kept: list[Plate] = []
        for plate in sorted(found, key=lambda plate: -plate.confidence):
            box = np.array(plate.corners)
            if all(overlap(box, np.array(other.corners)) < SAME for other in kept):
                kept.append(plate)
        return tuple(kept)

    def _look(self, gray: Image, cuts: Sequence[Cut]) -> list[Plate | None]:
        """What is read in each piece of a photo, where it is in the photo."""
        plates: list[Plate | None] = []
        for cut, found in zip(cuts, self.reader.look([cut.picture for cut in cuts]), strict=True):
            plate = _outside(found[0], cut, gray.shape) if found else None
            counts = plate is not None and (len(plate.chars) >= SHORT or plate.confidence >= SURE)
            plates.append(plate if counts else None)
        return plates


def _sides(first: int, whole: int) -> Iterator[int]:
    """To how many pixels the longer side of a photo is shrunk, one after the other, until plates are found.

    Args:
        first: what the locator learnt with.
        whole: of the photo.
    """
    side = first
    yield side
    while side < whole:
        # Far away.
        side *= 2
        yield side
    if first // 2 < whole:
        # Nearer than any that it learnt from.
        yield first // 2


def _outside(plate: Plate | None, cut: Cut, shape: tuple[int, ...]) -> Plate | None:
    """A plate that was read in a piece of a picture of that shape, with its corners in that picture."""
    if plate is None:
        return None
    corners = np.clip(cut.outside(plate.corners), 0, shape[1::-1])
    return dataclasses.replace(plate, corners=tuple((float(x), float(y)) for x, y in corners))


def _surer(one: Plate | None, other: Plate | None) -> Plate | None:
    """Of two readings of one plate the surer; of equals the first."""
    if one is None or other is None:
        return one or other
    return other if other.confidence > one.confidence else one
