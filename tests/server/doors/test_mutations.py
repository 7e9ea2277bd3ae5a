"""Damaged requests: whatever comes, a door answers that it is wrong, and the server goes on."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from plate_ocr.server.doors.routers import ROUTERS
from tests.server.doors.conftest import TEXT
from tests.server.doors.recorded import Part, multipart, texts

COUNT = int(os.environ.get("PLATE_OCR_TEST_REQUESTS", "300"))
"""How many are sent; ``make soak`` sends more."""

ROUTES = sorted(
    (route.path, method)  # type: ignore[attr-defined]
    for router in ROUTERS
    for route in router.routes
    for method in route.methods  # type: ignore[attr-defined]
)

FIELDS = {
    "regions": ["it", "us-ca", "../x", "\0", "it," * 5000],
    "config": ["{}", "[", "[" * 20_000, '{"region": []}', '{"detection_mode": "vehicle"}', "NaN", "9" * 5000],
    "camera_id": ["cam1", "\ud800", "x" * 100_000],
    "timestamp": ["2026-11-26T03:49:43.740Z", "\ud800"],
    "mmc": ["true"],
    "min_confidence": ["0.4", "nan", "1e999", "²", "1_0", " 0.5 "],
    "topn": ["1", "99999", "٣"],
    "country": ["eu", "\udfff"],
    "pattern": ["it"],
    "return_image": ["1"],
    "api_key": ["k", "\ud800"],
    "upload_url": ["http://[", "http://127.0.0.1:1/", "file:///etc/passwd", "\ud800"],
    "image_url": ["https://example.org/a.jpg", "http://a b/"],
    "path": ["/etc/passwd", "..\0", "http://[::1"],
    "image_base64": ["", "?", "data:", "aGVsbG8=", "ü"],
    "ocr_model": ["x"],
    "": ["x"],
}
"""Fields that some door knows, and values that some client may send."""

TYPES = [
    "multipart/form-data",
    "multipart/form-data; boundary=",
    "multipart/form-data; boundary=0e2c5b1f9f4d4a0c8a6d2f; charset=idna",
    "multipart/form-data; boundary=0e2c5b1f9f4d4a0c8a6d2f; charset=unicode_escape",
    "multipart/form-data; boundary=0e2c5b1f9f4d4a0c8a6d2f; charset=undefined",
    "multipart/mixed; boundary=0e2c5b1f9f4d4a0c8a6d2f",
    "application/x-www-form-urlencoded",
    "application/json",
    "application/json; charset=utf-16",
    "text/plain",
    "image/jpeg",
    ";",
    "\xff",
]


class Sent(NamedTuple):
    """A request."""

    method: str
    path: str
    body: bytes
    headers: dict[str, str]


def mutated(random: Random, jpeg: bytes) -> Sent:
    """A request that no client would send."""
    path, method = random.choice(ROUTES)
    path = path.replace("{name}", random.choice(["recognize_plate", "list_models", "x", "\0", "ü", "%2e%2e"]))
    picture = jpeg if random.random() < 0.2 else damaged(random, jpeg)
    values = {
        name: random.choice(FIELDS[name]) for name in random.sample(sorted(FIELDS), random.randrange(4))
    }
    make: Callable[..., tuple[bytes, dict[str, str]]] = random.choice(
        [as_form, as_urlencoded, as_json, as_rpc]
    )
    body, headers = make(random, picture, values)
    if random.random() < 0.4:
        body = damaged(random, body)
    if random.random() < 0.2:
        headers["Content-Type"] = random.choice(TYPES)
    if random.random() < 0.1:
        headers["Authorization"] = random.choice(
            ["Token", "Basic ?", "Basic " + "Og" * 9, "Bearer \xff", "x"]
        )
    if random.random() < 0.1:
        headers["MCP-Protocol-Version"] = random.choice(["2025-11-25", "x"])
    if random.random() < 0.3:
        path += "?" + "&".join(f"{name}={quote(text, errors='replace')}" for name, text in values.items())
    if random.random() < 0.1:
        method = random.choice(["GET", "PUT", "HEAD", "OPTIONS", "DELETE", "X"])
    return Sent(method, path, body, headers)


def damaged(random: Random, data: bytes) -> bytes:
    """Bytes of which some are others, missing or there twice."""
    changed = bytearray(data)
    for _ in range(random.randrange(1, 6)):
        at = random.randrange(len(changed) + 1)
        end = min(len(changed), at + random.choice([1, 1, 2, 20, 1000]))
        piece = random.choice(
            [random.randbytes(end - at), b"", changed[at:end] * 2, b'"', b"\r\n--", b"\0" * 9]
        )
        changed[at:end] = piece
    return bytes(changed[: random.randrange(len(changed) + 1)] if random.random() < 0.1 else changed)


def as_form(random: Random, picture: bytes, values: dict[str, str]) -> tuple[bytes, dict[str, str]]:
    """A form of several parts."""
    name = random.choice(["upload", "image", "image_bytes", "x"])
    file = Part(
        name, picture, random.choice(["car.jpg", "", "../../x", 'a"b', "\r\n"]), random.choice([None, "?"])
    )
    fields = {key: value.encode("utf-8", "surrogatepass").decode("latin-1") for key, value in values.items()}
    text = texts(**{name: base64.b64encode(picture).decode()})
    return multipart(*texts(**fields), *random.choice([[file], text, [file, file], []]))


def as_urlencoded(random: Random, picture: bytes, values: dict[str, str]) -> tuple[bytes, dict[str, str]]:
    """Fields in one line."""
    text = base64.b64encode(picture).decode()
    fields = values | {random.choice(["upload", "image_bytes"]): text}
    line = "&".join(f"{name}={quote(value, errors='surrogatepass')}" for name, value in fields.items())
    return line.encode(), {"Content-Type": "application/x-www-form-urlencoded"}


def as_json(random: Random, picture: bytes, values: dict[str, str]) -> tuple[bytes, dict[str, str]]:
    """A JSON object, or another value."""
    text = base64.b64encode(picture).decode()
    body: Any = values | {random.choice(["upload", "image_base64", "image_bytes"]): text}
    body = random.choice(
        [body, body, body, [body], text, None, 5, {"image_base64": body}, {"regions": [1, "it"]}]
    )
    return json.dumps(body).encode(), {"Content-Type": "application/json"}


def as_rpc(random: Random, picture: bytes, values: dict[str, str]) -> tuple[bytes, dict[str, str]]:
    """A message of JSON-RPC."""
    arguments = values | {"image_base64": base64.b64encode(picture).decode()}
    odd: list[Any] = [None, [], {}, "\ud800", 5, True, float("nan"), 10**400]
    message = {
        "jsonrpc": "2.0",
        "id": random.choice([1, 2, "a", *odd]),
        "method": random.choice(
            ["initialize", "tools/call", "tools/call", "tools/list", "ping", "\ud800", *odd]
        ),
        "params": random.choice(
            [
                {"name": "recognize_plate", "arguments": random.choice([arguments, arguments, *odd])},
                {"name": random.choice(["list_models", *odd]), "protocolVersion": random.choice(odd)},
                *odd,
            ]
        ),
    }
    for key in random.sample(sorted(message), random.randrange(2)):
        del message[key]
    return json.dumps(message).encode(), {"Content-Type": "application/json"}


@pytest.mark.slow
def test_no_request_makes_the_server_fail(client: TestClient, jpeg: bytes) -> None:
    for seed in range(COUNT):
        method, path, body, headers = mutated(Random(seed), jpeg)
        try:
            response = client.request(
                method,
                quote(path, safe="/?&=%")[:2000],
                content=body,
                headers=[(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
            )
        except Exception as error:
            raise AssertionError(f"seed {seed}: {method} {path} {headers}") from error
        assert response.status_code < 500, f"seed {seed}: {method} {path} {headers}"
    body, kind = multipart(Part("upload", jpeg, "upload"))
    answer = client.post("/v1/plate-reader", content=body, headers=kind).json()
    assert answer["results"][0]["plate"] == TEXT.lower()
