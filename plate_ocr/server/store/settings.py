"""Settings that are kept in the database."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from plate_ocr.server.store.schema import SETTING


def load_setting(connection: Connection, name: str) -> dict[str, Any]:
    """The values of a setting; empty where there is none."""
    value = connection.scalar(select(SETTING.c.value).where(SETTING.c.name == name))
    values: dict[str, Any] = json.loads(value) if value else {}
    return values


def save_setting(connection: Connection, name: str, values: Mapping[str, Any]) -> None:
    """Write the values of a setting in the place of the old ones."""
    connection.execute(delete(SETTING).where(SETTING.c.name == name))
    connection.execute(insert(SETTING).values(name=name, value=json.dumps(dict(values))))
