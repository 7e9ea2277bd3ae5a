"""What is looked at in each frame of a film: all of it now and then, what changes, and the plates in sight.

Most frames of a fixed camera show nothing new. A frame is read whole at intervals; between, where it
changes, and about each plate that is tracked. A plate whose reading is sure is only followed, until it is
larger or sharper.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from plate_ocr.readers.auto import PlateReader, rotated
from plate_ocr.readers.results import Plate, Reading
from plate_ocr.text import similarity
from plate_ocr.video.motion import ChangeMap
from plate_ocr.video.track import (
    MAX_EXTRAPOLATION_S,
    MIN_DETECTIONS,
    MIN_SIMILARITY,
    MIN_TRACK_IOU,
    Track,
    box_of,
    overlap,
)
from plate_ocr.video.tracking import Tracker
from plate_ocr.video.vehicle import Corners, VehicleTrack
from plate_ocr.vision.detection import Detection
from plate_ocr.vision.images import Image, to_gray

Window: TypeAlias = tuple[int, int, int, int]
"""Left, top, right and bottom, pixels."""

WHOLE_S = 2.0
"""Seconds after which a frame is read whole."""

SEARCH_S, FOLLOW_S, READ_S = 0.2, 0.2, 0.07
"""Seconds after which what changes is searched, a sure plate is followed, and an unsure one is read again."""

MAX_SEARCH_SIDE = 640
"""Maximum side of what is searched, pixels of the detector's input."""

SEARCH_MARGIN = 32
"""Added about what changes, pixels of the detector's input."""

PLATE_WIDTH, MAX_SCALE = 100.0, 2.0
"""Width of a tracked plate in the detector's input, pixels, and how far it is enlarged for it at most."""

WINDOW_MARGIN = (0.75, 0.5)
"""Added about a tracked plate on each side, as parts of its width."""

FOLLOW_IOU = 0.4
"""Minimum intersection over union of a detection and the expected box of the track that it follows."""

MAX_FOLLOW_GAP_S = 0.5
"""A plate that was not seen for longer is read where it is detected, and only there: another vehicle may have
taken its place."""

LARGER, SHARPER = 1.25, 1.5
"""A sure plate is read again when it is so many times as wide, or as sharp, as when it was read before."""

SAME_IOU = 0.4
"""Detections of one frame that overlap more are of one plate."""


@dataclass
class WatchStats:
    """What has been done so far.

    Attributes:
        frames: that were taken.
        skipped: of these, those in which nothing was looked at.
        seconds: since the first one.
    """

    frames: int = 0
    skipped: int = 0
    seconds: float = 0.0

    @property
    def fps(self) -> float:
        """Frames a second."""
        return self.frames / self.seconds if self.seconds else 0.0


