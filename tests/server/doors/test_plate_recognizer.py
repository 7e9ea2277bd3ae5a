"""The door for clients of Plate Recognizer, by the requests that these send."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from plate_ocr import read_image
from plate_ocr.readers.results import Char, Reading, plate_of
from plate_ocr.server.doors.plate_recognizer import plate_results
from tests.server.conftest import PLATE
from tests.server.doors.conftest import TEXT, encoded
from tests.server.doors.recorded import Part, multipart, texts

TOKEN = {"Authorization": "Token secret"}


@pytest.fixture(scope="module")
def noise() -> bytes:
    """A file of more than the megabyte that Starlette gives a text part: a plate amid noise."""
    picture = np.random.default_rng(1).integers(0, 255, (700, 900, 3), np.uint8)
    plate = read_image(PLATE)
    picture[300 : 300 + plate.shape[0], 300 : 300 + plate.shape[1]] = plate
    return encoded(picture, ".png")


def post(
    client: TestClient, path: str, *parts: Part, headers: dict[str, str] = TOKEN, status: int = 201
) -> dict[str, Any]:
    """Send a form and take the answer, which must come at once: clients follow no redirection."""
    body, kind = multipart(*parts)
    response = client.post(path, content=body, headers=headers | kind, follow_redirects=False)
    assert response.status_code == status, response.text
    answer: dict[str, Any] = response.json()
    return answer


def check(answer: dict[str, Any]) -> dict[str, Any]:
    """What every client reads of an answer with the test's plate."""
    assert {
        "processing_time",
        "results",
        "filename",
        "version",
        "camera_id",
        "timestamp",
        "usage",
    } == answer.keys()
    assert answer["usage"]["calls"] >= 1
    assert answer["usage"]["max_calls"] == 1_000_000
    result: dict[str, Any]
    (result,) = answer["results"]
    assert result["plate"] == TEXT.lower()
    assert 0 < result["score"] <= 1
    assert 0 < result["dscore"] <= 1
    assert result["candidates"][0] == {"score": result["score"], "plate": result["plate"]}
    assert isinstance(result["region"]["code"], str)
    assert result["vehicle"]["type"] == "Unknown"
    assert [result[key] for key in ("model_make", "color", "orientation")] == [[], [], []]
    assert result["box"]["xmin"] < result["box"]["xmax"]
    assert all(isinstance(value, int) for value in result["box"].values())
    return result


def test_pyzm_without_the_last_slash(client: TestClient, jpeg: bytes) -> None:
    parts = texts(regions=["it", "fr"], config='{"mode": "fast"}')
    check(post(client, "/v1/plate-reader", *parts, Part("upload", jpeg, "8d2f-alpr.png")))


def test_the_command_line_of_snapshot(client: TestClient, jpeg: bytes) -> None:
    parts = texts(regions="it", config='{"region": "strict"}', camera_id="cam1", mmc="True")
    answer = post(client, "/v1/plate-reader/", *parts, Part("upload", jpeg, "car.jpg"), headers={})
    assert (answer["camera_id"], answer["filename"], answer["results"]) == ("cam1", "car.jpg", [])
    parts = texts(regions=["it", "cn"], config='{"region": "strict"}')
    answer = post(client, "/v1/plate-reader/", *parts, Part("upload", jpeg, "car.jpg"), headers={})
    assert check(answer)["region"]["code"] == "cn"


def test_a_split_image_without_extension_and_type(client: TestClient, jpeg: bytes) -> None:
    check(post(client, "/v1/plate-reader/", *texts(config="{}"), Part("upload", jpeg, "upload"), headers={}))


def test_home_assistant(client: TestClient, jpeg: bytes) -> None:
    parts = texts(
        regions=["gb", "ie"],
        camera_id="platerecognizer_driveway",
        mmc="True",
        config='{"detection_rule": "False", "region": "False"}',
    )
    answer = post(client, "/v1/plate-reader/", *parts, Part("upload", jpeg, "upload"))
    check(answer)
    assert answer["camera_id"] == "platerecognizer_driveway"


def test_node_red_sends_base64_as_text(client: TestClient, jpeg: bytes) -> None:
    parts = texts(
        upload=base64.b64encode(jpeg).decode(),
        mmc="true",
        camera_id="cam1",
        timestamp="2026-11-26T03:49:43.740Z",
        regions=["it", "fr"],
    )
    answer = post(client, "/v1/plate-reader/", *parts, headers=TOKEN | {"Connection": "close"})
    check(answer)
    assert answer["timestamp"] == "2026-11-26T03:49:43.740Z"


