"""Watching videos and cameras: read, track and report vehicles."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Generator, Iterable, Iterator
from datetime import datetime
from threading import Event
from time import monotonic
from typing import Literal, TypeAlias, TypedDict

from plate_ocr.errors import ImageError, VideoError
from plate_ocr.log import warn
from plate_ocr.readers.auto import rotated
from plate_ocr.readers.results import Reading
from plate_ocr.video.capture import (
    TIMEOUT,
    Frame,
    LiveFrames,
    OnMessage,
    file_frames,
    open_capture,
    without_password,
)
from plate_ocr.video.clock import LiveClock, creation_time
from plate_ocr.video.looking import Looker, WatchStats
from plate_ocr.video.tracking import Tracker
from plate_ocr.video.vehicle import VehicleTrack
from plate_ocr.vision.images import Image

Report: TypeAlias = Literal["arrival", "departure", "both"]
"""When a vehicle is reported."""

Show: TypeAlias = Callable[[Frame, Reading], bool]
"""Receives every frame and the plates in sight; returns whether to continue."""


class WatchOptions(TypedDict, total=False):
    """Options of :func:`watch`."""

    on: Report
    start: datetime | None
    camera: str | None
    reconnect_timeout: float | None
    show: Show | None
    stop: Event | None


class Watch(Iterator[VehicleTrack | Reading]):
    """What :func:`watch` gives: an iterator over vehicles.

    Attributes:
        stats: what has been done so far.
    """

    def __init__(self, found: Generator[VehicleTrack | Reading], stats: WatchStats) -> None:
        self._found, self.stats = found, stats

    def __next__(self) -> VehicleTrack | Reading:
        return next(self._found)

    def close(self) -> None:
        """Stop watching; vehicles in sight are not reported."""
        self._found.close()


def watch(
    name: str | os.PathLike[str] | int,
    read: Callable[[Image], Reading],
    on_message: OnMessage = warn,
    *,
    on: Report = "departure",
    start: datetime | None = None,
    camera: str | None = None,
    reconnect_timeout: float | None = None,
    show: Show | None = None,
    stop: Event | None = None,
    timeout: float = TIMEOUT,
) -> Watch:
    """Watch a video to its end, or a camera until Ctrl-C.

    Args:
        name: a file, an address or a camera number.
        read: reads a picture, as a :class:`~plate_ocr.PlateReader` does, whose ``rotate``, ``roi``,
            ``ignore`` and minimums apply to every picture. Of a reader with ``input="photo"`` parts of
            frames are looked at; any other callable reads whole frames.
        on_message: receives messages; logs them by default.
        on: when a vehicle is reported: on ``"arrival"`` as soon as its reading is sure, at the latest when
            it leaves; on ``"departure"`` when its track ends; on ``"both"``.
        start: wall-clock time of the first frame of a file; by default that of its container, if it has one
            and ffprobe is installed.
        camera: a name that vehicles get.
        reconnect_timeout: seconds of attempts to reconnect to a lost camera; None: unlimited.
        show: receives every frame and the plates in sight; returns whether to continue.
        stop: ends a camera when it is set, as Ctrl-C does.
        timeout: for answers of a camera, seconds.

    Yields:
        Each vehicle; if there was none, one reading without plates at the end.

    Raises:
        VideoError: while iterating, if it cannot be opened, or is cut off, after the vehicles before that; if
            ``start`` is given for a camera.
        ImageError: likewise, if its frames are too large or a box of the reader is outside them.
    """
    looker = Looker(read)
    named = str(name)

    def found() -> Generator[VehicleTrack | Reading]:
        capture, live = open_capture(named, timeout)
        if live and start is not None:
            raise VideoError(
                f"{without_password(named)}: a camera has a clock of its own; leave out the start"
            )
        clock = LiveClock() if live else None
        zero = None if live else start or creation_time(named)
        frames = (
            LiveFrames(named, capture, on_message, reconnect_timeout, timeout, stop)
            if live
            else file_frames(named, capture, on_message)
        )
        for one in _watched(named, looker, frames, on, _shown(read, show)):
            if isinstance(one, VehicleTrack):
                yield dataclasses.replace(one, zero=clock.zero if clock else zero, camera=camera)
            else:
                yield one

    return Watch(found(), looker.stats)


def watch_frames(
    name: str,
    frames: Iterable[Frame | None],
    read: Callable[[Image], Reading],
    *,
    on: Report = "departure",
    camera: str | None = None,
) -> Iterator[VehicleTrack]:
    """Watch frames of a camera from elsewhere, as :func:`watch` does; second 0 is when it begins.

    Args:
        name: where they are from, for messages.
        frames: all of one size; None where none came for so long that all vehicles have left.
        read: reads a picture.
        on: when a vehicle is reported.
        camera: a name that vehicles get.

    Raises:
        ImageError: while iterating, if frames are too large or a box of the reader is outside them.
        VideoError: while iterating, if there is none.
    """
    clock = LiveClock()
    for one in _watched(name, Looker(read), frames, on, lambda frame, reading: True):
        if isinstance(one, VehicleTrack):
            yield dataclasses.replace(one, zero=clock.zero, camera=camera)


def _shown(read: Callable[[Image], Reading], show: Show | None) -> Show:
    if show is None:
        return lambda frame, reading: True
    return lambda frame, reading: show(Frame(frame.time, rotated(read, frame.picture)), reading)


class _Reports:
    """Which vehicles are reported when, by the tracks that have ended."""

    def __init__(self, tracker: Tracker, on: Report) -> None:
        self._tracker, self._on, self._arrived, self.any = tracker, on, set[str](), False

    def __call__(self, ended: Iterable[VehicleTrack]) -> list[VehicleTrack]:
        arrived = [] if self._on == "departure" else self._tracker.arrived()
        left = [one for one in ended if self._on != "arrival" or one.id not in self._arrived]
        self._arrived |= {one.id for one in arrived}
        self._arrived -= {one.id for one in ended}
        self.any |= bool(arrived or left)
        return [*left, *arrived]


def _watched(
    name: str, looker: Looker, frames: Iterable[Frame | None] | LiveFrames, on: Report, show: Show
) -> Iterator[VehicleTrack | Reading]:
    """Each vehicle as it is to be reported; if there was none, one reading without plates at the end."""
    reports, last = _Reports(looker.tracker, on), None
    wrong: ImageError | VideoError | None = None
    began = monotonic()
    try:
        for frame in frames:
            if frame is None:
                yield from reports(looker.tracker.finish())
                continue
            last, ended = looker.update(frame.picture, frame.time)
            looker.stats.seconds = monotonic() - began
            yield from reports(ended)
            if not show(frame, last):
                break
    except KeyboardInterrupt:
        if not isinstance(frames, LiveFrames):
            raise
    except (ImageError, VideoError) as error:
        wrong = error
    finally:
        if isinstance(frames, LiveFrames):
            frames.stop()
    yield from reports(looker.tracker.finish())
    if wrong is not None:
        raise wrong
    if last is None:
        raise VideoError(f"{without_password(name)}: there is no picture in this video")
    if not reports.any:
        yield Reading(last.width, last.height, last.ms, ())
