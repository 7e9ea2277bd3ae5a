"""``/api/v1/events``: what happens, as server-sent events."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, HTTPException, Request, Response
from fastapi.sse import EventSourceResponse

from plate_ocr.server.access import needs
from plate_ocr.server.api.dependencies import Reader
from plate_ocr.server.events import EventHub, TimedStream

router = APIRouter(prefix="/api/v1", tags=["events"])

HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


@router.get("/events", response_class=Response, responses={200: {"content": {"text/event-stream": {}}}})
async def events(
    _: Reader,
    request: Request,
    after: Annotated[
        int | None,
        Header(
            alias="Last-Event-ID",
            ge=0,
            lt=2**63,
            description="The last one that came; those after it are sent.",
        ),
    ] = None,
) -> Response:
    """Events: `sighting` and `alert` with an object of `/api/v1/sightings`, `camera` and `queue`."""
    hub = request.app.state.events
    assert isinstance(hub, EventHub)

    async def may() -> bool:
        try:
            await needs("read")(request)
        except HTTPException:
            return False
        return True

    stream = await hub.listen(after, may)
    return TimedStream(stream, media_type=EventSourceResponse.media_type, headers=HEADERS)
