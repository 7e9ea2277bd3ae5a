"""Reading one part of a batch: a list of pictures in, a Parquet file of their plates out."""

from __future__ import annotations

import dataclasses
import io
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import PurePosixPath
from time import perf_counter
from typing import Any

import cv2
import pyarrow as pa
import pyarrow.parquet as pq

from plate_ocr.batch.manifest import Settings
from plate_ocr.batch.schema import METADATA_KEY, RESULTS, VERSION, to_row
from plate_ocr.batch.storage import STORAGE_ERRORS, Folder, fetched, locate, read_file, reason
from plate_ocr.errors import DataError, ImageError
from plate_ocr.files import is_url
from plate_ocr.readers.auto import PlateReader, rotated
from plate_ocr.readers.pictures import draw
from plate_ocr.readers.results import Reading
from plate_ocr.vision.image_files import open_image
from plate_ocr.vision.images import Image, NamedBytes, read_image

COUNTS_KEY = b"plate_ocr_counts"
"""Of the JSON of :class:`Counts` in the metadata of a results file."""


@dataclass(frozen=True)
class Counts:
    """What is in results.

    Attributes:
        pictures: rows.
        errors: of these, those that could not be read.
        plates: found in them.
    """

    pictures: int = 0
    errors: int = 0
    plates: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.pictures + other.pictures, self.errors + other.errors, self.plates + other.plates)

    @classmethod
    def of(cls, results: str) -> Counts:
        """Those of a results file, by its last bytes.

        Raises:
            DataError: if it cannot be read or is none.
        """
        system, path = locate(results)
        try:
            with system.open_input_file(path) as file:
                return cls(**json.loads(pq.read_metadata(file).metadata[COUNTS_KEY]))
        except STORAGE_ERRORS as error:
            raise DataError(f"cannot read {results}: {reason(error)}") from None
        except (KeyError, TypeError, ValueError):
            raise DataError(f"{results} is no results file of a batch") from None


def read_part(manifest_part: str, *, threads: int = 1) -> str:
    """Read the pictures of one part of a manifest; does nothing where that was done before.

    The results get their name once all are there, so that a part is read whole or again. The reader stays
    open for the next part of the same settings.

    Args:
        manifest_part: the path or URL of ``DIR/manifest/part-NNNNN.parquet``, which has the settings too.
        threads: processor cores to read with.

    Returns:
        The path or URL of ``DIR/results/part-NNNNN.parquet``. A picture that cannot be read is a row with an
        error.

    Raises:
        DataError: if the manifest cannot be read.
        ModelError: if its model cannot be opened on this machine.
        OutputError: if the results cannot be written.
    """
    parent, _, name = manifest_part.rpartition("/")
    folder = Folder(parent.rpartition("/")[0] or ".")
    results = f"results/{name}"
    if not folder.has(results):
        paths, working_folder, settings = _read_manifest(manifest_part)
        cv2.setNumThreads(threads)
        read = _open(settings, threads)
        drawings = _Drawings(folder, PurePosixPath(name).stem.removeprefix("part-"), settings)
        rows = []
        places = [path if is_url(path) else os.path.join(working_folder, path) for path in paths]
        for number, (path, content) in enumerate(zip(paths, fetched(places), strict=True)):
            rows.append(_read(number, path, content, read, drawings))
        folder.write(results, _to_parquet(rows))
    return folder.path(results)


def _read_manifest(part: str) -> tuple[list[str], str, Settings]:
    """The paths of a part, what relative ones are relative to, and the settings."""
    try:
        table = pq.read_table(io.BytesIO(read_file(part)))
        values = json.loads(table.schema.metadata[METADATA_KEY])
        if values["version"] > VERSION:
            raise DataError(f"{part} was written by a newer plate-ocr; upgrade plate-ocr")
        return table["path"].to_pylist(), values["working_folder"], Settings.of(values["settings"])
    except (KeyError, TypeError, ValueError, pa.ArrowException):
        raise DataError(f"{part} is no part of a batch's manifest") from None


@lru_cache(maxsize=1)
def _open(settings: Settings, threads: int) -> PlateReader:
    return PlateReader(**reader_arguments(settings), threads=threads)


def reader_arguments(settings: Settings) -> dict[str, Any]:
    """The arguments of :class:`plate_ocr.PlateReader` among settings."""
    fields = (field.name for field in dataclasses.fields(settings))
    return {name: getattr(settings, name) for name in fields if name not in ("annotate", "crops", "blur")}


def _read(
    number: int,
    path: str,
    content: bytes | str,
    read: PlateReader,
    drawings: _Drawings,
) -> dict[str, Any]:
    """The row of a picture; its content is a reason where there is none."""
    if isinstance(content, str):
        return to_row(path, None, f"cannot read {path}: {content}")
    try:
        started = perf_counter()
        picture = read_image(NamedBytes(content, path))
        decoding = 1000 * (perf_counter() - started)
    except ImageError as error:
        return to_row(path, None, str(error))
    try:
        reading = read(picture)
        reading = dataclasses.replace(reading, ms=decoding + reading.ms)
        row = to_row(path, reading, None)
        row["taken"] = _taken(content)
        drawings.add(row, number, picture, reading, read)
    except ImageError as error:  # without the name of the picture
        return to_row(path, None, f"{path}: {error}")
    return row


def _taken(content: bytes) -> datetime | None:
    """When a picture was taken, by its EXIF data; None where that does not say so."""
    import PIL.ExifTags

    with suppress(Exception):  # decoders raise nearly anything on damaged files
        exif = open_image(content).getexif().get_ifd(PIL.ExifTags.IFD.Exif)
        return datetime.strptime(exif[PIL.ExifTags.Base.DateTimeOriginal], "%Y:%m:%d %H:%M:%S")
    return None


@dataclass(frozen=True)
class _Drawings:
    """Writes the pictures that are drawn of a part: ``annotated/NNNNN/NNNNNN-NAME.jpg`` and the like."""

    folder: Folder
    part: str
    settings: Settings

    def add(
        self, row: dict[str, Any], number: int, picture: Image, reading: Reading, read: PlateReader
    ) -> None:
        wanted = self.settings
        if not (wanted.annotate or wanted.crops or wanted.blur):
            return
        drawn = draw(
            rotated(read, picture),
            reading,
            read.detect,
            annotate=wanted.annotate,
            crops=wanted.crops,
            blur=wanted.blur,
        )
        name = f"{self.part}/{number:06}-{PurePosixPath(row['path']).stem}"
        if drawn.annotated:
            row["annotated"] = self._write(f"annotated/{name}.jpg", drawn.annotated)
        if drawn.blurred:
            row["blurred"] = self._write(f"blurred/{name}.jpg", drawn.blurred)
        for i, (plate, crop) in enumerate(zip(row["plates"], drawn.crops, strict=False), 1):
            plate["crop"] = self._write(f"crops/{name}.{i}.png", crop)

    def _write(self, name: str, data: bytes) -> str:
        self.folder.write(name, data)
        return name


def _to_parquet(rows: list[dict[str, Any]]) -> bytes:
    errors = sum(row["error"] is not None for row in rows)
    counts = Counts(len(rows), errors, sum(len(row["plates"]) for row in rows))
    metadata = {
        METADATA_KEY: json.dumps({"version": VERSION}),
        COUNTS_KEY: json.dumps(dataclasses.asdict(counts)),
    }
    file = io.BytesIO()
    table = pa.Table.from_pylist(rows, RESULTS.with_metadata(metadata))
    pq.write_table(table, file, compression="zstd")
    return file.getvalue()
