"""Frigate's address of a picture, for clients that were told of a plate by MQTT."""

from __future__ import annotations

import re

from fastapi import APIRouter, HTTPException, Response

from plate_ocr.server.api.dependencies import Reader, Store
from plate_ocr.server.store.schema import SIGHTING
from plate_ocr.server.store.sightings import rows

router = APIRouter(tags=["Frigate"])

MILLISECOND = 0.001
"""Precision of times in ids."""


@router.get("/api/events/{key}/snapshot.jpg", response_class=Response)
def snapshot(_: Reader, store: Store, key: str, crop: bool = False) -> Response:
    """The scene of a sighting, or its crop."""
    match = re.fullmatch(r"(\d{1,12}\.\d{1,9})-([0-9a-f]{6})", key)
    if match:
        at = float(match[1])
        near = SIGHTING.c.started.between(at - MILLISECOND, at + MILLISECOND)
        with store.database.read() as connection:
            row = connection.execute(rows().where(near, SIGHTING.c.uuid.startswith(match[2]))).first()
        path = row and (row.crop if crop else row.scene)
        if path and (contents := store.pictures.read(path)):
            return Response(contents, media_type="image/jpeg")
    raise HTTPException(404, f"there is no picture of {key}")
