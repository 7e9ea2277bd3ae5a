"""Files: writing them whole, to a temporary name, synced, then renamed; reading tables."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from plate_ocr.errors import DataError, OutputError

Content: TypeAlias = bytes | Callable[[Path], object]
"""The bytes of a file, or a function that writes a file of the name it is given (which ends as the file's
own does)."""


def write_whole(path: Path, data: Content) -> None:
    """Write a file so that at any moment either the old or the new one is there, never a part.

    Args:
        path: where to; its folder is made if needed.
        data: what is in it.

    Raises:
        OutputError: if the disk is full or the folder cannot be written to, or what is there is no file; it
            stays.
    """
    write_together({path: data})


def file_to_write(path: Path) -> Path:
    """The file that a path stands for, at the end of its links.

    Raises:
        OutputError: if there is something else: a folder, a device or a pipe.
    """
    if os.path.exists(path) and not os.path.isfile(path):
        what = "a folder" if os.path.isdir(path) else "a device or a pipe, not a file"
        raise OutputError(f"cannot write {path}: it is {what}")
    return Path(os.path.realpath(path))


def write_together(files: Mapping[Path, Content]) -> None:
    """Write files that belong together: each as :func:`write_whole` does, and none takes its name before
    all are on the disk.

    Raises:
        OutputError: if the disk is full or a folder cannot be written to, or what is there is no file; it
            stays.
    """
    import tempfile

    temporary: dict[Path, Path] = {}
    try:
        for given, data in files.items():
            path = file_to_write(given)
            path.parent.mkdir(parents=True, exist_ok=True)
            # Shortened: a name may already have all the bytes that names have.
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem[:20]}-", suffix=path.suffix)
            os.close(handle)
            written = temporary[path] = Path(name)
            if callable(data):
                data(written)
            else:
                written.write_bytes(data)
            with written.open("rb+") as file:
                os.fsync(file.fileno())
            # mkstemp makes files for the owner alone; give what a plain open() would give.
            mask = os.umask(0)
            os.umask(mask)
            written.chmod(0o666 & ~mask)
        for path, written in temporary.items():
            written.replace(path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from None
    finally:
        for written in temporary.values():
            written.unlink(missing_ok=True)


DELIMITERS = ",;\t"
"""What may stand between the columns of a CSV file."""


def read_csv(path: Path, columns: Sequence[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """The rows of a CSV file, each with the file's name and its line to complain by.

    Args:
        path: the file, in UTF-8, with or without a byte order mark; its first line names the columns, between
            which there is one of :data:`DELIMITERS`.
        columns: those that must be there; others are given too.

    Yields:
        Where, and values by column; what is missing in a row is empty. Rows without any are passed over,
        which spreadsheets leave at the end.

    Raises:
        DataError: if it cannot be read, is no such file or lacks a column.
    """
    import csv

    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            headers = {sign: [name.strip() for name in next(csv.reader([first], delimiter=sign), [])]
                       for sign in DELIMITERS}  # fmt: skip
            missing = {sign: [name for name in columns if name not in headers[sign]] for sign in DELIMITERS}
            delimiter = min(DELIMITERS, key=lambda sign: len(missing[sign]))
            for name in columns:
                if headers[delimiter].count(name) > 1:
                    raise DataError(f"{path} line 1: the column {name} is there twice")
            if names := missing[delimiter]:
                raise DataError(
                    f"{path} line 1: no column {' and no column '.join(names)}; "
                    f"the first line must name {','.join(columns)}"
                )
            reader = csv.DictReader(file, headers[delimiter], delimiter=delimiter)
            for row in reader:
                values = {name: (row[name] or "").strip() for name in headers[delimiter]}
                if any(values.values()):
                    yield f"{path} line {reader.line_num + 1}", values
    except UnicodeDecodeError:
        raise DataError(_not_utf8(path)) from None
    except csv.Error as error:
        raise DataError(f"{path} is no CSV file: {error}") from None
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from None


def _not_utf8(path: Path) -> str:
    """Where a file stops being UTF-8, and how to save it."""
    with path.open("rb") as file:
        if b"\0" in file.read(1024):
            return f"{path} is no CSV file but a binary one"
        file.seek(0)
        for number, line in enumerate(file, 1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                where = f"line {number}, byte {error.start + 1} (0x{line[error.start]:02X})"
                break
    return f"{path} {where} is not UTF-8: save the file as UTF-8; in Excel as the file type 'CSV UTF-8'"


def listed_path(table: Path, name: str) -> Path:
    """The file that a table names: relative to the table, with slashes or Windows' backslashes."""
    path = table.parent / name
    if "\\" in name and not os.path.exists(path):
        return table.parent / name.replace("\\", "/")
    return path


def is_url(name: str) -> bool:
    """Whether a name is an address, such as ``rtsp://…``."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", name) is not None
