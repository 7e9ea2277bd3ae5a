"""Reading plates in photos: found first, then cut out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import compress
from operator import not_

import numpy as np
from numpy.typing import NDArray

from plate_ocr.alphabet import UNKNOWN
from plate_ocr.model.sessions import Detector
from plate_ocr.readers.plates import NetworkReader
from plate_ocr.readers.results import Char, Plate
from plate_ocr.readers.thresholds import (
    MAX_WEAK_TURNED,
    MIN_PHOTO_CONFIDENCE,
    MIN_SHORT_CONFIDENCE,
    MIN_WEAK_CONFIDENCE,
    REREAD_BELOW,
    SHORT_LENGTH,
    SURE_CHAR,
    TURNED_BELOW,
    TURNED_DOUBT,
    TURNED_MARGIN,
)
from plate_ocr.readers.trace import Search, SearchPurpose, current_trace, tell_dropped
from plate_ocr.text import fold_lookalikes
from plate_ocr.vision.detection import Detection, DetectorRun
from plate_ocr.vision.geometry import contained, crop_box, overlap, rectify
from plate_ocr.vision.images import Image
from plate_ocr.vision.overlays import is_overlay

RECTIFIED_MARGIN = (0.08, 0.2)
"""What is left about a plate that was found in a photo and straightened, as parts of its width and height."""

BOX_MARGIN = (0.12, 0.2)
"""The same about one that is read as it stands."""

CROPS = ("rectified", "unrectified")
"""Names of the two crops of a plate, in the order in which they are read."""

MIN_WIDTH = 128
"""A narrower plate is enlarged while it is rectified: pixels, half of the plate network's input."""

NMS_CONTAINMENT = 0.5
"""Two readings are of one plate where so much of the smaller box lies in the other."""

DUPLICATE_IOU = 0.9
"""Detections that overlap more are read once."""

CANDIDATE_SCORE, CANDIDATE_WIDTH = 0.1, 40
"""What the first look detects with at least this score and narrower than so many of its pixels is not read,
but is a reason for the second one."""

DOUBTFUL_SCORE = 0.2
"""So is what is wider and has at least this score, but not the detector's minimum."""

SAME_IOU = 0.6
"""What the second look detects and overlaps a plate that was read surely by so much is not read again."""

WEAK, WEAK_WIDTH = 0.4, 64
"""A detection of the second look with at least this part of the minimum score and narrower than so many of
its pixels is checked at twice the scale."""

WINDOW, MAX_WINDOWS, MIN_WINDOW_SCORE = 256, 6, 0.5
"""Side of the window for that check, pixels of the detector's input, the maximum number of windows, and the
minimum score in them."""

MAX_WEAK = 4
"""Detections below the minimum score that are read where nothing else was, at most."""

UPSIDE_DOWN = str.maketrans("69MW", "96WM")
"""Characters that are others upside down; ``0``, ``8`` or ``H`` stay."""

READ_ALREADY = "read already: the place of another detection"
"""Why a detection is not read, in words."""

UNWANTED = "below the minimum confidence or height of plates"
"""Why a plate does not count, for people."""


