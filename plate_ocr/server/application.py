"""The application: what answers each path, and what is open while it runs."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from types import FrameType
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from plate_ocr import __version__
from plate_ocr.errors import DataError, StoreError
from plate_ocr.server import docs, health, metrics
from plate_ocr.server.access import Access, AccessError, prepare_data_folder
from plate_ocr.server.api import (
    access,
    audit,
    cameras,
    channels,
    events,
    frigate,
    intake,
    lists,
    read,
    retention,
    sightings,
    stats,
)
from plate_ocr.server.cameras.service import CameraService
from plate_ocr.server.doors.routers import ROUTERS
from plate_ocr.server.events import EventHub
from plate_ocr.server.health import told_states
from plate_ocr.server.hosts import HostCheck
from plate_ocr.server.limits import OVERHEAD, BodyLimit, error_response
from plate_ocr.server.metrics import CountRequests, Metrics
from plate_ocr.server.mistakes import first_mistake
from plate_ocr.server.opening import keeping
from plate_ocr.server.page import shell
from plate_ocr.server.reading import RETRY_AFTER_S, OverloadedError, ReadingService
from plate_ocr.server.settings import Settings


class Error(BaseModel):
    """What a client gets instead of an answer."""

    error: str


ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": Error, "description": description}
    for status, description in {
        400: "The request is damaged, or for another host.",
        401: "A key is needed, or it is wrong.",
        403: "The role does not suffice, or a page of another server asks.",
        404: "There is no such thing.",
        408: "The body was not there in time.",
        409: "It contradicts what is there.",
        413: "The body or a picture is too large.",
        422: "A value is wrong, or a picture cannot be read.",
        429: "Too many pictures wait, or too many requests came; see Retry-After.",
    }.items()
}
"""What any request may be answered with."""

LOGGER = logging.getLogger(__name__)


def create_app(settings: Settings) -> FastAPI:
    """The application for these settings.

    ``app.state`` has ``settings``, ``access``, ``metrics``, ``reading``, ``cameras`` and, while it runs,
    ``events`` and what :func:`~plate_ocr.server.opening.keeping` opens.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        prepare_data_folder(settings.data)
        hub = app.state.events = EventHub(lambda: app.state.store, lambda: told_states(app.state))
        with keeping(app, settings), ending(hub.close):
            app.state.store.on_sighting = hub.wake
            telling = asyncio.create_task(hub.run())
            reading.start()
            # Of several processes each would watch them.
            if settings.workers == 1:
                store = app.state.store
                app.state.cameras = CameraService(
                    settings.data, reading.reader_of("photo"), store.keep, store.zone
                )
            try:
                if app.state.cameras:
                    app.state.cameras.start()
                yield
            finally:
                hub.close()
                telling.cancel()
                if app.state.cameras:
                    app.state.cameras.close()
                reading.close()

    app = FastAPI(
        title="plate-ocr",
        description="Reads licence plates.",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.state.settings = settings
    reading = app.state.reading = ReadingService(settings)
    app.state.access = Access(settings)
    app.state.metrics = Metrics()
    app.state.cameras = None
    for error, answer in (
        (HTTPException, _http_error),
        (RequestValidationError, _invalid),
        (OverloadedError, _overloaded),
        (AccessError, _conflict),
        (DataError, _refused),
        (StoreError, _not_kept),
        (Exception, _failed),
    ):
        app.add_exception_handler(error, answer)
    own = (sightings, events, stats, lists, channels, intake, frigate, retention, audit)
    for module in (health, metrics, docs, read, *own, cameras, access):
        app.include_router(module.router, responses=ERRORS)
    app.include_router(shell.router)
    for router in ROUTERS:  # their errors have forms of their own
        app.include_router(router)
    # The last one is the outermost. A picture in base64 is longer by a third, more where signs are escaped.
    app.add_middleware(HostCheck, settings=settings)
    app.add_middleware(BodyLimit, most=int(settings.max_upload * 1.5) + OVERHEAD)
    app.add_middleware(CountRequests, metrics=app.state.metrics)
    return app


@contextmanager
def ending(end: Callable[[], None]) -> Iterator[None]:
    """While this lasts, ``end`` is called in the loop as soon as a signal tells the process to end.

    A server waits for its requests before it ends the application: a stream would let it wait in vain.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop, before = asyncio.get_running_loop(), dict[int, Any]()

    def told(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(end)
        if callable(then := before[number]):
            then(number, frame)

    before |= {one: signal.signal(one, told) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, then in before.items():
            signal.signal(number, then)


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return error_response(error.status_code, str(error.detail), dict(error.headers or {}))


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return error_response(422, first_mistake(error.errors()))


async def _overloaded(request: Request, error: Exception) -> JSONResponse:
    headers = {"Retry-After": str(RETRY_AFTER_S)}
    return error_response(429, str(error), headers)


async def _conflict(request: Request, error: Exception) -> JSONResponse:
    return error_response(409, str(error))


async def _refused(request: Request, error: Exception) -> JSONResponse:
    return error_response(422, str(error))


async def _not_kept(request: Request, error: Exception) -> JSONResponse:
    LOGGER.warning("%s", error)
    return error_response(503, str(error), {"Retry-After": str(RETRY_AFTER_S)})


async def _failed(request: Request, error: Exception) -> JSONResponse:
    return error_response(500, "the server failed; its log says why")
