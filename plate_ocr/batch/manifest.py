"""The list of a batch's pictures, in parts: made once, then read part by part."""

from __future__ import annotations

import io
import itertools
import json
import math
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow.fs import LocalFileSystem, copy_files

from plate_ocr.batch.schema import MANIFEST, METADATA_KEY, VERSION
from plate_ocr.batch.storage import (
    STORAGE_ERRORS,
    Folder,
    list_files,
    locate,
    match_files,
    read_file,
    reason,
)
from plate_ocr.errors import DataError
from plate_ocr.files import is_url, read_csv
from plate_ocr.model.registry import DETECTOR
from plate_ocr.vision.image_files import is_image_name

INDEX = "manifest/manifest.json"
"""Written last: with it the list is whole."""

SMALL_JOB_PARTS, MIN_PART_SIZE = 64, 8
"""A job with fewer parts is cut into so many, so that all processes have work and progress shows; not into
parts of fewer pictures."""


@dataclass(frozen=True)
class Settings:
    """How pictures are read: the arguments of :class:`plate_ocr.PlateReader`, and what is drawn of them."""

    model: str
    input: str
    detector: str = DETECTOR
    region: tuple[str, ...] = ()
    min_confidence: float | None = None
    min_plate_confidence: float | None = None
    min_height: float = 0
    rotate: int = 0
    roi: tuple[int, ...] | None = None
    ignore: tuple[tuple[int, ...], ...] = ()
    providers: str = "cpu"
    annotate: bool = False
    crops: bool = False
    blur: bool = False

    @classmethod
    def of(cls, values: dict[str, Any]) -> Settings:
        """Those of a JSON object."""
        tuples = {
            "region": tuple(values["region"]),
            "roi": values["roi"] and tuple(values["roi"]),
            "ignore": tuple(map(tuple, values["ignore"])),
        }
        return cls(**{**values, **tuples})


@dataclass(frozen=True)
class Manifest:
    """The pictures of a batch.

    Attributes:
        folder: has ``manifest/``, ``results/`` and what is drawn.
        source: what was listed.
        settings: how it is read.
        parts: number of files in ``manifest/`` and, in the end, in ``results/``.
        pictures: number of pictures in all parts.
        working_folder: what relative paths are relative to.
    """

    folder: Folder
    source: str
    settings: Settings
    parts: int
    pictures: int
    working_folder: str

    def part(self, number: int) -> str:
        """The path or URL of a part's list, which :func:`plate_ocr.batch.read_part` takes."""
        return self.folder.path(f"manifest/{part_name(number)}")

    def unread(self) -> list[int]:
        """The numbers of the parts that have no results yet.

        Raises:
            DataError: if the results cannot be listed.
        """
        done = self.folder.names("results")
        return [number for number in range(self.parts) if part_name(number) not in done]

    @classmethod
    def open(cls, folder: Folder) -> Manifest | None:
        """The list that is in a folder; None without one.

        Raises:
            DataError: if it cannot be read.
        """
        if not folder.has(INDEX):
            return None
        name = folder.path(INDEX)
        try:
            values = json.loads(read_file(name))
            if values["version"] > VERSION:
                raise DataError(f"{name} was written by a newer plate-ocr; upgrade plate-ocr")
            settings = Settings.of(values["settings"])
            names = ("parts", "pictures", "working_folder")
            return cls(folder, values["source"], settings, *(values[name] for name in names))
        except (ValueError, KeyError, TypeError):
            raise DataError(f"{name} is no list of a batch; give another folder") from None

    @classmethod
    def write(
        cls, folder: Folder, source: str, settings: Settings, paths: Iterable[str], part_size: int
    ) -> Manifest:
        """Write the list; memory does not grow with it.

        Args:
            folder: where to.
            source: what ``paths`` were listed of.
            settings: how they are to be read.
            paths: or URLs; what is not UTF-8 in one is escaped, so that it becomes a row with an error.
            part_size: pictures of a part, at most.

        Raises:
            DataError: if there is no picture, or they cannot be listed.
            OutputError: if it cannot be written.
        """
        paths = iter(paths)
        first = list(itertools.islice(paths, SMALL_JOB_PARTS * part_size))
        if not first:
            raise DataError(f"{source}: there is no picture")
        size = min(part_size, max(MIN_PART_SIZE, math.ceil(len(first) / SMALL_JOB_PARTS)))
        common = {"version": VERSION, "working_folder": os.getcwd(), "settings": asdict(settings)}
        metadata = {METADATA_KEY: json.dumps(common)}
        parts = pictures = 0
        everything = itertools.chain(first, paths)
        del first
        while names := list(itertools.islice(everything, size)):
            column = [name.encode(errors="backslashreplace").decode() for name in names]
            table = pa.table({"path": column}, MANIFEST.with_metadata(metadata))
            file = io.BytesIO()
            pq.write_table(table, file, compression="zstd")
            folder.write(f"manifest/{part_name(parts)}", file.getvalue())
            parts, pictures = parts + 1, pictures + len(names)
        index = {**common, "source": source, "parts": parts, "pictures": pictures}
        folder.write(INDEX, json.dumps(index, ensure_ascii=False, indent=1).encode(errors="backslashreplace"))
        return cls(folder, source, settings, parts, pictures, os.getcwd())


def part_name(number: int) -> str:
    """The file name of a part."""
    return f"part-{number:05}.parquet"


def list_storage(source: str) -> Iterator[str]:
    """The pictures of a manifest with the column ``path``, or of object storage: a folder or a glob.

    Args:
        source: a ``.csv`` or ``.parquet`` file, or a URL.

    Yields:
        Paths and URLs. Paths of a manifest are relative to it.

    Raises:
        DataError: if it cannot be read.
    """
    if is_manifest(source):
        yield from _listed(source)
        return
    names = match_files(source) if set("*?[") & set(source) else list_files(source)
    yield from (name for name in names if is_image_name(name.rpartition("/")[2]))


def is_manifest(source: str) -> bool:
    """Whether a source is a list of pictures."""
    return source.lower().endswith((".csv", ".parquet"))


def _listed(source: str) -> Iterator[str]:
    system, path = locate(source)
    folder = source.rpartition("/")[0] if is_url(source) else os.path.dirname(source)

    def placed(name: str) -> str:
        if is_url(name) or not folder:
            return name
        return f"{folder}/{name}" if is_url(folder) else os.path.join(folder, name)

    try:
        if source.lower().endswith(".parquet"):
            with system.open_input_file(path) as file:
                table = pq.ParquetFile(file)
                if "path" not in table.schema_arrow.names:
                    raise DataError(f"{source}: no column path")
                for batch in table.iter_batches(columns=["path"]):
                    yield from (placed(name) for name in batch.column(0).to_pylist() if name)
        elif isinstance(system, LocalFileSystem):
            yield from (placed(row["path"]) for _, row in read_csv(Path(source), ["path"]))
        else:
            with TemporaryDirectory() as temporary:
                copy_files(path, f"{temporary}/list.csv", source_filesystem=system)
                rows = read_csv(Path(temporary) / "list.csv", ["path"])
                yield from (placed(row["path"]) for _, row in rows)
    except STORAGE_ERRORS as error:
        raise DataError(f"cannot read {source}: {reason(error)}") from None