class PhotoReader:
    """Finds the plates in photos and reads them.

    Args:
        reader: reads what was found.
        detector: finds.
        is_wanted: whether a plate counts; where none does, the photo is looked at once more.

    Safe to call from several threads.
    """

    def __init__(
        self,
        reader: NetworkReader,
        detector: Detector,
        is_wanted: Callable[[Plate], bool] = lambda plate: True,
    ) -> None:
        self.reader, self.detector, self._is_wanted = reader, detector, is_wanted

    def read(self, pictures: Sequence[Image]) -> list[tuple[Plate, ...]]:
        """All plates in each of several grey photos, uint8 ``(H, W)``; the surest comes first."""
        return [self.read_photo(gray, self.detect(gray)) for gray in pictures]

    def detect(self, gray: Image) -> list[Detection]:
        """Where plates may be in a photo, uint8 ``(H, W)``: the first look, which takes a quarter of the time
        of one at the scale that the detector is made for.

        Some have a score below that of the detector's card: a second look must show more.
        """
        longest = self.detector.card.longest
        # Every so many pixels: averaging all of a large photo takes longer than the network.
        step = max(1, max(gray.shape) // longest)
        return self._detect(gray, longest // 2, "photo", min_score=CANDIDATE_SCORE, step=step)

    def detect_window(
        self, gray: Image, window: tuple[int, int, int, int], scale: float, *, weak: bool = False
    ) -> list[Detection]:
        """Where plates are in a window of a photo, looked at once.

        Args:
            gray: uint8 ``(H, W)``.
            window: left, top, right and bottom, pixels.
            scale: pixels of the detector's input per pixel of the photo.
            weak: whether a lower score is enough, as where a plate is expected.
        """
        left, top, right, bottom = window
        longest = max(1, round(scale * max(right - left, bottom - top)))
        min_score = (WEAK if weak else 1.0) * self.detector.card.min_score
        return self._detect(
            gray[top:bottom, left:right], longest, "closer", min_score=min_score, origin=(left, top)
        )

    def read_places(self, gray: Image, places: Sequence[Detection]) -> tuple[Plate, ...]:
        """The plates at these places of a photo, uint8 ``(H, W)``, the surest first."""
        return self._wanted(self._read_places(gray, places))

    def read_photo(self, gray: Image, places: Sequence[Detection]) -> tuple[Plate, ...]:
        """The plates in a photo, the surest first.

        Args:
            gray: uint8 ``(H, W)``.
            places: what :meth:`detect` gave.
        """
        card, longest = self.detector.card, self.detector.card.longest
        scale = longest / 2 / max(gray.shape)
        is_large = [scale * np.ptp(place.corners, axis=0).max() >= CANDIDATE_WIDTH for place in places]
        large, small = [*compress(places, is_large)], [*compress(places, map(not_, is_large))]
        tell_dropped(places, large, f"below {CANDIDATE_WIDTH} pixels at this scale")
        doubtful = [place for place in large if DOUBTFUL_SCORE <= place.score < card.min_score]
        large = self._clear(large)
        plates = self._read_places(gray, large)
        sure = all(plate.min_confidence >= SURE_CHAR for plate in plates)
        is_done = sure and not _unread([*small, *doubtful], plates, NMS_CONTAINMENT, contained)
        if is_done and (wanted := self._wanted(plates)):
            return wanted
        first, places = places, self._detect(gray, longest, "full", min_score=WEAK * card.min_score)
        if unread := _unread(_distinct(self._clear(places), large), plates, SAME_IOU, overlap):
            plates = _distinct_plates([*plates, *self._read_places(gray, unread)])
        if longest < max(gray.shape) and (closer := self._closer(gray, places, plates)):
            plates = _distinct_plates([*plates, *self._read_places(gray, closer)])
        wanted = self._wanted(plates)
        while not wanted and longest < max(gray.shape):
            # Far away.
            longest *= 2
            wanted = self._wanted(self._read_places(gray, self._detect(gray, longest, "far")))
        if not wanted:
            seen = [*first, *places]
            clear = [place for place in seen if place.score >= card.min_score]
            weak = _distinct([place for place in seen if place.score < card.min_score], clear)
            wanted = self._wanted(self._read_places(gray, weak[:MAX_WEAK], strict=True))
        return wanted

    def _wanted(self, plates: Sequence[Plate]) -> tuple[Plate, ...]:
        wanted = tuple(filter(self._is_wanted, plates))
        tell_dropped(plates, wanted, UNWANTED)
        return wanted

    def _clear(self, places: Sequence[Detection]) -> list[Detection]:
        """What has the minimum score."""
        min_score = self.detector.card.min_score
        clear = [place for place in places if place.score >= min_score]
        tell_dropped(places, clear, f"score below {min_score:.2f}")
        return clear

    def _closer(self, gray: Image, places: Sequence[Detection], plates: Sequence[Plate]) -> list[Detection]:
        """What is seen at twice the scale about small places where nothing was read surely."""
        scale = self.detector.card.longest / max(gray.shape)
        reach = round(WINDOW / min(1.0, 2 * scale)) // 2
        found: list[Detection] = []
        small = [p for p in places if scale * np.ptp(p.corners, axis=0).max() < WEAK_WIDTH]
        for place in _unread(small, plates, NMS_CONTAINMENT, contained)[:MAX_WINDOWS]:
            x, y = (max(0, round(v) - reach) for v in place.corners.mean(0))
            window = gray[y : y + 2 * reach, x : x + 2 * reach]
            found += self._detect(
                window, WINDOW, "closer", min_score=MIN_WINDOW_SCORE, origin=(x, y), about=place
            )
        return found

    def _detect(
        self,
        gray: Image,
        longest: int,
        purpose: SearchPurpose,
        *,
        min_score: float | None = None,
        origin: tuple[int, int] = (0, 0),
        about: Detection | None = None,
        step: int = 1,
    ) -> list[Detection]:
        """Where plates may be in a photo or in a window of it.

        Args:
            gray: uint8 ``(H, W)``.
            longest: pixels that its longer side gets.
            purpose: for the trace.
            min_score: by default that of the detector's card.
            origin: x and y of the window's top left in the photo, pixels.
            about: the detection that the window is about.
            step: only every so many pixels are looked at.
        """
        min_score = self.detector.card.min_score if min_score is None else min_score
        trace, runs = current_trace(), list[DetectorRun]()
        found = self.detector.detect(
            gray[::step, ::step], scales=[longest], min_score=min_score, on_run=runs.append if trace else None
        )
        found = [Detection(place.score, place.corners * step + np.array(origin)) for place in found]
        if trace:
            trace.searches += [
                Search(
                    purpose,
                    gray,
                    origin,
                    about,
                    min_score,
                    run._replace(scale=run.scale / step),
                    tuple(found),
                )
                for run in runs
            ]
        return found

    def _read_places(
        self, gray: Image, places: Sequence[Detection], *, strict: bool = False
    ) -> tuple[Plate, ...]:
        """What is read where plates may be and no camera printed it: of readings of one plate the best.

        Args:
            gray: uint8 ``(H, W)``.
            places: where to read.
            strict: whether the detector is not sure of them: then the text must be.
        """
        places = _distinct(places)
        boxes = [place.corners for place in places]
        crops = [
            (rectify(gray, box, RECTIFIED_MARGIN, MIN_WIDTH), crop_box(gray, box, BOX_MARGIN))
            for box in boxes
        ]
        # What has to be sure is so at first sight.
        tried = [crop[:1] for crop in crops] if strict else crops
        read = self.reader.read_crops(tried, short_confidence=MIN_SHORT_CONFIDENCE)
        read = [
            plate and replace(plate, detection=place.score) for plate, place in zip(read, places, strict=True)
        ]
        found = {i: plate for i, plate in enumerate(read) if plate}
        doubtful = [i for i, plate in found.items() if strict or plate.min_confidence < TURNED_BELOW]
        crops_turned = [
            rectify(gray, np.roll(boxes[i], 2, axis=0), RECTIFIED_MARGIN, MIN_WIDTH) for i in doubtful
        ]
        turned = dict(zip(doubtful, self.reader.read_once(crops_turned), strict=True))
        upside_down = [i for i in doubtful if reads_better(turned[i], found[i])]
        if trace := current_trace():
            trace.add_detections(places, read, doubtful, upside_down)
        upright = [plate for i, plate in found.items() if i not in upside_down]
        real = [plate for plate in upright if not is_overlay(gray, np.array(plate.corners))]
        tell_dropped(upright, real, "printed into the picture by a camera")
        if strict:
            both_ways = [found[i] for i in doubtful if _is_text(turned[i])]
            one_way = [plate for plate in real if all(plate is not other for other in both_ways)]
            tell_dropped(real, one_way, f"upside down a text of {MAX_WEAK_TURNED} or more, too")
            sure = [plate for plate in one_way if _is_surely_plate(plate)]
            tell_dropped(one_way, sure, "not as long and sure as where the detector is not sure")
            return _distinct_plates(sure)
        if self.reader.min_plate_confidence == 0:
            return _distinct_plates(real)
        confident = [plate for plate in real if plate.confidence >= MIN_PHOTO_CONFIDENCE]
        tell_dropped(real, confident, f"mean below {MIN_PHOTO_CONFIDENCE}, as signs in photos have")
        return _distinct_plates(confident)


def _unread(
    places: Sequence[Detection],
    plates: Sequence[Plate],
    bound: float,
    shared: Callable[[NDArray[np.float64], NDArray[np.float64]], float],
) -> list[Detection]:
    """Places that share less than the bound with every plate that was read surely."""
    sure = [np.array(plate.corners) for plate in plates if plate.min_confidence >= SURE_CHAR]
    unread = [place for place in places if all(shared(place.corners, box) < bound for box in sure)]
    tell_dropped(places, unread, READ_ALREADY)
    return unread


def _distinct_plates(plates: Sequence[Plate]) -> tuple[Plate, ...]:
    """Of readings of one plate the best; the surest plate first."""
    kept: list[Plate] = []
    for plate in sorted(plates, key=_rank, reverse=True):
        box = np.array(plate.corners)
        shared = (other for other in kept if contained(box, np.array(other.corners)) >= NMS_CONTAINMENT)
        if (better := next(shared, None)) is None:
            kept.append(plate)
        elif trace := current_trace():
            trace.suppressed.append((plate, better))
    return tuple(sorted(kept, key=lambda plate: -plate.confidence))


def _distinct(places: Sequence[Detection], others: Sequence[Detection] = ()) -> list[Detection]:
    """Of detections at one place the one with the highest score; none where one of the others is."""
    kept: list[Detection] = []
    for place in sorted(places, key=lambda place: -place.score):
        if all(overlap(place.corners, other.corners) < DUPLICATE_IOU for other in (*others, *kept)):
            kept.append(place)
    tell_dropped(places, kept, READ_ALREADY)
    return kept


def reads_better(turned: Plate | None, plate: Plate) -> bool:
    """Whether a plate read upside down is more confident than upright, and not less of the same."""
    if turned is None or _is_within(turned.text.strip(UNKNOWN), plate.text.translate(UPSIDE_DOWN)[::-1]):
        return False
    one, other = folded_confidence(turned), folded_confidence(plate)
    return one > other + TURNED_MARGIN and 1 - one < TURNED_DOUBT * (1 - other)


def _is_within(text: str, whole: str) -> bool:
    return SHORT_LENGTH <= len(text) < len(whole) and fold_lookalikes(text) in fold_lookalikes(whole)


def _is_text(turned: Plate | None) -> bool:
    """Whether what was read upside down may be a text."""
    return turned is not None and turned.confidence >= MAX_WEAK_TURNED


def _is_surely_plate(plate: Plate) -> bool:
    """Whether a text is as long and as sure as few others than those of plates."""
    is_sure = plate.confidence >= MIN_WEAK_CONFIDENCE and plate.min_confidence >= REREAD_BELOW
    return is_sure and len(plate.chars) >= SHORT_LENGTH


def folded_confidence(plate: Plate) -> float:
    """Mean confidence of a plate's characters, each together with those that look like it."""
    return float(np.mean([_with_lookalikes(char) for char in plate.chars]))


def _with_lookalikes(char: Char) -> float:
    own = fold_lookalikes(char.char or "")
    others = (
        share for other, share in char.alternatives if other != char.char and fold_lookalikes(other) == own
    )
    return char.confidence + sum(others)


def _rank(plate: Plate) -> tuple[int, float]:
    return sure_chars(plate), plate.confidence


def sure_chars(plate: Plate) -> int:
    """Number of characters with a confidence of at least :data:`SURE_CHAR`."""
    return sum(char.confidence >= SURE_CHAR for char in plate.chars)
