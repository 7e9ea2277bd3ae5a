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
from plate_ocr.server.access import needs
from plate_ocr.server.reading import ReadingService, Result, is_region
from plate_ocr.server.requests import name_of, parse

router = APIRouter(prefix="/api/v1", tags=["reading"])


# Not a plain function: these run in a thread of their own each time.
async def reading_service(request: Request) -> ReadingService:
    """What reads, as a dependency of routes."""
    service = request.app.state.reading
    assert isinstance(service, ReadingService)
    return service


Service = Annotated[ReadingService, Depends(reading_service)]


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
    dependencies=[Depends(needs("read"))],
    openapi_extra=BODY,
    responses=ANSWERS,
    response_class=Response,
)
async def read(
    request: Request,
    service: Service,
    input: Annotated[InputType, Query(description="What the pictures show.")] = "auto",
    region: Annotated[
        list[str], Query(description="Codes of regions, whose formats help to tell similar characters apart.")
    ] = [],  # noqa: B006 - FastAPI copies it
    min_confidence: Annotated[
        float | None, Query(ge=0, le=1, description="Characters below it are unknown.")
    ] = None,
    annotate: Annotated[
        bool, Query(description="Answer with the picture, a JPEG file, in which plates are marked.")
    ] = False,
) -> Response:
    """Read one picture, or several in a list."""
    regions = [code.strip() for value in region for code in value.split(",") if code.strip()]
    if unknown := [code for code in regions if not is_region(code)]:
        raise HTTPException(422, f"region: there is no region {unknown[0]!r}")
    async with service.admitted():
        files = list((await parse(request)).pictures("image", "image_base64"))
        if not any(file.contents for file in files):
            raise HTTPException(400, "there is no picture in the body")
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
    if annotate and results[0].reading:
        return Response(await run_in_threadpool(_annotated, results[0]), media_type="image/jpeg")
    answers = [_answer(name, result) for name, result in zip(names, results, strict=True)]
    status = 200 if any(result.reading for result in results) else _status(results[0])
    return JSONResponse(answers[0] if len(answers) == 1 else answers, status)


def _answer(name: str, result: Result) -> dict[str, Any]:
    return reading_values(name, result.reading, None if result.error is None else str(result.error))


def _annotated(result: Result) -> bytes:
    assert result.reading is not None
    assert result.picture is not None
    drawn = draw(result.picture, result.reading, lambda _: (), annotate=True, crops=False, blur=False)
    return drawn.annotated


def _status(result: Result) -> int:
    return 413 if isinstance(result.error, ImageSizeError) else 422
