"""Watching videos and cameras: read, track and report vehicles."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

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
from plate_ocr.video.tracking import Tracker, VehicleTrack
from plate_ocr.vision.images import Image


def watch(
    name: str | os.PathLike[str] | int,
    read: Callable[[Image], Reading],
    on_message: OnMessage = warn,
    *,
    reconnect_timeout: float | None = None,
    show: Callable[[Frame, Reading], bool] | None = None,
    timeout: float = TIMEOUT,
) -> Iterator[VehicleTrack | Reading]:
    """Watch a video to its end, or a camera until Ctrl-C.

    Args:
        name: a file, an address or a camera number.
        read: reads a picture, as a :class:`~plate_ocr.PlateReader` does, whose ``rotate``, ``roi``,
            ``ignore`` and minimums apply to every picture.
        on_message: receives messages; logs them by default.
        reconnect_timeout: seconds of attempts to reconnect to a lost camera; None: unlimited.
        show: receives every frame that was read; returns whether to continue.
        timeout: for answers of a camera, seconds.

    Yields:
        Each vehicle when its track ends; if there was none, one reading without plates at the end.

    Raises:
        VideoError: if it cannot be opened, or is cut off, after the vehicles before that.
        ImageError: likewise, if its frames are too large or a box of the reader is outside them.
    """
    name = str(name)
    capture, live = open_capture(name, timeout)
    frames = (
        LiveFrames(name, capture, on_message, reconnect_timeout, timeout)
        if live
        else file_frames(name, capture, on_message)
    )
    tracker, found, last = Tracker(), False, None
    wrong: ImageError | VideoError | None = None
    try:
        for frame in frames:
            seen = frame and Frame(frame.time, rotated(read, frame.picture))
            if frame is None or seen is None:
                cars = tracker.finish()
            else:
                last = read(frame.picture)
                cars = tracker.update(last, seen.time, seen.picture)
            found = found or bool(cars)
            yield from cars
            if seen is not None and last is not None and show is not None and not show(seen, last):
                break
    except KeyboardInterrupt:
        if not live:
            raise
    except (ImageError, VideoError) as error:
        wrong = error
    finally:
        if isinstance(frames, LiveFrames):
            frames.stop()
    cars = tracker.finish()
    yield from cars
    if wrong is not None:
        raise wrong
    if last is None:
        raise VideoError(f"{without_password(name)}: there is no picture in this video")
    if not found and not cars:
        yield Reading(last.width, last.height, last.ms, ())
