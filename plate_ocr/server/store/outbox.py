"""The outbox: what is still to be delivered, written in the transaction of what it tells."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias
from uuid import uuid4

from sqlalchemy import Connection, Row, delete, func, select, update

from plate_ocr.server.store.rows import add_row
from plate_ocr.server.store.schema import CHANNEL, DELIVERY
from plate_ocr.server.store.times import to_iso

State: TypeAlias = Literal["waiting", "delivered", "failed", "expired"]


@dataclass(frozen=True)
class Delivery:
    """An event that a channel is to be told.

    Attributes:
        id: the key of its row; they grow.
        uuid: its public id, the same at each try.
        event: for JSON.
        created: seconds since 1970, UTC.
        expires: when it is no longer made, seconds since 1970, UTC; None: never.
        tries: how often it was tried.
        error: of the last try; None: there was none, or it never ended.
    """

    id: int
    uuid: str
    event: Mapping[str, Any]
    created: float
    expires: float | None
    tries: int
    error: str | None

    def has_expired(self, now: float) -> bool:
        """Whether it is too late; or the clock was set back, so that nobody knows."""
        return self.expires is not None and not self.created - 1 <= now <= self.expires


def enqueue(
    connection: Connection,
    channel: int,
    event: Mapping[str, Any],
    *,
    sighting: int | None,
    expires: float | None,
) -> str:
    """Add a delivery to the end of a channel's queue; returns its public id.

    Args:
        connection: the one in which what it tells is kept.
        channel: its key.
        event: for JSON.
        sighting: the key of the one it tells of.
        expires: when it is no longer made, seconds since 1970, UTC; None: never.
    """
    uuid = str(uuid4())
    values = {
        "uuid": uuid,
        "channel_id": channel,
        "sighting_id": sighting,
        "event": dict(event),
        "created": time.time(),
        "expires": expires,
        "state": "waiting",
        "tries": 0,
    }
    add_row(connection, DELIVERY, values)
    return uuid


def next_delivery(connection: Connection, channel: int) -> Delivery | None:
    """The first that waits; None if none does."""
    query = (
        select(DELIVERY)
        .where(DELIVERY.c.channel_id == channel, DELIVERY.c.state == "waiting")
        .order_by(DELIVERY.c.id)
        .limit(1)
    )
    row = connection.execute(query).first()
    if row is None:
        return None
    return Delivery(row.id, row.uuid, row.event, row.created, row.expires, row.tries, row.error)


def count_try(connection: Connection, delivery: Delivery, error: str | None) -> None:
    """Write down that a delivery was tried, or is about to be, where the error is None."""
    values = {"tries": delivery.tries + 1, "error": error}
    connection.execute(update(DELIVERY).where(DELIVERY.c.id == delivery.id).values(values))


def finish(connection: Connection, delivery: Delivery, state: State, error: str | None = None) -> None:
    """Write down how a delivery ended."""
    values = {"state": state, "error": error, "done": time.time()}
    connection.execute(update(DELIVERY).where(DELIVERY.c.id == delivery.id).values(values))


def retry(connection: Connection, uuid: str) -> bool:
    """Let a delivery that failed wait once more; returns whether there is one. It expires as before."""
    chosen = update(DELIVERY).where(DELIVERY.c.uuid == uuid, DELIVERY.c.state == "failed")
    values = {"state": "waiting", "tries": 0, "error": None, "done": None}
    return connection.execute(chosen.values(values)).rowcount > 0


def deliveries(
    connection: Connection, *, channel: int | None, state: State | None, before: int | None, limit: int
) -> Sequence[Row[Any]]:
    """Deliveries with ``channel``, the newest first.

    Args:
        connection: one that reads.
        channel: its key; None: of all.
        state: None: of any.
        before: only those whose keys are less.
        limit: at most so many.
    """
    query = select(DELIVERY, CHANNEL.c.name.label("channel")).join(
        CHANNEL, CHANNEL.c.id == DELIVERY.c.channel_id
    )
    if channel is not None:
        query = query.where(DELIVERY.c.channel_id == channel)
    if state is not None:
        query = query.where(DELIVERY.c.state == state)
    if before is not None:
        query = query.where(DELIVERY.c.id < before)
    return connection.execute(query.order_by(DELIVERY.c.id.desc()).limit(limit)).all()


def delivery_dict(row: Row[Any]) -> dict[str, Any]:
    """For JSON."""
    return {
        "id": row.uuid,
        "channel": row.channel,
        "state": row.state,
        "tries": row.tries,
        "error": row.error,
        "created": to_iso(row.created),
        "expires": None if row.expires is None else to_iso(row.expires),
        "done": None if row.done is None else to_iso(row.done),
        "event": row.event,
    }


@dataclass(frozen=True)
class ChannelState:
    """How deliveries to a channel go.

    Attributes:
        waiting: number of deliveries.
        tries: of the one that is being made.
        error: of the last try; None: it arrived, or there was none.
    """

    waiting: int = 0
    tries: int = 0
    error: str | None = None


def channel_states(connection: Connection) -> dict[int, ChannelState]:
    """How deliveries go, by the channel's key."""

    def of(state: State, value: Any) -> Any:
        chosen = select(value).where(DELIVERY.c.channel_id == CHANNEL.c.id, DELIVERY.c.state == state)
        return chosen.scalar_subquery().label(state)

    # Each takes a look into the index, however many deliveries there are.
    newest = [of(state, func.max(DELIVERY.c.id)) for state in ("delivered", "failed", "expired")]
    first = of("waiting", func.min(DELIVERY.c.id)).label("first")
    query = select(CHANNEL.c.id, of("waiting", func.count()), first, *newest)
    states = {}
    for row in connection.execute(query).all():
        last = max((key for key in (row.delivered, row.failed, row.expired) if key), default=None)
        found = select(DELIVERY.c.id, DELIVERY.c.tries, DELIVERY.c.error)
        ends = {one.id: one for one in connection.execute(found.where(DELIVERY.c.id.in_([row.first, last])))}
        error = next((ends[key].error for key in (row.first, last) if key in ends and ends[key].error), None)
        tries = ends[row.first].tries if row.first in ends else 0
        states[row.id] = ChannelState(row.waiting, tries, error)
    return states


def delete_finished(connection: Connection, before: float) -> int:
    """Delete deliveries that ended before a time, seconds since 1970; returns how many."""
    return connection.execute(delete(DELIVERY).where(DELIVERY.c.done < before)).rowcount
