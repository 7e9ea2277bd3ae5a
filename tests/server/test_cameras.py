"""Cameras: their settings, what they see, and that a lost one comes back."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any, Literal, get_args

import pytest
from fastapi.testclient import TestClient
from pydantic import ValidationError

from plate_ocr import PlateReader
from plate_ocr.errors import DataError
from plate_ocr.server.cameras import service, sources
from plate_ocr.server.cameras.config import FILE, Camera, Kind, load_cameras, save_cameras
from plate_ocr.server.cameras.service import CameraService
from plate_ocr.server.store.sightings import NewSighting
from plate_ocr.vision.images import read_image
from tests.server.conftest import PLATE, ROOT

PATIENCE_S = 60.0

SCENE = ROOT / "tests" / "golden" / "pictures" / "scene-59.jpg"
"""Its plate is read surely: only then is it told of on arrival."""


@pytest.fixture(scope="module")
def reader() -> PlateReader:
    return PlateReader(input="photo", threads=1)


@pytest.fixture(scope="module")
def text(reader: PlateReader) -> str:
    return reader(SCENE).text


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name, seconds in (
        (sources, "SETTLED_S", 0.1),
        (sources, "TIMEOUT", 1.0),
        (service, "POLL_S", 0.05),
        (service, "CHECK_S", 0.05),
        (service, "SILENT_S", 0.5),
        (service, "FIRST_RETRY_S", 0.1),
    ):
        monkeypatch.setattr(module, name, seconds)


@pytest.fixture
def seen() -> list[NewSighting]:
    return []


@pytest.fixture
def cameras(tmp_path: Path, reader: PlateReader, seen: list[NewSighting]) -> Iterator[CameraService]:
    service = CameraService(tmp_path, reader, seen.append)
    service.start()
    yield service
    service.close()


def wait_for(condition: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


class StandIn:
    """A stand-in for a camera: ``/snapshot.jpg`` and ``/live``, until it is stopped.

    Attributes:
        silent: it keeps connections, but sends nothing.
    """

    def __init__(self, port: int = 0) -> None:
        stopped, data = Event(), SCENE.read_bytes()
        silent = self.silent = Event()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                live = self.path == "/live"
                kind = "multipart/x-mixed-replace; boundary=frame" if live else "image/jpeg"
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.end_headers()
                try:
                    while (live or silent.is_set()) and not stopped.wait(0.05):
                        if silent.is_set() or not live:
                            continue
                        head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
                        self.wfile.write(head.encode() + data + b"\r\n")
                    self.wfile.write(data)
                except OSError:
                    pass

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads, block_on_close, allow_reuse_address = True, False, True

        self._server, self._stopped = Server(("127.0.0.1", port), Handler), stopped
        self.port = self._server.server_address[1]
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def stop(self) -> None:
        """End it."""
        self._stopped.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.mark.parametrize(
    ("kind", "path"), [("snapshot", "snapshot.jpg"), pytest.param("stream", "live", marks=pytest.mark.slow)]
)  # fmt: skip
def test_a_lost_camera_comes_back(
    cameras: CameraService,
    seen: list[NewSighting],
    text: str,
    kind: Kind,
    path: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stand_in = StandIn()
    try:
        source = f"http://user:secret@127.0.0.1:{stand_in.port}/{path}"
        camera = Camera(name="gate", kind=kind, source=source, on="arrival", interval=0.1)
        watched = cameras.put(camera)
        wait_for(lambda: seen)
        assert (seen[0].plate.text, seen[0].camera) == (text, "gate")
        assert abs(time.time() - seen[0].started) < PATIENCE_S
        wait_for(lambda: watched.state == "watching")
        real = time.time
        monkeypatch.setattr(time, "time", lambda: real() - 3600)  # set back
        wait_for(lambda: watched.to_dict()["picture_at"] < real() - 1800)
        assert watched.state == "watching"
        stand_in.silent.set()
        wait_for(lambda: watched.state == "lost")
        stand_in.silent.clear()
        wait_for(lambda: watched.state == "watching")
        stand_in.stop()
        wait_for(lambda: watched.state == "lost" and watched.to_dict()["error"])
        assert "secret" not in str(watched.to_dict())
        stand_in = StandIn(stand_in.port)
        wait_for(lambda: watched.state == "watching")
        assert watched.to_dict()["error"] is None
    finally:
        stand_in.stop()


@pytest.mark.parametrize("after", ["keep", "move", "delete"])
def test_settled_files_of_a_folder_are_read_once(
    cameras: CameraService,
    seen: list[NewSighting],
    tmp_path: Path,
    text: str,
    after: Literal["keep", "move", "delete"],
) -> None:
    folder = tmp_path / "uploads"
    (folder / "day").mkdir(parents=True)
    shutil.copy(SCENE, folder / "before.jpg")
    watched = cameras.put(Camera(name="gate", kind="folder", source=str(folder), after=after))
    wait_for(lambda: watched.state == "watching" and (seen or after == "keep"))
    time.sleep(0.3)
    # What is there before is no news where files stay.
    assert len(seen) == (0 if after == "keep" else 1)
    shutil.copy(SCENE, folder / "day" / "a.jpg")
    (folder / "broken.jpg").write_bytes(b"no picture")
    (folder / "notes.txt").write_text("not looked at")
    wait_for(lambda: len(seen) == (1 if after == "keep" else 2))
    assert seen[-1].plate.text == text
    time.sleep(0.5)
    assert len(seen) == (1 if after == "keep" else 2)
    left = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert (
        left
        == {
            "keep": {"before.jpg", "day/a.jpg", "broken.jpg", "notes.txt"},
            "move": {"done/before.jpg", "done/day/a.jpg", "failed/broken.jpg", "notes.txt"},
            "delete": {"broken.jpg", "notes.txt"},
        }[after]
    )


def test_a_folder_that_is_missing_is_told_until_it_is_there(cameras: CameraService, tmp_path: Path) -> None:
    watched = cameras.put(Camera(name="gate", kind="folder", source=str(tmp_path / "later")))
    wait_for(lambda: watched.state == "lost")
    assert "there is no folder" in watched.to_dict()["error"]
    (tmp_path / "later").mkdir()
    wait_for(lambda: watched.state == "watching")


def test_a_camera_that_is_off_is_not_watched(cameras: CameraService, tmp_path: Path) -> None:
    watched = cameras.put(Camera(name="gate", kind="folder", source=str(tmp_path), enabled=False))
    assert watched.state == "off"


@pytest.mark.parametrize(
    ("hours", "active"),
    [
        ("", True),
        ("06:00-12:30", True),
        ("06:00-12:00", False),
        ("22:00-13:00", True),
        ("13:00-12:00", False),
    ],
)
def test_hours(hours: str, active: bool) -> None:
    assert Camera(name="a", kind="push", hours=hours).is_active(datetime(2026, 11, 26, 12)) == active


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"kind": "stream", "source": "ftp://a/b"}, "an address is expected"),
        ({"kind": "snapshot", "source": "rtsp://a/b"}, "of http or https"),
        ({"kind": "device", "source": "/dev/video0"}, "the number of a camera"),
        ({"kind": "folder"}, "a folder is expected"),
        ({"kind": "push", "source": "x"}, "there is none for a camera that pushes"),
        ({"kind": "push", "hours": "6-22"}, "hours such as 06:00-22:00"),
        ({"kind": "push", "region": ["atlantis"]}, "there is no region 'atlantis'"),
        ({"kind": "push", "colour": "red"}, "colour"),
    ],
)
def test_mistakes_in_settings_are_told(tmp_path: Path, settings: dict[str, Any], error: str) -> None:
    with pytest.raises(ValidationError, match=error):
        Camera(name="gate", **settings)
    lines = (f"{name} = {value!r}" for name, value in settings.items())
    (tmp_path / FILE).write_text("[gate]\n" + "\n".join(lines))
    with pytest.raises(DataError, match=rf"{FILE}: \[gate\].*{error}"):
        load_cameras(tmp_path / FILE)


def test_the_file_has_what_was_set(tmp_path: Path) -> None:
    cameras = (
        Camera(name="gate", kind="stream", source="rtsp://a/b", region=("DE",), roi=(1, 2, 3, 4)),
        Camera(name="北门 1", kind="push", rotate=90),
    )
    save_cameras(tmp_path / FILE, cameras)
    assert load_cameras(tmp_path / FILE) == cameras
    assert "interval" not in (tmp_path / FILE).read_text()


def test_the_documented_file_is_one(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "server.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(\[gate\].*?)```", page, re.DOTALL)
    (tmp_path / FILE).write_text(example)
    kinds = [camera.kind for camera in load_cameras(tmp_path / FILE)]
    assert sorted(kinds) == sorted(get_args(Kind))


def test_cameras_are_changed_by_the_api(client: TestClient, text: str) -> None:
    stream = {"name": "yard", "kind": "stream", "source": "rtsp://me:secret@192.0.2.1/1", "enabled": False}
    assert client.post("/api/v1/cameras", json=stream).status_code == 201
    assert client.post("/api/v1/cameras", json=stream).status_code == 409
    shown = client.get("/api/v1/cameras/yard").json()
    assert (shown["source"], shown["state"]) == ("rtsp://me:***@192.0.2.1/1", "off")
    settings = {key: shown[key] for key in Camera.model_fields}
    assert client.put("/api/v1/cameras/yard", json={**settings, "rotate": 180}).json()["rotate"] == 180
    data: Path = client.app.state.settings.data  # type: ignore[attr-defined]
    assert [one.source for one in load_cameras(data / FILE)] == ["rtsp://me:secret@192.0.2.1/1"]
    folder = {"name": "in", "kind": "folder", "source": "/", "after": "delete"}
    assert client.post("/api/v1/cameras", json=folder).status_code == 403
    assert client.put("/api/v1/cameras/in", json=folder).status_code == 403
    push = client.post("/api/v1/cameras", json={"name": "door", "kind": "push"}).json()
    assert push["state"] == "watching"
    assert client.get("/api/v1/cameras/door/latest.jpg").status_code == 404
    answer = client.post("/api/v1/cameras/door/frame", content=SCENE.read_bytes())
    assert [plate["text"] for plate in answer.json()["plates"]] == [text]
    assert client.get("/api/v1/cameras/door").json()["last_text"] == text
    latest = read_image(client.get("/api/v1/cameras/door/latest.jpg").content)
    assert latest.shape[:2] == read_image(SCENE).shape[:2]
    for path, content, status in (("door", b"x", 422), ("door", b"", 400), ("yard", PLATE.read_bytes(), 409)):
        assert client.post(f"/api/v1/cameras/{path}/frame", content=content).status_code == status
    assert [one["name"] for one in client.get("/api/v1/cameras").json()] == ["yard", "door"]
    for name in ("yard", "door"):
        assert client.delete(f"/api/v1/cameras/{name}").status_code == 204
    assert client.delete("/api/v1/cameras/yard").status_code == 404
