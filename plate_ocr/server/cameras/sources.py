"""Pictures that do not come as a video: asked for one by one, or uploaded into a folder."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from time import monotonic

import httpx

from plate_ocr.errors import ImageError, VideoError
from plate_ocr.server.cameras.config import Camera
from plate_ocr.video.capture import TIMEOUT, Frame, without_password
from plate_ocr.video.tracking import LOST_AFTER_S
from plate_ocr.vision.image_files import is_image_name
from plate_ocr.vision.images import read_image

SETTLED_S = 2.0
"""A file whose size and time did not change for so long is whole."""

POLL_S = 1.0
"""How often a folder is looked at, seconds."""

MAX_SNAPSHOT = 20_000_000
"""Bytes of a picture of a snapshot address, at most."""

DONE, FAILED = "done", "failed"
"""Folders for files that were read, and that could not be."""


def snapshots(camera: Camera, stop: Event, on_lost: Callable[[str], None]) -> Iterator[Frame | None]:
    """Pictures of a snapshot address, until ``stop`` is set.

    Args:
        camera: with the address; user and password in it are sent by HTTP Basic.
        stop: ends it.
        on_lost: is told why a picture did not come, each time.

    Yields:
        Pictures; None where none came for so long that all vehicles have left.
    """
    started, last, told = monotonic(), monotonic(), True
    size: tuple[int, ...] | None = None
    with httpx.Client(timeout=TIMEOUT) as client:
        while not stop.is_set():
            due = monotonic() + camera.interval
            try:
                picture = read_image(_get(client, camera.source))
            except (httpx.HTTPError, httpx.InvalidURL, ImageError) as error:
                on_lost(f"{without_password(camera.source)}: {error or type(error).__name__}")
                if monotonic() - last > LOST_AFTER_S and not told:
                    told = True
                    yield None
            else:
                if size not in (None, picture.shape[:2]):
                    raise VideoError(f"{without_password(camera.source)}: its pictures changed their size")
                size, last, told = picture.shape[:2], monotonic(), False
                yield Frame(last - started, picture)
            stop.wait(max(0.0, due - monotonic()))


def _get(client: httpx.Client, address: str) -> bytes:
    contents = bytearray()
    with client.stream("GET", address) as response:
        response.raise_for_status()
        for chunk in response.iter_bytes():
            contents += chunk
            if len(contents) > MAX_SNAPSHOT:
                raise ImageError(f"more than {MAX_SNAPSHOT:,} bytes came")
    return bytes(contents)


class Uploads:
    """The pictures that are uploaded into a folder.

    Args:
        camera: with the folder, and with what becomes of files. If they stay, those that are there already
            are not read.

    Raises:
        VideoError: if there is no such folder.
    """

    def __init__(self, camera: Camera) -> None:
        self._folder, self._after = Path(camera.source), camera.after
        if not self._folder.is_dir():
            raise VideoError(f"there is no folder {self._folder}")
        self._states: dict[Path, tuple[tuple[int, int], float]] = {}
        self._done = {path for path, _ in self._files()} if camera.after == "keep" else set[Path]()

    def settled(self) -> list[Path]:
        """Files that are whole and were not given before, the oldest first.

        Raises:
            VideoError: if the folder has gone.
        """
        if not self._folder.is_dir():
            raise VideoError(f"there is no folder {self._folder}")
        now, files = monotonic(), dict(self._files())
        self._done &= files.keys()
        states = {}
        for path, state in files.items():
            known, since = self._states.get(path, (state, now))
            states[path] = state, since if known == state else now
        self._states = states
        whole = [
            path for path, (_, since) in states.items() if path not in self._done and now - since >= SETTLED_S
        ]
        return sorted(whole, key=lambda path: states[path][0])

    def finish(self, path: Path, *, failed: bool = False) -> None:
        """Do with a file what is to become of it; one that could not be read is never deleted."""
        self._done.add(path)
        with contextlib.suppress(OSError):
            if self._after == "delete" and not failed:
                path.unlink()
            elif self._after == "move":
                target = self._folder / (FAILED if failed else DONE) / path.relative_to(self._folder)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.move(path, target)

    def _files(self) -> Iterator[tuple[Path, tuple[int, int]]]:
        """Pictures in the folder and below, with time and size; links are not followed."""
        kept = {self._folder / DONE, self._folder / FAILED}
        for folder, folders, names in os.walk(self._folder):
            folders[:] = [name for name in folders if Path(folder, name) not in kept]
            for name in names:
                path = Path(folder, name)
                with contextlib.suppress(OSError):
                    state = path.lstat()
                    if is_image_name(name) and not path.is_symlink():
                        yield path, (state.st_mtime_ns, state.st_size)
