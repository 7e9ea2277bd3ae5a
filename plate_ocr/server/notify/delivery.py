"""Delivers what is in the outbox: a thread a channel, in order, until it has arrived."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from sqlalchemy import Connection, Row

from plate_ocr.errors import StoreError
from plate_ocr.server.notify.channels import (
    AppriseSettings,
    ChannelSettings,
    CommandSettings,
    MqttSettings,
    load_settings,
)
from plate_ocr.server.notify.messages import DeliveryError, Message, Sender
from plate_ocr.server.store.channels import all_channels, channels_version
from plate_ocr.server.store.database import Database
from plate_ocr.server.store.outbox import Delivery, State, count_try, finish, next_delivery
from plate_ocr.server.store.pictures import Pictures
from plate_ocr.server.store.sightings import find_sighting

POLL_S = 1.0
"""How often it is looked whether another process has queued something, or changed a channel."""

FIRST_WAIT_S, MAX_WAIT_S = 1.0, 300.0
"""After the first failure, and at most."""

LOGGER = logging.getLogger(__name__)


def open_sender(settings: ChannelSettings, name: str) -> Sender:
    """What sends to a channel.

    Raises:
        DeliveryError: if it cannot be used.
    """
    if isinstance(settings, MqttSettings):
        from plate_ocr.server.notify.mqtt import MqttSender

        return MqttSender(settings, name)
    if isinstance(settings, CommandSettings):
        from plate_ocr.server.notify.commands import CommandSender

        return CommandSender(settings)
    if isinstance(settings, AppriseSettings):
        from plate_ocr.server.notify.apprises import AppriseSender

        return AppriseSender(settings)
    from plate_ocr.server.notify.webhooks import WebhookSender

    return WebhookSender(settings)


class DeliveryWorker:
    """Delivers to all channels while it runs; of several processes with one data folder, one does.

    Args:
        database: whose outbox it is.
        pictures: of sightings.
        lock: path of a file that the process which delivers holds.
        first_wait: seconds after a first failure; each further one doubles it.
    """

    def __init__(
        self, database: Database, pictures: Pictures, lock: Path, first_wait: float = FIRST_WAIT_S
    ) -> None:
        self._database, self._pictures, self._first_wait = database, pictures, first_wait
        self._lock = FileLock(lock, timeout=0)
        self._stopped = threading.Event()
        self._channels: dict[int, _Channel] = {}
        self._thread = threading.Thread(target=self._run, name="deliver", daemon=True)

    def start(self) -> None:
        """Begin to deliver."""
        self._thread.start()

    def close(self) -> None:
        """End; what is being delivered is, or will be once more."""
        self._stopped.set()
        if self._thread.ident is not None:
            self._thread.join()

    def wake(self) -> None:
        """Look at once whether there is something to deliver."""
        for channel in list(self._channels.values()):
            channel.wake()

    @property
    def delivers(self) -> bool:
        """Whether this process is the one that does, and has channels."""
        return bool(self._channels)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                with self._lock:
                    self._supervise()
            except Timeout:
                self._stopped.wait(POLL_S)
            except OSError as error:
                LOGGER.warning("cannot deliver: %s", error.strerror or error)
                self._stopped.wait(POLL_S)

    def _supervise(self) -> None:
        version: int | None = None
        try:
            while not self._stopped.is_set():
                try:
                    with self._database.read() as connection:
                        found = channels_version(connection)
                        rows = all_channels(connection) if found != version else []
                except StoreError as error:
                    LOGGER.warning("cannot deliver: %s", error)
                else:
                    if found != version:
                        self._change({row.id: row for row in rows if row.enabled})
                        version = found
                self._stopped.wait(POLL_S)
        finally:
            self._change({})

    def _change(self, rows: dict[int, Row[Any]]) -> None:
        gone = [
            self._channels.pop(key)
            for key, channel in list(self._channels.items())
            if key not in rows or rows[key] != channel.row
        ]
        for channel in gone:
            channel.stop()
        for channel in gone:
            channel.join()
        for key, row in rows.items():
            if key not in self._channels:
                channel = self._channels[key] = _Channel(
                    row, self._database, self._pictures, self._first_wait
                )
                channel.start()


class _Channel(threading.Thread):
    """Delivers to one channel."""

    def __init__(self, row: Row[Any], database: Database, pictures: Pictures, first_wait: float) -> None:
        super().__init__(name=f"deliver-{row.id}", daemon=True)
        self.row = row
        self._database, self._pictures, self._first_wait = database, pictures, first_wait
        self._settings = load_settings(row.kind, row.settings)
        self._sender: Sender | None = None
        self._changed, self._stopping = threading.Condition(), False
        self._woken = False

    def wake(self) -> None:
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def stop(self) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify_all()

    def run(self) -> None:
        try:
            while not self._stopping:
                try:
                    with self._database.read() as connection:
                        delivery = next_delivery(connection, self.row.id)
                    if delivery is None:
                        self._wait(POLL_S, wakes=True)
                    else:
                        self._deliver(delivery)
                except StoreError as error:
                    LOGGER.warning("cannot deliver: %s", error)
                    self._wait(POLL_S)
        finally:
            if self._sender:
                self._sender.close()

    def _deliver(self, delivery: Delivery) -> None:
        if delivery.has_expired(time.time()):
            self._write(lambda connection: finish(connection, delivery, "expired", delivery.error))
            return
        if self._settings.relay:
            if delivery.tries and delivery.error is None:
                # The server ended while it was on its way.
                self._finish(delivery, "failed", "it may have arrived before the server ended")
                return
            with self._database.write() as connection:
                count_try(connection, delivery, None)
        try:
            if self._sender is None:
                self._sender = open_sender(self._settings, self.row.name)
            self._sender.send(self._message(delivery))
        except DeliveryError as error:
            self._failed(delivery, error)
        except Exception as error:
            LOGGER.exception("the channel %s failed", self.row.name)
            self._failed(delivery, DeliveryError(f"an error of plate-ocr: {type(error).__name__}"))
        else:
            self._finish(delivery, "delivered", None)

    def _failed(self, delivery: Delivery, error: DeliveryError) -> None:
        LOGGER.info("the channel %s: %s", self.row.name, error)
        if error.permanent:
            self._finish(delivery, "failed", str(error))
        elif self._settings.relay and error.arrived:
            self._finish(delivery, "failed", f"{error}; it may have arrived, so it is not tried again")
        else:
            tries = delivery.tries + 1
            self._write(lambda connection: count_try(connection, delivery, str(error)))
            wait = min(MAX_WAIT_S, self._first_wait * 2 ** min(tries - 1, 20))
            self._wait(max(wait, min(error.retry_after, MAX_WAIT_S)))

    def _finish(self, delivery: Delivery, state: State, error: str | None) -> None:
        self._write(lambda connection: finish(connection, delivery, state, error))

    def _write(self, change: Callable[[Connection], None]) -> None:
        """Change the outbox as soon as it can be: what has arrived is not sent again for a full disk."""
        while True:
            try:
                with self._database.write() as connection:
                    change(connection)
                return
            except StoreError as error:
                LOGGER.warning("cannot write down a delivery: %s", error)
                self._wait(POLL_S)
                if self._stopping:
                    return

    def _message(self, delivery: Delivery) -> Message:
        pictures: dict[str, bytes | None] = {"crop": None, "scene": None}
        if uuid := delivery.event["sighting"]["id"]:
            with self._database.read() as connection:
                sighting = find_sighting(connection, uuid)
            if sighting:
                for kind in pictures:
                    path = getattr(sighting.row, kind)
                    pictures[kind] = self._pictures.read(path) if path else None
        return Message(delivery.uuid, delivery.event, **pictures)

    def _wait(self, seconds: float, *, wakes: bool = False) -> None:
        """Wait, but not beyond the end; with ``wakes``, until something is queued."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopping or (wakes and self._woken), seconds)
            if wakes:
                self._woken = False
