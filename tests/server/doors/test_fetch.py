"""Pictures that a client names by an address."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from fastapi.testclient import TestClient

from plate_ocr.server.application import create_app
from plate_ocr.server.doors import fetch
from plate_ocr.server.settings import Settings
from tests.server.conftest import URL
from tests.server.doors.conftest import TEXT
from tests.server.doors.recorded import multipart, texts

MAX_UPLOAD = 100_000


class Pictures:
    """Another server: what it was asked for, and its address."""

    def __init__(self, picture: bytes) -> None:
        self.asked, self.release = list[str](), Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                body = {"/car.jpg": picture, "/large.jpg": bytes(MAX_UPLOAD + 1)}.get(self.path, b"")
                if self.path == "/slow.jpg":
                    outer.release.wait(20)
                self.send_response(302 if self.path == "/away.jpg" else 200 if body else 404)
                self.send_header("Location", "/car.jpg")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port


@pytest.fixture
def pictures(jpeg: bytes) -> Iterator[Pictures]:
    """Another server that runs."""
    pictures = Pictures(jpeg)
    thread = Thread(target=pictures.server.serve_forever)
    thread.start()
    yield pictures
    pictures.release.set()
    pictures.server.shutdown()
    thread.join()
    pictures.server.server_close()


@pytest.fixture(scope="module")
def fetching(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A server that may fetch pictures from one host."""
    data: Path = tmp_path_factory.mktemp("fetching")
    app = create_app(Settings(data=data, allow_url_host=("127.0.0.1",), max_upload=MAX_UPLOAD))
    with TestClient(app, base_url=URL, client=("127.0.0.1", 50000)) as client:
        yield client


def ask(client: TestClient, address: str) -> tuple[int, str]:
    """Status, and the text of the plate or the error."""
    body, kind = multipart(*texts(upload_url=address))
    response = client.post("/v1/plate-reader", content=body, headers=kind)
    answer = response.json()
    return response.status_code, answer["results"][0]["plate"] if "results" in answer else answer["error"]


def test_a_picture_of_an_allowed_host_is_fetched(fetching: TestClient, pictures: Pictures) -> None:
    base = f"http://127.0.0.1:{pictures.port}"
    assert ask(fetching, f"{base}/car.jpg") == (201, TEXT.lower())
    response = fetching.post("/v2/recognize_url", params={"image_url": f"{base}/car.jpg"})
    assert response.json()["results"][0]["plate"] == TEXT
    assert ask(fetching, f"{base}/none.jpg") == (400, "the picture's server answered with 404")
    assert ask(fetching, f"{base}/away.jpg") == (400, "the picture's server answered with 302")
    assert ask(fetching, f"{base}/large.jpg")[0] == 413
    assert pictures.asked == ["/car.jpg", "/car.jpg", "/none.jpg", "/away.jpg", "/large.jpg"]


def test_no_other_host_is_asked(fetching: TestClient, pictures: Pictures) -> None:
    for host in ("localhost", "127.0.0.1@localhost", "localhost#@127.0.0.1", "127.1", "[::1]"):
        assert ask(fetching, f"http://{host}:{pictures.port}/car.jpg")[0] in (400, 403), host
    assert ask(fetching, f"ftp://127.0.0.1:{pictures.port}/car.jpg")[0] == 403
    assert pictures.asked == []


def test_a_slow_host_is_given_up(
    fetching: TestClient, pictures: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "TIMEOUT_S", 0.2)
    address = f"http://127.0.0.1:{pictures.port}/slow.jpg"
    assert ask(fetching, address) == (400, "the picture cannot be fetched from there")
