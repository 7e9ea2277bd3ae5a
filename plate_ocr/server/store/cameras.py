"""Cameras that sightings come from."""

from __future__ import annotations

from sqlalchemy import Connection, select

from plate_ocr.server.store.rows import add_row
from plate_ocr.server.store.schema import CAMERA

API = "api"
"""Kind of a camera that is known only because pictures or readings named it."""


def camera_id(connection: Connection, name: str) -> int:
    """The key of a camera; one that is not known is made, of kind ``api``."""
    found = connection.scalar(select(CAMERA.c.id).where(CAMERA.c.name == name))
    if found is None:
        return add_row(connection, CAMERA, {"name": name, "kind": API, "settings": {}})
    return int(found)
