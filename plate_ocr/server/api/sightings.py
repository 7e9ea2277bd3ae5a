"""``/api/v1/sightings`` and ``/api/v1/plates``: what was seen, corrections, exports."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from plate_ocr.server import exports
from plate_ocr.server.access import Principal
from plate_ocr.server.api.dependencies import Admin, Operator, Reader, Store
from plate_ocr.server.keeping import SightingStore
from plate_ocr.server.store import search as searching
from plate_ocr.server.store.audit import record
from plate_ocr.server.store.plates import describe, describe_plate
from plate_ocr.server.store.retention import delete_plate
from plate_ocr.server.store.search import Page, search
from plate_ocr.server.store.sightings import (
    Sighting,
    annotate,
    correct,
    corrections,
    delete_sightings,
    find_sighting,
)
from plate_ocr.server.store.times import from_iso
from plate_ocr.text import normalize_text

router = APIRouter(prefix="/api/v1", tags=["sightings"])

Short = Annotated[str | None, Query(max_length=100)]


async def query_of(
    store: Store,
    q: Annotated[str, Query(max_length=100, description="A plate; * is any characters, ? is one.")] = "",
    like: Annotated[str, Query(max_length=40, description="Plates that are similar to this one.")] = "",
    camera: Annotated[Short, Query(description="Name of a camera.")] = None,
    start: Annotated[Short, Query(alias="from", description="Not before: ISO 8601.")] = None,
    end: Annotated[Short, Query(alias="to", description="Before: ISO 8601.")] = None,
    hours: Annotated[str, Query(max_length=20, description="Of the local day, as 22:00-06:30.")] = "",
    list: Annotated[Short, Query(description="Name of a list that it matched.")] = None,
    tag: Annotated[Short, Query(description="Tag of its plate.")] = None,
    min_confidence: Annotated[float | None, Query(ge=0, le=1)] = None,
    corrected: bool | None = None,
    ignored: bool | None = None,
    alerted: Annotated[bool | None, Query(description="Whether a list alerted of it.")] = None,
) -> searching.Query:
    """What is looked for, out of an address."""
    return searching.Query(
        text=q,
        like=like,
        camera=camera,
        start=None if start is None else from_iso(start, store.zone),
        end=None if end is None else from_iso(end, store.zone),
        hours=hours,
        list=list,
        tag=tag,
        min_confidence=min_confidence,
        corrected=corrected,
        ignored=ignored,
        alerted=alerted,
    )


Wanted = Annotated[searching.Query, Depends(query_of)]


@router.get("/sightings", response_model=None)
def find(
    request: Request,
    who: Reader,
    store: Store,
    wanted: Wanted,
    cursor: Annotated[str | None, Query(max_length=200, description="Of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=searching.MAX_LIMIT)] = 50,
    format: Annotated[
        Literal["json", "csv", "jsonl"] | None, Query(description="csv and jsonl give all, without pages.")
    ] = None,
) -> Response:
    """Sightings, the newest first."""
    if format is None and "text/csv" in request.headers.get("Accept", ""):
        format = "csv"
    record_search(store, who, wanted, "search" if format in (None, "json") else "export")
    if format in ("csv", "jsonl"):
        return _file(store, wanted, format)
    with store.database.read() as connection:
        page = search(connection, wanted, store.plates, limit=limit, cursor=cursor)
    # FastAPI would look at each value for what JSON has no form for: three quarters of the time of all this.
    found = [_found(sighting, page) for sighting in page.sightings]
    return JSONResponse({"sightings": found, "cursor": page.cursor})


def _found(sighting: Sighting, page: Page) -> dict[str, Any]:
    values = sighting.to_dict()
    if like := page.similar.get(sighting.row.text):
        values["similar"] = {"distance": like.distance, "why": like.why}
    return values


def _file(store: Store, wanted: searching.Query, format: Literal["csv", "jsonl"]) -> StreamingResponse:
    write = exports.to_csv if format == "csv" else exports.to_json_lines

    def rows() -> Iterator[str]:
        with store.database.read() as connection:
            yield from write(searching.export(connection, wanted, store.plates))

    kind = "text/csv; charset=utf-8" if format == "csv" else "application/x-ndjson"
    headers = {"Content-Disposition": f'attachment; filename="sightings.{format}"'}
    return StreamingResponse(rows(), media_type=kind, headers=headers)


@router.get("/sightings/labels.zip", response_class=Response)
def labels(who: Reader, store: Store, wanted: Wanted) -> StreamingResponse:
    """The crops of corrected sightings with ``labels.csv``, to train on and to evaluate with."""
    record_search(store, who, wanted, "export")
    headers = {"Content-Disposition": 'attachment; filename="labels.zip"'}
    return StreamingResponse(exports.labels_zip(store, wanted), media_type="application/zip", headers=headers)


@router.get("/sightings/{uuid}")
def show(_: Reader, store: Store, uuid: str) -> dict[str, Any]:
    """A sighting with its corrections."""
    return _shown(store, uuid)


def _shown(store: SightingStore, uuid: str) -> dict[str, Any]:
    with store.database.read() as connection:
        sighting = _one(connection, uuid)
        return {**sighting.to_dict(), "corrections": corrections(connection, sighting)}


class Change(BaseModel):
    """What may change of a sighting: never what was read."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str | None, Field(max_length=40, description="What is written on the plate.")] = None
    note: Annotated[str | None, Field(max_length=2000)] = None
    ignored: bool | None = None


