"""``POST /api/v1/read``: the forms of a request, and what is wrong with it."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from fastapi.testclient import TestClient

from plate_ocr import PlateReader
from tests.server.conftest import PLATE, SCENE

JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "multipart/form-data; boundary=b"}


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    return PlateReader()(PLATE).to_dict()


def test_the_forms_of_a_request_give_the_object_of_predict(
    client: TestClient, expected: dict[str, Any]
) -> None:
    data = PLATE.read_bytes()
    text = base64.b64encode(data).decode()
    answers = [
        client.post("/api/v1/read", files={"image": ("plate.png", data)}),
        client.post("/api/v1/read", content=data, headers={"Content-Type": "image/png"}),
        client.post("/api/v1/read", json={"image_base64": text}),
        client.post("/api/v1/read", json={"image_base64": f"data:image/png;base64,{text}"}),
        client.post("/api/v1/read", data={"image": text}),
        client.post("/api/v1/read", files={"image": (None, text)}),
    ]
    for answer in answers:
        assert answer.status_code == 200
        (plate,) = answer.json()["plates"]
        (wanted,) = expected["plates"]
        assert plate["text"] == wanted["text"]
        assert plate["corners"] == wanted["corners"]
        assert plate["confidence"] == pytest.approx(wanted["confidence"], abs=0.001)
        assert answer.json().keys() == {"image", "error"} | expected.keys()
    assert answers[0].json()["image"] == "plate.png"


def test_several_pictures_are_a_list_in_their_order(client: TestClient) -> None:
    files = [("image", (path.name, path.read_bytes())) for path in (SCENE, PLATE)]
    files.insert(1, ("image", ("broken.png", b"\x89PNG")))
    answer = client.post("/api/v1/read", files=files)
    assert answer.status_code == 200
    assert [one["image"] for one in answer.json()] == [SCENE.name, "broken.png", PLATE.name]
    assert [bool(one["plates"]) for one in answer.json()] == [True, False, True]
    assert "broken.png: not a picture" in answer.json()[1]["error"]


@pytest.mark.parametrize(
    ("status", "error", "request_"),
    [
        (400, "there is no picture", {}),
        (400, "there is no picture", {"json": {}}),
        (400, "the JSON that its type says", {"content": b"{", "headers": JSON}),
        (400, "the form is damaged", {"content": b"x", "headers": FORM}),
        (422, "not base64", {"json": {"image_base64": "?"}}),
        (422, "image: not a picture", {"content": b"no picture"}),
        (422, "region: there is no region 'pyproject.toml'", {"params": {"region": "pyproject.toml"}}),
        (422, "query.input", {"params": {"input": "car"}}),
        (422, "query.min_confidence", {"params": {"min_confidence": 2}}),
        (413, "at most 64,000,000 are read", {"content": b"P5 8001 8000 255\n" + bytes(9)}),
        (413, "30,065,536", {"content": bytes(30_065_537)}),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(client: TestClient, status: int, error: str, request_: dict[str, Any]) -> None:
    answer = client.post("/api/v1/read", **request_)
    assert answer.status_code == status
    assert error in answer.json()["error"]
