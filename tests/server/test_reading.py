"""The reading service without HTTP: its queue, and the limits of bodies."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send

from plate_ocr.errors import ImageSizeError
from plate_ocr.server import limits
from plate_ocr.server.limits import BodyLimit
from plate_ocr.server.reading import OverloadedError, ReadingService
from plate_ocr.server.settings import Settings
from tests.server.conftest import PLATE


def test_the_queue_is_bounded(tmp_path: Path) -> None:
    service = ReadingService(Settings(data=tmp_path, queue=2))

    async def ask() -> None:
        with pytest.raises(OverloadedError):
            await service.read([b"x"] * 3)
        async with service.admitted(), service.admitted():
            with pytest.raises(OverloadedError):
                async with service.admitted():
                    pass
        async with service.admitted():
            assert service.waiting == 0

    asyncio.run(ask())


@pytest.mark.parametrize("settings", [Settings(max_pixels=1000), Settings(max_upload=1000)])
def test_what_is_too_large_is_not_decoded(settings: Settings) -> None:
    service = ReadingService(settings)
    service.start()
    try:
        (result,) = asyncio.run(service.read([PLATE.read_bytes()], names=["plate.png"]))
    finally:
        service.close()
    assert isinstance(result.error, ImageSizeError)
    assert str(result.error).startswith("plate.png: ")
    assert "at most 1,000 are read" in str(result.error)


def test_who_went_away_is_not_waited_for(tmp_path: Path) -> None:
    service = ReadingService(Settings(data=tmp_path))

    async def ask() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await service.read([PLATE.read_bytes()])
        service.start()
        (result,) = await service.read([PLATE.read_bytes()])
        assert result.reading

    asyncio.run(ask())
    service.close()
    assert not service.is_ready


class Body:
    """A body that comes piece by piece, and then no more."""

    def __init__(self, *pieces: bytes, ends: bool = True) -> None:
        self.pieces: Iterator[tuple[int, bytes]] = iter(enumerate(pieces, 1))
        self.count, self.ends = len(pieces), ends

    async def __call__(self) -> Message:
        """The next message."""
        if (found := next(self.pieces, None)) is None:
            await asyncio.Event().wait()
        assert found
        number, piece = found
        return {"type": "http.request", "body": piece, "more_body": number < self.count or not self.ends}


def answers(body: Body, app: Any, *, told: int | None = None, most: int = 10) -> list[Message]:
    """What an application sends behind the limit."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append({**message, "left": len(list(body.pieces))})

    headers = [] if told is None else [(b"content-length", str(told).encode())]
    asyncio.run(BodyLimit(app, most)({"type": "http", "headers": headers}, body, send))
    return sent


async def early(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers before the body is there."""
    await send({"type": "http.response.start", "status": 429})


async def status(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with what is wrong with the body."""
    code = 200
    try:
        while (await receive())["more_body"]:
            pass
    except HTTPException as error:
        code = error.status_code
    await send({"type": "http.response.start", "status": code})


def test_an_early_answer_waits_for_the_body() -> None:
    assert answers(Body(b"a", b"b", b"c"), early) == [
        {"type": "http.response.start", "status": 429, "left": 0}
    ]
    # Beyond the limit it does not.
    (sent,) = answers(Body(*[b"1234"] * 9), early)
    assert sent["left"] == 6


def test_bodies_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert answers(Body(b"12345", b"67890"), status)[0]["status"] == 200
    assert answers(Body(b"12345", b"67890", b"1"), status)[0]["status"] == 413
    assert answers(Body(b"1"), status, told=11)[0] == {
        "type": "http.response.start", "status": 413, "left": 1
    }  # fmt: skip
    monkeypatch.setattr(limits, "UPLOAD_TIMEOUT_S", 0.01)
    assert answers(Body(b"1", ends=False), status)[0]["status"] == 408
