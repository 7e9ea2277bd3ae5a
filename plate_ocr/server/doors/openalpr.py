"""The door for clients of OpenALPR and Rekor: ``/v2/recognize``, ``/v3/…``, ``/alpr`` and ``/detect``."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from fastapi import HTTPException, Request, Response

from plate_ocr.server.doors.alpr_results import alpr_results
from plate_ocr.server.doors.candidates import COUNT, known_regions
from plate_ocr.server.doors.door import (
    MAX_CALLS,
    Json,
    Upload,
    count_call,
    door,
    is_true,
    received,
    route,
)
from plate_ocr.server.requests import Body, File, decode_base64

MAX_COUNT = 1000
"""Candidates of a plate that a client may ask for."""

router = door("OpenALPR", lambda status, error: (status, {"error": error, "error_code": status}))


@route(router, "POST", "/v2/recognize", "/v3/recognize")
async def recognize(request: Request) -> Response:
    """Read a picture, the file ``image``; ``country``, ``topn`` and ``return_image`` are query or fields."""
    async with received(request, "image", query_key="secret_key") as upload:
        return await _cloud_answer(request, upload)


@route(router, "POST", "/v2/recognize_bytes", "/v3/recognize_bytes")
async def recognize_bytes(request: Request) -> Response:
    """Read a picture that is base64 text: the body, a JSON string, or the field ``image_bytes``."""
    async with received(request, "image_bytes", query_key="secret_key", find=_encoded) as upload:
        return await _cloud_answer(request, upload)


@route(router, "POST", "/v2/recognize_url", "/v3/recognize_url")
async def recognize_url(request: Request) -> Response:
    """Read a picture from the address ``image_url``, if the server may fetch it."""
    async with received(request, "image", query_key="secret_key", url="image_url") as upload:
        return await _cloud_answer(request, upload)


@route(router, "POST", "/alpr", "/detect")
async def detect(request: Request) -> Response:
    """Read a picture, the file ``image`` or ``upload``, with ``country_code`` and ``pattern``."""
    async with received(request, "image", "upload") as upload:
        return Json(await _answer(request, upload, "country_code"))


async def _cloud_answer(request: Request, upload: Upload) -> Response:
    answer = await _answer(request, upload, "country")
    total = answer.pop("processing_time_ms")
    answer |= {
        "uuid": str(uuid4()),
        "processing_time": {"total": total, "plates": total, "vehicles": 0.0},
        "credit_cost": 1,
        "credits_monthly_used": count_call(request),
        "credits_monthly_total": MAX_CALLS,
    }
    if is_true(_values(request, upload, "return_image")):
        answer["image_bytes"] = base64.b64encode(upload.file.contents).decode()
    return Json(answer)


async def _answer(request: Request, upload: Upload, country: str) -> dict[str, Any]:
    """What ``alpr`` would say; ``country`` is the name of the field that has it."""
    count = (_values(request, upload, "topn") or [str(COUNT)])[-1]
    if not (count.isdecimal() and count.isascii() and len(count) < 5 and int(count) > 0):
        raise HTTPException(400, f"topn {count!r}: a whole number from 1 is expected")
    reading = await upload.read(regions=known_regions(_values(request, upload, country)))
    patterns = known_regions(_values(request, upload, "pattern"))
    return alpr_results(reading, count=min(int(count), MAX_COUNT), patterns=patterns)


def _values(request: Request, upload: Upload, name: str) -> list[str]:
    return [*request.query_params.getlist(name), *upload.values(name)]


def _encoded(body: Body) -> Iterator[File]:
    """Pictures whose base64 text is the body or a field."""
    if isinstance(body.json, str):
        yield File("", "", decode_base64(body.json))
    for file in body.pictures("image_bytes"):
        try:
            yield File(file.field, file.filename, decode_base64(file.contents.decode("ascii")))
        except (HTTPException, UnicodeDecodeError):  # the picture itself
            yield file
