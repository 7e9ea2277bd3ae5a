"""The track of one vehicle: where its plate was, and the vote of what was read of it."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Container
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from plate_ocr.readers.results import Plate, Reading
from plate_ocr.text import fold_lookalikes, is_part, similarity
from plate_ocr.video.vehicle import Corners, VehicleTrack, sides
from plate_ocr.video.vote import TextVote
from plate_ocr.vision.images import Image

MAX_EXTRAPOLATION_S = 1.0
"""Maximum extrapolation of a track's motion, seconds."""

MIN_TRACK_IOU = 0.15
"""Minimum intersection over union of a plate and its track's expected box."""

MIN_SIMILARITY, MAX_DISTANCE = 0.7, 5.0
"""Without overlap: minimum similarity of texts, and maximum distance in plate widths."""

MAX_PART_DISTANCE = 1.5
"""The same for two parts of one plate, to the left and right of an obstacle."""

MIN_DETECTIONS, HIGH_CONFIDENCE, MIN_GLIMPSE = 3, 0.9, 4
"""A track is reported after 3 readings, or after one of at least 4 characters that all reach 0.9 and include
a digit from 2 to 9 (other text is usually signage). Its reading is sure when 3 agree with the vote, all of
whose characters reach 0.9."""

EDGE_WEIGHT = 0.1
"""Weight of a plate that is not seen whole: it touches the frame's edge, or something covers a part of it."""

EDGE_MARGIN = 2.0
"""Distance from the edge that counts as touching it, pixels."""

PART_ASPECT = 1.25
"""A plate that was so much wider, against its height, at another time is covered in part."""

MIN_SHIFT = 0.25
"""What has moved by so many of its heights stays at no place."""

OVERLAY_GAP = (2.5, 0.12)
"""Maximum distance of an overlay from the frame's edge: in its heights, and as a part of the frame's side."""

MAX_BESIDE, MAX_SPREAD, MIN_TOGETHER, MIN_MORE = 2.0, 0.5, 0.8, 1.5
"""A text on a car is at most so far from its plate, and stays there within so much, both in widths of the
plate; in so many of its frames it is seen together with the plate, which is seen so many times as often."""

MAX_WORD_BESIDE = 3.0
"""The same distance for a word: a taxi's sign is on its roof."""

SHORT_WORD, MIN_WORD_DETECTIONS = 5, 6
"""A word of at most so many characters whose reading is not sure is reported after so many readings: most are
badges."""

VELOCITY_WEIGHT = 0.5
"""Weight of the newest motion in a track's velocity."""


