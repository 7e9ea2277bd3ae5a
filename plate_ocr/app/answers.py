"""One result per image, one per tracked vehicle for videos."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from queue import Queue
from threading import Event, Thread
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, Unpack

from plate_ocr.app.sources import Source
from plate_ocr.app.verbosity import LOGGER
from plate_ocr.errors import BoxError, ImageError, VideoError
from plate_ocr.readers.auto import PlateReader, rotated
from plate_ocr.readers.results import Reading
from plate_ocr.vision.images import Image, read_image

if TYPE_CHECKING:
    from plate_ocr.readers.pictures import Detect, Drawn
    from plate_ocr.video.capture import OnMessage
    from plate_ocr.video.vehicle import VehicleTrack
    from plate_ocr.video.watcher import WatchOptions

Draw: TypeAlias = "Callable[[Image, Reading, Detect], Drawn]"
"""Draws the output pictures of an image, as :meth:`plate_ocr.app.pictures.PictureFolders.draw` does."""


class Answer(NamedTuple):
    """The result of reading an image or a vehicle.

    Attributes:
        name: the input as given.
        reading: None after an error.
        drawn: the pictures to write; None if there are none.
        error: one sentence; None on success.
        track: the vehicle of the reading, for videos.
        video: whether the input is a video.
        film: the film that was written of it, its plates made unreadable; None without one.
    """

    name: str
    reading: Reading | None = None
    drawn: Drawn | None = None
    error: str | None = None
    track: VehicleTrack | None = None
    video: bool = False
    film: str | None = None


def detect_of(read: Callable[[Image], Reading]) -> Detect:
    """How a reader detects all that may be a plate."""
    return read.detect if isinstance(read, PlateReader) else lambda picture: ()


def of_picture(source: Source, read: Callable[[Image], Reading], draw: Draw) -> Answer:
    """Read an image and draw its output pictures.

    Raises:
        BoxError: if a box of the reader lies outside the image.
    """
    if source.error is not None:
        return Answer(source.name, error=source.error)
    try:
        content = source.content()
        started = perf_counter()
        picture = read_image(content)
        decoding = 1000 * (perf_counter() - started)
    except ImageError as error:
        return Answer(source.name, error=str(error))
    try:
        reading = read(picture)
        reading = dataclasses.replace(reading, ms=decoding + reading.ms)
        return Answer(source.name, reading, draw(rotated(read, picture), reading, detect_of(read)))
    except BoxError as error:
        raise BoxError(f"{source.name}: {error}") from None
    except ImageError as error:  # without the name of the image
        return Answer(source.name, error=f"{source.name}: {error}")


def of_video(
    name: str,
    read: Callable[[Image], Reading],
    draw: Draw,
    on_message: OnMessage,
    **options: Unpack[WatchOptions],
) -> Iterator[Answer]:
    """Watch a video and draw the best frame of each vehicle; options as of :func:`plate_ocr.video.watch`.

    Raises:
        BoxError: if a box of the reader lies outside the frames.
    """
    # Most calls are for images: they do not wait for the imports of videos.
    from plate_ocr.video import watch
    from plate_ocr.video.capture import without_password
    from plate_ocr.video.vehicle import VehicleTrack

    shown = without_password(name)
    try:
        found = watch(name, read, on_message, **options)
        for one in found:
            if isinstance(one, VehicleTrack):
                drawn = draw(one.picture, one.reading, detect_of(read)) if one.picture is not None else None
                yield Answer(name, one.reading, drawn, track=one, video=True)
            else:
                yield Answer(name, one, video=True)
        stats = found.stats
        counts = f"{stats.frames:,} frames, {stats.skipped:,} skipped"
        LOGGER.debug("%s: %s, %.1f frames per second", shown, counts, stats.fps)
    except VideoError as error:
        yield Answer(name, error=str(error), video=True)
    except BoxError as error:
        raise BoxError(f"{shown}: {error}") from None
    except ImageError as error:  # without the name of the image
        yield Answer(name, error=f"{shown}: {error}", video=True)


def of_cameras(watched: Sequence[Callable[[Event], Iterator[Answer]]]) -> Iterator[Answer]:
    """The answers of several cameras as they come, each watched by a thread of its own.

    The first Ctrl-C ends all of them with the vehicles in sight.

    Args:
        watched: watches one of them until an event is set.

    Raises:
        PlateOcrError: as soon as one of them has.
    """
    stop, answers = Event(), Queue[Answer | Exception | None]()

    def run(one: Callable[[Event], Iterator[Answer]]) -> None:
        try:
            for answer in one(stop):
                answers.put(answer)
            answers.put(None)
        except Exception as error:  # it must reach whoever waits for an answer
            answers.put(error)

    for one in watched:
        Thread(target=run, args=(one,), daemon=True).start()
    running = len(watched)
    try:
        while running:
            try:
                answer = answers.get()
            except KeyboardInterrupt:
                if stop.is_set():
                    raise
                stop.set()
                continue
            if isinstance(answer, Exception):
                raise answer
            if answer is None:
                running -= 1
            else:
                yield answer
    finally:
        stop.set()
