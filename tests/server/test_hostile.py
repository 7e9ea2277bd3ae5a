"""Mutated requests and pictures: no server error, no hang, no file outside the data folder."""

from __future__ import annotations

import io
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import PIL.Image
import pytest
from fastapi.testclient import TestClient

from plate_ocr.server.application import create_app
from plate_ocr.server.settings import Settings
from tests.server.conftest import PLATE, SCENE, URL

COUNT = int(os.environ.get("PLATE_OCR_TEST_REQUESTS", "300"))
"""Requests; ``make soak`` sends many."""

MAX_SECONDS = 30
"""That an answer takes."""

FORMATS = ("JPEG", "PNG", "BMP", "GIF", "PPM", "WEBP", "TIFF", "ICO", "TGA", "JPEG2000")

TYPES = (
    "image/jpeg", "application/json", "application/x-www-form-urlencoded", "text/plain", "",
    "multipart/form-data; boundary=b", "multipart/form-data", 'multipart/form-data; boundary="',
    "multipart/form-data; boundary=b; charset=utf-16", "application/octet-stream", "\xff", "a/b;;;=",
)  # fmt: skip

TEXTS = ("", "..", "/etc/passwd", "a" * 5000, "%00", "\x00", "é", "1e999", "-1", "[]", "{}", "null", "'\"<>")


@pytest.fixture(scope="module")
def files() -> list[bytes]:
    """Pictures in many formats."""
    found = []
    for path in (PLATE, SCENE):
        with PIL.Image.open(path) as picture:
            for kind in FORMATS:
                buffer = io.BytesIO()
                picture.convert("RGB").resize((240, 80)).save(buffer, kind)
                found.append(buffer.getvalue())
    return found


class WrittenFiles:
    """The files that are opened to write while it is active."""

    def __init__(self) -> None:
        self.active = False
        self.paths: set[str] = set()
        sys.addaudithook(self._see)

    def _see(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.active and event == "open" and isinstance(arguments[0], str):
            flags = arguments[2] if isinstance(arguments[2], int) else 0
            if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                self.paths.add(arguments[0])


def mutated(rng: random.Random, data: bytes) -> bytes:
    """Bytes changed, cut, doubled or filled up somewhere."""
    changed = bytearray(data)
    for _ in range(rng.choice((0, 1, 1, 4, 50))):
        at = rng.randrange(len(changed) + 1)
        match rng.randrange(5):
            case 0 if at < len(changed):
                changed[at] = rng.choice((0, 255, rng.randrange(256)))
            case 1:
                del changed[at : at + rng.randrange(1, 200)]
            case 2:
                changed[at:at] = changed[at : at + rng.randrange(1, 200)]
            case 3:
                changed[at:at] = bytes(rng.randrange(256) for _ in range(rng.randrange(8)))
            case _:
                # Sizes and offsets are mostly near the beginning.
                changed[at % 64 : at % 64 + 4] = rng.choice((b"\xff" * 4, bytes(4), b"\x7f\xff\xff\xff"))
    return bytes(changed)


def form(rng: random.Random, data: bytes) -> bytes:
    """A form with a picture and a field."""
    name, text = rng.choice(("image", "upload", "x")), rng.choice(TEXTS)
    head = f'--b\r\nContent-Disposition: form-data; name="{name}"; filename="{text}"\r\n\r\n'
    rest = f'\r\n--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n--b--\r\n'
    return head.encode() + data + rest.encode()


BODIES: tuple[Callable[[random.Random, bytes], bytes], ...] = (
    mutated,
    lambda rng, data: form(rng, mutated(rng, data)),
    lambda rng, data: mutated(rng, form(rng, data)),
    lambda rng, data: mutated(rng, b'{"image_base64": "aGVsbG8=", "name": "x", "role": "read"}'),
    lambda rng, data: b"[" * rng.randrange(100_000),
)


def requests(app: Any, files: list[bytes]) -> Iterator[dict[str, Any]]:
    rng = random.Random(0)
    paths = [path for path in app.openapi()["paths"] if "logout" not in path]
    while True:
        path = rng.choice(("/api/v1/read", rng.choice(paths)))
        while "{" in path:
            path = f"{path[: path.index('{')]}{rng.choice(TEXTS[1:4])}{path[path.index('}') + 1 :]}"
        headers = {"Content-Type": rng.choice(TYPES).encode("latin-1")}
        if rng.random() < 0.1:
            names = ("Host", "Authorization", "X-Api-Key", "Cookie", "Origin", "Content-Length")
            headers[rng.choice(names)] = rng.choice(TEXTS).replace("\x00", "").encode()
        params = {rng.choice(("input", "region", "annotate", "min_confidence", "x")): rng.choice(TEXTS)}
        yield {
            "method": rng.choice(("POST", "POST", "POST", "PUT", "GET", "DELETE", "PATCH")),
            "url": path,
            "headers": headers,
            "params": params if rng.random() < 0.2 else {},
            "content": rng.choice(BODIES)(rng, rng.choice(files)),
        }


def test_mutated_requests_do_no_harm(tmp_path: Path, files: list[bytes]) -> None:
    app, written = create_app(Settings(data=tmp_path, max_pixels=4_000_000)), WrittenFiles()
    statuses = set()
    with TestClient(app, URL, client=("127.0.0.1", 50000), raise_server_exceptions=False) as client:
        app.state.events.close()  # else events would never end
        written.active = True
        for number, request in zip(range(COUNT), requests(app, files), strict=False):
            started = time.monotonic()
            status = client.request(**request).status_code
            assert status < 500, (number, request)
            assert time.monotonic() - started < MAX_SECONDS, (number, request)
            statuses.add(status)
        written.active = False
        assert client.get("/readyz").status_code == 200
    assert {200, 400, 422} <= statuses
    outside = {path for path in written.paths if not Path(path).is_relative_to(tmp_path)}
    assert not outside
