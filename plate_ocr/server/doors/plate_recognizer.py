"""The door for clients of Plate Recognizer Snapshot: ``/v1/plate-reader``, ``/v1/statistics``, ``/info``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from fastapi import HTTPException, Request, Response

from plate_ocr import __version__
from plate_ocr.readers.results import Plate, Reading
from plate_ocr.server.doors.candidates import (
    Box,
    box_of,
    candidates,
    detection_score,
    known_regions,
    region_of,
)
from plate_ocr.server.doors.door import MAX_CALLS, Json, check_access, count_call, door, received, route
from plate_ocr.server.requests import name_of

NO_BOX = Box(0, 0, 0, 0)

router = door(
    "Plate Recognizer",
    lambda status, error: (status, {"detail": error, "error": error, "status_code": status}),
)


@route(router, "POST", "/v1/plate-reader")
async def plate_reader(request: Request) -> Response:
    """Read a picture: the file or base64 text ``upload``, with ``regions`` and ``config``."""
    async with received(request, "upload", url="upload_url") as upload:
        config = _config(upload.text("config"))
        regions = known_regions(upload.values("regions"))
        reading = await upload.read(regions=regions)
        answer = {
            "processing_time": round(reading.ms, 3),
            "results": plate_results(
                reading,
                regions,
                strict=config.get("region") == "strict",
                by_vehicle=config.get("detection_mode") == "vehicle",
            ),
            "filename": name_of(upload.file),
            "version": 1,
            "camera_id": upload.text("camera_id"),
            "timestamp": upload.text("timestamp") or _time(datetime.now(UTC)),
            "usage": {"calls": count_call(request), "max_calls": MAX_CALLS},
        }
    return Json(answer, 201)


@route(router, "GET", "/v1/statistics")
async def statistics(request: Request) -> Response:
    """How many pictures were read this month, since the server's start."""
    await check_access(request)
    now = datetime.now(UTC)
    year, month = (now.year + 1, 1) if now.month == 12 else (now.year, now.month + 1)
    usage = {
        "month": now.month,
        "calls": count_call(request, 0),
        "year": now.year,
        "resets_on": f"{year}-{month:02}-01T00:00:00Z",
    }
    return Json({"usage": usage, "total_calls": MAX_CALLS})


@route(router, "GET", "/info")
async def info() -> Response:
    """What serves."""
    return Json({"version": __version__, "license_key": "", "webhooks": []})


def _config(text: str | None) -> dict[str, Any]:
    """The settings of a request; unknown ones have no effect.

    Raises:
        HTTPException: 400 if it is no JSON object.
    """
    try:
        config = json.loads(text or "{}")
    except (ValueError, RecursionError):
        config = None
    if not isinstance(config, dict):
        raise HTTPException(400, "config is no JSON object, such as {}")
    return config


def _time(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def plate_results(
    reading: Reading, regions: Sequence[str] = (), *, strict: bool = False, by_vehicle: bool = False
) -> list[dict[str, Any]]:
    """The ``results`` of an answer.

    Args:
        reading: what was read.
        regions: codes of the regions that the client names.
        strict: whether a text must have a format of one of these.
        by_vehicle: whether in the form of ``"detection_mode": "vehicle"``.
    """
    form = _vehicle_result if by_vehicle else _result
    found = [(plate, region_of(plate.text, regions)) for plate in reading.plates]
    return [
        form(plate, _region(plate, hinted), box_of(plate, reading.width, reading.height))
        for plate, hinted in found
        if hinted or not (strict and regions)
    ]


def _region(plate: Plate, hinted: str) -> tuple[str, float]:
    """The code of a plate's region and its score: one of the client's that suits it, else what was read."""
    if hinted:
        return hinted, round(plate.confidence, 3)
    return (plate.region.country, round(plate.region.confidence, 3)) if plate.region else ("", 0.0)


def _result(plate: Plate, region: tuple[str, float], box: Box) -> dict[str, Any]:
    texts = [{"score": round(one.score, 3), "plate": one.text.lower()} for one in candidates(plate)]
    return {
        "box": _box(box),
        **texts[0],
        "dscore": round(detection_score(plate), 3),
        "region": dict(zip(("code", "score"), region, strict=True)),
        "candidates": texts,
        "vehicle": {"type": "Unknown", "score": 0.0, "box": _box(NO_BOX)},
        "model_make": [],
        "color": [],
        "orientation": [],
    }


def _vehicle_result(plate: Plate, region: tuple[str, float], box: Box) -> dict[str, Any]:
    texts = [{"value": one.text.lower(), "score": round(one.score, 3)} for one in candidates(plate)]
    regions = [dict(zip(("value", "score"), region, strict=True))] if region[0] else []
    return {
        "plate": {
            "type": "Plate",
            "score": round(detection_score(plate), 3),
            "box": _box(box),
            "props": {"plate": texts, "region": regions},
        },
        "vehicle": {
            "type": "Unknown",
            "score": 0.0,
            "box": _box(NO_BOX),
            "props": {"make_model": [], "color": [], "orientation": []},
        },
    }


def _box(box: Box) -> dict[str, int]:
    return {"xmin": box.x_min, "ymin": box.y_min, "xmax": box.x_max, "ymax": box.y_max}
