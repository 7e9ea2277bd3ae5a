"""Who looked for which plate, and who changed what."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, delete, select, update

from plate_ocr.server.store.rows import add_row
from plate_ocr.server.store.schema import AUDIT
from plate_ocr.server.store.times import to_iso

ERASED = {"erased": True}
"""What is left of what somebody did with a plate that was deleted."""


def record(connection: Connection, who: str | None, action: str, detail: Mapping[str, Any]) -> None:
    """Write down that somebody did something.

    Args:
        connection: one that writes.
        who: their name; None: nobody was asked.
        action: as ``search`` or ``correct``.
        detail: for JSON.
    """
    text = json.dumps(detail, ensure_ascii=False)
    add_row(connection, AUDIT, {"at": time.time(), "who": who, "action": action, "detail": text})


def audit(connection: Connection, *, before: int | None, limit: int) -> list[dict[str, Any]]:
    """What was done, the newest first; ``before`` is the ``id`` of one of them."""
    query = select(AUDIT).order_by(AUDIT.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(AUDIT.c.id < before)
    return [
        {
            "id": row.id,
            "at": to_iso(row.at),
            "who": row.who,
            "action": row.action,
            "detail": json.loads(row.detail),
        }
        for row in connection.execute(query)
    ]


def erase_from_audit(connection: Connection, *words: str) -> None:
    """Take out the details that hold one of some words."""
    for word in words:
        quoted = json.dumps(word, ensure_ascii=False)[1:-1]
        found = AUDIT.c.detail.contains(quoted, autoescape=True)
        connection.execute(update(AUDIT).where(found).values(detail=json.dumps(ERASED)))


def delete_audit(connection: Connection, before: float) -> int:
    """Delete what was done before a time, seconds since 1970; returns how many."""
    return connection.execute(delete(AUDIT).where(AUDIT.c.at < before)).rowcount
