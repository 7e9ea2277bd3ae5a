"""``POST /api/v1/read``: pictures in, the objects of ``plate-ocr predict --json`` out."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response

from plate_ocr.errors import ImageSizeError
from plate_ocr.readers.auto import InputType
from plate_ocr.readers.pictures import draw
from plate_ocr.readers.results import reading_values
from plate_ocr.server.access import Principal, needs
from plate_ocr.server.api.dependencies import Reading, Store
from plate_ocr.server.keeping import SightingStore
from plate_ocr.server.reading import Result, is_region
from plate_ocr.server.requests import name_of, parse
from plate_ocr.server.snapshots import sightings_of

router = APIRouter(prefix="/api/v1", tags=["reading"])


PICTURE = {"type": "string", "format": "picture", "contentMediaType": "image/*"}

BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {"image": {"type": "array", "items": PICTURE, "minItems": 1}},
                    "required": ["image"],
                }
            },
            "image/*": {"schema": PICTURE},
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {"image_base64": PICTURE | {"contentEncoding": "base64"}},
                    "required": ["image_base64"],
                }
            },
        },
    }
}
"""The forms of a request."""

ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The object of `plate-ocr predict --json`; of several pictures a list. "
        "With `annotate` a picture.",
        "content": {
            "application/json": {"schema": {"type": ["object", "array"]}},
            "image/jpeg": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


@router.post(
    "/read",
    openapi_extra=BODY,
    responses=ANSWERS,
    response_class=Response,
)
async def read(
    request: Request,
    service: Reading,
    kept: Store,
    principal: Annotated[Principal, Depends(needs("read"))],
    input: Annotated[InputType, Query(description="What the pictures show.")] = "auto",
    region: Annotated[
        list[str], Query(description="Codes of regions, whose formats help to tell similar characters apart.")
    ] = [],  # noqa: B006 - FastAPI copies it
    min_confidence: Annotated[
        float | None, Query(ge=0, le=1, description="Characters below it are unknown.")
    ] = None,
    store: Annotated[bool, Query(description="Keep a sighting of each plate.")] = False,
    camera: Annotated[str, Query(max_length=100, description="Name of the camera of a sighting.")] = "",
    annotate: Annotated[
        bool, Query(description="Answer with the picture, a JPEG file, in which plates are marked.")
    ] = False,
) -> Response:
    """Read one picture, or several in a list."""
    if store and not principal.may("operate"):
        # Sightings open gates.
        raise HTTPException(403, "to keep sightings needs the role operate")
    regions = [code.strip() for value in region for code in value.split(",") if code.strip()]
    if unknown := [code for code in regions if not is_region(code)]:
        raise HTTPException(422, f"region: there is no region {unknown[0]!r}")
    async with service.admitted():
        files = list((await parse(request)).pictures("image", "image_base64"))
        if not any(file.contents for file in files):
            raise HTTPException(
                400, "there is no picture in the body: send a file, or JSON with image_base64"
            )
        names = [name_of(file) for file in files]
        if annotate and len(files) > 1:
            raise HTTPException(422, "annotate: one picture is expected")
        results = await service.read(
            [file.contents for file in files],
            names=names,
            input=input,
            regions=regions,
            min_confidence=min_confidence,
        )
    answers = [_answer(name, result) for name, result in zip(names, results, strict=True)]
    if store:
        region_code = regions[0] if len(regions) == 1 else None
        for answer, result in zip(answers, results, strict=True):
            await run_in_threadpool(_keep, kept, answer, result, camera, region_code)
    if annotate and results[0].reading:
        return Response(await run_in_threadpool(_annotated, results[0]), media_type="image/jpeg")
    status = 200 if any(result.reading for result in results) else _status(results[0])
    return JSONResponse(answers[0] if len(answers) == 1 else answers, status)


def _answer(name: str, result: Result) -> dict[str, Any]:
    return reading_values(name, result.reading, None if result.error is None else str(result.error))


def _keep(
    store: SightingStore, answer: dict[str, Any], result: Result, camera: str, region: str | None
) -> None:
    """Keep the sightings of a picture, and tell their ids: of each plate, and of the first."""
    if result.reading is None:
        return
    sightings = sightings_of(result.reading, result.picture, camera=camera, region=region)
    for plate, sighting in zip(answer["plates"], sightings, strict=True):
        plate["id"] = store.keep(sighting).uuid
    if answer["plates"]:
        answer["id"] = answer["plates"][0]["id"]


def _annotated(result: Result) -> bytes:
    assert result.reading is not None
    assert result.picture is not None
    drawn = draw(result.picture, result.reading, lambda _: (), annotate=True, crops=False, blur=False)
    return drawn.annotated


def _status(result: Result) -> int:
    return 413 if isinstance(result.error, ImageSizeError) else 422
