"""What all doors do: keys, overload, errors in the form that their clients know."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from plate_ocr.server.application import create_app
from plate_ocr.server.doors.routers import ROUTERS
from plate_ocr.server.reading import OverloadedError, ReadingService
from plate_ocr.server.settings import Settings
from tests.server.conftest import ROOT, URL
from tests.server.doors.recorded import Part, multipart, texts

PATHS = [
    "/v1/plate-reader",
    "/v1/vision/alpr",
    "/v1/image/alpr",
    "/v1/vision/detection",
    "/v1/vision/custom/license-plate",
    "/v2/recognize",
    "/v3/recognize_bytes",
    "/alpr",
    "/detect",
    "/api/v1/tools/detect_and_recognize_plate/invoke",
]
"""Of one door after the other, which take a form with a picture."""

OPEN = {"/info", "/api/health", "/v1/vision/custom/list"}
"""What tells nothing but that there is a server."""


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, str]]:
    """A server with a key, and that key."""
    app = create_app(Settings(data=tmp_path_factory.mktemp("locked")))
    with TestClient(app, base_url=URL, client=("127.0.0.1", 50000)) as client:
        _, key = app.state.access.add_key("client", "admin")
        yield client, key


def send(client: TestClient, path: str, *parts: Part, **headers: str) -> Any:
    """Send a form."""
    body, kind = multipart(*parts)
    return client.post(path, content=body, headers=kind | headers, follow_redirects=False)


def is_error(answer: Any) -> bool:
    """Whether an answer is an error in one of the forms that clients know."""
    return answer.get("success") is False or bool(answer["error"])


@pytest.mark.parametrize("path", PATHS)
def test_a_key_is_taken_from_where_clients_have_it(
    locked: tuple[TestClient, str], jpeg: bytes, path: str
) -> None:
    client, key = locked
    image = Part("image", jpeg, "car.jpg")
    for refused in (send(client, path, image), send(client, f"{path}?api_key={key}", image)):
        assert refused.status_code == 401
        assert is_error(refused.json())
    for headers in (
        {"Authorization": f"Token {key}"},
        {"Authorization": f"Bearer {key}"},
        {"X-Api-Key": key},
    ):
        assert send(client, path, image, **headers).status_code in (200, 201)
    taken = send(client, path, *texts(api_key=key), image).status_code
    assert taken == (200 if path in ("/v1/vision/detection", "/v1/vision/custom/license-plate") else 401)
    taken = send(client, f"{path}?secret_key={key}", image).status_code
    assert taken == (200 if path.startswith(("/v2/", "/v3/")) else 401)


def test_nothing_else_is_open(locked: tuple[TestClient, str]) -> None:
    client, _ = locked
    for router in ROUTERS:
        for route in router.routes:
            path, methods = route.path.rstrip("/") or "/", route.methods  # type: ignore[attr-defined]
            if path in OPEN or "/status/" in path or methods == {"DELETE"}:
                continue
            response = client.request(min(methods), path.format(name="list_models"))
            assert response.status_code == (405 if path == "/mcp" and methods == {"GET"} else 401), path


@pytest.mark.parametrize("path", PATHS)
def test_when_too_many_wait_a_client_is_told_to_come_back(
    client: TestClient, jpeg: bytes, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*arguments: Any, **more: Any) -> Any:
        raise OverloadedError

    monkeypatch.setattr(ReadingService, "read", refuse)
    response = send(client, path, Part("image", jpeg, "car.jpg"))
    assert (response.status_code, response.headers["Retry-After"]) == (429, "1")
    assert is_error(response.json())


@pytest.mark.parametrize("path", PATHS)
def test_a_picture_of_too_many_pixels_is_413(client: TestClient, path: str) -> None:
    header = b"P6 20000 20000 255\n"
    for parts in ([Part("image", header, "x")], texts(image_bytes=base64.b64encode(header).decode())):
        if parts[0].filename or "bytes" in path:
            response = send(client, path, *parts)
            assert response.status_code == 413
            assert is_error(response.json())


@pytest.mark.parametrize("path", PATHS)
def test_a_name_that_is_no_text_is_told_all_the_same(client: TestClient, path: str) -> None:
    parts = [Part("image", b"?", "\udc80\udcff\x00".encode("utf-8", "surrogatepass").decode("latin-1"))]
    response = send(client, path, *parts)
    assert response.status_code in (200, 400)
    assert is_error(response.json())


@pytest.mark.parametrize("charset", ["idna", "punycode", "undefined", "unicode_escape", "hex", "none"])
def test_no_charset_of_a_client_s_choice_makes_the_server_fail(
    client: TestClient, jpeg: bytes, charset: str
) -> None:
    body, kind = multipart(*texts(camera_id="\\ud800" + 99 * "x"), Part("upload", jpeg, "car.jpg"))
    headers = {"Content-Type": f"{kind['Content-Type']}; charset={charset}"}
    response = client.post("/v1/plate-reader", content=body, headers=headers)
    assert response.status_code in (201, 400)


def test_the_documented_paths_are_there(client: TestClient) -> None:
    page = (ROOT / "docs" / "server.md").read_text(encoding="utf-8")
    _, _, section = page.partition("\n## Clients of other plate readers\n")
    section, _, _ = section.partition("\n## ")
    paths = set(re.findall(r"(?<=[` 0])(/\w[\w/-]*?)/?(?=`)", section)) - {"/v1", "/v2", "/v3"}
    assert len(paths) >= 20
    for path in paths:
        statuses = {client.request(method, path).status_code for method in ("GET", "POST")}
        assert 404 not in statuses, path
