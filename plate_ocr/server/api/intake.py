"""Where readings of others are taken in; each makes a sighting."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from plate_ocr.server.access import needs
from plate_ocr.server.api.dependencies import Reading, Store
from plate_ocr.server.intake import (
    Intake,
    Mapper,
    from_alpr_database,
    from_parkpow,
    from_rekor,
    from_stream,
)
from plate_ocr.server.keeping import SightingStore
from plate_ocr.server.reading import ReadingService, Result
from plate_ocr.server.requests import parse
from plate_ocr.server.snapshots import decode, sightings_of
from plate_ocr.server.store.sightings import NewSighting, same_sighting
from plate_ocr.text import normalize_text

router = APIRouter(tags=["readings of others"], dependencies=[Depends(needs("operate"))])

Reread = Annotated[bool, Query(description="Read the picture that was sent again.")]


@router.post("/api/plate-reads", status_code=201)
@router.post("/api/plate-reads/", status_code=201, include_in_schema=False)
async def alpr_database(
    request: Request, store: Store, reading: Reading, reread: Reread = False
) -> JSONResponse:
    """What Blue Iris sends to ALPR-Database."""
    taken, kept, known = await _take(request, store, reading, from_alpr_database, reread)
    processed = [{"plate": text, "id": uuid} for text, uuid in kept]
    message = f"{len(kept)} kept, {len(known)} known, {len(taken.ignored)} ignored"
    value = {"processed": processed, "duplicates": known, "ignored": list(taken.ignored), "message": message}
    return JSONResponse(value, 409 if known and not kept else 201)


@router.post("/api/v1/webhook-receiver")
@router.post("/api/v1/webhook-receiver/", include_in_schema=False)
async def stream(request: Request, store: Store, reading: Reading, reread: Reread = False) -> dict[str, Any]:
    """Webhooks of Plate Recognizer Stream and Snapshot."""
    return _ids(await _take(request, store, reading, from_stream, reread))


@router.post("/api/v1/log-vehicle")
@router.post("/api/v1/log-vehicle/", include_in_schema=False)
async def parkpow(request: Request, store: Store, reading: Reading, reread: Reread = False) -> dict[str, Any]:
    """What ParkPow's bridges for cameras send."""
    return _ids(await _take(request, store, reading, from_parkpow, reread))


@router.post("/api/webhook")
@router.post("/api/webhook/", include_in_schema=False)
async def rekor(request: Request, store: Store, reading: Reading, reread: Reread = False) -> dict[str, Any]:
    """Groups of Rekor's agent."""
    return _ids(await _take(request, store, reading, from_rekor, reread))


def _ids(taken: tuple[Intake, list[tuple[str, str]], list[str]]) -> dict[str, Any]:
    return {"ids": [uuid for _, uuid in taken[1]]}


async def _take(
    request: Request, store: SightingStore, reading: ReadingService, mapper: Mapper, reread: bool
) -> tuple[Intake, list[tuple[str, str]], list[str]]:
    """What a request tells, the texts and ids of what was kept, and texts that were known."""
    async with reading.admitted():
        taken = mapper(await parse(request))
        result = Result()
        if taken.picture and reread:
            (result,) = await reading.read([taken.picture])
        elif taken.picture:
            most = request.app.state.settings.max_pixels
            result = Result(picture=await run_in_threadpool(decode, taken.picture, most))
    return taken, *await run_in_threadpool(_keep, store, taken, result)


def _keep(store: SightingStore, taken: Intake, result: Result) -> tuple[list[tuple[str, str]], list[str]]:
    kept, known = list[tuple[str, str]](), list[str]()
    for new in _sightings(taken, result):
        text = normalize_text(new.plate.text)
        with store.database.read() as connection:
            is_known = same_sighting(connection, text, new.camera, new.started)
        if is_known:
            known.append(text)
        else:
            kept.append((text, store.keep(new).uuid))
    return kept, known


def _sightings(taken: Intake, result: Result) -> list[NewSighting]:
    if result.reading and result.reading.plates and taken.readings:
        first = taken.readings[0]
        return sightings_of(result.reading, result.picture, camera=first.camera, at=first.started)
    return [one.sighting(result.picture) for one in taken.readings]
