"""``/api/v1/retention`` and ``/api/v1/storage``: how long what is kept, and the room that it takes."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, HTTPException, Request

from plate_ocr.server.api.dependencies import Admin, Operator, Store
from plate_ocr.server.retention import (
    RetentionSettings,
    given_retention,
    load_retention,
    save_retention,
    storage,
)
from plate_ocr.server.store.audit import record

router = APIRouter(prefix="/api/v1", tags=["keeping"])


@router.get("/retention")
def show(_: Operator, store: Store, request: Request) -> dict[str, Any]:
    """How long what is kept; ``given`` names what options of the server say, which only they change."""
    settings = request.app.state.settings
    with store.database.read() as connection:
        values = load_retention(connection, settings).model_dump()
    return {**values, "given": [*given_retention(settings)]}


@router.put("/retention")
def change(who: Admin, store: Store, request: Request, new: RetentionSettings) -> dict[str, Any]:
    """Change how long what is kept; what is older, or more, is deleted at once."""
    settings = request.app.state.settings
    values = new.model_dump()
    for name, value in given_retention(settings).items():
        if values[name] not in (None, value):
            option = name.replace("_", "-")
            raise HTTPException(409, f"{name}: the server was started with --{option}, which goes before it")
    with store.database.write() as connection:
        save_retention(connection, new)
        record(connection, who.name, "change retention", values)
    request.app.state.sweeper.wake()
    return show(who, store, request)


@router.get("/storage")
def show_storage(_: Operator, store: Store) -> dict[str, Any]:
    """The room that sightings take, and that is left."""
    return storage(store)
