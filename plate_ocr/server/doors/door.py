"""What all doors do: paths with and without the last slash, errors in their clients' form, one picture."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from plate_ocr.errors import ImageSizeError
from plate_ocr.readers.auto import InputType
from plate_ocr.readers.results import Reading
from plate_ocr.server.doors.fetch import fetch
from plate_ocr.server.reading import RETRY_AFTER_S, OverloadedError, ReadingService
from plate_ocr.server.requests import Body, File, name_of, parse

ErrorBody: TypeAlias = Callable[[int, str], tuple[int, Any]]
"""Of a status and a sentence, the status and the JSON that a client gets."""

Handler: TypeAlias = Callable[..., Coroutine[Any, Any, Response]]

MAX_CALLS = 1_000_000
"""What clients are told that they may send in a month; nothing counts against it."""


class Json(JSONResponse):
    """JSON in ASCII, which takes whatever text a client sent."""

    def render(self, content: Any) -> bytes:
        """The body."""
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")


def door(name: str, error_body: ErrorBody) -> APIRouter:
    """A router whose errors have this form.

    Args:
        name: of whose clients it is for.
        error_body: makes the body of an error.
    """

    class Route(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def answer(request: Request) -> Response:
                try:
                    return await handle(request)
                except OverloadedError as overloaded:
                    error = HTTPException(429, str(overloaded), {"Retry-After": str(RETRY_AFTER_S)})
                except HTTPException as raised:
                    error = raised
                # What cannot be processed is a bad request in all of these APIs.
                status = 400 if error.status_code == 422 else error.status_code
                status, body = error_body(status, str(error.detail))
                return Json(body, status, dict(error.headers or {}))

            return answer

    return APIRouter(tags=[name], route_class=Route)


def route(router: APIRouter, method: str, *paths: str) -> Callable[[Handler], Handler]:
    """Add a handler for these paths, each with and without a last slash."""

    def add(handler: Handler) -> Handler:
        for path in paths:
            for one in (path, f"{path}/"):
                router.add_api_route(
                    one,
                    handler,
                    methods=[method],
                    include_in_schema=one == path,
                    response_model=None,
                    openapi_extra=None if method == "GET" else UPLOAD_SCHEMA,
                )
        return handler

    return add


UPLOAD_SCHEMA = {
    "requestBody": {
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        name: {"type": "string", "format": "binary"} for name in ("upload", "image")
                    },
                }
            },
            "application/json": {"schema": {"type": "object"}},
        }
    }
}
"""A picture as a file; each door takes other fields beside it."""


@dataclass(frozen=True)
class Upload:
    """The picture of a request.

    Attributes:
        body: with the fields beside it.
        file: the picture.
        service: reads it.
    """

    body: Body
    file: File
    service: ReadingService

    def values(self, name: str) -> list[str]:
        """The texts of a field, or of a key of a JSON object, which may be a list or a number."""
        value = self.body.json.get(name) if isinstance(self.body.json, dict) else None
        given = value if isinstance(value, list) else [value]
        texts = (one if isinstance(one, str) else json.dumps(one) for one in given if one is not None)
        return [*texts, *self.body.all_fields(name)]

    def text(self, name: str) -> str | None:
        """The first of these; None if there is none."""
        return next(iter(self.values(name)), None)

    async def read(self, *, input: InputType = "auto", regions: tuple[str, ...] = ()) -> Reading:
        """What it shows.

        Args:
            input: photo, plate or either.
            regions: codes of regions that are hints.

        Raises:
            HTTPException: 400 if it cannot be read, 413 if it is too large.
            OverloadedError: if too many wait.
        """
        return await read_picture(self.service, self.file, input=input, regions=regions)


async def read_picture(
    service: ReadingService, file: File, *, input: InputType = "auto", regions: tuple[str, ...] = ()
) -> Reading:
    """Read a picture; arguments and errors as of :meth:`Upload.read`."""
    (result,) = await service.read([file.contents], names=[name_of(file)], input=input, regions=regions)
    if result.reading is None:
        raise HTTPException(413 if isinstance(result.error, ImageSizeError) else 400, str(result.error))
    return result.reading


@asynccontextmanager
async def received(
    request: Request,
    *names: str,
    query_key: str = "",
    form_key: str = "",
    url: str = "",
    find: Callable[[Body], Iterable[File]] | None = None,
) -> AsyncIterator[Upload]:
    """Receive a picture, as a file of any name or as base64 text; it counts as long as it is worked on.

    Args:
        request: with a body.
        names: of the part or key: a file of such a name goes before others, and a text must have one.
        query_key: name of the query that may have the client's key.
        form_key: name of the field that may have it.
        url: name of the field or query that may have the picture's address instead.
        find: finds pictures in the body; by default those of these names.

    Raises:
        HTTPException: 400 if there is none, or as of :func:`check_access` and :func:`fetch`.
        OverloadedError: if too many are worked on.
    """
    if not form_key:
        await check_access(request, request.query_params.get(query_key) if query_key else None)
    service = request.app.state.reading
    async with service.admitted():
        body = await parse(request)
        if form_key:
            await check_access(request, body.field(form_key))
        found = find(body) if find else body.pictures(*names)
        files = [file for file in found if file.contents]
        if url and not files and (address := body.field(url) or request.query_params.get(url)):
            files = [await fetch(address, request.app.state.settings)]
        if not files:
            raise HTTPException(400, f"there is no picture in the request; send it as the file {names[0]!r}")
        yield Upload(body, next((file for file in files if file.field in names), files[0]), service)


async def check_access(request: Request, key: str | None = None) -> None:
    """Refuse who may not read.

    Args:
        request: theirs.
        key: from elsewhere than the headers.

    Raises:
        HTTPException: 401 if they do not say who they are, 403 if they may not, 429 if they ask too often.
    """
    # A key of ours is ASCII; JSON may have what cannot be encoded.
    key = key and key.encode("ascii", "replace").decode()
    await request.app.state.access.check(request, "read", key)


def count_call(request: Request, calls: int = 1) -> int:
    """Count calls; those of this month, since the server's start."""
    state, month = request.app.state, datetime.now(UTC).strftime("%Y-%m")
    if getattr(state, "calls_month", None) != month:
        state.calls_month, state.calls = month, 0
    state.calls += calls
    return int(state.calls)


def is_true(values: list[str]) -> bool:
    """Whether the last value of a field says yes, however it is spelt."""
    return bool(values) and values[-1].strip().lower() in ("1", "true", "yes", "on")
