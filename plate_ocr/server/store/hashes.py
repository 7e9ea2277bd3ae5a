"""Hashes in the place of plates' texts: the same for the same plate, and of no use without the key."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from sqlalchemy import Connection, insert, select

from plate_ocr.server.store.schema import SETTING

MARK = "#"
"""Begin of a hash in the place of a plate's text."""

_KEY = "hash_key"


def hash_of(connection: Connection, text: str) -> str:
    """What stands in the place of a plate's text once only its hash is kept."""
    key = connection.scalar(select(SETTING.c.value).where(SETTING.c.name == _KEY))
    if key is None:
        return MARK
    return MARK + hmac.new(bytes.fromhex(key), text.encode(), hashlib.sha256).hexdigest()[:20]


def make_key(connection: Connection) -> None:
    """Make the key of hashes, if there is none."""
    if connection.scalar(select(SETTING.c.value).where(SETTING.c.name == _KEY)) is None:
        connection.execute(insert(SETTING).values(name=_KEY, value=secrets.token_hex(32)))
