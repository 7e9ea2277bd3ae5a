"""Channels as they are kept: a kind and its settings, which only ``notify`` understands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from plate_ocr.errors import DataError
from plate_ocr.server.store.rows import add_row
from plate_ocr.server.store.schema import CHANNEL, SETTING

_VERSION = "channels_version"


def channels_version(connection: Connection) -> int:
    """A number that grows with each change of any channel."""
    return int(connection.scalar(select(SETTING.c.value).where(SETTING.c.name == _VERSION)) or 0)


def all_channels(connection: Connection) -> list[Row[Any]]:
    """All channels, by name: ``id``, ``name``, ``kind``, ``settings``, ``enabled``."""
    return list(connection.execute(select(CHANNEL).order_by(CHANNEL.c.name)))


def find_channel(connection: Connection, key: int) -> Row[Any] | None:
    """A channel by the key of its row; None if there is none."""
    return connection.execute(select(CHANNEL).where(CHANNEL.c.id == key)).first()


def add_channel(
    connection: Connection, name: str, kind: str, settings: Mapping[str, Any], *, enabled: bool
) -> int:
    """Add a channel; returns its key.

    Raises:
        DataError: if there is one of this name.
    """
    _refuse_taken(connection, name, None)
    values = {"name": name, "kind": kind, "settings": dict(settings), "enabled": enabled}
    key = add_row(connection, CHANNEL, values)
    _changed(connection)
    return key


def change_channel(
    connection: Connection, key: int, name: str, settings: Mapping[str, Any], *, enabled: bool
) -> None:
    """Change a channel.

    Raises:
        DataError: if there is another of this name.
    """
    _refuse_taken(connection, name, key)
    values = {"name": name, "settings": dict(settings), "enabled": enabled}
    connection.execute(update(CHANNEL).where(CHANNEL.c.id == key).values(values))
    _changed(connection)


def delete_channel(connection: Connection, key: int) -> None:
    """Delete a channel with all its deliveries."""
    connection.execute(delete(CHANNEL).where(CHANNEL.c.id == key))
    _changed(connection)


def _refuse_taken(connection: Connection, name: str, key: int | None) -> None:
    if not name.strip():
        raise DataError("a channel needs a name")
    found = connection.scalar(select(CHANNEL.c.id).where(CHANNEL.c.name == name))
    if found not in (None, key):
        raise DataError(f"there is a channel {name} already")


def _changed(connection: Connection) -> None:
    version = channels_version(connection)
    connection.execute(delete(SETTING).where(SETTING.c.name == _VERSION))
    connection.execute(insert(SETTING).values(name=_VERSION, value=str(version + 1)))
