"""Health, readiness, what is counted, and the documentation."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from plate_ocr.errors import StoreError
from plate_ocr.server.application import create_app
from plate_ocr.server.settings import Settings
from tests.conftest import fill_disk
from tests.server.conftest import URL
from tests.server.notify.receivers import wait_for
from tests.server.stores import JPEG, seen


@pytest.fixture
def own(empty_sqlite: Path, tmp_path: Path) -> Iterator[TestClient]:
    """A server of its own."""
    shutil.copy(empty_sqlite, tmp_path / "plate-ocr.db")
    with TestClient(create_app(Settings(data=tmp_path)), base_url=URL, client=("127.0.0.1", 50000)) as client:
        yield client


def test_it_is_healthy_and_ready(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    answer = client.get("/readyz")
    parts = dict.fromkeys(("status", "reading", "database", "deliveries", "cameras"), "ok")
    assert (answer.status_code, answer.json()) == (200, parts)


def test_a_full_disk_is_one_state_until_there_is_room(
    own: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    app: Any = own.app
    with monkeypatch.context() as full:
        fill_disk(full, ".jpg")
        with pytest.raises(StoreError):
            app.state.store.keep(seen("AB123CD", crop=JPEG))
        answer = own.get("/readyz")
        assert (answer.status_code, answer.json()["database"]) == (503, "disk full")
        database = own.get("/api/v1/state").json()["database"]
        assert database["state"] == "disk full"
        assert "No space left on device" in database["error"]
    # Nobody has to keep something first.
    assert own.get("/readyz").json()["database"] == "ok"
    assert own.get("/api/v1/state").json()["database"] == {"state": "ok", "error": None}
    assert list(app.state.store.pictures.paths()) == []


@pytest.mark.parametrize(
    ("error", "state"),
    [
        ("database or disk is full", "disk full"),
        ("attempt to write a readonly database", "read-only"),
        ("connection refused", "unavailable"),
    ],
)
def test_what_is_wrong_with_the_database_has_a_name(
    own: TestClient, monkeypatch: pytest.MonkeyPatch, error: str, state: str
) -> None:
    app: Any = own.app

    def fail() -> None:
        raise StoreError(f"cannot use the database: {error}")

    monkeypatch.setattr(app.state.store.database, "error", error)
    monkeypatch.setattr(app.state.store, "try_to_write", fail)
    assert own.get("/api/v1/state").json()["database"]["state"] == state


def test_a_channel_that_fails_and_a_silent_camera_are_told(
    own: TestClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    app: Any = own.app
    hook = {"name": "house", "kind": "webhook", "settings": {"url": "http://127.0.0.1:9/"}}
    path = f"/api/v1/channels/{own.post('/api/v1/channels', json=hook).json()['id']}"
    camera = {"name": "gate", "kind": "snapshot", "source": "http://127.0.0.1:9/a.jpg"}
    own.post("/api/v1/cameras", json=camera)
    app.state.store.keep(seen("AB123CD"))
    wait_for(lambda: own.get("/readyz").json()["deliveries"] == "failing")
    wait_for(lambda: own.get("/readyz").json()["cameras"] == "lost")
    state = own.get("/api/v1/state").json()
    (channel,), (lost,) = state["channels"], state["cameras"]
    assert (channel["name"], channel["state"], channel["waiting"]) == ("house", "failing", 1)
    assert channel["error"].startswith("cannot reach 127.0.0.1")
    assert (lost["name"], lost["state"]) == ("gate", "lost")
    assert lost["error"]
    own.put(path, json={"name": "house", "enabled": False, "settings": hook["settings"]})
    own.delete("/api/v1/cameras/gate")
    ready = own.get("/readyz")
    assert (ready.status_code, ready.json()["deliveries"], ready.json()["cameras"]) == (200, "ok", "ok")


def test_requests_are_counted_by_template(client: TestClient) -> None:
    client.get("/healthz")
    client.delete("/api/v1/keys/00000000")
    client.get("/no/such/path")
    lines = client.get("/metrics").text.splitlines()
    for labels in (
        'method="GET",path="/healthz",status="200"',
        'method="DELETE",path="/api/v1/keys/{id}",status="404"',
        'method="other",path="other",status="404"',
    ):
        assert any(line.startswith(f"plate_ocr_requests_total{{{labels}}}") for line in lines)
    assert "plate_ocr_waiting_pictures 0.0" in lines


def test_the_documentation_needs_no_other_server(client: TestClient) -> None:
    page = client.get("/docs").text
    addresses = re.findall(r"""(?:src|href)=["']([^"']+)""", page) + re.findall(r"url: '([^']+)'", page)
    assert len(addresses) == 4
    for address in addresses:
        assert address.startswith("data:") or client.get(address).status_code == 200
    assert "http" not in page
