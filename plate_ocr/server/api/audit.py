"""``/api/v1/audit``: who looked for which plate, and who changed what."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from plate_ocr.server.access import needs
from plate_ocr.server.api.dependencies import Store
from plate_ocr.server.store.audit import audit

router = APIRouter(prefix="/api/v1", tags=["audit"], dependencies=[Depends(needs("admin"))])


@router.get("/audit")
def show(
    store: Store,
    before: Annotated[int | None, Query(ge=1, lt=2**63, description="The cursor of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> dict[str, Any]:
    """What was done, the newest first."""
    with store.database.read() as connection:
        found = audit(connection, before=before, limit=limit + 1)
    return {"audit": found[:limit], "cursor": found[limit - 1]["id"] if len(found) > limit else None}