class Track:
    """A plate that is being tracked.

    Attributes:
        box: float64 ``(2, 2)``: low and high corner of its upright hull when it was last seen, pixels.
        start: time of the first detection, seconds.
        end: time of the last one.
        readings: how often it was read.
        frames: number of frames with it.
        plate: the vote.
        seen_in: number of the last frame in which it was detected.
        read_at: time of the last reading, seconds.
        looked_at: time when it was last looked for alone, seconds.
        read_width: of the widest plate that was read, pixels.
        sharpness: of the sharpest plate that was read.
        told: whether it was reported on arrival.
    """

    def __init__(
        self, plate: Plate, reading: Reading, time: float, number: int, picture: Image | None
    ) -> None:
        self.id = str(uuid.uuid4())
        self.vote, self.frames, self.readings, self.confidence = TextVote(), 0, 0, 0.0
        self._agreed = 0
        self.velocity = np.zeros(2)
        self.start = self.end = self.best_time = time
        self.number, self._missed, self.told = number - 1, False, False
        self.seen_in = number
        self.box = box_of(plate.corners)
        self.aspect, self.read_width, self.sharpness = _aspect(plate.corners), 0.0, 0.0
        self.read_at = self.looked_at = time
        self.first_corners = self.last_corners = self._now = plate.corners
        self._whole = False
        self.best, self.best_weight = reading, -1.0
        self.picture: Image | None = None
        self.sightings, self._first_box, self.moved = 0, self.box, False
        self._beside: dict[Track, _Offsets] = {}
        self.plate = plate
        self.add(plate, reading, time, number, picture)

    def add(self, plate: Plate, reading: Reading, time: float, number: int, picture: Image | None) -> None:
        """Add a reading of the frame of this number and time."""
        inside = self.follow(plate.corners, (reading.width, reading.height), time, number)
        weight = 1.0 if inside else EDGE_WEIGHT
        aspect, longer = (
            _aspect(plate.corners),
            len(plate.text) - len(self.plate.text) if self.readings else 1,
        )
        if self.readings and longer > 0 and aspect > PART_ASPECT * self.aspect:
            # What was read before was a part of it.
            self.vote.scale(EDGE_WEIGHT)
            self.confidence *= EDGE_WEIGHT
            self.best_weight *= EDGE_WEIGHT
            self.aspect = aspect
        elif longer < 0 and aspect * PART_ASPECT < self.aspect:
            weight = EDGE_WEIGHT
        elif inside:
            self.aspect = max(self.aspect, aspect) if longer <= 0 else aspect
        self.readings, self.read_at = self.readings + 1, time
        before = self.plate.text
        self.vote.add(plate, weight)
        self.confidence = max(self.confidence, weight * plate.min_confidence)
        self.read_width = max(self.read_width, float(np.ptp(self.box[:, 0])))
        # Among equally confident readings the largest.
        weight *= plate.confidence * float(np.sqrt(np.ptp(self.box, axis=0).prod()))
        if weight > self.best_weight:
            self.best, self.best_weight, self.best_time = reading, weight, time
            self.corners, self.picture = plate.corners, picture
        self.plate = self.vote.result(self.corners)
        if self.plate.text != before:
            self._agreed = 0
        clear = plate.min_confidence >= HIGH_CONFIDENCE and inside
        self._agreed += clear and fold_lookalikes(plate.text) == fold_lookalikes(self.plate.text)

    def follow(self, corners: Corners, size: tuple[int, int], time: float, number: int) -> bool:
        """Add a detection that was not read; returns whether it lies inside the frame of this size."""
        box, passed = box_of(corners), time - self.end
        if passed > 0:
            motion = (box.mean(0) - self.box.mean(0)) / passed
            self.velocity += (VELOCITY_WEIGHT if self.frames > 1 else 1.0) * (motion - self.velocity)
        self.box, self._now, self.sightings, self.seen_in = box, corners, self.sightings + 1, number
        shift = np.abs(box.mean(0) - self._first_box.mean(0)).max()
        self.moved |= bool(shift > MIN_SHIFT * np.ptp(box[:, 1]))
        inside = bool((box >= EDGE_MARGIN).all() and (box <= np.array(size) - EDGE_MARGIN).all())
        if inside and not self._whole:
            self.first_corners, self._whole = corners, True
        if inside or not self._whole:
            self.last_corners = corners
        self.keep(time, number)
        return inside

    def keep(self, time: float, number: int) -> None:
        """Nothing has changed where it was last seen: it is there in this frame too."""
        # In frames since then nobody looked.
        self.frames += 1 if self._missed else number - self.number
        self.end, self.number, self._missed = time, number, False

    def miss(self) -> None:
        """It was looked for and not found."""
        self._missed = True

    def merge(self, other: Track, weight: float = 1.0) -> None:
        """Merge another track of the same vehicle into this one, its readings with a weight."""
        other.vote.scale(weight)
        self.vote.merge(other.vote)
        # Frames with both tracks show the vehicle once.
        self.frames = (
            max(self.frames, other.frames) if self.overlaps_in_time(other) else self.frames + other.frames
        )
        self.readings, self.sightings = self.readings + other.readings, self.sightings + other.sightings
        self.moved |= other.moved
        self.confidence = max(self.confidence, weight * other.confidence)
        if (other.told, -other.start) > (self.told, -self.start):
            self.id = other.id
        if other.start < self.start:
            self.start, self.first_corners = other.start, other.first_corners
        self.told |= other.told
        if other.end > self.end:
            self.end, self.number, self.box, self.velocity = (
                other.end,
                other.number,
                other.box,
                other.velocity,
            )
            self.last_corners, self._now = other.last_corners, other._now
        if weight * other.best_weight > self.best_weight:
            self.best, self.best_weight, self.best_time = other.best, other.best_weight, other.best_time
            self.corners, self.picture = other.corners, other.picture
        self.plate = self.vote.result(self.corners)

    def overlaps_in_time(self, other: Track) -> bool:
        """Whether both tracks overlap in time."""
        return self.start <= other.end and other.start <= self.end

    def expected(self, time: float) -> NDArray[np.float64]:
        """Its box at a time, at constant velocity: float64 ``(2, 2)``."""
        return np.asarray(self.box + self.velocity * min(time - self.end, MAX_EXTRAPOLATION_S))

    def association_score(self, plate: Plate, time: float) -> float:
        """How well a plate fits the track, higher is better; 0 if it does not."""
        similar, passed = similarity(self.plate.text, plate.text), time - self.end
        part = is_part(self.plate.text, plate.text) or is_part(plate.text, self.plate.text)
        if part:
            similar = max(similar, MIN_SIMILARITY)
        both_confident = min(plate.min_confidence, self.confidence) >= HIGH_CONFIDENCE
        box = box_of(plate.corners)
        shared = overlap(box, self.expected(time)) if passed <= MAX_EXTRAPOLATION_S else 0.0
        if shared >= MIN_TRACK_IOU:
            # Between two frames another vehicle may take the same place.
            return 0.0 if similar < MIN_SIMILARITY and both_confident else 1 + shared + similar
        if similar == 1:
            return 1 + similar
        # Vehicles behind each other may have similar plates.
        if similar < MIN_SIMILARITY or (passed > MAX_EXTRAPOLATION_S and both_confident and not part):
            return 0.0
        return similar if self.distance(box, time) <= MAX_DISTANCE else 0.0

    def distance(self, box: NDArray[np.float64], time: float) -> float:
        """Distance of its expected centre from a box, in plate widths."""
        wide = max(np.ptp(self.box[:, 0]), np.ptp(box[:, 0]), 1.0)
        return float(np.linalg.norm(box.mean(0) - self.expected(time).mean(0)) / wide)

    def has_same_text(self, other: Track) -> bool:
        """Whether both have the same text, O like 0 and I like 1."""
        return fold_lookalikes(self.plate.text) == fold_lookalikes(other.plate.text)

    def is_part_of(self, other: Track) -> bool:
        """Whether it is the visible part of another track's plate beside an obstacle."""
        near = other.distance(self.box, max(self.end, other.end)) <= MAX_PART_DISTANCE
        return near and self.overlaps_in_time(other) and is_part(self.plate.text, other.plate.text)

    def note_beside(self, other: Track, time: float) -> None:
        """It was just seen: keep where it is, if near to where another one is expected."""
        wide = max(1.0, float(np.ptp(other.box[:, 0])))
        offset = (self.box.mean(0) - other.expected(time).mean(0)) / wide
        if np.abs(offset).max() <= (MAX_WORD_BESIDE if self._is_word else MAX_BESIDE):
            self._beside.setdefault(other, _Offsets()).add(offset)

    def forget_beside(self, gone: Container[Track]) -> None:
        """Forget tracks that have ended and that it did not ride along with."""
        for other in [other for other in self._beside if other in gone and not self._rides_with(other)]:
            del self._beside[other]

    def _rides_with(self, other: Track) -> bool:
        together = self._beside[other]
        steady = together.spread <= MAX_SPREAD and together.count >= MIN_TOGETHER * self.sightings
        if self._is_word > other._is_word:
            return steady
        main = self._is_word >= other._is_word and MIN_MORE * self.sightings <= other.sightings
        return main and steady and (other.moved or self.sightings < MIN_DETECTIONS)

    @property
    def is_sign(self) -> bool:
        """Whether it is no plate but a text on the car of another track: a word, or it moved with the car."""
        return any(map(self._rides_with, self._beside))

    @property
    def is_overlay(self) -> bool:
        """Whether it stays at one place at the frame's edge, as what a camera prints does."""
        size = np.array([self.best.width, self.best.height])
        gaps = np.stack([self.box[0], size - self.box[1]])
        near = (gaps <= np.minimum(OVERLAY_GAP[0] * np.ptp(self.box[:, 1]), OVERLAY_GAP[1] * size)).any()
        return bool(near) and not self.moved

    def plate_at(self, time: float) -> Plate:
        """The vote, where its plate is expected at a time."""
        x, y = self.velocity * min(time - self.end, MAX_EXTRAPOLATION_S)
        corners = tuple((a + float(x), b + float(y)) for a, b in self._now)
        return dataclasses.replace(self.plate, corners=corners)

    @property
    def is_confident(self) -> bool:
        """Whether a single detection is enough to report it."""
        long = len(self.plate.text) >= MIN_GLIMPSE
        return long and self.confidence >= HIGH_CONFIDENCE and not self._is_word

    @property
    def is_seen_enough(self) -> bool:
        """Whether it was read often enough to report it."""
        badge = self._is_word and len(self.plate.text) <= SHORT_WORD and not self.is_sure
        return self.is_confident or self.readings >= (MIN_WORD_DETECTIONS if badge else MIN_DETECTIONS)

    @property
    def _is_word(self) -> bool:
        """Whether it has no digit but those that look like a letter."""
        return not any(char.isdigit() and char not in "01" for char in self.plate.text)

    @property
    def is_sure(self) -> bool:
        """Whether more readings would hardly change the vote, as long as the plate is seen no better."""
        return self._agreed >= MIN_DETECTIONS

    def vehicle(self, *, departed: bool) -> VehicleTrack:
        """What there is to report of it."""
        plate = self.plate.placed((0, 0), (self.best.width, self.best.height))
        reading = dataclasses.replace(self.best, plates=(plate,))
        return VehicleTrack(
            self.id, self.start, self.end, self.frames, self.best_time, self.picture, reading,
            self.first_corners, self.last_corners, departed,
        )  # fmt: skip


