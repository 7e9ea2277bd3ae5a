"""Backups: one ZIP file of all tables, pictures and accounts, which either database takes."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, MetaData, Table, func, insert, select, text

from plate_ocr import __version__
from plate_ocr.errors import OutputError, StoreError
from plate_ocr.server.store.database import Database, is_known, migrate, revision_of
from plate_ocr.server.store.pictures import Pictures
from plate_ocr.server.store.times import to_iso

MANIFEST = "plate-ocr.json"
VERSIONS = "alembic_version"
ROWS = 1000
"""That are held in memory at a time."""

_PICTURE = re.compile(r"pictures/(\d{4}/\d\d/\d\d/[0-9a-f-]{36}-(?:crop|scene)\.jpg)")


def backup(database: Database, pictures: Pictures, others: list[Path], out: Path) -> None:
    """Write a backup, of one moment, while others write to the database.

    Args:
        database: open.
        pictures: of sightings.
        others: further files of the data folder; those that are not there are left out.
        out: the ZIP file, which only its owner may read: channels have passwords.

    Raises:
        OutputError: if it cannot be written.
        StoreError: if the database cannot be read.
    """
    with database.read() as connection:
        write_backup(connection, pictures, others, out)


def write_backup(connection: Connection, pictures: Pictures | None, others: list[Path], out: Path) -> None:
    """Write a backup of what a connection sees, see :func:`backup`; without pictures where these are None."""
    temporary: Path | None = None
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=out.parent, prefix=f".{out.stem[:20]}-", suffix=".zip")
        temporary = Path(name)
        with os.fdopen(handle, "wb") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                paths = _write_tables(connection, archive)
                for path in paths if pictures else ():
                    contents = pictures.read(path) if pictures else None
                    if contents is not None:
                        archive.writestr(f"pictures/{path}", contents, zipfile.ZIP_STORED)
                for other in others:
                    if other.exists():
                        archive.write(other, other.name)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(out)
    except OSError as error:
        raise OutputError(f"cannot write {out}: {error.strerror or error}") from None
    finally:
        if temporary:
            temporary.unlink(missing_ok=True)


def restore(url: str, data: Path, file: Path) -> int:
    """Restore a backup into an empty data folder and database; returns the number of sightings.

    Args:
        url: of the database.
        data: the data folder.
        file: a backup.

    Raises:
        StoreError: if it is no backup or one of a newer version, or there is something already; nothing is
            restored then.
    """
    pictures = data / "pictures"
    try:
        with zipfile.ZipFile(file) as archive:
            manifest = json.loads(archive.read(MANIFEST))
            if not is_known(manifest["revision"]):
                raise StoreError(f"{file} is of a newer version of plate-ocr: update this one")
            others = [name for name in archive.namelist() if "/" not in name and name != MANIFEST]
            if taken := [path for path in (pictures, *map(data.joinpath, others)) if path.exists()]:
                raise StoreError(f"{taken[0]} is there already: restore into an empty folder, see --data")
            database = Database(url, revision=manifest["revision"])
            try:
                with database.write() as connection:
                    count = _read_tables(connection, archive)
                    migrate(connection)
                    _extract(archive, pictures, data, others)
            except BaseException:
                shutil.rmtree(pictures, ignore_errors=True)
                for name in others:
                    (data / name).unlink(missing_ok=True)
                raise
            finally:
                database.close()
            return count
    except (zipfile.BadZipFile, ValueError, KeyError, TypeError, UnicodeError):
        raise StoreError(f"{file} is no backup of plate-ocr, or a damaged one") from None
    except OSError as error:
        raise StoreError(f"cannot restore {file}: {error.strerror or error}") from None


def _write_tables(connection: Connection, archive: zipfile.ZipFile) -> list[str]:
    """Write all tables and what they are of; returns the paths of pictures."""
    paths: list[str] = []
    revision = revision_of(connection)
    manifest = {"plate_ocr": __version__, "revision": revision, "created": to_iso(time.time())}
    archive.writestr(MANIFEST, json.dumps(manifest))
    for table in _tables(connection):
        with archive.open(f"tables/{table.name}.jsonl", "w", force_zip64=True) as out:
            for row in connection.execution_options(yield_per=ROWS).execute(select(table)):
                values = dict(row._mapping)
                out.write(json.dumps(values, ensure_ascii=False).encode() + b"\n")
                if table.name == "sighting":
                    paths += filter(None, (values["crop"], values["scene"]))
    return paths


def _read_tables(connection: Connection, archive: zipfile.ZipFile) -> int:
    """Add the rows of all tables; returns the number of sightings."""
    counts: dict[str, int] = {}
    names = set(archive.namelist())
    for table in _tables(connection):
        if connection.execute(select(table).limit(1)).first() is not None:
            raise StoreError(f"the database holds something already: {table.name}; name an empty one")
        counts[table.name] = 0
        if f"tables/{table.name}.jsonl" in names:
            for rows in _rows(archive, table):
                connection.execute(insert(table), rows)
                counts[table.name] += len(rows)
        if connection.dialect.name != "sqlite" and "id" in table.c and counts[table.name]:
            highest = connection.scalar(select(func.max(table.c.id)))
            sequence = text("SELECT setval(pg_get_serial_sequence(:name, 'id'), :highest)")
            connection.execute(sequence, {"name": table.name, "highest": highest})
    return counts["sighting"]


def _rows(archive: zipfile.ZipFile, table: Table) -> Iterator[list[dict[str, Any]]]:
    rows: list[dict[str, Any]] = []
    with archive.open(f"tables/{table.name}.jsonl") as lines:
        for line in lines:
            rows.append(json.loads(line))
            if len(rows) == ROWS:
                yield rows
                rows = []
    if rows:
        yield rows


def _tables(connection: Connection) -> list[Table]:
    """The tables as they are in the database, those first that others name."""
    found = MetaData()
    found.reflect(connection)
    return [table for table in found.sorted_tables if table.name != VERSIONS]


def _extract(archive: zipfile.ZipFile, pictures: Path, data: Path, others: list[str]) -> None:
    for name in archive.namelist():
        if match := _PICTURE.fullmatch(name):
            target = pictures / match[1]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(archive.read(name))
        elif name in others:
            target = data / name
            with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                out.write(archive.read(name))
