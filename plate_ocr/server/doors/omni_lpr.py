"""The door for clients of omni-lpr: ``/api/health``, ``/api/v1/tools`` and the tools, which MCP has too."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, NamedTuple

from fastapi import FastAPI, HTTPException, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from plate_ocr import __version__
from plate_ocr.readers.results import Plate, Reading
from plate_ocr.server.doors.candidates import box_of, detection_score
from plate_ocr.server.doors.door import Json, check_access, door, read_picture, route
from plate_ocr.server.doors.fetch import fetch
from plate_ocr.server.mistakes import first_mistake
from plate_ocr.server.reading import ReadingService
from plate_ocr.server.requests import File, decode_base64, parse
from plate_ocr.server.settings import Settings

MODEL = Field(None, description="Any name is taken: the server's own model reads.")


class NoArguments(BaseModel):
    """Of a tool that takes none."""

    model_config = ConfigDict(extra="forbid")


class PlateArguments(NoArguments):
    """What to read, as base64 text."""

    image_base64: str = Field(min_length=1, description="Image file, base64.")
    ocr_model: str | None = MODEL


class PhotoArguments(PlateArguments):
    """What to look for plates in, as base64 text."""

    detector_model: str | None = MODEL


class PlatePathArguments(NoArguments):
    """What to read, as a path."""

    path: str = Field(min_length=1, description="Path of an image file in a folder that the server may open.")
    ocr_model: str | None = MODEL


class PhotoPathArguments(PlatePathArguments):
    """What to look for plates in, as a path."""

    detector_model: str | None = MODEL


def recognized(plate: Plate) -> dict[str, Any]:
    """An entry of ``recognize_plate``."""
    region, prob = _region(plate)
    return {"plate": plate.text, "char_probs": _char_probs(plate), "region": region, "region_prob": prob}


def detected(plate: Plate, reading: Reading) -> dict[str, Any]:
    """An entry of ``detect_and_recognize_plate``."""
    box = box_of(plate, reading.width, reading.height)
    region, confidence = _region(plate)
    return {
        "detection": {
            "label": "License Plate",
            "confidence": round(detection_score(plate), 4),
            "bounding_box": dict(zip(("x1", "y1", "x2", "y2"), box, strict=True)),
        },
        "ocr": {
            "text": plate.text,
            "confidence": _char_probs(plate),
            "region": region,
            "region_confidence": confidence,
        },
    }


def _char_probs(plate: Plate) -> list[float]:
    return [round(char.confidence, 4) for char in plate.chars]


def _region(plate: Plate) -> tuple[str, float] | tuple[None, None]:
    """The code of a plate's country and its confidence; None where they are unknown."""
    region = plate.region
    return (region.country, round(region.confidence, 4)) if region else (None, None)


async def _recognize(service: ReadingService, file: File) -> list[Any]:
    return [recognized(plate) for plate in (await read_picture(service, file, input="plate")).plates]


async def _detect(service: ReadingService, file: File) -> list[Any]:
    reading = await read_picture(service, file)
    return [detected(plate, reading) for plate in reading.plates]


class Tool(NamedTuple):
    """What a client may call.

    Attributes:
        title: for people.
        description: for agents.
        arguments: what it takes.
        read: reads a picture; None where the tool takes none.
    """

    title: str
    description: str
    arguments: type[NoArguments]
    read: Callable[[ReadingService, File], Awaitable[list[Any]]] | None = None


TOOLS = {
    "recognize_plate": Tool(
        "Recognize License Plate",
        "Reads a picture that shows one plate, cut out.",
        PlateArguments,
        _recognize,
    ),
    "recognize_plate_from_path": Tool(
        "Recognize License Plate from Path",
        "Reads a picture that shows one plate, cut out, from a file or an address that the server may open.",
        PlatePathArguments,
        _recognize,
    ),
    "detect_and_recognize_plate": Tool(
        "Detect and Recognize License Plate",
        "Finds all plates in a picture and reads them.",
        PhotoArguments,
        _detect,
    ),
    "detect_and_recognize_plate_from_path": Tool(
        "Detect and Recognize License Plate from Path",
        "Finds and reads all plates in a picture, a file or an address that the server may open.",
        PhotoPathArguments,
        _detect,
    ),
    "list_models": Tool("List Available Models", "Names the models that read.", NoArguments),
}
"""By their names."""


def tools_for(settings: Settings) -> dict[str, Tool]:
    """The tools that a server with these settings has: by path only where it may open any."""
    opens = bool(settings.allow_folder or settings.allow_url_host)
    return {
        name: tool
        for name, tool in TOOLS.items()
        if opens or not issubclass(tool.arguments, PlatePathArguments)
    }


def described(tools: dict[str, Tool]) -> list[dict[str, Any]]:
    """Tools as clients list them."""
    return [
        {
            "name": name,
            "title": tool.title,
            "description": tool.description,
            "inputSchema": tool.arguments.model_json_schema(),
        }
        for name, tool in tools.items()
    ]


async def call_tool(app: FastAPI, name: str, arguments: Any, file: File | None = None) -> Any:
    """Call a tool.

    Args:
        app: the server.
        name: of the tool.
        arguments: what it takes, as a JSON object.
        file: a picture in the place of the argument ``image_base64``.

    Returns:
        JSON.

    Raises:
        HTTPException: 404 if there is no such tool, 400 for wrong arguments or a picture that cannot be read,
            403 for a path that may not be opened, 413 for a picture that is too large.
        OverloadedError: if too many pictures wait.
    """
    settings, service = app.state.settings, app.state.reading
    tool = TOOLS.get(name)
    if tool is None:
        raise HTTPException(404, f"there is no tool {name!r}; there are {', '.join(tools_for(settings))}")
    if file is not None and isinstance(arguments, dict):
        # Only that it is there is checked.
        arguments = {"image_base64": "-"} | arguments
    try:
        checked = tool.arguments.model_validate(arguments)
    except ValidationError as error:
        where = "" if error.errors()[0]["loc"] else "arguments: "
        raise HTTPException(400, where + first_mistake(error.errors())) from None
    if tool.read is None:
        return {"detector_models": ["detector"], "ocr_models": ["plates"]}
    if isinstance(checked, PlatePathArguments):
        file = await fetch(checked.path, settings)
    elif file is None and isinstance(checked, PlateArguments):
        file = File("", "", decode_base64(checked.image_base64))
    assert file is not None
    return await tool.read(service, file)


def error_body(status: int, error: str) -> tuple[int, Any]:
    """An error as clients of omni-lpr get it."""
    code = "VALIDATION_ERROR" if status == 400 else HTTPStatus(status).name
    return status, {"error": {"code": code, "message": error, "details": None}}


router = door("omni-lpr", error_body)


@route(router, "GET", "/api/health")
async def health() -> Response:
    """The server runs."""
    return Json({"status": "ok", "version": __version__})


@route(router, "GET", "/api/v1/tools")
async def tools(request: Request) -> Response:
    """The tools that can be invoked."""
    await check_access(request)
    return Json({"tools": described(tools_for(request.app.state.settings))})


@route(router, "POST", "/api/v1/tools/{name}/invoke")
async def invoke(request: Request, name: str) -> Response:
    """Call a tool: with a JSON object of arguments, or a form with the file ``image`` and others as text."""
    await check_access(request)
    async with request.app.state.reading.admitted():
        body = await parse(request)
        arguments = dict(body.fields) if body.json is None else body.json
        file = next((file for file in body.files if file.contents), None)
        data = await call_tool(request.app, name, arguments, file)
    return Json({"content": [{"type": "json", "data": data}]})