@pytest.mark.parametrize("prefix", ["", "data:image/png;base64,"])
def test_a_text_part_is_as_large_as_a_picture(client: TestClient, noise: bytes, prefix: str) -> None:
    text = prefix + base64.b64encode(noise).decode()
    assert len(text) > 2_000_000
    check(post(client, "/v1/plate-reader/", *texts(upload=text)))


def test_a_urlencoded_field_is_as_large_as_a_picture(client: TestClient, noise: bytes) -> None:
    fields = {"upload": base64.b64encode(noise).decode(), "camera_id": "cam1"}
    response = client.post("/v1/plate-reader", data=fields, headers=TOKEN)
    assert response.status_code == 201
    check(response.json())


def test_json_has_a_list_of_regions(client: TestClient, jpeg: bytes) -> None:
    body = {"upload": base64.b64encode(jpeg).decode(), "regions": ["cn"]}
    response = client.post("/v1/plate-reader/", json=body, headers=TOKEN)
    assert check(response.json())["region"]["code"] == "cn"


def test_an_address_is_not_fetched_on_a_client_s_word(client: TestClient) -> None:
    for where in ("http://127.0.0.1:8080/healthz", "file:///etc/passwd", "/etc/passwd"):
        answer = post(client, "/v1/plate-reader/", *texts(upload_url=where), status=403)
        assert answer["status_code"] == 403


@pytest.mark.parametrize("path", ["/v1/statistics", "/v1/statistics/"])
def test_statistics(client: TestClient, path: str) -> None:
    response = client.get(path, headers=TOKEN, follow_redirects=False)
    assert response.status_code == 200
    answer = response.json()
    assert answer["total_calls"] == 1_000_000
    assert answer["usage"].keys() == {"month", "calls", "year", "resets_on"}
    assert answer["usage"]["resets_on"].endswith("-01T00:00:00Z")


def test_a_call_is_counted(client: TestClient, jpeg: bytes) -> None:
    before = client.get("/v1/statistics/").json()["usage"]["calls"]
    post(client, "/v1/plate-reader", Part("upload", jpeg, "upload"))
    assert client.get("/v1/statistics/").json()["usage"]["calls"] == before + 1


def test_there_is_a_server(client: TestClient) -> None:
    assert client.get("/", follow_redirects=False).status_code == 200


@pytest.mark.parametrize("path", ["/info", "/info/"])
def test_info(client: TestClient, path: str) -> None:
    assert client.get(path, follow_redirects=False).json().keys() == {"version", "license_key", "webhooks"}


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ([], "there is no picture in the request; send it as the file 'upload'"),
        (texts(camera_id="cam1"), "there is no picture in the request; send it as the file 'upload'"),
        ([Part("upload", b"", "upload")], "there is no picture in the request; send it as the file 'upload'"),
        ([Part("upload", b"no picture", "car.jpg")], "car.jpg: not a picture in a known format"),
        (texts(upload="no base64!"), "the text of a picture is not base64"),
        ([Part("upload", b"\xff\xd8", "x"), *texts(config="[1]")], "config is no JSON object, such as {}"),
    ],
)
def test_a_bad_request_is_told_why(client: TestClient, parts: list[Part], said: str) -> None:
    answer = post(client, "/v1/plate-reader/", *parts, status=400)
    assert answer["detail"].startswith(said)
    assert answer == {"detail": answer["detail"], "error": answer["detail"], "status_code": 400}


CORNERS = ((143.0, 181.0), (282.0, 181.0), (282.0, 275.0), (143.0, 275.0))


def test_by_vehicle_the_plate_is_inside() -> None:
    chars = (Char("A", 0.9, (("4", 0.1),)), Char("B", 1.0, ()))
    (result,) = plate_results(Reading(640, 480, 9.0, (plate_of(chars, CORNERS),)), by_vehicle=True)
    assert result["plate"] == {
        "type": "Plate",
        "score": 0.95,
        "box": {"xmin": 143, "ymin": 181, "xmax": 282, "ymax": 275},
        "props": {
            "plate": [{"value": "ab", "score": 0.95}, {"value": "4b", "score": 0.106}],
            "region": [],
        },
    }
    assert result["vehicle"]["type"] == "Unknown"
    assert result["vehicle"]["props"] == {"make_model": [], "color": [], "orientation": []}


def test_results_are_in_the_order_of_the_reading() -> None:
    plates = tuple(plate_of((Char(char, 0.9, ()),), CORNERS) for char in "ZAM")
    assert [one["plate"] for one in plate_results(Reading(640, 480, 9.0, plates))] == ["z", "a", "m"]
