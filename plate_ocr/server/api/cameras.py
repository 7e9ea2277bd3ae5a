"""``/api/v1/cameras``: cameras, their state and last picture; pictures that are pushed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path as FilePath
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Path, Request, Response
from fastapi.concurrency import run_in_threadpool

from plate_ocr.errors import ImageError, ImageSizeError
from plate_ocr.readers.results import reading_values
from plate_ocr.server.access import needs
from plate_ocr.server.api.dependencies import Reading
from plate_ocr.server.cameras.config import Camera
from plate_ocr.server.cameras.service import CameraService, WatchedCamera
from plate_ocr.server.events import TimedStream
from plate_ocr.server.reading import decode
from plate_ocr.server.requests import name_of, parse

router = APIRouter(prefix="/api/v1", tags=["cameras"])

LIVE_S = 0.2
"""Seconds between two pictures of a live view, at least."""

REPEAT_S = 1.0
"""A picture is sent again after so many seconds: browsers show one only when the next comes."""

BOUNDARY = b"--picture\r\n"

MJPEG_TYPE = "multipart/x-mixed-replace; boundary=picture"

MJPEG: dict[int | str, dict[str, Any]] = {200: {"content": {"multipart/x-mixed-replace": {}}}}

READ = [Depends(needs("read"))]

OPERATE = [Depends(needs("operate"))]

ADMIN = [Depends(needs("admin"))]

Name = Annotated[str, Path(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f/]+$")]


async def camera_service(request: Request) -> CameraService:
    """The cameras, as a dependency of routes."""
    service = request.app.state.cameras
    if service is None:
        raise HTTPException(409, "cameras are watched with --workers 1 only")
    assert isinstance(service, CameraService)
    return service


Cameras = Annotated[CameraService, Depends(camera_service)]


async def camera(cameras: Cameras, name: Name) -> WatchedCamera:
    """A camera, as a dependency of routes."""
    if (found := cameras.get(name)) is None:
        raise HTTPException(404, f"there is no camera {name!r}")
    return found


One = Annotated[WatchedCamera, Depends(camera)]


def allowed(request: Request, new: Camera) -> Camera:
    """The settings of a camera, as a dependency of routes: its folder must be one of ``--allow-folder``."""
    if new.kind == "folder":
        folder = FilePath(new.source).resolve()
        if not any(folder.is_relative_to(one.resolve()) for one in request.app.state.settings.allow_folder):
            raise HTTPException(403, f"the folder {new.source!r} is not allowed: see --allow-folder")
    return new


New = Annotated[Camera, Depends(allowed)]


@router.get("/cameras", dependencies=READ)
async def all_cameras(cameras: Cameras) -> list[dict[str, Any]]:
    """All cameras with their state; passwords are ``***``."""
    return [watched.to_dict() for watched in cameras.all]


@router.post("/cameras", dependencies=ADMIN, status_code=201)
def add_camera(cameras: Cameras, new: New) -> dict[str, Any]:
    """Add a camera."""
    if cameras.get(new.name):
        raise HTTPException(409, f"there is a camera {new.name!r} already")
    return cameras.put(new).to_dict()


@router.get("/cameras/{name}", dependencies=READ)
async def one_camera(found: One) -> dict[str, Any]:
    """A camera with its state."""
    return found.to_dict()


@router.put("/cameras/{name}", dependencies=ADMIN)
def set_camera(cameras: Cameras, name: Name, new: New) -> dict[str, Any]:
    """Add or change a camera; a password given as ``***`` stays."""
    if new.name != name:
        raise HTTPException(409, f"the path names the camera {name!r}, the body {new.name!r}")
    return cameras.put(new).to_dict()


@router.delete("/cameras/{name}", dependencies=ADMIN, status_code=204)
def delete_camera(cameras: Cameras, name: Name) -> None:
    """Delete a camera; what it saw stays."""
    if not cameras.delete(name):
        raise HTTPException(404, f"there is no camera {name!r}")


@router.get("/cameras/{name}/latest.jpg", dependencies=READ, response_class=Response)
def latest(found: One) -> Response:
    """The last picture of a camera."""
    if (picture := found.latest_jpeg()) is None:
        raise HTTPException(404, f"no picture of {found.camera.name!r} came yet")
    return Response(picture, media_type="image/jpeg", headers={"Cache-Control": "no-store"})


@router.get("/cameras/{name}/live.mjpg", dependencies=READ, response_class=Response, responses=MJPEG)
async def live(request: Request, cameras: Cameras, found: One) -> Response:
    """The pictures of a camera as they come, some a second, as MJPEG; it ends when the camera is changed."""
    hub = request.app.state.events

    async def parts() -> AsyncIterator[bytes]:
        sent, again = None, 0.0
        yield BOUNDARY
        while not hub.closed and cameras.get(found.camera.name) is found:
            picture = await run_in_threadpool(found.latest_jpeg)
            if picture is not None and (picture is not sent or time.monotonic() >= again):
                sent, again = picture, time.monotonic() + REPEAT_S
                head = f"Content-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
                yield head.encode() + picture + b"\r\n" + BOUNDARY
            await asyncio.sleep(LIVE_S)

    return TimedStream(parts(), media_type=MJPEG_TYPE, headers={"Cache-Control": "no-store"})


@router.post("/cameras/{name}/frame", dependencies=OPERATE)
async def push_frame(request: Request, service: Reading, found: One) -> dict[str, Any]:
    """Take a picture of a camera of the kind push, as ``/api/v1/read`` takes it."""
    if found.camera.kind != "push":
        raise HTTPException(409, f"the pictures of {found.camera.name!r} are not pushed")
    async with service.admitted():
        file = next((file for file in (await parse(request)).pictures("image") if file.contents), None)
        if file is None:
            raise HTTPException(400, "there is no picture in the body: send a file")
        name, settings = name_of(file), request.app.state.settings
        try:
            reading = await run_in_threadpool(lambda: found.push(decode(file.contents, name, settings)))
        except ImageError as error:
            raise HTTPException(413 if isinstance(error, ImageSizeError) else 422, str(error)) from None
    return reading_values(name, reading)
