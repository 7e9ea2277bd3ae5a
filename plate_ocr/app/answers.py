"""What there is to tell of each input: one answer a picture, and one a car of a video."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

from plate_ocr.app.sources import Source
from plate_ocr.errors import ImageError, VideoError
from plate_ocr.readers.results import Reading
from plate_ocr.vision.images import Image, read_image

if TYPE_CHECKING:
    from plate_ocr.app.pictures import Drawn
    from plate_ocr.video.capture import Frame, Tell
    from plate_ocr.video.tracking import Car


class Answer(NamedTuple):
    """What there is to tell.

    Attributes:
        name: of the input, as it was given.
        reading: None after an error.
        drawn: of the picture that was read; None if there is none.
        error: one sentence; None if all went well.
        car: whose reading it is.
        video: whether the input is a video.
    """

    name: str
    reading: Reading | None = None
    drawn: Drawn | None = None
    error: str | None = None
    car: Car | None = None
    video: bool = False


def of_picture(
    source: Source, read: Callable[[Image], Reading], draw: Callable[[Image, Reading], Drawn]
) -> Answer:
    """Read a picture, and draw what is wanted of it."""
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
        return Answer(source.name, reading, draw(picture, reading))
    except ImageError as error:  # which does not know whose pixels they are
        return Answer(source.name, error=f"{source.name}: {error}")


def of_video(
    name: str,
    read: Callable[[Image], Reading],
    draw: Callable[[Image, Reading], Drawn],
    tell: Tell,
    *,
    reconnect_timeout: float | None = None,
    show: Callable[[Frame, Reading], bool] | None = None,
) -> Iterator[Answer]:
    """Watch a video, and draw each car's best picture; see :func:`plate_ocr.video.watch`."""
    # Most calls are for pictures: they do not wait for what only videos need.
    from plate_ocr.video import watch
    from plate_ocr.video.capture import without_password
    from plate_ocr.video.tracking import Car

    try:
        for found in watch(name, read, tell, reconnect_timeout=reconnect_timeout, show=show):
            if isinstance(found, Car):
                drawn = None if found.picture is None else draw(found.picture, found.reading)
                yield Answer(name, found.reading, drawn, car=found, video=True)
            else:
                yield Answer(name, found, video=True)
    except VideoError as error:
        yield Answer(name, error=str(error), video=True)
    except ImageError as error:  # which does not know whose pixels they are
        yield Answer(name, error=f"{without_password(name)}: {error}", video=True)