@router.patch("/sightings/{uuid}")
def change(who: Operator, store: Store, uuid: str, changed: Change) -> dict[str, Any]:
    """Correct the text of a plate, write a note, ignore a sighting."""
    if changed.text is not None and not normalize_text(changed.text):
        raise HTTPException(422, f"text: {changed.text!r} has no character of a plate")
    values = {name: value for name, value in changed if name != "text" and value is not None}
    with store.database.write() as connection:
        sighting = _one(connection, uuid)
        if changed.text is not None:
            correct(connection, sighting, changed.text, who.name)
        if values:
            annotate(connection, sighting, values)
        record(connection, who.name, "change sighting", {"id": uuid, **changed.model_dump(exclude_none=True)})
    return _shown(store, uuid)


@router.delete("/sightings/{uuid}", status_code=204)
def remove(who: Operator, store: Store, uuid: str) -> None:
    """Delete a sighting with its pictures, and what is still to be delivered of it."""
    with store.database.write() as connection:
        paths = delete_sightings(connection, [_one(connection, uuid).id], deliveries=True)
        record(connection, who.name, "delete sighting", {"id": uuid})
    store.pictures.delete(*paths)


@router.get("/sightings/{uuid}/{kind}.jpg", response_class=Response)
def picture(_: Reader, store: Store, uuid: str, kind: Literal["crop", "scene"]) -> Response:
    """The crop or the scene of a sighting."""
    with store.database.read() as connection:
        path = getattr(_one(connection, uuid).row, kind)
    contents = store.pictures.read(path) if path else None
    if contents is None:
        raise HTTPException(404, f"the sighting {uuid} has no {kind}")
    headers = {"Cache-Control": "private, max-age=86400", "X-Content-Type-Options": "nosniff"}
    return Response(contents, media_type="image/jpeg", headers=headers)


@router.get("/plates/{text}")
def plate(who: Reader, store: Store, text: str) -> dict[str, Any]:
    """What is known of a plate: how often, when, at which hours and where it was seen."""
    with store.database.write() as connection:
        record(connection, who.name, "search", {"plate": text})
        found = describe_plate(connection, normalize_text(text))
    if found is None:
        raise HTTPException(404, f"the plate {text} was never seen")
    return found


class PlateChange(BaseModel):
    """What may change of a plate."""

    model_config = ConfigDict(extra="forbid")

    note: Annotated[str | None, Field(max_length=2000)] = None
    tags: Annotated[list[Annotated[str, Field(min_length=1, max_length=40)]] | None, Field(max_length=50)] = (
        None
    )


@router.patch("/plates/{text}")
def change_plate(who: Operator, store: Store, text: str, changed: PlateChange) -> dict[str, Any]:
    """Write the note and the tags of a plate."""
    with store.database.write() as connection:
        if describe_plate(connection, normalize_text(text)) is None:
            raise HTTPException(404, f"the plate {text} was never seen")
        describe(connection, normalize_text(text), changed.note, changed.tags)
        record(connection, who.name, "change plate", {"plate": text, **changed.model_dump(exclude_none=True)})
        found = describe_plate(connection, normalize_text(text))
    assert found is not None
    return found


@router.delete("/plates/{text}")
def forget(who: Admin, store: Store, text: str) -> dict[str, int]:
    """Delete a plate everywhere: sightings, pictures, deliveries, lists, note, tags, and from the audit."""
    count = delete_plate(store.database, store.pictures, text)
    with store.database.write() as connection:
        record(connection, who.name, "delete plate", {"sightings": count})
    return {"sightings": count}


def record_search(store: SightingStore, who: Principal, wanted: searching.Query, action: str) -> None:
    """Write down who looked for what; who looks at all there is, or at all alerts, looks for nobody."""
    values = {name: value for name, value in asdict(wanted).items() if value not in (None, "")}
    values.pop("alerted", None)
    if values or action == "export":
        with store.database.write() as connection:
            record(connection, who.name, action, values)


def _one(connection: Connection, uuid: str) -> Sighting:
    sighting = find_sighting(connection, uuid)
    if sighting is None:
        raise HTTPException(404, f"there is no sighting {uuid}")
    return sighting
