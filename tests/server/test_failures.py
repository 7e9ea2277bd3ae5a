"""What fails around a server: it says so, loses nothing, and goes on by itself when that is over."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event

import pytest
from fastapi.testclient import TestClient

from plate_ocr.errors import StoreError
from plate_ocr.server.application import create_app
from plate_ocr.server.cameras import keeper as keeping
from plate_ocr.server.cameras.keeper import Keeper
from plate_ocr.server.settings import Settings
from plate_ocr.server.store.sightings import NewSighting
from plate_ocr.video import clock
from tests.app.conftest import Run, run
from tests.server.conftest import PLATE, SCENE, URL
from tests.server.notify.receivers import Receiver, wait_for
from tests.server.stores import seen

__all__ = ["run"]

MOST = 400
"""Requests, at most, until a disk is full."""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4M", "tmpfs", str(folder)]
    if (
        os.name != "posix"
        or os.geteuid()
        or subprocess.run(mount, check=False, capture_output=True).returncode
    ):
        pytest.skip("a disk to fill can be mounted by root on Linux only")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_loses_nothing_and_is_over_when_there_is_room(disk: Path, receiver: Receiver) -> None:
    acknowledged = list[str]()
    app = create_app(Settings(data=disk / "data"))
    with TestClient(app, URL, client=("127.0.0.1", 50000)) as client:

        def post() -> int:
            answer = client.post("/api/v1/read?store=1&camera=gate", files={"image": PLATE.read_bytes()})
            if answer.status_code == 200:
                acknowledged.append(answer.json()["id"])
            else:
                assert "disk is full" in answer.json()["error"] or "No space left" in answer.json()["error"]
                assert answer.headers["Retry-After"] == "1"
            return answer.status_code

        channel = {"name": "hook", "kind": "webhook", "settings": {"url": receiver.url, "pictures": False}}
        assert client.post("/api/v1/channels", json=channel).status_code == 201
        assert client.post("/api/v1/cameras", json={"name": "phone", "kind": "push"}).status_code == 201
        assert post() == 200
        fill(disk / "filler")
        statuses = [post() for _ in range(3)]
        while statuses[-1] == 200 and len(statuses) < MOST:
            statuses.append(post())
        assert set(statuses) <= {200, 503}
        assert statuses[-1] == 503
        pushed = client.post("/api/v1/cameras/phone/frame", content=SCENE.read_bytes())
        assert pushed.status_code == 503
        assert client.get("/healthz").status_code == 200
        assert kept(client) == set(acknowledged)
        (disk / "filler").unlink()
        wait_for(lambda: post() == 200)
        assert kept(client) == set(acknowledged)
        wait_for(lambda: told(receiver) == set(acknowledged))


def fill(path: Path) -> None:
    """Write until the disk is full."""
    with path.open("wb", buffering=0) as file:
        for size in (65536, 4096):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                pass


def kept(client: TestClient) -> set[str]:
    """The ids of all sightings."""
    answer = client.get("/api/v1/sightings", params={"limit": MOST})
    assert answer.status_code == 200, answer.text
    return {sighting["id"] for sighting in answer.json()["sightings"]}


def told(receiver: Receiver) -> set[str]:
    """The ids of sightings that a receiver was told of."""
    return {json.loads(request.body)["sighting"]["id"] for request in receiver.requests}


def test_a_read_only_data_folder_is_told_at_the_start(disk: Path, run: Run) -> None:
    data = disk / "data"
    with TestClient(create_app(Settings(data=data)), URL, client=("127.0.0.1", 50000)) as client:
        client.post("/api/v1/read?store=1", files={"image": PLATE.read_bytes()})
        before = kept(client)
    remount = ["mount", "-o", "remount,ro", str(disk)]
    subprocess.run(remount, check=True)
    code, _, error = run("serve", "--port", 0, "--data", data)
    assert (code, error) == (
        1,
        f"plate-ocr: cannot write to the data folder {data}: give another one with --data\n",
    )
    subprocess.run([*remount[:2], "remount,rw", *remount[3:]], check=True)
    with TestClient(create_app(Settings(data=data)), URL, client=("127.0.0.1", 50000)) as client:
        assert kept(client) == before != set()


class FullStore:
    """A store that has no room until somebody says so."""

    def __init__(self) -> None:
        self.has_room, self.kept = False, list[str]()

    def keep(self, new: NewSighting) -> None:
        """Keep a sighting, or not."""
        if not self.has_room:
            raise StoreError("database or disk is full")
        self.kept.append(new.plate.text)


def test_what_a_camera_sees_waits_for_room_while_it_watches_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "RETRY_S", 0.02)
    full = FullStore()
    keeper = Keeper(full.keep, Event())
    for text in ("AB1", "AB2", "AB3"):
        keeper.put(seen(text))
    assert full.kept == []
    full.has_room = True
    keeper.close()
    assert full.kept == ["AB1", "AB2", "AB3"]


def test_what_cannot_be_kept_at_the_end_is_told(caplog: pytest.LogCaptureFixture) -> None:
    stop = Event()
    keeper = Keeper(FullStore().keep, stop)
    keeper.put(seen("AB123CD"))
    stop.set()
    keeper.close()
    assert "camera gate: a sighting is lost: AB123CD" in caplog.text


@pytest.mark.parametrize("hours", [-1, 1])
def test_times_of_a_camera_follow_a_clock_that_is_set(monkeypatch: pytest.MonkeyPatch, hours: int) -> None:
    opened = datetime.now().astimezone()
    watching = clock.LiveClock()

    class Set:
        @staticmethod
        def now() -> datetime:
            return datetime.now() + timedelta(hours=hours)

    monkeypatch.setattr(clock, "datetime", Set)
    assert abs(watching.zero - opened - timedelta(hours=hours)) < timedelta(seconds=5)
