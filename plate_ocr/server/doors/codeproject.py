"""The door for clients of CodeProject.AI and DeepStack: ``/v1/vision/…`` and ``/v1/image/alpr``."""

from __future__ import annotations

from email.utils import formatdate
from typing import Any
from uuid import uuid4

from fastapi import HTTPException, Request, Response

from plate_ocr import __version__
from plate_ocr.alphabet import UNKNOWN
from plate_ocr.readers.results import Plate, Reading
from plate_ocr.server.doors.candidates import box_of, detection_score
from plate_ocr.server.doors.door import Json, Upload, door, received, route

DAY_PLATE = "DayPlate"
"""Label of plates of the custom model ``license-plate``."""

PLATE = "license_plate"
"""Label of plates among other objects."""

MODELS = ("license-plate",)
"""Custom models."""


def failure(status: int, error: str) -> tuple[int, dict[str, Any]]:
    """The answer of the module ALPR where a picture cannot be read: status 200; others keep theirs."""
    body = {"success": False, "error": error, **_about("alpr", 0.0), "code": status}
    return (200 if status == 400 else status), body


alpr_router = door("CodeProject.AI", failure)
router = door("CodeProject.AI", lambda status, error: (status, failure(status, error)[1]))


@route(alpr_router, "POST", "/v1/vision/alpr", "/v1/image/alpr")
async def alpr(request: Request) -> Response:
    """Read a picture: the file ``upload``, with ``min_confidence``."""
    async with received(request, "upload", "image") as upload:
        least = _min_confidence(upload)
        return Json(alpr_answer(await upload.read(), least))


@route(router, "POST", "/v1/vision/custom/license-plate")
async def license_plate(request: Request) -> Response:
    """Find plates in a picture, as a custom model does: the file ``image``, with ``min_confidence``."""
    return await _detect(request, DAY_PLATE)


@route(router, "POST", "/v1/vision/detection")
async def detection(request: Request) -> Response:
    """Find plates in a picture, as DeepStack finds objects."""
    return await _detect(request, PLATE)


@route(router, "POST", "/v1/vision/custom/list")
async def custom_models() -> Response:
    """The custom models."""
    return Json(status_answer("", "list", models=[*MODELS], count=len(MODELS)))


@route(router, "GET", "/v1/status/ping", "/v1/server/status/ping")
@route(router, "GET", "/v1/status/version", "/v1/server/status/version")
async def version() -> Response:
    """What serves."""
    return Json(status_answer(__version__, "ping"))


@route(router, "GET", "/v1/status/updateavailable", "/v1/server/status/updateavailable")
async def update() -> Response:
    """There is no newer version: the server asks nobody."""
    return Json(status_answer("", "updateavailable", updateAvailable=False))


async def _detect(request: Request, label: str) -> Response:
    async with received(request, "image", "upload", form_key="api_key") as upload:
        least = _min_confidence(upload)
        return Json(detection_answer(await upload.read(), label, least))


def _min_confidence(upload: Upload) -> float:
    """The least confidence that a request wants.

    Raises:
        HTTPException: 400 if it is no number from 0 to 1.
    """
    text = upload.text("min_confidence") or upload.text("confidence") or "0"
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        raise HTTPException(400, f"min_confidence {text!r}: a number from 0 to 1 is expected")
    return number


def alpr_answer(reading: Reading, min_confidence: float = 0.0) -> dict[str, Any]:
    """The answer of the module ALPR.

    Args:
        reading: what was read.
        min_confidence: less sure plates are left out.
    """
    plates = [plate for plate in reading.plates if plate.confidence >= min_confidence]
    return _answer([_prediction(plate, reading) for plate in plates], "plates", "alpr", reading)


def detection_answer(reading: Reading, label: str, min_confidence: float = 0.0) -> dict[str, Any]:
    """The answer of an object detector that knows plates alone.

    Args:
        reading: what was read.
        label: of a plate.
        min_confidence: less surely detected plates are left out.
    """
    found: list[dict[str, Any]] = [
        {"label": label, "confidence": round(score, 4), **_box(plate, reading)}
        for plate in reading.plates
        if (score := detection_score(plate)) >= min_confidence
    ]
    return _answer(found, "objects", "detect", reading) | {"duration": 0}


def _answer(found: list[dict[str, Any]], what: str, command: str, reading: Reading) -> dict[str, Any]:
    said = f"Found {', '.join(one['label'] for one in found)}" if found else f"No {what} found"
    return {
        "success": True,
        "message": said,
        "count": len(found),
        "predictions": found,
        **_about(command, reading.ms),
    }


def status_answer(message: str, command: str, **more: Any) -> dict[str, Any]:
    """An answer without a picture."""
    return {"success": True, "message": message, **more, **_about(command, 0.0)}


def _prediction(plate: Plate, reading: Reading) -> dict[str, Any]:
    box, size = box_of(plate, reading.width, reading.height), (reading.width, reading.height)
    center = (box.x_min + box.x_max) / 2, (box.y_min + box.y_max) / 2
    sides = box.x_max - box.x_min, box.y_max - box.y_min
    outline = [[round(x) - box.x_min, round(y) - box.y_min] for x, y in plate.corners]
    parts = (value / side for value, side in zip((*center, *sides), (*size, *size), strict=True))
    return {
        "confidence": round(plate.confidence, 4),
        "label": f"Plate: {plate.text}",
        "plate": plate.text,
        **_box(plate, reading),
        # As YOLO writes it: class, center, width and height as parts of the picture's.
        "plate_annotation": " ".join(["0", *(f"{part:.6f}" for part in parts)]),
        "ocr_annotation": [[outline, [plate.text, round(plate.confidence, 4)]]],
        "valid_ocr_annotation": UNKNOWN not in plate.text,
    }


def _box(plate: Plate, reading: Reading) -> dict[str, int]:
    return box_of(plate, reading.width, reading.height)._asdict()


def _about(command: str, ms: float) -> dict[str, Any]:
    return {
        "processMs": round(ms),
        "inferenceMs": round(ms),
        "analysisRoundTripMs": round(ms),
        "moduleId": "ALPR",
        "moduleName": "License Plate Reader",
        "code": 200,
        "command": command,
        "requestId": str(uuid4()),
        "inferenceDevice": "CPU",
        "processedBy": "localhost",
        "timestampUTC": formatdate(usegmt=True),
    }
