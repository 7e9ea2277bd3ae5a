"""Adding rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Table, insert


def add_row(connection: Connection, table: Table, values: Mapping[str, Any]) -> int:
    """Add a row to a table whose key is ``id``; returns the key."""
    (key,) = connection.execute(insert(table).values(dict(values)).returning(table.c.id)).one()
    return int(key)
