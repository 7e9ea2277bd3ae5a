"""Keeping sightings: what was seen, the lists it is on and what is to be delivered, in one transaction."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import tzinfo
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from plate_ocr.server.notify.channels import ChannelSettings, load_settings
from plate_ocr.server.notify.matching import Matcher
from plate_ocr.server.store.channels import all_channels, channels_version
from plate_ocr.server.store.database import Database
from plate_ocr.server.store.outbox import enqueue
from plate_ocr.server.store.pictures import Pictures
from plate_ocr.server.store.search import PlateIndex
from plate_ocr.server.store.settings import save_setting
from plate_ocr.server.store.sightings import NewSighting, Sighting, add_matches, add_sighting
from plate_ocr.server.store.times import local_minute, to_iso


class SightingStore:
    """Sightings with their pictures, and who is told of them.

    Args:
        database: open.
        pictures: the folder of pictures.
        zone: of hours; None: the system's.

    Attributes:
        plates: for similar searches.
        on_sighting: called when a sighting was kept.
        on_delivery: called when something is to be delivered.

    Safe to call from several threads.
    """

    def __init__(self, database: Database, pictures: Path, zone: tzinfo | None = None) -> None:
        self.database = database
        self.pictures = Pictures(pictures)
        self.zone = zone
        self.plates = PlateIndex()
        self.on_sighting: Callable[[], None] = lambda: None
        self.on_delivery: Callable[[], None] = lambda: None
        self._matcher = Matcher()
        self._channels: tuple[int | None, dict[int, ChannelSettings]] = (None, {})

    def keep(self, new: NewSighting) -> Sighting:
        """Keep a sighting; it is on the disk afterwards, with what is to be delivered.

        Raises:
            StoreError: if it cannot be kept; nothing of it is then.
        """
        written: list[str] = []
        try:
            with self.database.write() as connection:
                minute = local_minute(new.started, self.zone)
                matches = self._matcher.match(connection, new.plate, new.camera, new.started, minute)
                ignored = any(match.kind == "ignore" for match in matches)
                sighting = add_sighting(connection, self.pictures, new, self.zone, ignored=ignored)
                written = [path for path in (sighting.row.crop, sighting.row.scene) if path]
                sighting = add_matches(connection, sighting, matches)
                told = self._tell(connection, sighting)
        except BaseException:
            self.pictures.delete(*written)
            raise
        self.on_sighting()
        if told:
            self.on_delivery()
        return sighting

    def try_to_write(self) -> None:
        """Whether something can be kept: a picture, and a row.

        Raises:
            StoreError: if not.
        """
        with self.database.write() as connection:
            self.pictures.try_to_write()
            save_setting(connection, "tried", {"at": time.time()})

    def _tell(self, connection: Connection, sighting: Sighting) -> bool:
        version = channels_version(connection)
        if version != self._channels[0]:
            settings = {
                row.id: load_settings(row.kind, row.settings)
                for row in all_channels(connection)
                if row.enabled
            }
            self._channels = version, settings
        told = [(key, channel) for key, channel in self._channels[1].items() if channel.wants(sighting)]
        for key, channel in told:
            lifetime = channel.lifetime
            expires = None if lifetime is None else sighting.row.ended + lifetime
            enqueue(connection, key, event_of(sighting), sighting=sighting.id, expires=expires)
        return bool(told)


def event_of(sighting: Sighting) -> Mapping[str, Any]:
    """What channels are told of a new sighting: ``alert`` where a list alerts, else ``sighting``."""
    alert = any(match.alerted for match in sighting.matches)
    return {
        "event": "alert" if alert else "sighting",
        "time": to_iso(sighting.row.ended),
        "sighting": sighting.to_dict(),
    }
