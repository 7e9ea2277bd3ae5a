"""``/api/v1/channels`` and ``/api/v1/deliveries``: who is told, and how that goes."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal
from uuid import uuid4

from fastapi import APIRouter, HTTPException, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection, Row

from plate_ocr.server.api.dependencies import Admin, Operator, Store
from plate_ocr.server.notify.channels import load_settings, parse_settings, shown, stored
from plate_ocr.server.notify.delivery import open_sender
from plate_ocr.server.notify.messages import DeliveryError, Message
from plate_ocr.server.notify.samples import sample_event
from plate_ocr.server.store.audit import record
from plate_ocr.server.store.channels import (
    add_channel,
    all_channels,
    change_channel,
    delete_channel,
    find_channel,
)
from plate_ocr.server.store.outbox import (
    ChannelState,
    State,
    channel_states,
    deliveries,
    delivery_dict,
    retry,
)

router = APIRouter(prefix="/api/v1", tags=["channels"])


class ChangedChannel(BaseModel):
    """A channel with the settings of its kind; a secret as it is shown stays as it is."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=100)]
    enabled: bool = True
    settings: dict[str, Any] = {}


class NewChannel(ChangedChannel):
    """A channel of a kind."""

    kind: Literal["webhook", "mqtt", "command", "apprise"]


def _programs(request: Request) -> tuple[str, ...]:
    programs: tuple[str, ...] = request.app.state.settings.allow_command
    return programs


def _shown(row: Row[Any], state: ChannelState) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "kind": row.kind,
        "enabled": row.enabled,
        "settings": shown(row.settings),
        **asdict(state),
    }


def _show(connection: Connection, key: int) -> dict[str, Any]:
    return _shown(_one(connection, key), channel_states(connection)[key])


def _one(connection: Connection, key: int) -> Row[Any]:
    found = find_channel(connection, key) if 0 < key < 2**63 else None
    if found is None:
        raise HTTPException(404, f"there is no channel {key}")
    return found


@router.get("/channels")
def show_all(_: Operator, store: Store) -> dict[str, Any]:
    """All channels, without their secrets."""
    with store.database.read() as connection:
        states = channel_states(connection)
        found = [_shown(row, states[row.id]) for row in all_channels(connection)]
    return {"channels": found}


@router.post("/channels", status_code=201)
def add(who: Admin, store: Store, request: Request, new: NewChannel) -> dict[str, Any]:
    """Add a channel."""
    settings = parse_settings(new.kind, new.settings, programs=_programs(request))
    with store.database.write() as connection:
        key = add_channel(connection, new.name, new.kind, stored(settings), enabled=new.enabled)
        record(connection, who.name, "add channel", {"name": new.name})
        return _show(connection, key)


@router.get("/channels/{key}")
def show(_: Operator, store: Store, key: int) -> dict[str, Any]:
    """A channel, without its secrets."""
    with store.database.read() as connection:
        return _show(connection, key)


@router.put("/channels/{key}")
def change(who: Admin, store: Store, request: Request, key: int, new: ChangedChannel) -> dict[str, Any]:
    """Change a channel."""
    with store.database.write() as connection:
        old = _one(connection, key)
        settings = parse_settings(old.kind, new.settings, programs=_programs(request), old=old.settings)
        change_channel(connection, key, new.name, stored(settings), enabled=new.enabled)
        record(connection, who.name, "change channel", {"name": new.name})
        return _show(connection, key)


@router.delete("/channels/{key}", status_code=204)
def remove(who: Admin, store: Store, key: int) -> None:
    """Delete a channel, and what is still to be delivered to it."""
    with store.database.write() as connection:
        found = _one(connection, key)
        delete_channel(connection, key)
        record(connection, who.name, "delete channel", {"name": found.name})


@router.post("/channels/{key}/test")
def test(who: Admin, store: Store, key: int) -> dict[str, Any]:
    """Send a sample to a channel at once: a relay opens."""
    with store.database.write() as connection:
        row = _one(connection, key)
        record(connection, who.name, "test channel", {"name": row.name})
    settings = load_settings(row.kind, row.settings)
    error = None
    try:
        sender = open_sender(settings, f"{row.name}-test")
        try:
            sender.send(Message(str(uuid4()), sample_event()))
        finally:
            sender.close()
    except DeliveryError as failed:
        error = str(failed)
    return {"delivered": error is None, "error": error}


@router.get("/deliveries")
def show_deliveries(
    _: Operator,
    store: Store,
    channel: Annotated[int | None, Query(ge=1, lt=2**63)] = None,
    state: State | None = None,
    before: Annotated[int | None, Query(ge=1, lt=2**63, description="The cursor of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> dict[str, Any]:
    """Deliveries, the newest first."""
    with store.database.read() as connection:
        rows = deliveries(connection, channel=channel, state=state, before=before, limit=limit + 1)
    cursor = rows[limit - 1].id if len(rows) > limit else None
    return {"deliveries": [delivery_dict(row) for row in rows[:limit]], "cursor": cursor}


@router.post("/deliveries/{uuid}/retry", status_code=202)
def try_again(who: Operator, store: Store, request: Request, uuid: str) -> dict[str, str]:
    """Deliver once more what has failed."""
    with store.database.write() as connection:
        if not retry(connection, uuid):
            raise HTTPException(404, f"there is no failed delivery {uuid}")
        record(connection, who.name, "retry delivery", {"id": uuid})
    request.app.state.deliveries.wake()
    return {"id": uuid}
