"""Reading plates in photos: found first, then cut out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from plate_ocr.model.sessions import Detector
from plate_ocr.readers.plates import NetworkReader
from plate_ocr.readers.results import Plate
from plate_ocr.vision.detection import Located, scale_cascade
from plate_ocr.vision.geometry import hull_cut, overlap, straight_cut
from plate_ocr.vision.images import Image

STRAIGHT = (0.08, 0.2)
"""What is left about a plate that was found in a photo and straightened, as parts of its width and height."""

AS_IT_STANDS = (0.12, 0.2)
"""The same about one that is read as it stands."""

SAME = 0.2
"""Plates that overlap more are one plate."""

SHORT_CONFIDENCE = 0.97
"""Of short texts that are found in a photo, at least: badges and lamps read so."""


class PhotoReader:
    """Finds the plates in photos and reads them.

    Args:
        reader: reads what was found.
        detector: finds.

    Safe to call from several threads.
    """

    def __init__(self, reader: NetworkReader, detector: Detector) -> None:
        self.reader, self.detector = reader, detector

    def read(self, pictures: Sequence[Image]) -> list[tuple[Plate, ...]]:
        """All plates in each of several grey photos, uint8 ``(H, W)``; the surest comes first."""
        return [self.read_places(gray, self.detect(gray)) for gray in pictures]

    def detect(self, gray: Image) -> Iterator[list[Located]]:
        """Where plates may be in a photo, uint8 ``(H, W)``, at one scale after the other."""
        card = self.detector.card
        for longest in scale_cascade(card.longest, max(gray.shape)):
            yield self.detector.detect(gray, scales=[longest], min_score=card.min_score)

    def read_places(self, gray: Image, places: Iterable[Sequence[Located]]) -> tuple[Plate, ...]:
        """The plates that are read at the first scale at which there are any, the surest first.

        Args:
            gray: uint8 ``(H, W)``.
            places: where plates may be, for each scale.
        """
        return next(filter(None, (self._among(gray, some) for some in places)), ())

    def _among(self, gray: Image, places: Sequence[Located]) -> tuple[Plate, ...]:
        """What is read where plates may be; of overlapping ones the surest."""
        crops = [
            (straight_cut(gray, place.corners, STRAIGHT), hull_cut(gray, place.corners, AS_IT_STANDS))
            for place in places
        ]
        plates = self.reader.read_crops(crops, short_confidence=SHORT_CONFIDENCE)
        kept: list[Plate] = []
        for plate in sorted(filter(None, plates), key=lambda plate: -plate.confidence):
            box = np.array(plate.corners)
            if all(overlap(box, np.array(other.corners)) < SAME for other in kept):
                kept.append(plate)
        return tuple(kept)
