"""Plates: each text once, with a note and tags."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, delete, exists, func, insert, select, update

from plate_ocr.server.store.rows import add_row
from plate_ocr.server.store.schema import CAMERA, PLATE, PLATE_TAG, SIGHTING
from plate_ocr.server.store.times import to_iso


def plate_id(connection: Connection, text: str) -> int:
    """The key of a plate; one that is not known is added."""
    found = connection.scalar(select(PLATE.c.id).where(PLATE.c.text == text))
    if found is None:
        return add_row(connection, PLATE, {"text": text})
    return int(found)


def delete_unseen(connection: Connection, ids: Iterable[int]) -> None:
    """Delete those of some plates that have no sighting, note or tag."""
    seen = exists().where(SIGHTING.c.plate_id == PLATE.c.id)
    tagged = exists().where(PLATE_TAG.c.plate_id == PLATE.c.id)
    connection.execute(delete(PLATE).where(PLATE.c.id.in_(list(ids)), PLATE.c.note == "", ~seen, ~tagged))


def describe_plate(connection: Connection, text: str) -> dict[str, Any] | None:
    """What is known of a plate: how often, when, at which hours and where it was seen; None if it is not."""
    row = connection.execute(select(PLATE).where(PLATE.c.text == text)).first()
    if row is None:
        return None
    own = SIGHTING.c.plate_id == row.id
    first, last, count = connection.execute(
        select(func.min(SIGHTING.c.started), func.max(SIGHTING.c.started), func.count()).where(own)
    ).one()
    cameras = connection.execute(
        select(CAMERA.c.name, func.count())
        .select_from(SIGHTING.outerjoin(CAMERA, CAMERA.c.id == SIGHTING.c.camera_id))
        .where(own)
        .group_by(CAMERA.c.name)
        .order_by(func.count().desc())
    )
    hours = [0] * 24
    by_minute = select(SIGHTING.c.minute, func.count()).where(own).group_by(SIGHTING.c.minute)
    for minute, seen in connection.execute(by_minute):
        hours[minute // 60] += seen
    tags = connection.scalars(
        select(PLATE_TAG.c.tag).where(PLATE_TAG.c.plate_id == row.id).order_by(PLATE_TAG.c.tag)
    )
    return {
        "text": text,
        "count": count,
        "first_seen": None if first is None else to_iso(first),
        "last_seen": None if last is None else to_iso(last),
        "cameras": {name or "": seen for name, seen in cameras},
        "hours": hours,
        "note": row.note,
        "tags": list(tags),
    }


def describe(connection: Connection, text: str, note: str | None, tags: Sequence[str] | None) -> None:
    """Write the note and the tags of a plate; None leaves them."""
    key = plate_id(connection, text)
    if note is not None:
        connection.execute(update(PLATE).where(PLATE.c.id == key).values(note=note))
    if tags is not None:
        connection.execute(delete(PLATE_TAG).where(PLATE_TAG.c.plate_id == key))
        for tag in sorted(set(tags)):
            connection.execute(insert(PLATE_TAG).values(plate_id=key, tag=tag))
    delete_unseen(connection, [key])
