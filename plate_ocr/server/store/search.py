"""Finding sightings: by text, camera, time, hours, list, tag and confidence, the newest first."""

from __future__ import annotations

import base64
import binascii
import json
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    exists,
    literal_column,
    or_,
    select,
    tuple_,
)

from plate_ocr.errors import DataError
from plate_ocr.server.store.database import SQLITE
from plate_ocr.server.store.hashes import hash_of
from plate_ocr.server.store.schema import CAMERA, LIST_MATCH, PLATE, PLATE_LIST, PLATE_TAG, SIGHTING
from plate_ocr.server.store.sightings import Sighting, rows, with_matches
from plate_ocr.server.store.times import parse_hours
from plate_ocr.text import fold_lookalikes, normalize_text

MAX_LIMIT = 500
"""Sightings of one page, at most."""

FEW_PLATES = 2000
"""Sightings of so many plates are looked up by plate; of more, the newest sightings are gone through."""

MAX_SIMILAR = 200
"""Plates that a similar search takes, the nearest first."""

MAX_DISTANCE = 2
"""Characters in which a similar plate differs, at most."""

EXPORT_ROWS = 1000
"""Sightings that an export holds in memory at a time."""


@dataclass(frozen=True)
class Query:
    """What is looked for; what is None or empty does not matter.

    Attributes:
        text: a plate, where ``*`` stands for any characters and ``?`` for one.
        like: a plate to which others are similar: at most :data:`MAX_DISTANCE` characters differ.
        camera: its name.
        start: seconds since 1970, UTC: not before.
        end: before.
        hours: of the local day, as ``22:00-06:30``.
        list: the name of a list that it matched.
        tag: of its plate.
        min_confidence: least confidence, 0..1.
        corrected: whether its text was corrected.
        ignored: whether it is ignored.
        alerted: whether a list alerted of it.
    """

    text: str = ""
    like: str = ""
    camera: str | None = None
    start: float | None = None
    end: float | None = None
    hours: str = ""
    list: str | None = None
    tag: str | None = None
    min_confidence: float | None = None
    corrected: bool | None = None
    ignored: bool | None = None
    alerted: bool | None = None


@dataclass(frozen=True)
class Similar:
    """How a plate is like the one that was looked for.

    Attributes:
        distance: characters that differ.
        why: in words.
    """

    distance: int
    why: str


@dataclass(frozen=True)
class Page:
    """A part of what was found.

    Attributes:
        sightings: the newest first.
        similar: of a similar search, by text.
        cursor: for the next part; None where this is the last.
    """

    sightings: Sequence[Sighting]
    similar: dict[str, Similar]
    cursor: str | None


