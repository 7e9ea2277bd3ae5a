"""Plates tracked from frame to frame: each vehicle is reported once, by the vote of all its readings."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from plate_ocr.readers.results import Plate, Reading
from plate_ocr.video.track import EDGE_WEIGHT, MIN_DETECTIONS, Track, overlap
from plate_ocr.video.vehicle import Corners, VehicleTrack
from plate_ocr.vision.images import Image

LOST_AFTER_S = 2.5
"""Seconds, and frames, without a detection after which a track ends."""
LOST_AFTER_FRAMES = 3

MIN_VOTE_CONFIDENCE = 0.5
"""Minimum confidence of the vote."""

MAX_BESIDE_S = 0.4
"""Seconds for which another track's place is known well enough to say that a track is beside it."""

MIN_OVERLAY_S, OVERLAY_IOU, MAX_OVERLAYS = 1.0, 0.3, 16
"""An overlay is seen for so many seconds; what overlaps one by so much, and stays, is one too; how many of
their places are kept."""


class Tracker:
    """Tracks plates from frame to frame.

    Plates are assigned to tracks greedily, by overlap with the box expected at constant velocity
    (after SORT, Bewley et al., 2016) and by text: a vehicle that reappears, or has moved far, has the same
    text. Memory does not grow with time.

    Attributes:
        tracks: those that have not ended.
    """

    def __init__(self) -> None:
        self.tracks: list[Track] = []
        self._number = 0
        self._overlays: list[NDArray[np.float64]] = []

    def update(
        self,
        reading: Reading,
        time: float,
        picture: Image | None = None,
        *,
        followed: Sequence[tuple[Track, Corners]] = (),
        unchanged: Collection[Track] = (),
        sought: Collection[Track] | None = None,
    ) -> list[VehicleTrack]:
        """Process the next frame.

        Args:
            reading: what was read in it, most confident plate first.
            time: of the frame, seconds; not less than that of the previous frame.
            picture: kept while it is the best frame of a track.
            followed: tracks whose plates were detected, but not read, and their corners.
            unchanged: tracks where nothing has changed since they were last seen.
            sought: tracks that were looked for; None for all.

        Returns:
            The tracks that have ended.
        """
        self._number += 1
        for track, corners in followed:
            track.follow(corners, (reading.width, reading.height), time, self._number)
        for track in unchanged:
            track.keep(time, self._number)
        self._assign(reading, time, picture)
        for track in self.tracks if sought is None else sought:
            if track.number != self._number:
                track.miss()
        for track in self.tracks:
            if track.seen_in == self._number:
                for other in self.tracks:
                    if other is not track and time - other.end <= MAX_BESIDE_S:
                        track.note_beside(other, time)
        self._merge_duplicates()
        return self._retire(time)

    def arrived(self) -> list[VehicleTrack]:
        """The tracks whose reading has become sure since the last call."""
        sure = [track for track in self.tracks if track.is_sure and not (track.told or track.is_overlay)]
        new = [track for track in sure if self._is_vehicle(track)]
        for track in new:
            track.told = True
        return [track.vehicle(departed=False) for track in new]

    def finish(self) -> list[VehicleTrack]:
        """The remaining tracks, after the last frame."""
        return self._retire(None)

    def _assign(self, reading: Reading, time: float, picture: Image | None) -> None:
        plates: list[Plate] = []
        for plate in reading.plates:
            if all(plate.text != other.text for other in plates):
                plates.append(plate)
        pairs = [
            (t.association_score(p, time), i, j)
            for i, t in enumerate(self.tracks)
            if t.seen_in != self._number
            for j, p in enumerate(plates)
        ]
        tracks, free = set(range(len(self.tracks))), set(range(len(plates)))
        for value, i, j in sorted(pairs, key=lambda pair: (-pair[0], pair[1:])):
            if value > 0 and i in tracks and j in free:
                tracks.remove(i)
                free.remove(j)
                self.tracks[i].add(plates[j], reading, time, self._number, picture)
        for j in sorted(free):
            self.tracks.append(Track(plates[j], reading, time, self._number, picture))

    def _merge_duplicates(self) -> None:
        """Merge tracks with the same text, and those of parts of one plate."""
        kept: list[Track] = []
        for track in sorted(self.tracks, key=lambda track: -len(track.plate.text)):
            for known in kept:
                if track.has_same_text(known):
                    known.merge(track)
                    break
                if track.is_part_of(known):
                    known.merge(track, EDGE_WEIGHT)
                    break
            else:
                kept.append(track)
        self.tracks = kept

    def _retire(self, time: float | None) -> list[VehicleTrack]:
        left = [
            track
            for track in self.tracks
            if time is None
            or (time - track.end > LOST_AFTER_S and self._number - track.number >= LOST_AFTER_FRAMES)
        ]
        self.tracks = [track for track in self.tracks if track not in left]
        vehicles = [track.vehicle(departed=True) for track in left if self._is_vehicle(track)]
        for track in self.tracks:
            track.forget_beside(left)
        return sorted(vehicles, key=lambda car: (car.start, car.end))

    def _is_vehicle(self, track: Track) -> bool:
        clear = track.is_seen_enough and track.plate.confidence >= MIN_VOTE_CONFIDENCE
        if not clear or track.is_sign:
            return False
        if not track.is_overlay:
            return True
        known = any(overlap(track.box, box) >= OVERLAY_IOU for box in self._overlays)
        if known or track.end - track.start < MIN_OVERLAY_S or track.sightings < MIN_DETECTIONS:
            return not known
        self._overlays = [*self._overlays[1 - MAX_OVERLAYS :], track.box]
        return False