class Looker:
    """Reads a film as far as it shows something new.

    Args:
        read: reads a frame, as a :class:`~plate_ocr.PlateReader` does; with any other callable than one for
            photos, whatever changes is read whole.

    Attributes:
        tracker: of what was seen.
        stats: what has been done.
    """

    def __init__(self, read: Callable[[Image], Reading]) -> None:
        self.tracker, self.stats = Tracker(), WatchStats()
        self._read = read
        self._photos = read.photos if isinstance(read, PlateReader) else None
        self._changes = ChangeMap()
        self._whole_at = self._searched_at = -np.inf

    def update(self, picture: Image, time: float) -> tuple[Reading, list[VehicleTrack]]:
        """Look at the next frame.

        Args:
            picture: uint8 ``(H, W)`` or ``(H, W, 3)``, before it is turned.
            time: of the frame, seconds.

        Returns:
            The plates in sight, read now or before, where they were last seen; the tracks that have ended.

        Raises:
            ImageError: as the reader.
        """
        shown = rotated(self._read, picture)
        self._changes.update(shown, time)
        tracks = self.tracker.tracks
        unchanged = [t for t in tracks if not self._changes.has_changed(t.box, t.end)]
        unread = [t for t in tracks if _needs_reading(t, time, t in unchanged)]
        if self._is_whole_due(time, bool(unread)):
            self._whole_at = self._searched_at = time
            reading = self._read(picture)
            ended = self.tracker.update(reading, time, shown)
        else:
            reading, ended = self._look_closer(shown, time, unchanged, unread)
        self.stats.frames += 1
        plates = tuple(t.plate_at(time) for t in self.tracker.tracks if time - t.end <= FOLLOW_S)
        return Reading(reading.width, reading.height, reading.ms, plates), ended

    def _is_whole_due(self, time: float, unread: bool) -> bool:
        if time - self._whole_at >= WHOLE_S:
            return True
        return self._photos is None and (unread or self._changes.hull(self._whole_at) is not None)

    def _look_closer(
        self, shown: Image, time: float, unchanged: Sequence[Track], unread: Sequence[Track]
    ) -> tuple[Reading, list[VehicleTrack]]:
        """Look at what changes, and at plates that are tracked."""
        started, (height, width) = perf_counter(), shown.shape[:2]
        windows, sought = list[tuple[Window, float, Track | None]](), list[Track]()
        if time - self._searched_at >= SEARCH_S and (hull := self._changes.hull(self._searched_at)):
            self._searched_at = time
            scale = min(1.0, MAX_SEARCH_SIDE / max(hull[2] - hull[0], hull[3] - hull[1]))
            windows.append((_grown(hull, SEARCH_MARGIN / scale, SEARCH_MARGIN / scale), scale, None))
            sought += [t for t in self.tracker.tracks if t not in unchanged]
        for track in self.tracker.tracks:
            if self._is_due(track, time, unchanged, unread):
                track.looked_at = time
                windows.append((*_window(track, time), track))
                sought.append(track)
        if self._photos is None or not windows:
            self.stats.skipped += 1
            nothing = Reading(width, height, 0.0, ())
            return nothing, self.tracker.update(nothing, time, unchanged=unchanged, sought=())
        gray, offset = to_gray(shown), (0, 0)
        if isinstance(self._read, PlateReader):
            gray, offset = self._read.view.visible(gray)
        found = list[Detection]()
        for window, scale, expected in windows:
            if inside := _inside(window, offset, gray):
                places = self._photos.detect_window(gray, inside, scale, weak=expected is not None)
                found += places if expected is None else _expected(places, expected.expected(time) - offset)
        places = _distinct(found)
        followed, rest = self._follow(gray, places, offset, time)
        plates = [
            *self._photos.read_places(gray, rest),
            *self._read_unseen(gray, windows, places, offset, time),
        ]
        placed = tuple(self._discounted(plate).placed(offset, (width, height)) for plate in plates)
        reading = Reading(width, height, 1000 * (perf_counter() - started), placed)
        ended = self.tracker.update(
            reading, time, shown, followed=followed, unchanged=unchanged, sought=sought
        )
        for track in self.tracker.tracks:
            if track.read_at == time:
                track.sharpness = max(track.sharpness, _sharpness(gray, track.box - offset))
        return reading, ended

    def _discounted(self, plate: Plate) -> Plate:
        return self._read.discounted(plate) if isinstance(self._read, PlateReader) else plate

    def _read_unseen(
        self,
        gray: Image,
        windows: Sequence[tuple[Window, float, Track | None]],
        places: Sequence[Detection],
        offset: tuple[int, int],
        time: float,
    ) -> list[Plate]:
        """What is read where tracked plates are expected and nothing was detected, if it is their text."""
        boxes = [box_of(place.corners) + offset for place in places]
        unseen = [
            track
            for _, _, track in windows
            if track
            and time - track.end <= MAX_FOLLOW_GAP_S
            and all(overlap(box, track.expected(time)) < MIN_TRACK_IOU for box in boxes)
        ]
        expected = [np.array(track.plate_at(time).corners) - offset for track in unseen]
        size = gray.shape[1::-1]
        inside = [corners for corners in expected if (corners > 0).all() and (corners < size).all()]
        assert self._photos is not None
        plates = self._photos.read_places(gray, [Detection(1.0, corners) for corners in inside])
        texts = [track.plate.text for track in unseen]
        return [p for p in plates if any(similarity(p.text, text) >= MIN_SIMILARITY for text in texts)]

    def _is_due(self, track: Track, time: float, unchanged: Sequence[Track], unread: Sequence[Track]) -> bool:
        """Whether a track is looked for."""
        if track in unread:
            return True
        if track in unchanged or time - track.end > MAX_EXTRAPOLATION_S:
            return False
        return time - max(track.end, track.looked_at) >= FOLLOW_S

    def _follow(
        self, gray: Image, places: Sequence[Detection], offset: tuple[int, int], time: float
    ) -> tuple[list[tuple[Track, Corners]], list[Detection]]:
        """Sure tracks with their corners, and the detections that are to be read."""
        followed, rest, free = list[tuple[Track, Corners]](), list[Detection](), {*self.tracker.tracks}
        for place in places:
            corners = place.corners + offset
            box = box_of(corners)
            ranked = [(overlap(box, track.expected(time)), i) for i, track in enumerate(self.tracker.tracks)]
            shared, best = max(ranked, default=(0.0, -1))
            track = self.tracker.tracks[best] if shared >= FOLLOW_IOU else None
            if track not in free or track is None or _is_news(track, gray, box, offset, time):
                rest.append(place)
            else:
                free.remove(track)
                followed.append((track, tuple((float(x), float(y)) for x, y in corners)))
        return followed, rest


