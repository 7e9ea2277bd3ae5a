"""How long a server keeps what, by its options and by what people chose; and the room that it takes."""

from __future__ import annotations

import logging
import shutil
import threading
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection, func, select

from plate_ocr.errors import StoreError
from plate_ocr.server.keeping import SightingStore
from plate_ocr.server.settings import MB, Settings
from plate_ocr.server.store.retention import Retention, delete_orphans, sweep
from plate_ocr.server.store.schema import SIGHTING
from plate_ocr.server.store.settings import load_setting, save_setting
from plate_ocr.server.store.times import to_iso

SWEEP_S = 600.0
"""How often what is old is deleted, seconds."""

NAME = "retention"
"""Of the setting in the database."""

LOGGER = logging.getLogger(__name__)

Days = Annotated[float | None, Field(ge=0, le=100_000)]
Count = Annotated[int | None, Field(ge=0, lt=2**40)]


class RetentionSettings(BaseModel):
    """How long sightings are kept, by the names of the server's options; null: for ever.

    Attributes:
        keep_days: days after which a sighting is deleted.
        keep_sightings: sightings, at most; the oldest go first.
        keep_size: megabytes of pictures, at most; the oldest sightings go first.
        keep_picture_days: days after which the pictures of a sighting are deleted.
        hash_after_days: days after which a hash takes the place of a plate's text.
    """

    model_config = ConfigDict(extra="forbid")

    keep_days: Days = None
    keep_sightings: Count = None
    keep_size: Count = None
    keep_picture_days: Days = None
    hash_after_days: Days = None


def given_retention(settings: Settings) -> dict[str, Any]:
    """What the options of a server say, which goes before what people chose."""
    values = {name: getattr(settings, name) for name in RetentionSettings.model_fields}
    if settings.keep_size is not None:
        values["keep_size"] = settings.keep_size // MB
    return {name: value for name, value in values.items() if value is not None}


def load_retention(connection: Connection, settings: Settings) -> RetentionSettings:
    """How long a server keeps what."""
    return RetentionSettings(**{**load_setting(connection, NAME), **given_retention(settings)})


def save_retention(connection: Connection, chosen: RetentionSettings) -> None:
    """Keep what people chose."""
    save_setting(connection, NAME, chosen.model_dump())


def storage(store: SightingStore) -> dict[str, Any]:
    """The room that sightings take, and what is left of it.

    Returns:
        ``sightings``, a number; ``oldest``, a time or None; bytes of ``pictures``, of the ``database``, None
        where it is another machine's, and that are ``free`` and in ``total`` where the pictures are.
    """
    with store.database.read() as connection:
        count, oldest, pictures = connection.execute(
            select(func.count(), func.min(SIGHTING.c.started), func.sum(SIGHTING.c.bytes))
        ).one()
    folder = store.pictures.folder
    disk = shutil.disk_usage(folder if folder.exists() else folder.parent)
    return {
        "sightings": count,
        "oldest": None if oldest is None else to_iso(oldest),
        "pictures": int(pictures or 0),
        "database": store.database.size,
        "free": disk.free,
        "total": disk.total,
    }


class Sweeper(threading.Thread):
    """Deletes what is old, at once and from time to time; and loads what similar searches need.

    Args:
        store: of the server.
        settings: of the server.
    """

    def __init__(self, store: SightingStore, settings: Settings) -> None:
        super().__init__(name="sweep", daemon=True)
        self._store, self._settings = store, settings
        self._woken, self._stopping = threading.Event(), False

    def wake(self) -> None:
        """Delete now what is old."""
        self._woken.set()

    def close(self) -> None:
        """End."""
        self._stopping = True
        self._woken.set()
        self.join()

    def run(self) -> None:
        """Delete until it is closed."""
        store, has_orphans = self._store, True
        while not self._stopping:
            self._woken.clear()
            try:
                with store.database.read() as connection:
                    store.plates.load(connection)
                    retention = _retention(load_retention(connection, self._settings))
                if has_orphans and (count := delete_orphans(store.database, store.pictures)):
                    LOGGER.info("deleted pictures of no sighting: %d", count)
                has_orphans = False
                swept = sweep(store.database, store.pictures, retention)
                if swept.sightings or swept.pictures or swept.hashed:
                    LOGGER.info("deleted: %s", swept)
            except StoreError as error:
                LOGGER.warning("cannot delete what is old: %s", error)
            if not self._stopping:
                self._woken.wait(SWEEP_S)


def _retention(chosen: RetentionSettings) -> Retention:
    return Retention(
        chosen.keep_days,
        chosen.keep_sightings,
        None if chosen.keep_size is None else chosen.keep_size * MB,
        chosen.keep_picture_days,
        chosen.hash_after_days,
    )
