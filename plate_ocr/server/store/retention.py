"""How long sightings are kept, and how a plate is forgotten."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Text, cast, delete, func, or_, select, update

from plate_ocr.server.store.audit import delete_audit, erase_from_audit
from plate_ocr.server.store.database import Database
from plate_ocr.server.store.hashes import MARK, hash_of, make_key
from plate_ocr.server.store.lists import delete_everywhere
from plate_ocr.server.store.outbox import delete_finished
from plate_ocr.server.store.pictures import Pictures
from plate_ocr.server.store.plates import delete_unseen, describe, plate_id
from plate_ocr.server.store.schema import CORRECTION, DELIVERY, LIST_MATCH, PLATE, SIGHTING
from plate_ocr.server.store.sightings import delete_sightings
from plate_ocr.text import normalize_text

DAY_S = 86_400.0

BATCH = 500
"""Sightings that are deleted in one transaction: others write in between."""

DELIVERIES_DAYS = 30.0
"""After so many days a delivery that has ended is deleted."""


@dataclass(frozen=True)
class Retention:
    """How long sightings are kept; None: for ever.

    Attributes:
        days: sightings, and the audit.
        sightings: the newest so many.
        bytes: of pictures; the oldest sightings go first.
        picture_days: pictures; their sightings stay.
        hash_days: texts of plates, and their pictures; a hash stays that is the same for the same plate. 0:
            from the first sweep on.
    """

    days: float | None = None
    sightings: int | None = None
    bytes: int | None = None
    picture_days: float | None = None
    hash_days: float | None = None


@dataclass
class Swept:
    """What a sweep has deleted.

    Attributes:
        sightings: number.
        pictures: sightings that lost their pictures alone.
        hashed: sightings whose texts are hashes now.
    """

    sightings: int = 0
    pictures: int = 0
    hashed: int = 0


def sweep(database: Database, pictures: Pictures, retention: Retention) -> Swept:
    """Delete what is older, or more, than is to be kept.

    Raises:
        StoreError: if it cannot be deleted.
    """
    now, swept = time.time(), Swept()
    if retention.days is not None:
        before = now - DAY_S * retention.days
        swept.sightings += _delete_while(database, pictures, lambda c: _oldest(c, SIGHTING.c.ended < before))
        with database.write() as connection:
            delete_audit(connection, before)
    if retention.sightings is not None:
        most = retention.sightings
        swept.sightings += _delete_while(
            database, pictures, lambda c: _oldest(c, limit=min(BATCH, _count(c) - most))
        )
    if retention.bytes is not None:
        most_bytes = retention.bytes
        swept.sightings += _delete_while(database, pictures, lambda c: _beyond(c, most_bytes))
    if retention.picture_days is not None:
        swept.pictures += _delete_pictures(database, pictures, now - DAY_S * retention.picture_days)
    if retention.hash_days is not None:
        swept.hashed += _hash(database, pictures, now - DAY_S * retention.hash_days)
    with database.write() as connection:
        delete_finished(connection, now - DAY_S * DELIVERIES_DAYS)
    return swept


def delete_orphans(database: Database, pictures: Pictures) -> int:
    """Delete pictures that no sighting names; returns how many."""
    started = time.time()
    with database.read() as connection:
        query = select(SIGHTING.c.crop, SIGHTING.c.scene).where(
            or_(SIGHTING.c.crop.is_not(None), SIGHTING.c.scene.is_not(None))
        )
        wanted = {path for row in connection.execute(query) for path in row if path}
    # What is a minute old is of no sighting that is being written.
    return pictures.delete_orphans(wanted, started - 60)


def delete_plate(database: Database, pictures: Pictures, text: str) -> int:
    """Forget a plate: its sightings, also those where it was read and corrected since, pictures, deliveries,
    its places on lists, its note and tags, and what the audit says of it; returns how many sightings.

    Args:
        database: open.
        pictures: of sightings.
        text: as it is written.
    """
    word = normalize_text(text)
    with database.write() as connection:
        hashed = hash_of(connection, word)
        keys = connection.scalars(
            select(SIGHTING.c.id)
            .join(PLATE, PLATE.c.id == SIGHTING.c.plate_id)
            .where(
                or_(
                    PLATE.c.text.in_([word, hashed]),
                    SIGHTING.c.id.in_(
                        select(CORRECTION.c.sighting_id).where(
                            or_(CORRECTION.c.old == word, CORRECTION.c.new == word)
                        )
                    ),
                )
            )
        ).all()
        paths: list[str] = []
        for start in range(0, len(keys), BATCH):
            paths += delete_sightings(connection, keys[start : start + BATCH], deliveries=True)
        describe(connection, word, "", [])
        delete_everywhere(connection, word)
        connection.execute(delete(LIST_MATCH).where(LIST_MATCH.c.pattern == word))
        # It may be named as the plate of a list that another one matched.
        connection.execute(delete(DELIVERY).where(cast(DELIVERY.c.event, Text).contains(f'"{word}"')))
        erase_from_audit(connection, word, text)
    pictures.delete(*paths)
    return len(keys)


def _delete_while(database: Database, pictures: Pictures, choose: Any) -> int:
    """Delete what is chosen until nothing is; returns how many."""
    count = 0
    while True:
        with database.write() as connection:
            keys: Sequence[int] = choose(connection)
            paths = delete_sightings(connection, keys, deliveries=False) if keys else []
        pictures.delete(*paths)
        count += len(keys)
        if not keys:
            return count


def _oldest(connection: Connection, *conditions: Any, limit: int = BATCH) -> list[int]:
    if limit <= 0:
        return []
    query = select(SIGHTING.c.id).where(*conditions).order_by(SIGHTING.c.started, SIGHTING.c.id).limit(limit)
    return list(connection.scalars(query))


def _count(connection: Connection) -> int:
    return connection.scalar(select(func.count()).select_from(SIGHTING)) or 0


def _beyond(connection: Connection, most: int) -> list[int]:
    """The oldest sightings with pictures, up to where the others' pictures fit."""
    total = int(connection.scalar(select(func.sum(SIGHTING.c.bytes))) or 0)
    keys: list[int] = []
    query = (
        select(SIGHTING.c.id, SIGHTING.c.bytes)
        .where(SIGHTING.c.bytes > 0)
        .order_by(SIGHTING.c.started, SIGHTING.c.id)
        .limit(BATCH)
    )
    for row in connection.execute(query):
        if total <= most:
            break
        keys.append(row.id)
        total -= row.bytes
    return keys


