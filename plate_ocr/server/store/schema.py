"""The tables. Times are seconds since 1970 in UTC; how they came about is in ``migrations``."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    text,
)

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_ID = BigInteger().with_variant(Integer, "sqlite")


def _id() -> Column[int]:
    return Column("id", _ID, primary_key=True)


def _of(name: str, table: str, *, key: bool = False) -> Column[int]:
    """A column that names a row of another table, with which it goes."""
    return Column(name, _ID, ForeignKey(f"{table}.id", ondelete="CASCADE"), nullable=False, primary_key=key)


PLATE = Table(
    "plate",
    METADATA,
    _id(),
    # Normalised; or # and a hash, where the text was deleted.
    Column("text", Text, nullable=False, unique=True),
    Column("note", Text, nullable=False, server_default=""),
)

PLATE_TAG = Table(
    "plate_tag",
    METADATA,
    _of("plate_id", "plate", key=True),
    Column("tag", Text, primary_key=True),
)

CAMERA = Table(
    "camera",
    METADATA,
    _id(),
    Column("name", Text, nullable=False, unique=True),
    # api, or how its pictures are fetched.
    Column("kind", Text, nullable=False),
    Column("settings", JSON, nullable=False),
    Column("enabled", Boolean, nullable=False, server_default=text("true")),
)

SIGHTING = Table(
    "sighting",
    METADATA,
    _id(),
    Column("uuid", Text, nullable=False, unique=True),
    # The plate after corrections.
    Column("plate_id", _ID, ForeignKey("plate.id"), nullable=False),
    Column("camera_id", _ID, ForeignKey("camera.id"), nullable=True),
    Column("started", Double, nullable=False),
    Column("ended", Double, nullable=False),
    Column("best", Double, nullable=False),
    # Of the server's local day.
    Column("minute", Integer, nullable=False),
    Column("frames", Integer, nullable=False),
    Column("confidence", Double, nullable=False),
    Column("min_confidence", Double, nullable=False),
    # What was read never changes: the plate as `predict --json` writes it.
    Column("reading", JSON, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("region", Text, nullable=True),
    Column("direction", Double, nullable=True),
    # Who read it, and with what.
    Column("origin", Text, nullable=False),
    Column("model", Text, nullable=True),
    # Paths below the folder of pictures, and the bytes of both.
    Column("crop", Text, nullable=True),
    Column("scene", Text, nullable=True),
    Column("bytes", BigInteger, nullable=False),
    Column("corrected", Boolean, nullable=False, server_default=text("false")),
    Column("ignored", Boolean, nullable=False, server_default=text("false")),
    Column("note", Text, nullable=False, server_default=""),
)
Index(None, SIGHTING.c.started, SIGHTING.c.id)
Index(None, SIGHTING.c.plate_id, SIGHTING.c.started, SIGHTING.c.id)
Index(None, SIGHTING.c.camera_id, SIGHTING.c.started, SIGHTING.c.id)
# Those that are few.
for _name in ("corrected", "ignored"):
    _few = SIGHTING.c[_name].is_(True)
    Index(
        f"ix_sighting_{_name}",
        SIGHTING.c.started,
        SIGHTING.c.id,
        sqlite_where=_few,
        postgresql_where=_few,
    )

CORRECTION = Table(
    "correction",
    METADATA,
    _id(),
    _of("sighting_id", "sighting"),
    Column("old", Text, nullable=False),
    Column("new", Text, nullable=False),
    Column("who", Text, nullable=True),
    Column("at", Double, nullable=False),
)
Index(None, CORRECTION.c.sighting_id)

PLATE_LIST = Table(
    "plate_list",
    METADATA,
    _id(),
    Column("name", Text, nullable=False, unique=True),
    # known, watch or ignore.
    Column("kind", Text, nullable=False),
    Column("tolerance", Integer, nullable=False),
    # HH:MM-HH:MM of the server's local day; empty: always.
    Column("hours", Text, nullable=False),
    # Names; empty: all.
    Column("cameras", JSON, nullable=False),
    Column("cooldown", Double, nullable=False),
)

LIST_ENTRY = Table(
    "list_entry",
    METADATA,
    _of("list_id", "plate_list", key=True),
    # A normalised text, which may hold * and ?.
    Column("pattern", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("note", Text, nullable=False),
)

LIST_MATCH = Table(
    "list_match",
    METADATA,
    _of("list_id", "plate_list", key=True),
    _of("sighting_id", "sighting", key=True),
    Column("pattern", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("distance", Integer, nullable=False),
    Column("why", Text, nullable=False),
    # False within the list's cooldown.
    Column("alerted", Boolean, nullable=False),
    Column("at", Double, nullable=False),
)
Index(None, LIST_MATCH.c.sighting_id)
Index(None, LIST_MATCH.c.list_id, LIST_MATCH.c.pattern, LIST_MATCH.c.at)

CHANNEL = Table(
    "channel",
    METADATA,
    _id(),
    Column("name", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("settings", JSON, nullable=False),
    Column("enabled", Boolean, nullable=False, server_default=text("true")),
)

DELIVERY = Table(
    "delivery",
    METADATA,
    _id(),
    Column("uuid", Text, nullable=False, unique=True),
    _of("channel_id", "channel"),
    # What is to be delivered stays when the sighting is old enough to go.
    Column("sighting_id", _ID, ForeignKey("sighting.id", ondelete="SET NULL"), nullable=True),
    Column("event", JSON, nullable=False),
    Column("created", Double, nullable=False),
    # Seconds after which it is no longer made; None: never.
    Column("expires", Double, nullable=True),
    # waiting, delivered, failed or expired.
    Column("state", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("done", Double, nullable=True),
    Column("error", Text, nullable=True),
)
Index(None, DELIVERY.c.channel_id, DELIVERY.c.state, DELIVERY.c.id)
Index(None, DELIVERY.c.sighting_id)

AUDIT = Table(
    "audit",
    METADATA,
    _id(),
    Column("at", Double, nullable=False),
    Column("who", Text, nullable=True),
    Column("action", Text, nullable=False),
    Column("detail", Text, nullable=False),
)
Index(None, AUDIT.c.at)

SETTING = Table(
    "setting",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
