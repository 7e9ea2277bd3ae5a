"""Whether the server runs and is ready; neither asks for a key."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """The server runs."""
    return {"status": "ok"}


@router.get("/readyz", responses={503: {"description": "It is not ready to read."}})
async def readyz(request: Request, response: Response) -> dict[str, str]:
    """The server is ready to read."""
    if request.app.state.reading.is_ready:
        return {"status": "ok"}
    response.status_code = 503
    return {"status": "a thread that reads has ended; restart the server"}
