"""``POST /api/v1/read``: the forms of a request, and what is wrong with it."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from plate_ocr import PlateReader
from plate_ocr.vision.drawing import to_color
from plate_ocr.vision.images import read_image
from tests.server.conftest import PLATE, SCENE

URLENCODED = {"Content-Type": "application/x-www-form-urlencoded"}
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
        client.post("/api/v1/read", content=data),
        client.post("/api/v1/read", content=data, headers=URLENCODED),  # curl --data-binary
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


def test_plates_are_marked(client: TestClient) -> None:
    answer = client.post("/api/v1/read", params={"annotate": 1}, files={"image": SCENE.read_bytes()})
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/jpeg")
    marked, plain = read_image(answer.content).astype(int), to_color(read_image(SCENE))
    assert marked.shape == plain.shape
    assert 0.001 < (np.abs(marked - plain).max(axis=2) > 100).mean() < 0.3
    files = [("image", SCENE.read_bytes())] * 2
    assert client.post("/api/v1/read", params={"annotate": 1}, files=files).status_code == 422


def test_pictures_that_wait_together_are_read_as_one_by_one(client: TestClient) -> None:
    paths = [PLATE, SCENE] * 8
    alone = [client.post("/api/v1/read", content=path.read_bytes()).json()["plates"] for path in paths[:2]]
    files = [("image", (path.name, path.read_bytes())) for path in paths]
    together = client.post("/api/v1/read", files=files).json()
    assert [one["image"] for one in together] == [path.name for path in paths]
    for one, plates in zip(together, alone * 8, strict=True):
        assert [plate["text"] for plate in one["plates"]] == [plate["text"] for plate in plates]
        for plate, wanted in zip(one["plates"], plates, strict=True):
            assert plate["confidence"] == pytest.approx(wanted["confidence"], abs=0.001)
            assert plate["corners"] == wanted["corners"]


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
        (422, "input: should be 'auto', 'photo', 'plate' or 'char'", {"params": {"input": "car"}}),
        (422, "min_confidence: should be less", {"params": {"min_confidence": 2}}),
        (413, "at most 64,000,000 are read", {"content": b"P5 8001 8000 255\n" + bytes(9)}),
        (413, "30,065,536", {"content": bytes(30_065_537)}),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(client: TestClient, status: int, error: str, request_: dict[str, Any]) -> None:
    answer = client.post("/api/v1/read", **request_)
    assert answer.status_code == status
    assert error in answer.json()["error"]
