"""The door for clients of OpenALPR, by the requests that these send."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from fastapi.testclient import TestClient

from plate_ocr.readers.results import Char, Reading, plate_of
from plate_ocr.server.doors.alpr_results import alpr_results, alpr_text
from tests.server.doors.conftest import TEXT
from tests.server.doors.recorded import Part, multipart, texts

CORNERS = ((143.2, 181.0), (282.0, 182.0), (282.0, 275.0), (143.0, 274.0))


def post(client: TestClient, path: str, *parts: Part, status: int = 200) -> dict[str, Any]:
    """Send a form and take the answer."""
    body, kind = multipart(*parts)
    return answer_of(client, path, body, kind, status)


def answer_of(
    client: TestClient, path: str, body: bytes | str, headers: dict[str, str], status: int = 200
) -> dict[str, Any]:
    """Send a body and take the answer."""
    response = client.post(path, content=body, headers=headers, follow_redirects=False)
    assert response.status_code == status, response.text
    answer: dict[str, Any] = response.json()
    return answer


def check(answer: dict[str, Any]) -> dict[str, Any]:
    """What clients read of an answer with the test's plate."""
    assert (answer["version"], answer["data_type"]) == (2, "alpr_results")
    result: dict[str, Any]
    (result,) = answer["results"]
    assert result["plate"] == TEXT
    assert 50 < result["confidence"] <= 100
    assert len(result["coordinates"]) == 4
    return result


@pytest.mark.parametrize("version", ["v2", "v3"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_the_cloud(client: TestClient, jpeg: bytes, version: str, slash: str) -> None:
    path = f"/{version}/recognize{slash}?secret_key=secret&country=eu&topn=1"
    answer = post(client, path, Part("image", jpeg, "8d2f-alpr.png"))
    assert len(check(answer)["candidates"]) == 1
    assert answer["processing_time"].keys() == {"total", "plates", "vehicles"}
    assert answer["credits_monthly_used"] >= 1
    assert answer["credits_monthly_total"] == 1_000_000
    assert "image_bytes" not in answer


def test_the_cloud_returns_the_image(client: TestClient, jpeg: bytes) -> None:
    answer = post(client, "/v2/recognize?return_image=1", Part("image", jpeg, "car.jpg"))
    assert base64.b64decode(answer["image_bytes"]) == jpeg


@pytest.mark.parametrize("version", ["v2", "v3"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_bytes_come_in_all_ways(client: TestClient, jpeg: bytes, version: str, slash: str) -> None:
    text = base64.b64encode(jpeg).decode()
    path = f"/{version}/recognize_bytes{slash}?secret_key=secret&country=us"
    for body, kind in (
        (text, None),
        (text, "text/plain"),
        (f'"{text}"', "application/json"),
        ("image_bytes=" + text.replace("+", "%2B"), "application/x-www-form-urlencoded"),
        (jpeg, "application/octet-stream"),
    ):
        check(answer_of(client, path, body, {"Content-Type": kind} if kind else {}))
    check(post(client, path, *texts(image_bytes=text)))


@pytest.mark.parametrize("path", ["/alpr", "/alpr/", "/detect", "/detect/"])
def test_programs_of_one_machine(client: TestClient, jpeg: bytes, path: str) -> None:
    fields = texts(country_code="eu", pattern="cn")
    name = "upload" if "detect" in path else "image"
    result = check(post(client, path, *fields, Part(name, jpeg, "frame.jpg", "image/jpeg")))
    assert result["matches_template"] == 1


@pytest.mark.parametrize("slash", ["", "/"])
def test_an_address_is_not_fetched_on_a_client_s_word(client: TestClient, slash: str) -> None:
    path = f"/v2/recognize_url{slash}?image_url=http://127.0.0.1:8080/healthz"
    assert "--allow-url-host" in answer_of(client, path, b"", {}, 403)["error"]


@pytest.mark.parametrize("count", ["0", "-1", "x", "²", "9" * 5000])
def test_a_count_is_a_number(client: TestClient, jpeg: bytes, count: str) -> None:
    answer = post(client, "/v2/recognize", *texts(topn=count), Part("image", jpeg, "x"), status=400)
    assert answer["error"].endswith("a whole number from 1 is expected")


def test_an_object_has_each_candidate_in_percent() -> None:
    plate = plate_of((Char("A", 0.9, (("4", 0.09),)), Char("B", 1.0, ())), CORNERS)
    answer = alpr_results(Reading(640, 480, 20.1, (plate, plate)), count=5)
    first, second = answer["results"]
    assert answer["regions_of_interest"] == [{"x": 0, "y": 0, "width": 640, "height": 480}]
    assert answer["epoch_time"] > 1_700_000_000_000
    assert first | {"plate_index": 1} == second
    assert first == {
        "plate": "AB",
        "confidence": 95.0,
        "matches_template": 0,
        "plate_index": 0,
        "region": "",
        "region_confidence": 0,
        "processing_time_ms": 10.05,
        "requested_topn": 5,
        "coordinates": [
            {"x": 143, "y": 181},
            {"x": 282, "y": 182},
            {"x": 282, "y": 275},
            {"x": 143, "y": 274},
        ],
        "candidates": [
            {"plate": "AB", "confidence": 95.0, "matches_template": 0},
            {"plate": "4B", "confidence": 9.5, "matches_template": 0},
        ],
    }


def test_a_text_is_one_line_a_candidate() -> None:
    plate = plate_of((Char("A", 0.9, (("4", 0.09),)), Char("B", 1.0, ())), CORNERS)
    assert alpr_text(Reading(640, 480, 20.1, (plate, plate)), count=1) == (
        "plate0: 1 results\n    - AB\t confidence: 95.0\nplate1: 1 results\n    - AB\t confidence: 95.0"
    )
    assert alpr_text(Reading(640, 480, 20.1, ())) == "No license plates found."
