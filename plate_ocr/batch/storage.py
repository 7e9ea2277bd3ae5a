"""Files on a disk and in object storage, by path or URL."""

from __future__ import annotations

import itertools
import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from pyarrow import ArrowException
from pyarrow.fs import FileSelector, FileSystem, FileType, FSSpecHandler, LocalFileSystem, PyFileSystem

from plate_ocr.errors import DataError, OutputError
from plate_ocr.files import is_url, write_whole

STORAGE_ERRORS = (OSError, ArrowException)
"""What file systems raise."""

TRIES = 3
"""How often a picture in object storage is asked for."""

AHEAD = 16
"""Files that are fetched at once: storage answers late, but many."""


def locate(name: str) -> tuple[FileSystem, str]:
    """The file system of a path or URL, and its path there.

    Raises:
        DataError: if there is no such storage, or its package is not installed.
    """
    if not is_url(name):
        return LocalFileSystem(), os.path.abspath(name)
    scheme, _, rest = name.partition("://")
    bucket, _, path = rest.partition("/")
    system, root = _file_system(scheme, bucket)
    return system, f"{root}/{path}".rstrip("/")


@cache
def _file_system(scheme: str, bucket: str) -> tuple[FileSystem, str]:
    """The file system of a bucket, and the bucket's path there."""
    url = f"{scheme}://{bucket}"
    try:
        if scheme in ("s3", "gs", "abfs", "abfss"):
            # In S3 a small file is one request then, not three.
            system, root = FileSystem.from_uri(f"{url}?allow_delayed_open=true" if scheme == "s3" else url)
            return system, root.rstrip("/")
        from fsspec.core import url_to_fs

        system, root = url_to_fs(url)
        return PyFileSystem(FSSpecHandler(system)), root.rstrip("/")
    except (ValueError, ImportError, *STORAGE_ERRORS) as error:
        raise DataError(f"cannot open {url}: {reason(error)}") from None


def reason(error: BaseException) -> str:
    """The first line of an error, without the path that the message already names."""
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return str(error).partition("\n")[0] or type(error).__name__


def list_files(folder: str) -> Iterator[str]:
    """All files below a URL, by name; one folder at a time is held in memory.

    Raises:
        DataError: if it cannot be listed.
    """
    system, root = locate(folder)
    pending = [root]
    try:
        while pending:
            entries = system.get_file_info(FileSelector(pending.pop()))
            below = sorted(entry.path for entry in entries if entry.type == FileType.Directory)
            pending += reversed(below)
            names = sorted(entry.path for entry in entries if entry.type == FileType.File)
            del entries
            yield from (folder.rstrip("/") + name[len(root) :] for name in names)
    except STORAGE_ERRORS as error:
        raise DataError(f"cannot list {folder}: {reason(error)}") from None


def match_files(pattern: str) -> Iterator[str]:
    """The files that a glob of a URL stands for, by name.

    Raises:
        DataError: if its folder cannot be listed.
    """
    from fsspec.implementations.arrow import ArrowFSWrapper

    system, path = locate(pattern)
    start = pattern[: len(pattern.rstrip("/")) - len(path.partition("/")[2])] if "/" in path else pattern
    try:
        names = ArrowFSWrapper(system).glob(path)
    except STORAGE_ERRORS as error:
        raise DataError(f"cannot list {pattern}: {reason(error)}") from None
    yield from (start + name.partition("/")[2] for name in names)


def read_file(name: str) -> bytes:
    """The bytes of a file.

    Raises:
        DataError: if it cannot be read.
    """
    content = _read(name)
    if isinstance(content, str):
        raise DataError(f"cannot read {name}: {content}")
    return content


def fetched(names: Iterable[str]) -> Iterator[bytes | str]:
    """The bytes of files in their order, some read ahead, or the reason why there are none."""
    names, queue = iter(names), deque[Future[bytes | str]]()
    with ThreadPoolExecutor(AHEAD) as pool:
        while True:
            queue.extend(pool.submit(_read, name) for name in itertools.islice(names, AHEAD - len(queue)))
            if not queue:
                return
            yield queue.popleft().result()


def _read(name: str) -> bytes | str:
    """The bytes of a file, or the reason why there are none."""
    try:
        if not is_url(name):
            return Path(name).read_bytes()
        for _ in range(TRIES - 1):
            # Storage's own retries end where the answer has begun.
            with suppress(OSError):
                return _download(name)
        return _download(name)
    except DataError as error:
        return str(error)
    except MemoryError:
        return "the file is larger than the memory"
    except (ValueError, *STORAGE_ERRORS) as error:
        return reason(error)


def _download(name: str) -> bytes:
    system, path = locate(name)
    with system.open_input_file(path) as file:
        data: bytes = file.read()
        return data


@dataclass(frozen=True)
class Folder:
    """A folder that is written to.

    Attributes:
        name: its path or URL.
    """

    name: str

    @cached_property
    def _place(self) -> tuple[FileSystem, str]:
        return locate(self.name)

    def path(self, name: str) -> str:
        """The path or URL of a file in it."""
        return f"{self.name.rstrip('/')}/{name}"

    def write(self, name: str, data: bytes) -> None:
        """Write a file, whole or not at all: object storage shows a file once all of it is there; elsewhere
        it has a temporary name until then.

        Raises:
            OutputError: if it cannot be written.
        """
        system, root = self._place
        path = f"{root}/{name}"
        if isinstance(system, LocalFileSystem):
            write_whole(Path(path), data)
            return
        written = f"{path}.tmp" if isinstance(system, PyFileSystem) else path
        try:
            if isinstance(system, PyFileSystem):
                system.create_dir(path.rpartition("/")[0], recursive=True)
            with system.open_output_stream(written) as file:
                file.write(data)
            if written != path:
                system.move(written, path)
        except STORAGE_ERRORS as error:
            raise OutputError(f"cannot write {self.path(name)}: {reason(error)}") from None

    def names(self, folder: str) -> set[str]:
        """The names of the files in one of its folders, which need not be there; hidden ones, which a process
        leaves that is killed while it writes, do not count.

        Raises:
            DataError: if it cannot be listed.
        """
        system, root = self._place
        try:
            entries = system.get_file_info(FileSelector(f"{root}/{folder}", allow_not_found=True))
        except STORAGE_ERRORS as error:
            raise DataError(f"cannot list {self.path(folder)}: {reason(error)}") from None
        names = (entry.base_name for entry in entries if entry.type == FileType.File)
        return {name for name in names if not name.startswith(".")}

    def has(self, name: str) -> bool:
        """Whether there is a file of this name.

        Raises:
            DataError: if that cannot be told.
        """
        system, root = self._place
        try:
            return bool(system.get_file_info(f"{root}/{name}").type == FileType.File)
        except STORAGE_ERRORS as error:
            raise DataError(f"cannot read {self.path(name)}: {reason(error)}") from None
