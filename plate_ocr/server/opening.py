"""Opening the store of a server in its data folder, and what works on it all the time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from fastapi import FastAPI
from sqlalchemy import Connection

from plate_ocr.server.keeping import SightingStore
from plate_ocr.server.notify.delivery import DeliveryWorker
from plate_ocr.server.retention import Sweeper
from plate_ocr.server.settings import Settings
from plate_ocr.server.store.backup import backup, restore, write_backup
from plate_ocr.server.store.database import Database, revision_of
from plate_ocr.server.store.times import local_zone


def database_url(settings: Settings) -> str:
    """The URL of a server's database."""
    return settings.database or f"sqlite:///{settings.data / 'plate-ocr.db'}"


def pictures_folder(settings: Settings) -> Path:
    """Where a server's pictures are."""
    return settings.data / "pictures"


def open_store(settings: Settings) -> SightingStore:
    """The store of a server, whose tables are brought to this version.

    Raises:
        StoreError: if it cannot be opened.
        DataError: if the time zone is unknown.
    """
    zone = local_zone(settings.timezone)

    def copy(connection: Connection) -> None:
        name = f"before-{revision_of(connection)}-{datetime.now(UTC):%Y%m%d-%H%M%S}.zip"
        write_backup(connection, None, [], settings.data / "backups" / name)

    return SightingStore(Database(database_url(settings), copy), pictures_folder(settings), zone)


def back_up(settings: Settings, names: Sequence[str], out: Path) -> None:
    """Write a backup of a server, which may run, with these files of its data folder.

    Raises:
        OutputError: if it cannot be written.
        StoreError: if the database cannot be read.
    """
    store = open_store(settings)
    try:
        backup(store.database, store.pictures, [settings.data / name for name in names], out)
    finally:
        store.database.close()


def restore_backup(settings: Settings, file: Path) -> int:
    """Restore a backup into an empty data folder and database; returns the number of sightings.

    Raises:
        StoreError: if it is no backup, or there is something already.
    """
    return restore(database_url(settings), settings.data, file)


@contextmanager
def keeping(app: FastAPI, settings: Settings) -> Iterator[None]:
    """While this lasts, ``app.state`` has ``store``, ``deliveries`` and ``sweeper``, which all work.

    Raises:
        StoreError: if the store cannot be opened.
        DataError: if the time zone is unknown.
    """
    store = app.state.store = open_store(settings)
    deliveries = DeliveryWorker(store.database, store.pictures, settings.data / "delivery.lock")
    app.state.deliveries, store.on_delivery = deliveries, deliveries.wake
    sweeper = app.state.sweeper = Sweeper(store, settings)
    deliveries.start()
    sweeper.start()
    try:
        yield
    finally:
        sweeper.close()
        deliveries.close()
        store.database.close()