class PlateIndex:
    """The texts of all plates in memory, for similar searches; new ones are added as they come.

    Safe to call from several threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0
        self._texts: list[str] = []
        self._folded: list[str] = []

    def load(self, connection: Connection) -> None:
        """Take in new plates: of many it takes a while the first time."""
        with self._lock:
            query = select(PLATE.c.id, PLATE.c.text).where(PLATE.c.id > self._last).order_by(PLATE.c.id)
            for key, text in connection.execute(query):
                self._last = key
                self._texts.append(text)
                self._folded.append(fold_lookalikes(text))

    def wanted(self, connection: Connection, query: Query) -> dict[str, Similar]:
        """The plates that a query for similar ones looks for; of others none."""
        return self.similar(connection, normalize_text(query.like)) if query.like else {}

    def similar(self, connection: Connection, text: str) -> dict[str, Similar]:
        """The nearest plates to a text, and why.

        Args:
            connection: one that reads.
            text: normalised.
        """
        from rapidfuzz.distance import Levenshtein
        from rapidfuzz.process import extract

        self.load(connection)
        with self._lock:
            texts = self._texts
            found = extract(
                fold_lookalikes(text),
                self._folded,
                scorer=Levenshtein.distance,
                processor=None,
                score_cutoff=MAX_DISTANCE,
                limit=MAX_SIMILAR,
            )
        return {texts[i]: Similar(distance, _why(text, texts[i], distance)) for _, distance, i in found}


def _why(text: str, other: str, distance: int) -> str:
    """Why two texts are similar; ``distance`` is that of their folded forms."""
    if text == other:
        return "exact"
    pairs = sorted(
        {f"{a}={b}" for a, b in zip(text, other, strict=False) if a != b and len(text) == len(other)}
    )
    if not distance:
        return ", ".join(pairs)
    words = "one character differs" if distance == 1 else f"{distance} characters differ"
    return f"{words}: {', '.join(pairs)}" if pairs else words


def search(
    connection: Connection, query: Query, plates: PlateIndex, *, limit: int = 50, cursor: str | None = None
) -> Page:
    """The newest sightings that were looked for.

    Args:
        connection: one that reads.
        query: what is looked for.
        plates: for a similar search.
        limit: at most so many, 1 to :data:`MAX_LIMIT`.
        cursor: of the page before.

    Raises:
        DataError: if the cursor, the hours or the limit are none.
    """
    if not 1 <= limit <= MAX_LIMIT:
        raise DataError(f"the limit {limit} is not within 1 and {MAX_LIMIT}")
    similar = plates.wanted(connection, query)
    found = _execute(connection, query, similar, limit + 1, None if cursor is None else _decode(cursor))
    rest = len(found) > limit
    found = found[:limit]
    texts = {row.text for row in found}
    return Page(
        with_matches(connection, found),
        {text: why for text, why in similar.items() if text in texts},
        _encode(found[-1]) if rest else None,
    )


def export(connection: Connection, query: Query, plates: PlateIndex) -> Iterator[Sighting]:
    """All sightings that were looked for, the newest first."""
    similar = plates.wanted(connection, query)
    after: tuple[float, int] | None = None
    while found := _execute(connection, query, similar, EXPORT_ROWS, after):
        yield from with_matches(connection, found)
        after = found[-1].started, found[-1].id


def _execute(
    connection: Connection,
    query: Query,
    similar: dict[str, Similar],
    limit: int,
    after: tuple[float, int] | None,
) -> Sequence[Row[Any]]:
    statement = rows().order_by(SIGHTING.c.started.desc(), SIGHTING.c.id.desc()).limit(limit)
    if after is not None:
        statement = statement.where(tuple_(SIGHTING.c.started, SIGHTING.c.id) < after)
    return connection.execute(chosen(connection, statement, query, similar)).all()


def chosen(
    connection: Connection, statement: Select[Any], query: Query, similar: Iterable[str]
) -> Select[Any]:
    """A statement of sightings and their plates, for those alone that a query looks for.

    Args:
        connection: one that reads.
        statement: of the tables of sightings and of plates.
        query: what is looked for.
        similar: the plates of a similar search.

    Raises:
        DataError: if the hours are none.
    """
    text = normalize_text(query.text)
    if query.like:
        statement = statement.where(PLATE.c.text.in_(list(similar)))
    if text and not {"*", "?"} & set(text):
        statement = statement.where(PLATE.c.text.in_([text, hash_of(connection, text)]))
    elif text and text.strip("*"):
        statement = _with_pattern(connection, statement, text)
    return _filtered(connection, statement, query)


def _with_pattern(connection: Connection, statement: Select[Any], pattern: str) -> Select[Any]:
    """Sightings whose plates match a pattern, found in the way that takes less time."""
    condition = matches_pattern(connection, pattern)
    few = select(PLATE.c.id).where(condition).limit(FEW_PLATES + 1)
    keys = list(connection.scalars(few))
    if len(keys) <= FEW_PLATES:
        return statement.where(SIGHTING.c.plate_id.in_(keys))
    if connection.dialect.name == SQLITE:
        # The + keeps SQLite from looking up plates first.
        chosen = literal_column("+sighting.plate_id").in_(select(PLATE.c.id).where(condition))
        return statement.where(chosen)
    return statement.where(condition)


def matches_pattern(connection: Connection, pattern: str) -> ColumnElement[bool]:
    """That a plate's text matches a pattern with ``*`` and ``?``."""
    if connection.dialect.name == SQLITE:
        return PLATE.c.text.op("GLOB", is_comparison=True)(pattern.replace("[", "[[]"))
    escaped = pattern.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
    return PLATE.c.text.like(escaped.replace("*", "%").replace("?", "_"), escape="\\")


def _filtered(connection: Connection, statement: Select[Any], query: Query) -> Select[Any]:
    conditions: list[ColumnElement[bool]] = []
    if query.camera is not None:
        chosen = select(CAMERA.c.id).where(CAMERA.c.name == query.camera).scalar_subquery()
        # Corrected and ignored ones are few, and have an index of their own: the + leaves it to SQLite.
        few = connection.dialect.name == SQLITE and (query.corrected or query.ignored)
        camera = literal_column("+sighting.camera_id") if few else SIGHTING.c.camera_id
        conditions.append(camera == chosen)
    if query.start is not None:
        conditions.append(SIGHTING.c.started >= query.start)
    if query.end is not None:
        conditions.append(SIGHTING.c.started < query.end)
    if hours := parse_hours(query.hours):
        first, last = hours
        both = (and_ if first < last else or_)(SIGHTING.c.minute >= first, SIGHTING.c.minute < last)
        conditions.append(both)
    if query.list is not None:
        listed = select(LIST_MATCH.c.sighting_id).join(PLATE_LIST).where(PLATE_LIST.c.name == query.list)
        conditions.append(SIGHTING.c.id.in_(listed))
    if query.tag is not None:
        conditions.append(
            SIGHTING.c.plate_id.in_(select(PLATE_TAG.c.plate_id).where(PLATE_TAG.c.tag == query.tag))
        )
    if query.min_confidence is not None:
        conditions.append(SIGHTING.c.confidence >= query.min_confidence)
    if query.corrected is not None:
        conditions.append(SIGHTING.c.corrected.is_(query.corrected))
    if query.ignored is not None:
        conditions.append(SIGHTING.c.ignored.is_(query.ignored))
    if query.alerted is not None:
        alerted = exists().where(LIST_MATCH.c.sighting_id == SIGHTING.c.id, LIST_MATCH.c.alerted)
        conditions.append(alerted if query.alerted else ~alerted)
    return statement.where(*conditions)


def _encode(row: Row[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps([row.started, row.id]).encode()).decode().rstrip("=")


def _decode(cursor: str) -> tuple[float, int]:
    try:
        started, key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if abs(started) <= 1e12 and 0 <= key < 2**63 and isinstance(key, int):
            return float(started), key
    except (ValueError, TypeError, binascii.Error, RecursionError):
        pass
    raise DataError(f"the cursor {cursor!r} is none of a page before")
