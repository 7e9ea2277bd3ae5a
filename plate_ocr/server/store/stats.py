"""Numbers of sightings: by hour, day, camera and plate."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, tzinfo
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Integer, Select, cast, func, select

from plate_ocr.server.store.database import SQLITE
from plate_ocr.server.store.schema import CAMERA, PLATE, SIGHTING
from plate_ocr.server.store.search import PlateIndex, Query, chosen

QUARTER_S = 900
"""Days begin at a full quarter of an hour in every time zone."""

TOP = 20
"""Plates that are told, at most."""


def statistics(
    connection: Connection, query: Query, plates: PlateIndex, zone: tzinfo | None
) -> dict[str, Any]:
    """How many sightings there are of what was looked for.

    Args:
        connection: one that reads.
        query: what is looked for.
        plates: for a similar search.
        zone: of days; None: the system's.

    Returns:
        ``count``; ``hours``, 24 numbers, of the local day; ``days`` with at least one, the first first;
        ``cameras`` and the :data:`TOP` ``plates``, those with most first. A camera without a name is null.
    """
    count, similar = func.count(), plates.wanted(connection, query)

    def counted(key: ColumnElement[Any]) -> Select[Any]:
        # Without plates it needs no more than an index of sightings, which are long.
        tables = (
            SIGHTING.join(PLATE, PLATE.c.id == SIGHTING.c.plate_id) if query.text or query.like else SIGHTING
        )
        statement = select(key.label("key"), count.label("count")).select_from(tables).group_by(key)
        return chosen(connection, statement, query, similar)

    hours, days = [0] * 24, Counter[str]()
    for quarter, number in connection.execute(counted(_quarter(connection))):
        time = datetime.fromtimestamp(quarter * QUARTER_S, zone)
        hours[time.hour] += number
        days[f"{time:%Y-%m-%d}"] += number
    most = counted(SIGHTING.c.plate_id).order_by(count.desc(), SIGHTING.c.plate_id).limit(TOP)
    return {
        "count": sum(hours),
        "hours": hours,
        "days": [{"day": day, "count": days[day]} for day in sorted(days)],
        "cameras": _named(connection, counted(SIGHTING.c.camera_id), CAMERA.c.name, "camera"),
        "plates": _named(connection, most, PLATE.c.text, "text"),
    }


def _named(connection: Connection, counted: Select[Any], name: Column[str], key: str) -> list[dict[str, Any]]:
    """Numbers with the names of their rows, the largest first."""
    numbers = counted.subquery()
    table = name.table
    query = select(name, numbers.c.count).select_from(numbers.outerjoin(table, table.c.id == numbers.c.key))
    found = connection.execute(query.order_by(numbers.c.count.desc(), name))
    return [{key: label, "count": number} for label, number in found]


def _quarter(connection: Connection) -> ColumnElement[int]:
    quarters = SIGHTING.c.started / QUARTER_S
    # PostgreSQL rounds, and not every SQLite has a floor.
    return cast(quarters if connection.dialect.name == SQLITE else func.floor(quarters), Integer)