@dataclass
class _Offsets:
    """Bounds of where one track was beside another, in widths of the other's plate."""

    count: int = 0
    low: NDArray[np.float64] = dataclasses.field(default_factory=lambda: np.full(2, np.inf))
    high: NDArray[np.float64] = dataclasses.field(default_factory=lambda: np.full(2, -np.inf))

    def add(self, offset: NDArray[np.float64]) -> None:
        self.count += 1
        self.low, self.high = np.minimum(self.low, offset), np.maximum(self.high, offset)

    @property
    def spread(self) -> float:
        return float((self.high - self.low).max())


def overlap(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Intersection over union of two upright boxes ``(2, 2)``, their low and their high corner, 0..1."""
    sides = np.minimum(one[1], other[1]) - np.maximum(one[0], other[0])
    shared = float(np.maximum(sides, 0).prod())
    areas = float(np.ptp(one, axis=0).prod() + np.ptp(other, axis=0).prod())
    return shared / (areas - shared) if shared > 0 else 0.0


def box_of(corners: ArrayLike) -> NDArray[np.float64]:
    """Upright hull of a plate's corners ``(4, 2)``: float64 ``(2, 2)``, its low and its high corner."""
    points = np.asarray(corners, np.float64)
    return np.stack([points.min(0), points.max(0)])


def _aspect(corners: Corners) -> float:
    width, height = sides(corners)
    return width / max(1.0, height)
