"""What docs/sightings.md, docs/channels.md and docs/gate.md show works."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from plate_ocr.server.application import create_app
from plate_ocr.server.cameras.config import FILE, load_cameras
from plate_ocr.server.notify.discovery import EVENT_TYPES, camera_configs
from plate_ocr.server.settings import Settings
from tests.app.conftest import Run, run
from tests.server.conftest import ROOT

__all__ = ["run"]


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[TestClient]:
    """A server of its own, with empty tables."""
    app = create_app(Settings(data=tmp_path / "data"))
    with TestClient(app, base_url="http://127.0.0.1:8080", client=("127.0.0.1", 50000)) as client:
        yield client


def request_of(command: str) -> dict[str, Any]:
    """The request that a command of curl makes."""
    words = iter(shlex.split(command)[1:])
    request: dict[str, Any] = {"method": "GET"}
    for word in words:
        if word == "-X":
            request["method"] = next(words)
        elif word == "--json":
            request |= {"content": next(words), "headers": {"Content-Type": "application/json"}}
        elif word == "-F":
            name, _, path = next(words).partition("=@")
            request["files"] = {name: (ROOT / path).read_bytes()}
        elif word in ("-o", "-u"):
            next(words)
        elif word != "-s":
            request["url"] = word
    if request["method"] == "GET" and request.keys() & {"content", "files"}:
        request["method"] = "POST"
    return request


@pytest.mark.parametrize(("page", "count"), [("sightings", 12), ("channels", 3), ("gate", 4)])
def test_the_commands_of_the_documentation_work(
    fresh: TestClient, page: str, count: int, run: Run, tmp_path: Path
) -> None:
    text = (ROOT / "docs" / f"{page}.md").read_text("utf-8")
    commands = re.findall(r"^\$ (curl .*)$", text, re.MULTILINE)
    assert len(commands) == count
    uuid = ""
    for command in commands:
        answer = fresh.request(**request_of(command.replace("sightings/ID", f"sightings/{uuid}")))
        assert answer.status_code in (200, 201), (command, answer.text)
        if answer.headers["Content-Type"] == "application/json":
            uuid = answer.json().get("id") or uuid
    assert len(fresh.get("/api/v1/sightings").json()["sightings"]) == (page == "sightings")
    status, out, _ = run("serve", "backup", str(tmp_path / "a.zip"), "--data", str(tmp_path / "data"))
    assert (status, out) == (0, f"{tmp_path / 'a.zip'}\n")
    status, out, _ = run("serve", "restore", str(tmp_path / "a.zip"), "--data", str(tmp_path / "new"))
    assert (status, out) == (0, f"{int(page == 'sightings')} sightings\n")
    status, _, error = run("serve", "restore", str(tmp_path / "a.zip"), "--data", str(tmp_path / "new"))
    assert status == 1
    assert "holds something already" in error or "is there already" in error
    assert run("serve", "backup")[0] == 2


def test_what_opens_the_gate_listens_to_the_event_of_its_camera(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "gate.md").read_text("utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    (tmp_path / FILE).write_text(example, "utf-8")
    (camera,) = load_cameras(tmp_path / FILE)
    configs = camera_configs("plate-ocr", camera.name)
    topics = [config["state_topic"] for name, config in configs.items() if name.startswith("event/")]
    assert re.findall(r"topic: (\S+)", page) == 2 * topics
    assert set(re.findall(r"event_type\W+ == [\"'](\w+)", page)) == {"known"} < set(EVENT_TYPES)
