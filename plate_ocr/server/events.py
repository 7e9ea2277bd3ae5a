"""What happens, for all who listen: each event is looked up and written once, whatever their number."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from fastapi.responses import StreamingResponse
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from sqlalchemy import func, select
from starlette.types import Message, Send

from plate_ocr.errors import StoreError
from plate_ocr.server.keeping import SightingStore, event_of
from plate_ocr.server.limits import too_many
from plate_ocr.server.store.schema import SIGHTING
from plate_ocr.server.store.sightings import Sighting, rows, with_matches

POLL_S = 1.0
"""How often it is looked for what other processes kept, and for the state of cameras and queues."""

BATCH = 100
"""Sightings that are looked up at once."""

MAX_LISTENERS = 500
"""Of one process."""

MAX_WAITING = 100
"""Events that wait for a listener; with more it is dropped, and asks again for what it missed."""

HEARTBEAT_S = 15.0
"""After so many seconds something is sent, so that nobody on the way ends the connection."""

SEND_TIMEOUT_S = 30.0
"""A listener that takes nothing for so long is dropped."""

RETRY_MS = 2000
"""After so long a browser that was dropped asks again."""

LOGGER = logging.getLogger(__name__)

States = Mapping[tuple[str, str], Mapping[str, Any]]
"""What is told when it changes, by the kind of the event and a name."""


class EventHub:
    """Tells listeners of sightings, whichever process kept them, and of states that change.

    Args:
        store: gives the store.
        states: gives what is so now; called in a thread.

    Attributes:
        closed: whether all streams are to end.
    """

    def __init__(self, store: Callable[[], SightingStore], states: Callable[[], States]) -> None:
        self._store, self._get_states = store, states
        self._listeners = set[_Listener]()
        self._changed, self._looking = asyncio.Event(), asyncio.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._last, self._states = 0, dict[tuple[str, str], Mapping[str, Any]]()
        self.closed = False

    def wake(self) -> None:
        """Look at once for new sightings; from any thread."""
        if self._loop and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._changed.set)

    def close(self) -> None:
        """Let all listeners end; in the thread of the loop."""
        self.closed = True
        for listener in list(self._listeners):
            self._drop(listener)

    async def run(self) -> None:
        """Look for what is new until it is cancelled."""
        self._loop = asyncio.get_running_loop()
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_S):
                    await self._changed.wait()
            self._changed.clear()
            if not self._listeners:
                continue
            try:
                async with self._looking:
                    events = await asyncio.to_thread(self._look)
                    for event in events:
                        self._tell(event)
            except StoreError as error:
                LOGGER.warning("events: %s", error)
            except Exception:  # listeners go on with the next one
                LOGGER.exception("events")

    async def listen(self, after: int | None, may: Callable[[], Awaitable[bool]]) -> AsyncIterator[bytes]:
        """Events as a browser takes them, until the listener is dropped or may no longer listen.

        Args:
            after: the id of the last event that it had; None: it wants only what comes.
            may: whether it may listen; asked with each heartbeat.

        Raises:
            HTTPException: 429 if too many listen.
            StoreError: if the database cannot be used.
        """
        if len(self._listeners) >= MAX_LISTENERS:
            raise too_many(RETRY_MS // 1000, f"{MAX_LISTENERS} listen already")
        listener = _Listener()
        async with self._looking:
            if not self._listeners:
                # What nobody listened to is nobody's event.
                self._last = await asyncio.to_thread(self._newest)
                self._states = dict(await asyncio.to_thread(self._get_states))
            self._listeners.add(listener)
            if self.closed:
                self._drop(listener)
            head, states = self._last, [_state_event(*one) for one in self._states.items()]
        return self._events(listener, after, head, states, may)

    async def _events(
        self,
        listener: _Listener,
        after: int | None,
        head: int,
        states: list[bytes],
        may: Callable[[], Awaitable[bool]],
    ) -> AsyncIterator[bytes]:
        try:
            yield format_sse_event(retry=RETRY_MS) + b"".join(states)
            last = head if after is None else after
            while last < head and (missed := await asyncio.to_thread(self._between, last, head)):
                yield b"".join(event for _, event in missed)
                last = missed[-1][0]
            loop = asyncio.get_running_loop()
            beat = loop.time() + HEARTBEAT_S
            while True:
                try:
                    async with asyncio.timeout_at(beat):
                        event = await listener.get()
                except TimeoutError:
                    event = KEEPALIVE_COMMENT
                if event is None:
                    return
                yield event
                if loop.time() >= beat:
                    if not await may():
                        return
                    beat = loop.time() + HEARTBEAT_S
        finally:
            self._listeners.discard(listener)

    def _tell(self, event: bytes) -> None:
        for listener in list(self._listeners):
            if not listener.put(event):
                self._drop(listener)

    def _drop(self, listener: _Listener) -> None:
        self._listeners.discard(listener)
        listener.end()

    def _look(self) -> list[bytes]:
        """What is new."""
        newest = self._newest()
        # Where the newest ones were deleted, their ids are given again.
        self._last = min(self._last, newest)
        events = []
        while found := self._between(self._last, newest):
            events += [event for _, event in found]
            self._last = found[-1][0]
        before, self._states = self._states, dict(self._get_states())
        events += [_state_event(key, new) for key, new in self._states.items() if before.get(key) != new]
        events += [_state_event(key, None) for key in before.keys() - self._states.keys()]
        return events

    def _newest(self) -> int:
        with self._store().database.read() as connection:
            return connection.scalar(select(func.max(SIGHTING.c.id))) or 0

    def _between(self, after: int, until: int) -> list[tuple[int, bytes]]:
        """The first sightings after an id, with their own."""
        query = (
            rows().where(SIGHTING.c.id > after, SIGHTING.c.id <= until).order_by(SIGHTING.c.id).limit(BATCH)
        )
        with self._store().database.read() as connection:
            found = with_matches(connection, connection.execute(query).all())
        return [(sighting.id, _sighting_event(sighting)) for sighting in found]


class _Listener:
    """Events that wait for one listener."""

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[bytes | None] = asyncio.Queue(MAX_WAITING)

    def put(self, event: bytes) -> bool:
        """Let an event wait; whether there was room."""
        with suppress(asyncio.QueueFull):
            self._waiting.put_nowait(event)
            return True
        return False

    async def get(self) -> bytes | None:
        """The next event; None at the end."""
        return await self._waiting.get()

    def end(self) -> None:
        """Nothing waits any longer, and nothing comes."""
        while not self._waiting.empty():
            self._waiting.get_nowait()
        self._waiting.put_nowait(None)


class TimedStream(StreamingResponse):
    """A stream that ends where its client takes nothing for :data:`SEND_TIMEOUT_S`."""

    async def stream_response(self, send: Send) -> None:
        """Send it."""

        async def send_in_time(message: Message) -> None:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await send(message)

        with suppress(TimeoutError):
            await super().stream_response(send_in_time)


def _sighting_event(sighting: Sighting) -> bytes:
    event = event_of(sighting)
    return format_sse_event(event=event["event"], data_str=_json(event["sighting"]), id=str(sighting.id))


def _state_event(key: tuple[str, str], values: Mapping[str, Any] | None) -> bytes:
    kind, name = key
    if values is None:
        values = {"name": name, "state": "deleted"}
    return format_sse_event(event=kind, data_str=_json(values))


def _json(values: Mapping[str, Any]) -> str:
    return json.dumps(values, ensure_ascii=False)