def _delete_pictures(database: Database, pictures: Pictures, before: float) -> int:
    count = 0
    while True:
        with database.write() as connection:
            query = select(SIGHTING.c.id, SIGHTING.c.crop, SIGHTING.c.scene)
            query = query.where(SIGHTING.c.bytes > 0, SIGHTING.c.ended < before).limit(BATCH)
            rows = connection.execute(query).all()
            chosen = SIGHTING.c.id.in_([row.id for row in rows])
            connection.execute(update(SIGHTING).where(chosen).values(crop=None, scene=None, bytes=0))
        for row in rows:
            pictures.delete(row.crop, row.scene)
        count += len(rows)
        if not rows:
            return count


def _hash(database: Database, pictures: Pictures, before: float) -> int:
    count = 0
    while True:
        with database.write() as connection:
            make_key(connection)
            query = (
                select(*SIGHTING.c["id", "plate_id", "reading", "crop", "scene"], PLATE.c.text)
                .join(PLATE, PLATE.c.id == SIGHTING.c.plate_id)
                .where(SIGHTING.c.ended < before, ~PLATE.c.text.startswith(MARK, autoescape=True))
                .limit(BATCH)
            )
            rows = connection.execute(query).all()
            for row in rows:
                _hash_one(connection, row)
        for row in rows:
            pictures.delete(row.crop, row.scene)
        count += len(rows)
        if not rows:
            return count


def _hash_one(connection: Connection, row: Any) -> None:
    """Put hashes in the place of all texts of a sighting."""
    text = hash_of(connection, row.text)
    read = hash_of(connection, normalize_text(row.reading["text"]))
    kept = {key: row.reading[key] for key in row.reading if not key.startswith("text_")}
    reading = {**kept, "text": read, "chars": [], "groups": None, "known": None}
    values = {
        "plate_id": plate_id(connection, text),
        "reading": reading,
        "crop": None,
        "scene": None,
        "bytes": 0,
    }
    connection.execute(update(SIGHTING).where(SIGHTING.c.id == row.id).values(values))
    for step in connection.execute(select(CORRECTION).where(CORRECTION.c.sighting_id == row.id)).all():
        changed = {"old": hash_of(connection, step.old), "new": hash_of(connection, step.new)}
        connection.execute(update(CORRECTION).where(CORRECTION.c.id == step.id).values(changed))
    connection.execute(
        update(LIST_MATCH).where(LIST_MATCH.c.sighting_id == row.id).values(pattern=text, name="")
    )
    delete_unseen(connection, [row.plate_id])
