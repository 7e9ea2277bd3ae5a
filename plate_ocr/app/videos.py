"""The videos among the inputs: one after another, all cameras together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from plate_ocr.app.answers import Answer, Draw, of_cameras, of_video
from plate_ocr.app.console import fail
from plate_ocr.app.sources import expand, is_camera, is_video
from plate_ocr.app.verbosity import LOGGER

if TYPE_CHECKING:
    from threading import Event

    from plate_ocr.readers.auto import PlateReader
    from plate_ocr.video.watcher import WatchOptions


def check_videos(images: list[str], names: list[str], *, start: datetime | None, show: bool) -> None:
    """Refuse options that do not go with several videos or with cameras."""
    cameras = [image for image in images if is_camera(image)]
    if len(set(cameras)) < len(cameras):
        fail("a camera is given twice", 2)
    if len(names) > 1 and len(names) != len(cameras):
        fail(f"--name: there are {len(names)} names and {len(cameras)} cameras; give one for each", 2)
    if show and len(cameras) > 1:
        fail("--show shows one camera; give one", 2)
    if start is not None:
        given = [source.name for source in islice(expand(images), 2)]
        if len(given) != 1 or cameras or not is_video(given[0]):
            fail("--start is the time of one video file; give one", 2)


class Videos:
    """Watches videos one after another, and all cameras together.

    Args:
        images: the inputs as given.
        names: of the cameras: one for all videos, or one for each camera.
        reader: opens what reads, at the first video.
        draw: draws the output pictures.
        options: of watching.
    """

    def __init__(
        self,
        images: list[str],
        names: list[str],
        reader: Callable[[], PlateReader],
        draw: Draw,
        options: WatchOptions,
    ) -> None:
        self._cameras = [image for image in images if is_camera(image)]
        self._names = dict(zip(self._cameras, names, strict=True)) if len(names) > 1 else {}
        self._name = names[0] if len(names) == 1 else None
        self._reader, self._draw, self._options = reader, draw, options

    def answers(self, name: str) -> Iterable[Answer]:
        """The answers of a video; at the turn of the first of several cameras those of all."""
        if len(self._cameras) < 2 or name not in self._cameras:
            return self._watched(name)
        if name != self._cameras[0]:
            return ()
        self._reader()
        return of_cameras([partial(self._watched, camera) for camera in self._cameras])

    def _watched(self, name: str, stop: Event | None = None) -> Iterator[Answer]:
        options: WatchOptions = {**self._options, "camera": self._names.get(name, self._name), "stop": stop}
        return of_video(name, self._reader(), self._draw, LOGGER.warning, **options)
