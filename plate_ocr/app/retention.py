"""Deleting written pictures after some days."""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Sequence
from pathlib import Path

from plate_ocr.app.verbosity import LOGGER

MARK = b"plate-ocr: delete"
"""Comment in a picture that may be deleted: what others wrote has none."""

DAY_S, SWEEP_S = 86_400.0, 3600.0
"""Seconds of a day, and after which old pictures are looked for again."""

_JPEG = b"\xff\xd8"
_COMMENT = b"\xff\xfe" + (len(MARK) + 2).to_bytes(2, "big") + MARK
_PNG_HEAD = 33  # the signature and the header chunk
_TEXT = b"tEXtComment\0" + MARK
_CHUNK = (len(_TEXT) - 4).to_bytes(4, "big") + _TEXT + zlib.crc32(_TEXT).to_bytes(4, "big")


def marked(picture: bytes) -> bytes:
    """A JPEG or PNG file with the comment."""
    if picture.startswith(_JPEG):
        return _JPEG + _COMMENT + picture[len(_JPEG) :]
    return picture[:_PNG_HEAD] + _CHUNK + picture[_PNG_HEAD:]


def is_marked(path: Path) -> bool:
    """Whether a file has the comment."""
    with path.open("rb") as file:
        return MARK in file.read(_PNG_HEAD + len(_CHUNK))


def sweep(folders: Sequence[Path], days: float) -> int:
    """Delete marked pictures below folders that were written more than so many days ago; returns how many."""
    count, oldest = 0, time.time() - DAY_S * days
    for folder in folders:
        for path in folder.rglob("*"):
            try:
                if (
                    path.suffix in (".jpg", ".jpeg", ".png")
                    and path.stat().st_mtime < oldest
                    and is_marked(path)
                ):
                    path.unlink()
                    count += 1
            except OSError as error:  # it is gone, or not ours to delete
                LOGGER.debug("cannot delete %s: %s", path, error.strerror or error)
    return count


def keep_for(folders: Sequence[Path], days: float) -> None:
    """Sweep now, and every hour as long as the program runs."""

    def run() -> None:
        while True:
            if count := sweep(folders, days):
                LOGGER.info(f"deleted after {days:g} days: {count:,} pictures")
            time.sleep(SWEEP_S)

    threading.Thread(target=run, daemon=True).start()