def _needs_reading(track: Track, time: float, unchanged: bool) -> bool:
    """Whether a plate is not yet read surely, and its picture is another one than before."""
    if track.is_sure or time - track.end > MAX_EXTRAPOLATION_S:
        return False
    if unchanged:
        return track.readings < MIN_DETECTIONS
    return time - max(track.read_at, track.looked_at) >= READ_S


def _is_news(
    track: Track, gray: Image, box: NDArray[np.float64], offset: tuple[int, int], time: float
) -> bool:
    """Whether what was detected where a track is expected is to be read."""
    if not track.is_sure or time - track.end > MAX_FOLLOW_GAP_S:
        return True
    larger = np.ptp(box[:, 0]) >= LARGER * track.read_width
    return bool(larger) or _sharpness(gray, box - offset) >= SHARPER * track.sharpness > 0


def _sharpness(gray: Image, box: NDArray[np.float64]) -> float:
    """Standard deviation of the Laplacian of a part of a picture, its width scaled to one size."""
    left, top = np.maximum(0, np.floor(box[0])).astype(int)
    right, bottom = np.ceil(box[1]).astype(int)
    part = gray[top:bottom, left:right]
    if not part.size:
        return 0.0
    height = max(1, round(part.shape[0] * PLATE_WIDTH / part.shape[1]))
    small = cv2.resize(part, (round(PLATE_WIDTH), height), interpolation=cv2.INTER_AREA)
    return float(cv2.Laplacian(small, cv2.CV_32F).std())


def _window(track: Track, time: float) -> tuple[Window, float]:
    """Where a tracked plate is looked for, and at what scale."""
    low, high = track.expected(time)
    wide = max(1.0, float(high[0] - low[0]))
    # Its speed is an estimate.
    reach = np.abs(track.velocity) * min(time - track.end, MAX_EXTRAPOLATION_S) / 2
    x, y = np.array(WINDOW_MARGIN) * wide + reach
    return _grown((low[0], low[1], high[0], high[1]), x, y), min(MAX_SCALE, PLATE_WIDTH / wide)


def _grown(window: tuple[float, float, float, float], x: float, y: float) -> Window:
    left, top, right, bottom = window
    return round(left - x), round(top - y), round(right + x), round(bottom + y)


def _inside(window: Window, offset: tuple[int, int], gray: Image) -> Window | None:
    """A window in pixels of the part of a frame that is looked at; None outside of it."""
    (x, y), (height, width) = offset, gray.shape
    left, top, right, bottom = window
    left, top, right, bottom = (
        max(0, left - x),
        max(0, top - y),
        min(width, right - x),
        min(height, bottom - y),
    )
    return (left, top, right, bottom) if left < right and top < bottom else None


def _expected(places: Sequence[Detection], box: NDArray[np.float64]) -> list[Detection]:
    """The detection that overlaps an expected box most, or else that with the highest score."""
    return sorted(places, key=lambda place: (-overlap(box_of(place.corners), box), -place.score))[:1]


def _distinct(places: Iterable[Detection]) -> list[Detection]:
    """Of detections of one plate that with the highest score."""
    kept = list[tuple[Detection, NDArray[np.float64]]]()
    for place in sorted(places, key=lambda place: -place.score):
        box = box_of(place.corners)
        if all(overlap(box, other) < SAME_IOU for _, other in kept):
            kept.append((place, box))
    return [place for place, _ in kept]
