"""What happens, told to who listens: nothing is lost, nobody waits for another, all end with the server."""

from __future__ import annotations

import io
import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from plate_ocr.server import events as telling
from plate_ocr.server.settings import Settings
from plate_ocr.vision.images import read_image
from tests.server.conftest import PLATE, SCENE
from tests.server.notify.receivers import wait_for
from tests.server.page.conftest import Server, serve
from tests.server.stores import seen

Event = tuple[str, str, Any]
"""Kind, id and data."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that listens."""
    yield from serve(Settings(data=tmp_path_factory.mktemp("events")))


@contextmanager
def listening(url: str, **headers: str) -> Iterator[Iterator[Event]]:
    """The events of a server."""
    with httpx.stream("GET", f"{url}/api/v1/events", headers=headers, timeout=20) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        yield _events(answer.iter_lines())


def _events(lines: Iterator[str]) -> Iterator[Event]:
    values: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            values[name] = value
        else:
            if "event" in values:
                yield values["event"], values.get("id", ""), json.loads(values["data"])
            values = {}


def sightings(events: Iterator[Event], count: int) -> list[tuple[str, str]]:
    """Kind and text of the next sightings."""
    found = list[tuple[str, str]]()
    while len(found) < count:
        kind, _, data = next(events)
        if kind in ("sighting", "alert"):
            found.append((kind, data["text"]))
    return found


def test_sightings_and_alerts_are_told_as_they_come(running: Server) -> None:
    made = running.api.post("/api/v1/lists", json={"name": "staff", "kind": "known"}).json()
    running.api.post(f"/api/v1/lists/{made['id']}/plates", json={"plate": "AB123CD"})
    with listening(running.url) as first, listening(running.url) as second:
        assert next(first)[0] == next(second)[0] == "queue"
        running.store.keep(seen("XY999ZZ"))
        running.store.keep(seen("AB123CD"))
        told = [("sighting", "XY999ZZ"), ("alert", "AB123CD")]
        assert sightings(first, 2) == sightings(second, 2) == told


def test_what_was_missed_comes_first(running: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "BATCH", 2)
    with listening(running.url) as events:
        next(events)
        running.store.keep(seen("AA0"))
        last = next(event for event in events if event[0] == "sighting")[1]
    for i in range(1, 6):
        running.store.keep(seen(f"AA{i}"))
    with listening(running.url, **{"Last-Event-ID": last}) as events:
        running.store.keep(seen("AA6"))
        assert [text for _, text in sightings(events, 6)] == [f"AA{i}" for i in range(1, 7)]


def test_an_id_that_is_given_again_is_told(running: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "POLL_S", 0.05)
    with listening(running.url) as events:
        next(events)
        uuid = running.store.keep(seen("BB1")).uuid
        assert sightings(events, 1) == [("sighting", "BB1")]
        assert running.api.delete(f"/api/v1/sightings/{uuid}").status_code == 204
        time.sleep(0.3)
        running.store.keep(seen("BB2"))
        assert sightings(events, 1) == [("sighting", "BB2")]


def test_a_camera_and_what_waits_are_told_when_they_change(
    running: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "POLL_S", 0.05)
    with listening(running.url) as events:
        assert next(events) == ("queue", "", {"pictures": 0, "deliveries": 0})
        running.api.post("/api/v1/cameras", json={"name": "phone", "kind": "push"})
        assert next(events) == ("camera", "", {"name": "phone", "state": "watching", "error": None})
        running.api.delete("/api/v1/cameras/phone")
        assert next(events) == ("camera", "", {"name": "phone", "state": "deleted"})
        hook = {"name": "house", "kind": "webhook", "settings": {"url": "http://127.0.0.1:9/"}}
        key = running.api.post("/api/v1/channels", json=hook).json()["id"]
        running.store.keep(seen("CC1"))
        assert ("queue", "", {"pictures": 0, "deliveries": 1}) in events
        running.api.delete(f"/api/v1/channels/{key}")


def test_who_reads_too_slowly_is_dropped_and_the_others_are_not(
    running: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "SEND_TIMEOUT_S", 0.5)
    hub = running.app.state.events
    wait_for(lambda: not hub._listeners)
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(("127.0.0.1", httpx.URL(running.url).port))
        slow.sendall(b"GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        wait_for(lambda: len(hub._listeners) == 1)
        with listening(running.url) as events:
            next(events)
            event = b'event: sighting\ndata: {"text": "%s"}\n\n' % (b"A" * 100_000)
            for _ in range(60):
                hub._loop.call_soon_threadsafe(hub._tell, event)
                assert len(sightings(events, 1)[0][1]) == 100_000
            wait_for(lambda: len(hub._listeners) == 1)


def test_a_key_that_is_deleted_listens_no_longer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "HEARTBEAT_S", 0.1)
    for server in serve(Settings(data=tmp_path)):
        access = server.app.state.access
        access.add_key("boss", "admin")
        key, secret = access.add_key("page", "read")
        with httpx.stream("GET", f"{server.url}/api/v1/events") as answer:
            assert answer.status_code == 401
        with listening(server.url, Authorization=f"Bearer {secret}") as events:
            next(events)
            access.delete_key(key.id)
            assert list(events) == []


def test_a_camera_is_seen_live_until_it_is_changed(running: Server) -> None:
    camera = {"name": "phone", "kind": "push"}
    running.api.post("/api/v1/cameras", json=camera)
    with httpx.stream("GET", f"{running.url}/api/v1/cameras/phone/live.mjpg", timeout=20) as answer:
        assert answer.headers["Content-Type"] == "multipart/x-mixed-replace; boundary=picture"
        parts = answer.iter_bytes()
        shown = next(parts)
        for path in (SCENE, PLATE):
            assert (
                running.api.post("/api/v1/cameras/phone/frame", content=path.read_bytes()).status_code == 200
            )
            while not shown.endswith(b"--picture\r\n") or b"\xff\xd9" not in shown:
                shown += next(parts)
            jpeg = shown[shown.index(b"\xff\xd8") : shown.rindex(b"\xff\xd9") + 2]
            assert jpeg == running.api.get("/api/v1/cameras/phone/latest.jpg").content
            assert read_image(io.BytesIO(jpeg)).shape == read_image(path).shape
            shown = b""
        # Browsers show a picture only when the next comes.
        assert jpeg in next(parts)
        running.api.put("/api/v1/cameras/phone", json={**camera, "rotate": 90})
        for _ in parts:
            pass
    running.api.delete("/api/v1/cameras/phone")


def test_too_many_listeners_are_refused(running: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "MAX_LISTENERS", 0)
    answer = running.api.get("/api/v1/events")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "2")
