"""Whether the server runs and is ready, for whom no key is asked; and the state of each of its parts."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import select

from plate_ocr.errors import StoreError
from plate_ocr.server.access import Principal, needs
from plate_ocr.server.cameras.service import CameraService
from plate_ocr.server.keeping import SightingStore
from plate_ocr.server.store.channels import all_channels
from plate_ocr.server.store.outbox import channel_states

router = APIRouter(tags=["health"])

StoreState: TypeAlias = Literal["ok", "disk full", "read-only", "unavailable"]

WORDS: tuple[tuple[str, StoreState], ...] = (
    ("full", "disk full"),
    ("No space left", "disk full"),
    ("quota", "disk full"),
    ("readonly", "read-only"),
    ("Read-only", "read-only"),
    ("Permission denied", "read-only"),
)
"""What the system and databases say, and what that means."""


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """The server runs."""
    return {"status": "ok"}


@router.get("/readyz", responses={503: {"description": "It is not ready to read, or to keep what it reads."}})
def readyz(request: Request, response: Response) -> dict[str, str]:
    """The server is ready to read, and to keep what it reads. What else goes wrong is told too."""
    state = request.app.state
    database = store_state(state.store)["state"]
    values: dict[str, str] = {
        "reading": "ok" if state.reading.is_ready else "a thread that reads has ended; restart the server",
        "database": database,
        "deliveries": "ok",
        "cameras": "lost" if any(one["state"] == "lost" for one in camera_states(state.cameras)) else "ok",
    }
    if database != "unavailable" and any(one["state"] == "failing" for one in delivery_states(state.store)):
        values["deliveries"] = "failing"
    is_ready = values["reading"] == values["database"] == "ok"
    response.status_code = 200 if is_ready else 503
    return {"status": "ok" if is_ready else "not ready", **values}


@router.get("/api/v1/state")
def show(request: Request, _: Annotated[Principal, Depends(needs("operate"))]) -> dict[str, Any]:
    """One state of each part: `ok`, or what is wrong, and why in a sentence."""
    state = request.app.state
    database = store_state(state.store)
    return {
        "reading": {"state": "ok" if state.reading.is_ready else "ended", "waiting": state.reading.waiting},
        "database": database,
        "channels": [] if database["state"] == "unavailable" else delivery_states(state.store),
        "cameras": camera_states(state.cameras),
    }


def store_state(store: SightingStore) -> dict[str, Any]:
    """Whether sightings can be kept; where the last one could not, it is tried now."""
    error: str | None = None
    try:
        if store.database.error:
            store.try_to_write()
        with store.database.read() as connection:
            connection.execute(select(1))
    except StoreError as failed:
        error = str(failed)
    state = next((state for word, state in WORDS if error and word in error), "unavailable")
    return {"state": state if error else "ok", "error": error}


def delivery_states(store: SightingStore) -> list[dict[str, Any]]:
    """The channels that are told: ``ok`` or ``failing``, how many deliveries wait, and why."""
    with store.database.read() as connection:
        states = channel_states(connection)
        rows = [row for row in all_channels(connection) if row.enabled]
    return [
        {
            "id": row.id,
            "name": row.name,
            "state": "failing" if states[row.id].error else "ok",
            "waiting": states[row.id].waiting,
            "error": states[row.id].error,
        }
        for row in rows
    ]


def camera_states(cameras: CameraService | None) -> list[dict[str, str | None]]:
    """The cameras, ``off``, ``connecting``, ``watching`` or ``lost``; none where several processes run."""
    if cameras is None:
        return []
    return [{"name": one.camera.name, "state": one.state, "error": one.error} for one in cameras.all]


def told_states(state: Any) -> dict[tuple[str, str], dict[str, Any]]:
    """What listeners are told of when it changes: cameras, and what waits.

    Args:
        state: of the application.
    """
    waiting = sum(one["waiting"] for one in delivery_states(state.store))
    queue = {"pictures": state.reading.waiting, "deliveries": waiting}
    cameras = {("camera", str(one["name"])): one for one in camera_states(state.cameras)}
    return {("queue", ""): queue, **cameras}
