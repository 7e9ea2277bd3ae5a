"""Bounds on what one client may ask: requests per minute, and the size and time of a body."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_CLIENTS = 10_000
"""Clients that are counted, at most; who asked least recently is forgotten."""

UPLOAD_TIMEOUT_S = 60.0
"""A body must be there after so many seconds."""

OVERHEAD = 65_536
"""Bytes of a body beside its pictures, at most."""


class RateLimit:
    """Counts requests of clients: each has so many, which come back evenly over a minute.

    Args:
        per_minute: how many; 0 for no limit.
    """

    def __init__(self, per_minute: int) -> None:
        self.per_minute = per_minute
        self._clients: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, client: str) -> int:
        """Whole seconds until a client may ask; 0 if it may now."""
        if not self.per_minute:
            return 0
        missing = 1 - self._left(client)
        return 0 if missing <= 0 else int(60 * missing / self.per_minute) + 1

    def count(self, client: str) -> None:
        """Count a request."""
        self._clients[client] = self._left(client) - 1, time.monotonic()
        self._clients.move_to_end(client)
        if len(self._clients) > MAX_CLIENTS:
            self._clients.popitem(last=False)

    def _left(self, client: str) -> float:
        now = time.monotonic()
        left, since = self._clients.get(client, (float(self.per_minute), now))
        return min(self.per_minute, left + (now - since) * self.per_minute / 60)


def too_many(seconds: int, error: str) -> HTTPException:
    """The error of a client that must wait."""
    return HTTPException(429, f"{error}; try again in {seconds} s", {"Retry-After": str(seconds)})


def error_response(status: int, error: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """An error as clients of the own API get it."""
    return JSONResponse({"error": error}, status, headers)


class BodyLimit:
    """Bounds the size of bodies and the time until they are there.

    An answer that does not need the body comes after it all the same: most clients read no answer while
    they send.

    Args:
        app: the application.
        most: bytes.
    """

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app, self._most = app, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        told = Headers(scope=scope).get("Content-Length", "0")
        body = _Received(receive, self._most, int(told) if told.isdecimal() else 0)

        async def send_after_body(message: Message) -> None:
            if message["type"] == "http.response.start":
                await body.discard_rest()
            await send(message)

        await self._app(scope, body, send_after_body)


class _Received:
    """The messages of a body, up to a limit."""

    def __init__(self, receive: Receive, most: int, told: int) -> None:
        self._receive, self._most, self._told = receive, most, told
        self._size, self._done = 0, False
        self._deadline = asyncio.get_running_loop().time() + UPLOAD_TIMEOUT_S

    async def __call__(self) -> Message:
        if self._done:
            return await self._receive()
        self._check()
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            raise HTTPException(408, f"the body was not there after {UPLOAD_TIMEOUT_S:.0f} s") from None
        self._size += len(message.get("body", b""))
        self._check()
        self._done = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    def _check(self) -> None:
        if max(self._size, self._told) > self._most:
            raise HTTPException(413, f"the body is too large; at most {self._most:,} bytes are taken")

    async def discard_rest(self) -> None:
        """Take the rest of the body without keeping it, unless it is beyond the limits."""
        try:
            while not self._done:
                await self()
        except HTTPException:
            self._done = True
