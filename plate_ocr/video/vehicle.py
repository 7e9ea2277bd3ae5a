"""What is reported of a vehicle."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

import numpy as np

from plate_ocr.readers.results import Plate, Reading
from plate_ocr.vision.images import Image

MIN_MOVEMENT = 0.05
"""Minimum distance of the last place from the first for a direction, as a part of the frame's width."""

MIN_GROWTH = 1.2
"""Minimum ratio of the heights of the last and first plate of a vehicle that approaches, or leaves."""

Corners: TypeAlias = tuple[tuple[float, float], ...]
"""Four, x and y in pixels, clockwise from the plate's own top left."""

Movement: TypeAlias = Literal["approaching", "leaving"]


@dataclass(frozen=True)
class VehicleTrack:
    """The track of a vehicle.

    Attributes:
        id: unique; the same when the vehicle arrives and when it leaves.
        start: time of its first detection, seconds.
        end: time of its last detection.
        frames: number of frames with it.
        best_time: time of its best frame.
        picture: its best frame, which corners refer to; None if none was given.
        reading: the vote, with corners, size and reading time of the best frame.
        first_corners: of its plate when it was first seen, whole if it ever was.
        last_corners: likewise when it was last seen.
        departed: whether its track has ended.
        zero: wall-clock time of second 0; None if not known.
        camera: name of the camera; None if none was given.
    """

    id: str
    start: float
    end: float
    frames: int
    best_time: float
    picture: Image | None = dataclasses.field(repr=False, compare=False)
    reading: Reading
    first_corners: Corners
    last_corners: Corners
    departed: bool = True
    zero: datetime | None = None
    camera: str | None = None

    @property
    def plate(self) -> Plate:
        """The plate that was voted for."""
        return self.reading.plates[0]

    @property
    def first_seen(self) -> datetime | None:
        """Wall-clock time of its first detection; None if not known."""
        return self.zero and self.zero + timedelta(seconds=self.start)

    @property
    def last_seen(self) -> datetime | None:
        """Wall-clock time of its last detection; None if not known."""
        return self.zero and self.zero + timedelta(seconds=self.end)

    @property
    def direction(self) -> float | None:
        """Where it moved, degrees: 0 to the right, 90 up, 180 left, 270 down; None if it hardly did."""
        x, y = np.mean(self.last_corners, axis=0) - np.mean(self.first_corners, axis=0)
        if math.hypot(x, y) < MIN_MOVEMENT * self.reading.width:
            return None
        return math.degrees(math.atan2(-y, x)) % 360

    @property
    def movement(self) -> Movement | None:
        """Whether its plate became larger or smaller; None if neither."""
        growth = sides(self.last_corners)[1] / max(1e-6, sides(self.first_corners)[1])
        return "approaching" if growth >= MIN_GROWTH else "leaving" if growth <= 1 / MIN_GROWTH else None


def sides(corners: Corners) -> tuple[float, float]:
    """Mean width and height of a plate, pixels."""
    a, b, c, d = np.array(corners)
    norm = np.linalg.norm
    return float(norm(b - a) + norm(c - d)) / 2, float(norm(d - a) + norm(c - b)) / 2
