"""Numbers of sightings: by hour, day, camera and plate."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, tzinfo
from typing import Any

from sqlalchemy import Connection, Integer, Select, cast, func, select

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
    hours, days = [0] * 24, Counter[str]()
    hour, quarter = SIGHTING.c.minute // 60, _quarter(connection)
    for row in connection.execute(
        _chosen(connection, select(hour, quarter, func.count()), query, plates).group_by(hour, quarter)
    ):
        hours[row[0]] += row[2]
        days[f"{datetime.fromtimestamp(row[1] * QUARTER_S, zone):%Y-%m-%d}"] += row[2]
    count = func.count()
    by_camera = _chosen(connection, select(CAMERA.c.name, count), query, plates)
    by_plate = _chosen(connection, select(PLATE.c.text, count), query, plates).limit(TOP)
    cameras = connection.execute(by_camera.group_by(CAMERA.c.name).order_by(count.desc(), CAMERA.c.name))
    texts = connection.execute(
        by_plate.group_by(PLATE.c.text).order_by(count.desc(), PLATE.c.text).limit(TOP)
    )
    return {
        "count": sum(hours),
        "hours": hours,
        "days": [{"day": day, "count": days[day]} for day in sorted(days)],
        "cameras": [{"camera": name, "count": number} for name, number in cameras],
        "plates": [{"text": text, "count": number} for text, number in texts],
    }


def _chosen(connection: Connection, statement: Select[Any], query: Query, plates: PlateIndex) -> Select[Any]:
    tables = SIGHTING.join(PLATE, PLATE.c.id == SIGHTING.c.plate_id).outerjoin(
        CAMERA, CAMERA.c.id == SIGHTING.c.camera_id
    )
    return chosen(connection, statement.select_from(tables), query, plates.wanted(connection, query))


def _quarter(connection: Connection) -> Any:
    quarters = SIGHTING.c.started / QUARTER_S
    # PostgreSQL rounds, and not every SQLite has a floor.
    return cast(quarters if connection.dialect.name == SQLITE else func.floor(quarters), Integer)
