"""``/api/v1/lists``: plates that are known, watched for or ignored."""

from __future__ import annotations

import csv
import io
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import Connection

from plate_ocr.errors import DataError
from plate_ocr.readers.results import Char, plate_of
from plate_ocr.server.api.dependencies import Operator, Reader, Store
from plate_ocr.server.exports import csv_line
from plate_ocr.server.mistakes import first_mistake
from plate_ocr.server.notify.matching import ListIndex
from plate_ocr.server.requests import parse
from plate_ocr.server.store.audit import record
from plate_ocr.server.store.lists import (
    COOLDOWN_S,
    MAX_TOLERANCE,
    Entry,
    Kind,
    ListSettings,
    PlateList,
    add_list,
    all_lists,
    change_list,
    delete_entries,
    delete_list,
    entries,
    find_list,
    put_entries,
)
from plate_ocr.text import normalize_text

router = APIRouter(prefix="/api/v1/lists", tags=["lists"])

COLUMNS = ("plate", "name", "note")

Name = Annotated[str, Field(min_length=1, max_length=100)]


class NewList(BaseModel):
    """What a list is for."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    kind: Kind
    tolerance: Annotated[int, Field(ge=0, le=MAX_TOLERANCE)] = 0
    hours: Annotated[str, Field(max_length=20)] = ""
    cameras: Annotated[list[Name], Field(max_length=1000)] = []
    cooldown: Annotated[float, Field(ge=0, le=1e7)] = COOLDOWN_S

    def settings(self) -> ListSettings:
        """For the store."""
        return ListSettings(**{**self.model_dump(), "cameras": tuple(self.cameras)})


class NewEntry(BaseModel):
    """A plate of a list."""

    model_config = ConfigDict(extra="forbid")

    plate: Annotated[str, Field(max_length=40)]
    name: Annotated[str, Field(max_length=200)] = ""
    note: Annotated[str, Field(max_length=2000)] = ""

    def entry(self) -> Entry:
        """For the store."""
        return Entry(self.plate, self.name, self.note)


def _shown(found: PlateList) -> dict[str, Any]:
    settings = found.settings
    return {
        "id": found.id,
        "name": settings.name,
        "kind": settings.kind,
        "tolerance": settings.tolerance,
        "hours": settings.hours,
        "cameras": list(settings.cameras),
        "cooldown": settings.cooldown,
        "count": found.count,
    }


def _one(connection: Connection, key: int) -> PlateList:
    found = find_list(connection, key) if 0 < key < 2**63 else None
    if found is None:
        raise HTTPException(404, f"there is no list {key}")
    return found


@router.get("")
def show_all(_: Reader, store: Store) -> dict[str, Any]:
    """All lists."""
    with store.database.read() as connection:
        return {"lists": [_shown(found) for found in all_lists(connection)]}


@router.post("", status_code=201)
def add(who: Operator, store: Store, new: NewList) -> dict[str, Any]:
    """Add a list."""
    with store.database.write() as connection:
        key = add_list(connection, new.settings())
        record(connection, who.name, "add list", new.model_dump())
        return _shown(_one(connection, key))


@router.get("/{key}")
def show(_: Reader, store: Store, key: int) -> dict[str, Any]:
    """A list."""
    with store.database.read() as connection:
        return _shown(_one(connection, key))


@router.put("/{key}")
def change(who: Operator, store: Store, key: int, new: NewList) -> dict[str, Any]:
    """Change what a list is for."""
    with store.database.write() as connection:
        _one(connection, key)
        change_list(connection, key, new.settings())
        record(connection, who.name, "change list", new.model_dump())
        return _shown(_one(connection, key))


@router.delete("/{key}", status_code=204)
def remove(who: Operator, store: Store, key: int) -> None:
    """Delete a list with its plates and what they matched."""
    with store.database.write() as connection:
        found = _one(connection, key)
        delete_list(connection, key)
        record(connection, who.name, "delete list", {"name": found.settings.name})


@router.get("/{key}/plates", response_model=None)
def show_plates(
    _: Reader, store: Store, key: int, request: Request, format: Literal["json", "csv"] | None = None
) -> dict[str, Any] | Response:
    """The plates of a list; as CSV with ``format=csv`` or ``Accept: text/csv``."""
    with store.database.read() as connection:
        found = entries(connection, _one(connection, key).id)
    rows = [(entry.pattern, entry.name, entry.note) for entry in found]
    if format == "csv" or (format is None and "text/csv" in request.headers.get("Accept", "")):
        return Response("".join(map(csv_line, [COLUMNS, *rows])), media_type="text/csv; charset=utf-8")
    return {"plates": [dict(zip(COLUMNS, row, strict=True)) for row in rows]}


@router.post("/{key}/plates")
async def put_plates(who: Operator, store: Store, key: int, request: Request) -> dict[str, int]:
    """Add plates: one or a list of JSON objects, or CSV with the columns ``plate``, ``name`` and ``note``, of
    which the last two may be missing. Those that are on the list get the new name and note.
    """
    body = await parse(request)
    if body.json is not None:
        given = body.json if isinstance(body.json, list) else [body.json]
        new = [_validated(value, f"plate {i}") for i, value in enumerate(given, 1)]
    elif body.files:
        new = _from_csv(body.files[0].contents)
    else:
        raise HTTPException(400, "the body is empty: send JSON or CSV")

    def put() -> int:
        with store.database.write() as connection:
            found = _one(connection, key)
            count = put_entries(connection, key, [one.entry() for one in new])
            plates = [one.plate for one in new[:100]]
            record(connection, who.name, "add plates", {"list": found.settings.name, "plates": plates})
            return count

    return {"plates": await run_in_threadpool(put)}


@router.delete("/{key}/plates/{plate}", status_code=204)
def remove_plate(who: Operator, store: Store, key: int, plate: str) -> None:
    """Take a plate off a list."""
    with store.database.write() as connection:
        found = _one(connection, key)
        if not delete_entries(connection, key, [plate]):
            raise HTTPException(404, f"the plate {plate} is not on the list {key}")
        record(connection, who.name, "remove plate", {"list": found.settings.name, "plate": plate})


@router.get("/{key}/match")
def match(
    _: Reader, store: Store, key: int, plate: Annotated[str, Query(min_length=1, max_length=40)]
) -> dict[str, Any]:
    """Which plate of a list a text would be, were all its characters unsure."""
    with store.database.read() as connection:
        found = _one(connection, key)
        index = ListIndex(entries(connection, key), found.settings.tolerance)
    chars = tuple(Char(char, 0.5, ()) for char in normalize_text(plate))
    hit = index.find(plate_of(chars, ((0, 0),) * 4)) if chars else None
    if hit is None:
        return {"plate": None}
    return {"plate": hit.entry.pattern, "name": hit.entry.name, "distance": hit.distance, "why": hit.why}


def _validated(value: Any, where: str) -> NewEntry:
    try:
        return NewEntry.model_validate(value)
    except ValidationError as error:
        raise DataError(f"{where}: {first_mistake(error.errors())}") from None


def _from_csv(contents: bytes) -> list[NewEntry]:
    try:
        text = contents.decode("utf-8-sig")
        reader = csv.DictReader(io.StringIO(text, newline=""))
        names = [(name or "").strip().lower() for name in reader.fieldnames or []]
        if "plate" not in names:
            raise DataError(f"the first line must name the columns {','.join(COLUMNS)}")
        reader.fieldnames = names
        return [
            _validated({key: (row.get(key) or "").strip() for key in COLUMNS}, f"line {reader.line_num}")
            for row in reader
            if any(value for value in row.values())
        ]
    except UnicodeDecodeError:
        raise DataError("the CSV is not UTF-8") from None
    except csv.Error as error:
        raise DataError(f"the CSV cannot be read: {error}") from None
