"""Plates tracked from frame to frame: each vehicle is reported once, by the vote of all its readings."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from plate_ocr.readers.results import Plate, Reading
from plate_ocr.text import fold_lookalikes, is_part, similarity
from plate_ocr.video.vote import TextVote
from plate_ocr.vision.images import Image

LOST_AFTER_S = 2.5
"""Seconds, and frames, without a detection after which a track ends."""
LOST_AFTER_FRAMES = 3

MAX_EXTRAPOLATION_S = 1.0
"""Maximum extrapolation of a track's motion, seconds."""

MIN_TRACK_IOU = 0.15
"""Minimum intersection over union of a plate and its track's expected box."""

MIN_SIMILARITY, MAX_DISTANCE = 0.7, 5.0
"""Without overlap: minimum similarity of texts, and maximum distance in plate widths."""

MAX_PART_DISTANCE = 1.5
"""The same for two parts of one plate, to the left and right of an obstacle."""

MIN_DETECTIONS, HIGH_CONFIDENCE = 3, 0.9
"""A track is reported after 3 detections, or after one whose characters all reach 0.9 and include a digit
(digit-free text is usually signage)."""

MIN_VOTE_CONFIDENCE = 0.5
"""Minimum confidence of the vote."""

EDGE_WEIGHT = 0.1
"""Weight of a plate that touches the frame's edge: part of it may be cut off."""

EDGE_MARGIN = 2.0
"""Distance from the edge that counts as touching it, pixels."""

VELOCITY_WEIGHT = 0.5
"""Weight of the newest motion in a track's velocity."""


@dataclass(frozen=True)
class VehicleTrack:
    """A finished track of a vehicle.

    Attributes:
        start: time of its first detection, seconds.
        end: time of its last detection.
        frames: number of frames with it.
        best_time: time of its best frame.
        picture: its best frame, which corners refer to; None if none was given.
        reading: the vote, with corners, size and reading time of the best frame.
    """

    start: float
    end: float
    frames: int
    best_time: float
    picture: Image | None = dataclasses.field(repr=False, compare=False)
    reading: Reading

    @property
    def plate(self) -> Plate:
        """The plate that was voted for."""
        return self.reading.plates[0]


class _Track:
    """A plate that is being tracked."""

    def __init__(
        self, plate: Plate, reading: Reading, time: float, number: int, picture: Image | None
    ) -> None:
        self.vote, self.frames, self.confidence, self.velocity = TextVote(), 0, 0.0, np.zeros(2)
        self.start = self.end = self.best_time = time
        self.box = _box(plate)
        self.best, self.best_weight = reading, -1.0
        self.picture: Image | None = None
        self.add(plate, reading, time, number, picture)

    def add(self, plate: Plate, reading: Reading, time: float, number: int, picture: Image | None) -> None:
        box, passed = _box(plate), time - self.end
        if passed > 0:
            motion = (box.mean(0) - self.box.mean(0)) / passed
            self.velocity += (VELOCITY_WEIGHT if self.frames > 1 else 1.0) * (motion - self.velocity)
        self.box, self.end, self.number = box, time, number
        self.frames += 1
        inside = (box >= EDGE_MARGIN).all() and (
            box <= np.array([reading.width, reading.height]) - EDGE_MARGIN
        ).all()
        weight = 1.0 if inside else EDGE_WEIGHT
        self.vote.add(plate, weight)
        self.confidence = max(self.confidence, weight * plate.min_confidence)
        # Among equally confident readings the largest.
        weight *= plate.confidence * float(np.sqrt(np.ptp(self.box, axis=0).prod()))
        if weight > self.best_weight:
            self.best, self.best_weight, self.best_time = reading, weight, time
            self.corners, self.picture = plate.corners, picture
        self.plate = self.vote.result(self.corners)

    def merge(self, other: _Track) -> None:
        """Merge another track of the same vehicle into this one."""
        self.vote.merge(other.vote)
        self.confidence, self.start = max(self.confidence, other.confidence), min(self.start, other.start)
        if other.end > self.end:
            self.end, self.number, self.box, self.velocity = (
                other.end,
                other.number,
                other.box,
                other.velocity,
            )
        # Frames with both tracks show the vehicle once.
        self.frames = (
            max(self.frames, other.frames) if self.overlaps_in_time(other) else self.frames + other.frames
        )
        if other.best_weight > self.best_weight:
            self.best, self.best_weight, self.best_time = other.best, other.best_weight, other.best_time
            self.corners, self.picture = other.corners, other.picture
        self.plate = self.vote.result(self.corners)

    def overlaps_in_time(self, other: _Track) -> bool:
        """Whether both tracks overlap in time."""
        return self.start <= other.end and other.start <= self.end

    def association_score(self, plate: Plate, time: float) -> float:
        """How well a plate fits the track, higher is better; 0 if it does not."""
        similar, passed = similarity(self.plate.text, plate.text), time - self.end
        part = is_part(self.plate.text, plate.text) or is_part(plate.text, self.plate.text)
        if part:
            similar = max(similar, MIN_SIMILARITY)
        both_confident = min(plate.min_confidence, self.confidence) >= HIGH_CONFIDENCE
        box, expected = _box(plate), self.box + self.velocity * min(passed, MAX_EXTRAPOLATION_S)
        shared = overlap(box, expected) if passed <= MAX_EXTRAPOLATION_S else 0.0
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
        expected = self.box.mean(0) + self.velocity * min(time - self.end, MAX_EXTRAPOLATION_S)
        wide = max(np.ptp(self.box[:, 0]), np.ptp(box[:, 0]), 1.0)
        return float(np.linalg.norm(box.mean(0) - expected) / wide)

    def has_same_text(self, other: _Track) -> bool:
        """Whether both have the same text, O like 0 and I like 1."""
        return fold_lookalikes(self.plate.text) == fold_lookalikes(other.plate.text)

    def is_part_of(self, other: _Track) -> bool:
        """Whether it is the visible part of another track's plate beside an obstacle."""
        near = other.distance(self.box, max(self.end, other.end)) <= MAX_PART_DISTANCE
        return near and self.overlaps_in_time(other) and is_part(self.plate.text, other.plate.text)

    @property
    def is_confident(self) -> bool:
        """Whether a single detection is enough to report it."""
        return self.confidence >= HIGH_CONFIDENCE and any(char.isdigit() for char in self.plate.text)

    def car(self) -> VehicleTrack:
        plate = self.plate.placed((0, 0), (self.best.width, self.best.height))
        reading = dataclasses.replace(self.best, plates=(plate,))
        return VehicleTrack(self.start, self.end, self.frames, self.best_time, self.picture, reading)


