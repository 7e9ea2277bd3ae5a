"""Crops and scenes of sightings: JPEG files below a folder, named after day and sighting."""

from __future__ import annotations

import os
from collections.abc import Container, Iterator
from datetime import UTC, datetime
from pathlib import Path

from plate_ocr.errors import OutputError, StoreError
from plate_ocr.files import Content, write_together, write_whole

KINDS = ("crop", "scene")

PICTURE_BYTES = 1_000_000
"""Of both pictures of a sighting, about."""


class Pictures:
    """The folder of pictures.

    Args:
        folder: is made when the first picture is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, uuid: str, time: float, files: dict[str, bytes]) -> dict[str, str]:
        """Write the pictures of a sighting; all are on the disk afterwards, or none.

        Args:
            uuid: of the sighting.
            time: seconds, UTC: which day.
            files: JPEG files by kind, see :data:`KINDS`.

        Returns:
            Their paths below the folder.

        Raises:
            StoreError: if they cannot be written.
        """
        day = f"{datetime.fromtimestamp(time, UTC):%Y/%m/%d}"
        paths = {kind: f"{day}/{uuid}-{kind}.jpg" for kind in files}
        contents: dict[Path, Content] = {self.folder / paths[kind]: data for kind, data in files.items()}
        try:
            write_together(contents)
        except OutputError as error:
            self.delete(*paths.values())
            raise StoreError(f"cannot keep the pictures of a sighting: {error}") from None
        return paths

    def try_to_write(self) -> None:
        """Write a file of the size of a picture, and delete it.

        Raises:
            StoreError: if that is not possible.
        """
        path = self.folder / "tried.jpg"
        try:
            write_whole(path, bytes(PICTURE_BYTES))
        except OutputError as error:
            raise StoreError(f"cannot keep the pictures of a sighting: {error}") from None
        path.unlink(missing_ok=True)

    def read(self, path: str) -> bytes | None:
        """A picture; None where it is gone."""
        try:
            return (self.folder / path).read_bytes()
        except OSError:
            return None

    def delete(self, *paths: str | None) -> None:
        """Delete pictures; those that are gone, or None, count as deleted.

        Raises:
            StoreError: if one cannot be deleted.
        """
        for path in filter(None, paths):
            try:
                (self.folder / path).unlink(missing_ok=True)
            except OSError as error:
                raise StoreError(f"cannot delete the picture {path}: {error.strerror}") from None

    def paths(self) -> Iterator[str]:
        """The paths below the folder of all files there, half-written ones among them."""
        for inner, _, names in os.walk(self.folder):
            for name in names:
                yield Path(inner, name).relative_to(self.folder).as_posix()

    def delete_orphans(self, wanted: Container[str], older_than: float) -> int:
        """Delete files that no sighting names, which a killed process leaves; returns how many.

        Args:
            wanted: paths that sightings name.
            older_than: seconds since 1970; what is newer may belong to a sighting that is being written.
        """
        count = 0
        for path in self.paths():
            file = self.folder / path
            if path not in wanted and file.stat().st_mtime < older_than:
                file.unlink(missing_ok=True)
                count += 1
        return count
