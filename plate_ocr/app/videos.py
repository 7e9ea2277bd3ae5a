"""The videos among the inputs: one after another, all cameras together."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from plate_ocr.app.answers import Answer, detect_of, of_cameras, of_video
from plate_ocr.app.console import fail
from plate_ocr.app.sources import Source, expand, is_camera, is_video
from plate_ocr.app.verbosity import LOGGER
from plate_ocr.files import write_whole
from plate_ocr.readers.auto import rotated
from plate_ocr.readers.results import Reading

if TYPE_CHECKING:
    from pathlib import Path
    from threading import Event

    from plate_ocr.app.pictures import PictureFolders
    from plate_ocr.readers.auto import PlateReader
    from plate_ocr.video.capture import Frame
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
        folders: where pictures and films go.
        options: of watching.
    """

    def __init__(
        self,
        images: list[str],
        names: list[str],
        reader: Callable[[], PlateReader],
        folders: PictureFolders,
        options: WatchOptions,
    ) -> None:
        self._cameras = [image for image in images if is_camera(image)]
        self._names = dict(zip(self._cameras, names, strict=True)) if len(names) > 1 else {}
        self._name = names[0] if len(names) == 1 else None
        self._reader, self._folders, self._options = reader, folders, options

    def answers(self, source: Source) -> Iterable[Answer]:
        """The answers of a video; at the turn of the first of several cameras those of all.

        Raises:
            OutputError: if the film with its plates made unreadable cannot be written.
        """
        name = source.name
        if self._folders.blur and not is_camera(name):
            return self._hidden(source, self._folders.film_path(source))
        if len(self._cameras) < 2 or name not in self._cameras:
            return self._watched(name)
        if name != self._cameras[0]:
            return ()
        self._reader()
        return of_cameras([partial(self._watched, camera) for camera in self._cameras])

    def _watched(self, name: str, stop: Event | None = None) -> Iterator[Answer]:
        options: WatchOptions = {**self._options, "camera": self._names.get(name, self._name), "stop": stop}
        return of_video(name, self._reader(), self._folders.draw, LOGGER.warning, **options)

    def _hidden(self, source: Source, path: Path) -> list[Answer]:
        """Watch a video, and write it with its plates made unreadable."""
        from plate_ocr.video.hiding import PlateTrails, write_hidden

        read, name, show = self._reader(), source.name, self._options.get("show")
        trails = PlateTrails(detect_of(read))

        def on_frame(frame: Frame, reading: Reading) -> bool:
            trails.add(frame, [plate.corners for plate in reading.plates])
            return show is None or show(frame, reading)

        options: WatchOptions = {**self._options, "camera": self._name, "show": on_frame}
        draw = dataclasses.replace(self._folders, blur=None).draw
        answers = [*of_video(name, read, draw, LOGGER.warning, **options)]
        if not trails.count:
            return answers
        turned = partial(rotated, read)
        write_whole(path, lambda file: write_hidden(name, file, trails, turned, LOGGER.info))
        return [answer._replace(film=str(path)) for answer in answers]
