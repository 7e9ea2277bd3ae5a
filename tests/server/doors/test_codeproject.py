"""The door for clients of CodeProject.AI and DeepStack, by the requests that these send."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from plate_ocr.readers.results import Char, Reading, plate_of
from plate_ocr.server.doors.codeproject import alpr_answer, detection_answer
from tests.server.doors.conftest import TEXT
from tests.server.doors.recorded import Part, multipart, texts

CORNERS = ((143.0, 183.0), (280.0, 181.0), (282.0, 273.0), (145.0, 275.0))

READING = Reading(
    640,
    480,
    62.4,
    (plate_of((Char("A", 0.9, ()), Char(None, 0.3, ())), CORNERS), plate_of((Char("B", 0.99, ()),), CORNERS)),
)


def post(client: TestClient, path: str, *parts: Part, status: int = 200) -> dict[str, Any]:
    """Send a form and take the answer."""
    body, kind = multipart(*parts)
    response = client.post(path, content=body, headers=kind, follow_redirects=False)
    assert response.status_code == status, response.text
    answer: dict[str, Any] = response.json()
    return answer


@pytest.mark.parametrize("path", ["/v1/image/alpr", "/v1/image/alpr/", "/v1/vision/alpr", "/v1/vision/alpr/"])
def test_alpr_takes_a_file_without_extension_and_fields(client: TestClient, jpeg: bytes, path: str) -> None:
    answer = post(client, path, Part("upload", jpeg, "upload"))
    (found,) = answer["predictions"]
    assert (answer["success"], answer["count"], answer["code"]) == (True, 1, 200)
    assert answer["message"] == f"Found Plate: {TEXT}"
    assert (found["label"], found["plate"]) == (f"Plate: {TEXT}", TEXT)
    assert found["x_min"] < found["x_max"]
    assert found["y_min"] < found["y_max"]


def test_alpr_takes_a_file_of_any_name(client: TestClient, jpeg: bytes) -> None:
    assert post(client, "/v1/vision/alpr", Part("anything", jpeg, "x.png", "image/png"))["count"] == 1


@pytest.mark.parametrize("parts", [[Part("upload", b"no picture", "car.jpg")], texts(min_confidence="0.4")])
def test_alpr_says_with_status_200_that_it_failed(client: TestClient, parts: list[Part]) -> None:
    answer = post(client, "/v1/vision/alpr", *parts)
    assert answer["success"] is False
    assert answer["error"]


def test_an_answer_has_annotations() -> None:
    answer = alpr_answer(READING)
    unsure, sure = answer["predictions"]
    assert answer["message"] == "Found Plate: A?, Plate: B"
    assert (answer["count"], answer["processMs"]) == (2, 62)
    assert unsure == {
        "confidence": 0.6,
        "label": "Plate: A?",
        "plate": "A?",
        "x_min": 143,
        "y_min": 181,
        "x_max": 282,
        "y_max": 275,
        "plate_annotation": "0 0.332031 0.475000 0.217188 0.195833",
        "ocr_annotation": [[[[0, 2], [137, 0], [139, 92], [2, 94]], ["A?", 0.6]]],
        "valid_ocr_annotation": False,
    }
    assert sure["valid_ocr_annotation"]


def test_nothing_may_be_found() -> None:
    answer = alpr_answer(Reading(640, 480, 1.0, ()))
    assert (answer["success"], answer["message"], answer["predictions"]) == (True, "No plates found", [])


def test_what_is_less_sure_is_left_out() -> None:
    assert [one["plate"] for one in alpr_answer(READING, 0.7)["predictions"]] == ["B"]
    assert detection_answer(READING, "DayPlate", 0.995)["predictions"] == []


@pytest.mark.parametrize(
    ("path", "label"), [("custom/license-plate", "DayPlate"), ("detection", "license_plate")]
)
@pytest.mark.parametrize("slash", ["", "/"])
def test_deepstack(client: TestClient, photo: bytes, path: str, label: str, slash: str) -> None:
    fields = texts(api_key="k", min_confidence="0.2")
    answer = post(client, f"/v1/vision/{path}{slash}", *fields, Part("image", photo, "image"))
    assert (answer["success"], answer["duration"]) == (True, 0)
    (found,) = answer["predictions"]
    assert found.keys() == {"label", "confidence", "x_min", "y_min", "x_max", "y_max"}
    assert found["label"] == label
    assert 0.2 < found["confidence"] <= 1


@pytest.mark.parametrize("least", ["nan", "2", "-0.1", "much"])
def test_deepstack_says_400(client: TestClient, jpeg: bytes, least: str) -> None:
    parts = [*texts(min_confidence=least), Part("image", jpeg, "image")]
    answer = post(client, "/v1/vision/detection", *parts, status=400)
    assert answer["error"] == f"min_confidence {least!r}: a number from 0 to 1 is expected"
    assert post(client, "/v1/vision/detection", Part("image", b"?", "image"), status=400)["success"] is False


@pytest.mark.parametrize("slash", ["", "/"])
def test_models_and_status(client: TestClient, slash: str) -> None:
    answer = client.post(f"/v1/vision/custom/list{slash}", follow_redirects=False).json()
    assert (answer["success"], answer["models"], answer["command"]) == (True, ["license-plate"], "list")
    for path in ("ping", "version", "updateavailable"):
        for base in ("/v1/status", "/v1/server/status"):
            response = client.get(f"{base}/{path}{slash}", follow_redirects=False)
            assert response.status_code == 200
            assert response.json()["success"] is True
