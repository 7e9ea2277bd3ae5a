"""The door for clients of omni-lpr, by the requests that these send."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from plate_ocr.readers.auto import PlateReader
from plate_ocr.server.application import create_app
from plate_ocr.server.settings import Settings
from tests.server.doors.conftest import TEXT
from tests.server.doors.recorded import Part, multipart, texts

MODELS = {"detector_model": "yolo-v9-s-608-license-plate-end2end", "ocr_model": "cct-s-v1-global-model"}


def invoke(client: TestClient, tool: str, arguments: Any, *, slash: str = "", status: int = 200) -> Any:
    """Call a tool with JSON: what it gives, or its error."""
    path = f"/api/v1/tools/{tool}/invoke{slash}"
    response = client.post(path, json=arguments, follow_redirects=False)
    assert response.status_code == status, response.text
    return data_of(response.json()) if status == 200 else response.json()["error"]


def data_of(answer: dict[str, Any]) -> Any:
    """What a tool gives."""
    (content,) = answer.pop("content")
    assert answer == {}
    assert content["type"] == "json"
    return content["data"]


@pytest.mark.parametrize("slash", ["", "/"])
def test_health_and_tools(client: TestClient, slash: str) -> None:
    assert client.get(f"/api/health{slash}", follow_redirects=False).json()["status"] == "ok"
    tools = client.get(f"/api/v1/tools{slash}", follow_redirects=False).json()["tools"]
    assert [tool["name"] for tool in tools] == [
        "recognize_plate",
        "detect_and_recognize_plate",
        "list_models",
    ]
    for tool in tools:
        assert tool.keys() == {"name", "title", "description", "inputSchema"}
        assert tool["inputSchema"]["additionalProperties"] is False


@pytest.mark.parametrize("slash", ["", "/"])
def test_models_are_listed(client: TestClient, slash: str) -> None:
    assert invoke(client, "list_models", {}, slash=slash) == {
        "detector_models": ["detector"],
        "ocr_models": ["plates"],
    }


def test_a_plate_is_recognized(client: TestClient, jpeg: bytes) -> None:
    (plate,) = invoke(client, "recognize_plate", {"image_base64": base64.b64encode(jpeg).decode()})
    assert plate["plate"] == TEXT
    assert len(plate["char_probs"]) == len(TEXT)
    assert plate["region"] == "cn"
    assert 0.5 < plate["region_prob"] <= 1


def test_a_photo_is_searched(client: TestClient, photo: bytes) -> None:
    text = base64.b64encode(photo).decode()
    found = invoke(client, "detect_and_recognize_plate", {"image_base64": text})
    (one,) = found
    assert one["detection"]["label"] == "License Plate"
    assert one["detection"]["bounding_box"].keys() == {"x1", "y1", "x2", "y2"}
    assert len(one["ocr"]["confidence"]) == len(one["ocr"]["text"])
    region = PlateReader()(photo).plates[0].region
    told = (region.country, round(region.confidence, 4)) if region else (None, None)
    assert (one["ocr"]["region"], one["ocr"]["region_confidence"]) == told
    # As examples send it: a JPEG that is declared as a PNG.
    fields = [Part("image", photo, "car.jpg", "image/png"), *texts(**MODELS)]
    body, kind = multipart(*fields)
    response = client.post("/api/v1/tools/detect_and_recognize_plate/invoke", content=body, headers=kind)
    assert data_of(response.json()) == found


@pytest.mark.parametrize(
    ("tool", "arguments", "status", "code"),
    [
        ("nothing", {}, 404, "NOT_FOUND"),
        ("list_models", {"more": 1}, 400, "VALIDATION_ERROR"),
        ("list_models", [], 400, "VALIDATION_ERROR"),
        ("recognize_plate", {}, 400, "VALIDATION_ERROR"),
        ("recognize_plate", {"image_base64": 5}, 400, "VALIDATION_ERROR"),
        ("recognize_plate", {"image_base64": "?"}, 400, "VALIDATION_ERROR"),
        ("recognize_plate", {"image_base64": "aGVsbG8="}, 400, "VALIDATION_ERROR"),
        ("recognize_plate_from_path", {"path": "/etc/passwd"}, 403, "FORBIDDEN"),
        ("detect_and_recognize_plate_from_path", {"path": "http://127.0.0.1/"}, 403, "FORBIDDEN"),
    ],
)
def test_a_bad_call_is_told_why(
    client: TestClient, tool: str, arguments: Any, status: int, code: str
) -> None:
    error = invoke(client, tool, arguments, status=status)
    assert error.keys() == {"code", "message", "details"}
    assert error["code"] == code
    assert error["message"]


@pytest.fixture(scope="module")
def allowed(tmp_path_factory: pytest.TempPathFactory, jpeg: bytes) -> Iterator[tuple[TestClient, Path]]:
    """A server that may open the files of a folder, and that folder."""
    folder = tmp_path_factory.mktemp("allowed")
    (folder / "car.jpg").write_bytes(jpeg)
    (folder / "away.jpg").symlink_to("/etc/passwd")
    (folder.parent / "secret.jpg").write_bytes(jpeg)
    app = create_app(Settings(data=tmp_path_factory.mktemp("data"), allow_folder=(folder,)))
    with TestClient(app, base_url="http://127.0.0.1:8080", client=("127.0.0.1", 50000)) as client:
        yield client, folder


def test_a_path_is_opened_below_an_allowed_folder_alone(allowed: tuple[TestClient, Path]) -> None:
    client, folder = allowed
    names = [tool["name"] for tool in client.get("/api/v1/tools").json()["tools"]]
    assert "recognize_plate_from_path" in names
    for path in ("car.jpg", str(folder / "car.jpg")):
        (plate,) = invoke(client, "recognize_plate_from_path", {"path": path})
        assert plate["plate"] == TEXT
    for path in ("../secret.jpg", "away.jpg", "/etc/passwd", str(folder.parent / "secret.jpg")):
        assert invoke(client, "recognize_plate_from_path", {"path": path}, status=403)["code"] == "FORBIDDEN"
    for path in ("none.jpg", ".", "a\0b", "x" * 5000):
        invoke(client, "recognize_plate_from_path", {"path": path}, status=400)
