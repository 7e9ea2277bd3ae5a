"""``/api/v1/stats``: how many sightings there are, by hour, day, camera and plate."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from plate_ocr.server.api.dependencies import Reader, Store
from plate_ocr.server.api.sightings import Wanted, record_search
from plate_ocr.server.store.stats import statistics

router = APIRouter(prefix="/api/v1", tags=["sightings"])


@router.get("/stats")
def stats(who: Reader, store: Store, wanted: Wanted) -> dict[str, Any]:
    """Numbers of sightings by hour of the day, day, camera, and the plates that were seen most."""
    if wanted.text or wanted.like:
        record_search(store, who, wanted, "search")
    with store.database.read() as connection:
        return statistics(connection, wanted, store.plates, store.zone)
