"""Reads pictures of any kind: tells what each shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from plate_ocr.model.providers import Providers
from plate_ocr.model.sessions import Detector
from plate_ocr.readers.photos import PhotoReader, reads_better
from plate_ocr.readers.plates import NetworkReader
from plate_ocr.readers.results import Plate
from plate_ocr.readers.thresholds import MIN_SHORT_CONFIDENCE, SHORT_LENGTH, TURNED_BELOW
from plate_ocr.readers.trace import current_trace, tell_dropped
from plate_ocr.vision.detection import Detection
from plate_ocr.vision.geometry import whole_crop
from plate_ocr.vision.images import Image

if TYPE_CHECKING:
    from plate_ocr.readers.classical import CharClassifier

MAX_CHAR_HEIGHT, MAX_CHAR_ASPECT = 128, 1.15
"""A picture may be that of a single character up to this height, pixels, and this width against it."""

MIN_PLATE_LENGTH = 3
"""Characters of a plate, at least, where it could be a picture of a single character."""

MIN_PHOTO_HEIGHT, MAX_PHOTO_ASPECT = 176, 2.5
"""What is lower, pixels, was cut out: in lower photos a fifth of the width leaves a plate's characters five
pixels. What is wider, against its height, was most likely."""

PART_HEIGHT, MIN_FILL = 0.15, 0.75
"""What is detected and so high against the picture may be a part of a plate that was cut out; it is if the
picture, read as a plate, is filled by one to so much of its width."""

PictureType: TypeAlias = Literal["photo", "plate", "char"]
"""What a picture shows."""


class AnyReader:
    """Reads whatever a picture shows: a plate that was cut out, a single character, or a photo.

    What may be a photo is searched for plates first; where that leaves a doubt, it is read as a plate, by
    which :func:`classify_picture` tells what it is.

    Args:
        plates: reads plates.
        detector: opens what finds them.
        threads: processor cores for single characters; by default as many as the process may use.
        min_confidence: below it a single character is unknown; by default its model's own bound.
        providers: what runs the network of single characters, as :class:`PlateReader` takes it.
        is_wanted: whether a plate in a photo counts, as :class:`PhotoReader` takes it.

    Safe to call from several threads.
    """

    def __init__(
        self,
        plates: NetworkReader,
        detector: Callable[[], Detector],
        *,
        threads: int | None = None,
        min_confidence: float | None = None,
        providers: Providers = None,
        is_wanted: Callable[[Plate], bool] = lambda plate: True,
    ) -> None:
        self._is_wanted = is_wanted
        self.plates, self._detector, self._min_confidence = plates, detector, min_confidence
        self._threads, self._providers = threads, providers

    # Opened in the time of the first picture that needs them: most calls are for one kind of picture.

    @cached_property
    def photos(self) -> PhotoReader:
        """Reads photos."""
        return PhotoReader(self.plates, self._detector(), self._is_wanted)

    @cached_property
    def characters(self) -> CharClassifier:
        """Reads single characters."""
        from plate_ocr.readers.classical import CharClassifier

        return CharClassifier(
            threads=self._threads, min_confidence=self._min_confidence, providers=self._providers
        )

    def read(self, pictures: Sequence[Image]) -> list[tuple[Plate, ...]]:
        """Read grey pictures, uint8 ``(H, W)`` each."""
        return [plates for _, plates in self.classify_and_read(pictures)]

    def classify_and_read(self, pictures: Sequence[Image]) -> list[tuple[PictureType, tuple[Plate, ...]]]:
        """What each of several grey pictures shows, uint8 ``(H, W)``, and what was read of it."""
        places = {i: self.photos.detect(gray) for i, gray in enumerate(pictures) if _may_be_photo(gray)}
        clear = self.photos.detector.card.min_score if places else 0.0
        doubtful = [
            i
            for i, gray in enumerate(pictures)
            if not _is_photo(gray, [place for place in places.get(i, []) if place.score >= clear])
        ]
        crops = dict(zip(doubtful, self.plates.read([pictures[i] for i in doubtful]), strict=True))
        results: list[tuple[PictureType, tuple[Plate, ...]]] = []
        for i, gray in enumerate(pictures):
            picture_type: PictureType = (
                classify_picture(len(gray), gray.shape[1], crops[i]) if i in crops else "photo"
            )
            if picture_type == "char":
                plates = self.characters.read([gray])[0]
            elif picture_type == "plate":
                plates = crops[i]
            else:
                plates = self.photos.read_photo(gray, places[i] if i in places else self.photos.detect(gray))
                plates = plates or self._sure(gray, crops[i] if i in crops else self.plates.read([gray])[0])
            if trace := current_trace():
                trace.picture_type = picture_type
            results.append((picture_type, plates))
        return results

    def _sure(self, gray: Image, read: tuple[Plate, ...]) -> tuple[Plate, ...]:
        """Of what was read of a whole photo, what is no short text or a confident one, and upright."""
        if self.plates.min_plate_confidence == 0:
            return read
        sure = tuple(plate for plate in read if not _is_doubtful(plate))
        tell_dropped(read, sure, f"fewer than {SHORT_LENGTH} characters below {MIN_SHORT_CONFIDENCE}")
        upright = tuple(plate for plate in sure if not self._is_upside_down(gray, plate))
        tell_dropped(sure, upright, "better upside down")
        return upright

    def _is_upside_down(self, gray: Image, plate: Plate) -> bool:
        if plate.min_confidence >= TURNED_BELOW:
            return False
        (turned,) = self.plates.read_once([whole_crop(np.ascontiguousarray(gray[::-1, ::-1]))])
        return reads_better(turned, plate)


def _is_doubtful(plate: Plate) -> bool:
    """Whether a text is as short and unsure as what is read of badges, lamps and whole photos."""
    return len(plate.chars) < SHORT_LENGTH and plate.confidence < MIN_SHORT_CONFIDENCE


def _may_be_photo(gray: Image) -> bool:
    height, width = gray.shape
    return bool(height >= MIN_PHOTO_HEIGHT and width <= MAX_PHOTO_ASPECT * height)


def _is_photo(gray: Image, places: Sequence[Detection]) -> bool:
    """Whether a picture shows a photo without doubt: by where plates were detected in it."""
    heights = [np.ptp(place.corners[:, 1]) for place in places]
    return bool(heights) and bool(max(heights) < PART_HEIGHT * len(gray))


def classify_picture(height: int, width: int, plates: Sequence[Plate]) -> PictureType:
    """What a picture shows that is no photo without doubt.

    Args:
        height: of the picture, pixels.
        width: of the picture, pixels.
        plates: what was read of it, taken for a plate.

    Returns:
        ``"char"`` for what is small, hardly wider than high and has no text of a plate's length;
        ``"plate"`` for what is filled by a plate, a short text only if it is confident, or too low for a
        photo; ``"photo"`` for all else.
    """
    # A motorcycle's plate of two lines may be as small.
    small = height <= MAX_CHAR_HEIGHT and width <= MAX_CHAR_ASPECT * height
    if small and all(len(plate.text) < MIN_PLATE_LENGTH for plate in plates):
        return "char"
    filled = any(
        np.ptp([x for x, _ in plate.corners]) >= MIN_FILL * width and not _is_doubtful(plate)
        for plate in plates
    )
    return "plate" if filled or height < MIN_PHOTO_HEIGHT else "photo"