class Tracker:
    """Tracks plates from frame to frame.

    Plates are assigned to tracks greedily, by overlap with the box expected at constant velocity
    (after SORT, Bewley et al., 2016) and by text: a vehicle that reappears, or has moved far, has the same
    text. Memory does not grow with time.
    """

    def __init__(self) -> None:
        self._tracks: list[_Track] = []
        self._number = 0

    def update(self, reading: Reading, time: float, picture: Image | None = None) -> list[VehicleTrack]:
        """Process the plates of the next frame.

        Args:
            reading: of the frame, most confident plate first.
            time: of the frame, seconds; not less than that of the previous frame.
            picture: kept while it is the best frame of a track.

        Returns:
            The tracks that have ended.
        """
        self._number += 1
        plates: list[Plate] = []
        for plate in reading.plates:
            if all(plate.text != other.text for other in plates):
                plates.append(plate)
        pairs = [
            (t.association_score(p, time), i, j)
            for i, t in enumerate(self._tracks)
            for j, p in enumerate(plates)
        ]
        tracks, free = set(range(len(self._tracks))), set(range(len(plates)))
        for value, i, j in sorted(pairs, key=lambda pair: (-pair[0], pair[1:])):
            if value > 0 and i in tracks and j in free:
                tracks.remove(i)
                free.remove(j)
                self._tracks[i].add(plates[j], reading, time, self._number, picture)
        for j in sorted(free):
            self._tracks.append(_Track(plates[j], reading, time, self._number, picture))
        self._merge_duplicates()
        return self._retire(time)

    def finish(self) -> list[VehicleTrack]:
        """The remaining tracks, after the last frame."""
        return self._retire(None)

    def _merge_duplicates(self) -> None:
        """Merge tracks with the same text, and those of parts of one plate."""
        kept: list[_Track] = []
        for track in sorted(self._tracks, key=lambda track: -len(track.plate.text)):
            same = (t for t in kept if track.has_same_text(t) or track.is_part_of(t))
            if (known := next(same, None)) is not None:
                known.merge(track)
            else:
                kept.append(track)
        self._tracks = kept

    def _retire(self, time: float | None) -> list[VehicleTrack]:
        left = [
            track
            for track in self._tracks
            if time is None
            or (time - track.end > LOST_AFTER_S and self._number - track.number >= LOST_AFTER_FRAMES)
        ]
        self._tracks = [track for track in self._tracks if track not in left]
        reported = [track for track in left if track.frames >= MIN_DETECTIONS or track.is_confident]
        cars = [track.car() for track in reported if track.plate.confidence >= MIN_VOTE_CONFIDENCE]
        return sorted(cars, key=lambda car: (car.start, car.end))


def overlap(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Intersection over union of two upright boxes ``(2, 2)``, their low and their high corner, 0..1."""
    sides = np.minimum(one[1], other[1]) - np.maximum(one[0], other[0])
    shared = float(np.maximum(sides, 0).prod())
    areas = float(np.ptp(one, axis=0).prod() + np.ptp(other, axis=0).prod())
    return shared / (areas - shared) if shared > 0 else 0.0


def _box(plate: Plate) -> NDArray[np.float64]:
    """Upright hull of a plate: its low and its high corner."""
    corners = np.array(plate.corners, np.float64)
    return np.stack([corners.min(0), corners.max(0)])
