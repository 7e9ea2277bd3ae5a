"""What routes stand on."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from plate_ocr.server.access import Principal, needs
from plate_ocr.server.keeping import SightingStore
from plate_ocr.server.reading import ReadingService


# Not plain functions: these run in a thread of their own each time.
async def sighting_store(request: Request) -> SightingStore:
    """The store of the application."""
    store = request.app.state.store
    assert isinstance(store, SightingStore)
    return store


Store = Annotated[SightingStore, Depends(sighting_store)]


async def reading_service(request: Request) -> ReadingService:
    """What reads."""
    service = request.app.state.reading
    assert isinstance(service, ReadingService)
    return service


Reading = Annotated[ReadingService, Depends(reading_service)]

Reader = Annotated[Principal, Depends(needs("read"))]
Operator = Annotated[Principal, Depends(needs("operate"))]
Admin = Annotated[Principal, Depends(needs("admin"))]
"""Who asks, with at least this role."""
