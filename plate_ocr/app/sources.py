"""What the command line is given: files, folders, globs, addresses and standard input, as one list."""

from __future__ import annotations

import glob
import io
import os
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePath

from plate_ocr.errors import ImageError
from plate_ocr.files import is_url
from plate_ocr.vision.image_files import is_image_name

STANDARD_INPUT = "-"

SUFFIXES = (".avi", ".m4v", ".mjpeg", ".mkv", ".mov", ".mp4", ".webm")
"""File names that count as videos; animated ``.gif`` files do too."""

MAX_NAME_LENGTH = 60
"""Characters of an address that pictures are named after, at most: four bytes each, of 255 in all."""


class StandardInput(io.BytesIO):
    """What standard input held."""

    name = "standard input"


@dataclass(frozen=True)
class Source:
    """One picture or video to read.

    Attributes:
        name: the path, address or camera as it was given; for a folder the folder as given, then the file.
        error: why there is nothing to read; None if there may be.
        folder: the folder that was given and in which it was found; empty if it was given itself.
    """

    name: str
    error: str | None = None
    folder: str = ""

    @property
    def inside(self) -> PurePath:
        """What pictures of it are named after: its path in the folder that was given, else its name."""
        if self.folder:
            return PurePath(self.name).relative_to(self.folder)
        if self.name == STANDARD_INPUT:
            return PurePath("stdin.jpg")
        return PurePath(PurePath(file_name(self.name) if is_video(self.name) else self.name).name)

    def content(self) -> str | StandardInput:
        """What :func:`plate_ocr.read_image` takes.

        Raises:
            ImageError: if standard input cannot be read.
        """
        if self.name != STANDARD_INPUT:
            return self.name
        if sys.stdin is None:
            raise ImageError("cannot read standard input: it is closed")
        try:
            return StandardInput(sys.stdin.buffer.read())
        except OSError as error:
            raise ImageError(f"cannot read standard input: {error.strerror or error}") from None


@dataclass(frozen=True)
class Inputs:
    """All files that arguments stand for, which nothing that is written may replace.

    Attributes:
        arguments: as :func:`expand` takes them.
    """

    arguments: tuple[str, ...]

    def __contains__(self, path: object) -> bool:
        """Whether a file is one of them or lies in a folder of them."""
        real = os.path.realpath(str(path))
        files, folders = self._places
        return real in files or real.startswith(folders)

    @cached_property
    def _places(self) -> tuple[frozenset[str], tuple[str, ...]]:
        files, folders = set[str](), list[str]()
        for argument in self.arguments:
            for name in _matches(argument) if _is_pattern(argument) else (argument,):
                if os.path.isdir(name):
                    folders.append(os.path.join(os.path.realpath(name), ""))
                elif not is_url(name) and os.path.lexists(name):
                    files.add(os.path.realpath(name))
        return frozenset(files), tuple(folders)


def expand(arguments: Iterable[str]) -> Iterator[Source]:
    """The pictures and videos that the arguments stand for, in their order; those of a folder by name.

    Folders are searched with all that is in them; what cannot be read there comes last, as an error.
    Globs are for shells that do not expand them.
    """
    for argument in arguments:
        if os.path.isdir(argument):  # unlike Path.is_dir, no error where a name is too long
            empty = True
            for source in _below(argument):
                empty = False
                yield source
            if empty:
                yield Source(argument, f"{argument}: there is no picture or video in this folder")
        elif _is_pattern(argument):
            names = _matches(argument)
            yield from expand(names)
            if not names:
                yield Source(argument, f"{argument}: no file matches")
        else:
            yield Source(argument)


def _is_pattern(argument: str) -> bool:
    return (
        argument != STANDARD_INPUT
        and not is_url(argument)
        and not os.path.lexists(argument)
        and glob.has_magic(argument)
    )


def _matches(pattern: str) -> list[str]:
    return sorted(glob.glob(pattern, recursive=True))


def _below(folder: str) -> Iterator[Source]:
    unread = list[OSError]()
    for where, folders, names in os.walk(folder, onerror=unread.append):
        folders.sort()
        inputs = filter(is_input_name, sorted(names))
        yield from (Source(os.path.join(where, name), folder=folder) for name in inputs)
    for error in unread:
        yield Source(str(error.filename), f"cannot read {error.filename}: {error.strerror}")


def is_input_name(name: str) -> bool:
    """Whether a file of a folder is looked at; hidden ones are not."""
    return is_image_name(name) or (name.lower().endswith(SUFFIXES) and not name.startswith("."))


def is_video(name: str) -> bool:
    """Whether a name is that of a video: an animated GIF, a name that ends as one, an address, a camera."""
    if is_camera(name) or name.lower().endswith(SUFFIXES):
        return True
    return name.lower().endswith(".gif") and _is_animated(name)


def is_camera(name: str) -> bool:
    """Whether a name is an address or the number of a camera."""
    return is_url(name) or (name.isdecimal() and not os.path.lexists(name))


def file_name(name: str) -> str:
    """What pictures of a video are named after: its file, or its address without what files cannot have."""
    if is_url(name):
        place = re.sub(r"^.*?://([^/?#]*@)?", "", name)
        return re.sub(r"[^\w.-]+", "-", place).strip("-")[:MAX_NAME_LENGTH] + ".jpg"
    return f"camera-{name}.jpg" if name.isdecimal() else name


def _is_animated(name: str) -> bool:
    import PIL.Image

    try:
        with PIL.Image.open(name, formats=["GIF"]) as picture:
            return bool(getattr(picture, "is_animated", False))
    except Exception:  # whatever it is, read_image says what is wrong with it
        return False
