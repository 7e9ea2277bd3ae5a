"""Where the pictures that go with readings are written to."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, TypeVar

from plate_ocr.app.output import NONE_WRITTEN, Written
from plate_ocr.app.retention import marked
from plate_ocr.errors import OutputError
from plate_ocr.files import write_whole
from plate_ocr.readers.pictures import Detect, Drawn, draw
from plate_ocr.readers.results import Reading
from plate_ocr.vision.images import Image

if TYPE_CHECKING:
    from plate_ocr.app.sources import Source

AnyPath = TypeVar("AnyPath", bound=PurePath)

MAX_NAMED = 10
"""Pictures in which nothing was hidden that are named, at most."""


def _jpeg_path(path: AnyPath) -> AnyPath:
    """The old ending stays in the name: a.png and a.bmp are two pictures."""
    return path if path.suffix.lower() in (".jpg", ".jpeg") else path.with_name(f"{path.name}.jpg")


def _film_path(path: AnyPath) -> AnyPath:
    return path if path.suffix.lower() == ".mp4" else path.with_name(f"{path.name}.mp4")


@dataclass
class PictureFolders:
    """Where pictures go; None: nowhere. A file is named as the picture; the second of a name gets a number.
    Subfolders of a folder of pictures are kept.

    Attributes:
        annotate: photos with every plate framed and what it says beside it.
        crops: every plate, cut out and turned upright.
        blur: photos, and films, with all that may be a plate made unreadable.
        inputs: files that are read, now or later, and are not overwritten.
        mark: whether annotated pictures and crops are marked to be deleted some day.
    """

    annotate: Path | None = None
    crops: Path | None = None
    blur: Path | None = None
    inputs: Container[Path] = ()
    mark: bool = False
    _given: Counter[str] = field(default_factory=Counter, init=False, repr=False)
    _blurred: int = field(default=0, init=False, repr=False)
    _unhidden: int = field(default=0, init=False, repr=False)
    _named: list[str] = field(default_factory=list, init=False, repr=False)

    def __bool__(self) -> bool:
        return any((self.annotate, self.crops, self.blur))

    def __getstate__(self) -> dict[str, Any]:
        # Processes draw and give no names, of which there may be a million.
        return {**self.__dict__, "inputs": (), "_given": Counter()}

    def draw(self, picture: Image, reading: Reading, detect: Detect) -> Drawn:
        """What :func:`plate_ocr.readers.pictures.draw` draws of a picture for these folders."""
        annotate, crops, blur = (folder is not None for folder in (self.annotate, self.crops, self.blur))
        return draw(picture, reading, detect, annotate=annotate, crops=crops, blur=blur)

    def write(self, source: Source, drawn: Drawn) -> Written:
        """Write what was drawn of a picture.

        Args:
            source: the picture.
            drawn: its files.

        Raises:
            OutputError: if a file cannot be written, or would take the place of the picture itself or of
                another that is read.
        """
        if not (self.annotate or self.blur or drawn.crops):
            return NONE_WRITTEN
        inside, name = self._unique(source.inside), source.name
        annotated_path = _jpeg_path(self.annotate / inside) if self.annotate else None
        blurred_path = _jpeg_path(self.blur / inside) if self.blur and drawn.blurred else None
        crop_paths = [self.crops / f"{inside}.{i + 1}.png" for i in range(len(drawn.crops)) if self.crops]
        paths = [annotated_path, blurred_path, *crop_paths]
        for path, data in zip(paths, (drawn.annotated, drawn.blurred, *drawn.crops), strict=True):
            if path is None:
                continue
            self._check(path, name)
            write_whole(path, marked(data) if self.mark and path is not blurred_path else data)
        if blurred_path:
            self._blurred += 1
            if not drawn.hidden:
                self._unhidden += 1
                if len(self._named) < MAX_NAMED:
                    self._named.append(name)
        return Written(
            str(annotated_path) if annotated_path else None,
            str(blurred_path) if blurred_path else None,
            tuple(map(str, crop_paths)),
        )

    def film_path(self, source: Source) -> Path:
        """Where the film of a video goes whose plates are made unreadable; :attr:`blur` must be given.

        Raises:
            OutputError: if it would take the place of a file that is read.
        """
        assert self.blur
        path = self.blur / self._unique(source.inside, _film_path)
        self._check(_film_path(path), source.name)
        return _film_path(path)

    def _check(self, path: Path, name: str) -> None:
        if _is_same(path, name):
            raise OutputError(f"{path} is the picture itself: give another folder than its own")
        if os.path.lexists(path) and path in self.inputs:
            raise OutputError(f"{path} is among the pictures to read: give a folder that is not")

    def summary(self) -> str:
        """In which pictures of ``blur`` nothing was hidden; empty where none was written."""
        if not self._blurred:
            return ""
        if not self._unhidden:
            return "something was hidden in every picture"
        more = ["…"] if self._unhidden > len(self._named) else []
        which = f": {', '.join(self._named + more)}" if self._named else ""
        return f"nothing was hidden in {self._unhidden:,} of {self._blurred:,} pictures{which}"

    def reserve(self, written: Iterable[Written]) -> None:
        """Keep files that were written before: the next picture of a name gets the next number."""
        real = cache(os.path.realpath)
        for files in written:
            for folder, path in (
                (self.annotate, files.annotated),
                (self.blur, files.blurred),
                (self.crops, next(iter(files.crops), None)),
            ):
                if folder and path:
                    where, name = os.path.split(path)
                    file = PurePath(real(where), name.removesuffix(".1.png"))
                    film = path == files.blurred and path.endswith(".mp4")
                    if file.is_relative_to(real(folder)):
                        inside = file.relative_to(real(folder))
                        self._given[str(inside if film else _jpeg_path(inside))] = 1

    def _unique(self, file: PurePath, written: Callable[[PurePath], PurePath] = _jpeg_path) -> PurePath:
        """A path that no picture before had, as it is ``written``."""
        # Of a.png and of a.png.jpg it would be one.
        first = str(written(file))
        while True:
            self._given[first] += 1
            count = self._given[first]
            if count == 1:
                return file
            numbered = file.with_name(f"{file.stem}-{count}{file.suffix}")
            if (other := str(written(numbered))) not in self._given:
                self._given[other] = 1
                return numbered


def _is_same(path: Path, name: str) -> bool:
    try:
        return os.path.samefile(path, name)
    except (OSError, ValueError):  # one of them is no file
        return False
