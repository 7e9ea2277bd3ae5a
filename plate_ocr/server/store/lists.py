"""Lists of plates that are known, watched for or ignored."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from plate_ocr.errors import DataError
from plate_ocr.server.store.rows import add_row
from plate_ocr.server.store.schema import LIST_ENTRY, PLATE_LIST, SETTING
from plate_ocr.server.store.times import parse_hours
from plate_ocr.text import normalize_text

Kind: TypeAlias = Literal["known", "watch", "ignore"]

MAX_TOLERANCE = 2
COOLDOWN_S = 300.0

_VERSION = "lists_version"


@dataclass(frozen=True)
class Entry:
    """A plate of a list.

    Attributes:
        pattern: its text, normalised, where ``*`` stands for any characters and ``?`` for one.
        name: whose it is, or why it is watched for.
        note: anything.
    """

    pattern: str
    name: str = ""
    note: str = ""


@dataclass(frozen=True)
class ListSettings:
    """What a list is for.

    Attributes:
        name: of the list.
        kind: ``known``, ``watch``, or ``ignore``, whose plates nobody is told of.
        tolerance: 0: a plate has to be read exactly; 1 or 2: so many unsure characters may differ, and any
            that look the same.
        hours: of the local day in which it holds, as ``22:00-06:30``; empty: always.
        cameras: names of those for which it holds; empty: all.
        cooldown: seconds for which the same plate alerts once.
    """

    name: str
    kind: Kind
    tolerance: int = 0
    hours: str = ""
    cameras: tuple[str, ...] = ()
    cooldown: float = COOLDOWN_S

    def __post_init__(self) -> None:
        if not 0 <= self.tolerance <= MAX_TOLERANCE:
            raise DataError(
                f"the tolerance {self.tolerance} of {self.name} is not within 0 and {MAX_TOLERANCE}"
            )
        if not self.name.strip() or not self.cooldown >= 0:
            raise DataError("a list needs a name, and a cooldown of 0 seconds or more")
        parse_hours(self.hours)


@dataclass(frozen=True)
class PlateList:
    """A list as it is kept.

    Attributes:
        id: the key of its row.
        settings: what it is for.
        count: plates on it.
    """

    id: int
    settings: ListSettings
    count: int


def lists_version(connection: Connection) -> int:
    """A number that grows with each change of any list."""
    return int(connection.scalar(select(SETTING.c.value).where(SETTING.c.name == _VERSION)) or 0)


def all_lists(connection: Connection) -> list[PlateList]:
    """All lists, by name."""
    count = select(func.count()).where(LIST_ENTRY.c.list_id == PLATE_LIST.c.id).scalar_subquery()
    query = select(PLATE_LIST, count.label("plates")).order_by(PLATE_LIST.c.name)
    return [_list(row) for row in connection.execute(query)]


def find_list(connection: Connection, key: int) -> PlateList | None:
    """A list by the key of its row; None if there is none."""
    return next((found for found in all_lists(connection) if found.id == key), None)


def add_list(connection: Connection, settings: ListSettings) -> int:
    """Add a list; returns its key.

    Raises:
        DataError: if there is one of this name.
    """
    _refuse_taken(connection, settings.name, None)
    key = add_row(connection, PLATE_LIST, _values(settings))
    _changed(connection)
    return key


def change_list(connection: Connection, key: int, settings: ListSettings) -> None:
    """Change what a list is for.

    Raises:
        DataError: if there is another of this name.
    """
    _refuse_taken(connection, settings.name, key)
    connection.execute(update(PLATE_LIST).where(PLATE_LIST.c.id == key).values(_values(settings)))
    _changed(connection)


def delete_list(connection: Connection, key: int) -> None:
    """Delete a list with its plates and what they matched."""
    connection.execute(delete(PLATE_LIST).where(PLATE_LIST.c.id == key))
    _changed(connection)


def entries(connection: Connection, key: int) -> list[Entry]:
    """The plates of a list, by text."""
    query = select(LIST_ENTRY).where(LIST_ENTRY.c.list_id == key).order_by(LIST_ENTRY.c.pattern)
    return [Entry(row.pattern, row.name, row.note) for row in connection.execute(query)]


def put_entries(connection: Connection, key: int, new: Iterable[Entry]) -> int:
    """Add plates to a list; those that are on it get the new name and note. Returns how many.

    Raises:
        DataError: if a plate has no text, or only wildcards.
    """
    values: dict[str, dict[str, Any]] = {}
    for entry in new:
        pattern = normalize_text(entry.pattern)
        if not pattern.strip("*?"):
            of = f" of {entry.name}" if entry.name else ""
            raise DataError(f"the plate {entry.pattern!r}{of} has no character of a plate")
        values[pattern] = {"list_id": key, "pattern": pattern, "name": entry.name, "note": entry.note}
    if values:
        delete_entries(connection, key, list(values))
        connection.execute(insert(LIST_ENTRY), list(values.values()))
        _changed(connection)
    return len(values)


def delete_entries(connection: Connection, key: int, patterns: Sequence[str]) -> int:
    """Take plates off a list; returns how many were on it."""
    count = 0
    for start in range(0, len(patterns), 500):
        texts = [normalize_text(pattern) for pattern in patterns[start : start + 500]]
        chosen = delete(LIST_ENTRY).where(LIST_ENTRY.c.list_id == key, LIST_ENTRY.c.pattern.in_(texts))
        count += connection.execute(chosen).rowcount
    _changed(connection)
    return count


def delete_everywhere(connection: Connection, text: str) -> None:
    """Take a plate off all lists."""
    connection.execute(delete(LIST_ENTRY).where(LIST_ENTRY.c.pattern == text))
    _changed(connection)


def _list(row: Row[Any]) -> PlateList:
    settings = ListSettings(row.name, row.kind, row.tolerance, row.hours, tuple(row.cameras), row.cooldown)
    return PlateList(row.id, settings, row.plates)


def _values(settings: ListSettings) -> dict[str, Any]:
    return {
        "name": settings.name,
        "kind": settings.kind,
        "tolerance": settings.tolerance,
        "hours": settings.hours,
        "cameras": list(settings.cameras),
        "cooldown": settings.cooldown,
    }


def _refuse_taken(connection: Connection, name: str, key: int | None) -> None:
    found = connection.scalar(select(PLATE_LIST.c.id).where(PLATE_LIST.c.name == name))
    if found not in (None, key):
        raise DataError(f"there is a list {name} already")


def _changed(connection: Connection) -> None:
    version = lists_version(connection)
    connection.execute(delete(SETTING).where(SETTING.c.name == _VERSION))
    connection.execute(insert(SETTING).values(name=_VERSION, value=str(version + 1)))
