"""Readings of others, in the shapes that they send, become sightings."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from plate_ocr import PlateReader
from plate_ocr.server.keeping import SightingStore
from plate_ocr.server.notify.channels import Format
from plate_ocr.server.notify.formats import FORMATS
from plate_ocr.server.notify.messages import Message
from plate_ocr.server.snapshots import to_jpeg
from plate_ocr.vision.images import read_image
from tests.server.conftest import SCENE
from tests.server.notify.test_mqtt import EVENT, SIGHTING
from tests.server.test_sightings import swapped, texts

__all__ = ["swapped"]

PICTURE = base64.b64encode(SCENE.read_bytes()).decode()
AT = "2026-11-26T03:45:00.000000Z"
BOX = {"xmin": 100, "ymin": 100, "xmax": 200, "ymax": 150}
JSON = dict[str, Any]

ALPR = {
    "api": "alpr",
    "found": {
        "success": True,
        "predictions": [
            {"label": "Plate: AB123CD", "plate": "AB123CD", "confidence": 0.9, "x_min": 100, "y_min": 100,
             "x_max": 200, "y_max": 150},
            {"label": "Plate: -", "plate": "-", "confidence": 0.2},
        ],
    },
}  # fmt: skip

STREAM = {
    "hook": {"target": "http://host:8001/", "id": "camera-1", "event": "recognition"},
    "data": {
        "camera_id": "gate",
        "timestamp": AT,
        "results": [
            {"box": BOX, "plate": "ab123cd", "score": 0.9, "dscore": 0.76, "direction": 210,
             "region": {"code": "it", "score": 0.18}, "candidates": []},
        ],
    },
}  # fmt: skip

PARKPOW = {
    "camera": "gate",
    "image": PICTURE,
    "results": [{"plate": "ab123cd", "score": 0.9, "box": BOX}],
    "time": "2026-11-26 03:45:00.000000+0000",
}

GROUP = {
    "data_type": "alpr_group",
    "epoch_start": 1795664700000,
    "epoch_end": 1795664702500,
    "camera_id": 7,
    "best_plate_number": "AB123CD",
    "best_confidence": 90.0,
    "best_region": "it",
    "vehicle_crop_jpeg": PICTURE,
    "travel_direction": 210.0,
}


def test_blue_iris_sends_text(client: TestClient, swapped: SightingStore) -> None:
    value = {"ai_dump": [ALPR], "Image": PICTURE, "camera": "gate", "timestamp": AT, "ALERT_PATH": "x"}

    def post() -> Any:
        body = json.dumps(value)
        return client.post("/api/plate-reads", content=body, headers={"Content-Type": "text/plain"})

    answer = post()
    (kept,) = answer.json()["processed"]
    assert (answer.status_code, kept["plate"], answer.json()["ignored"]) == (201, "AB123CD", ["-"])
    again = post()
    assert (again.status_code, again.json()["duplicates"]) == (409, ["AB123CD"])
    sighting = client.get(f"/api/v1/sightings/{kept['id']}").json()
    assert (sighting["camera"], sighting["first_seen"]) == ("gate", "2026-11-26T03:45:00.000Z")
    assert (sighting["confidence"], sighting["origin"]) == (0.9, "alpr-database")
    assert read_image(client.get(sighting["scene"]).content).shape == read_image(SCENE).shape
    assert client.get(sighting["crop"]).status_code == 200


def test_a_plate_or_a_memo_alone(client: TestClient, swapped: SightingStore) -> None:
    for value in ({"plate_number": "ab-123"}, {"memo": "XY999:95%,car:90%"}):
        assert client.post("/api/plate-reads/", json=value).status_code == 201
    assert sorted(texts(client)) == ["AB123", "XY999"]
    assert client.post("/api/plate-reads", json={"memo": "car:90%"}).json()["processed"] == []


@pytest.mark.parametrize(
    ("path", "request_"),
    [
        ("/api/v1/webhook-receiver/", {"json": STREAM}),
        ("/api/v1/webhook-receiver", {"data": {"json": json.dumps(STREAM)}}),
        (
            "/api/v1/webhook-receiver",
            {"data": {"json": json.dumps(STREAM)}, "files": {"upload": ("a.jpg", SCENE.read_bytes())}},
        ),
        ("/api/v1/log-vehicle/", {"json": PARKPOW}),
        ("/api/webhook", {"json": GROUP}),
    ],
)
def test_the_doors(client: TestClient, swapped: SightingStore, path: str, request_: JSON) -> None:
    answer = client.post(path, **request_)
    assert answer.status_code == 200, answer.text
    (uuid,) = answer.json()["ids"]
    sighting = client.get(f"/api/v1/sightings/{uuid}").json()
    assert sighting["text"] == "AB123CD"
    assert sighting["camera"] == ("7" if path == "/api/webhook" else "gate")
    assert (sighting["confidence"], sighting["first_seen"]) == (0.9, "2026-11-26T03:45:00.000Z")
    assert (sighting["scene"] is None) == ("files" not in request_ and "webhook-" in path)
    # The same once more is known.
    assert client.post(path, **request_).json() == {"ids": []}


def test_what_we_send_is_taken(client: TestClient, swapped: SightingStore) -> None:
    picture = to_jpeg(read_image(SCENE))
    formats: list[tuple[Format, str]] = [
        ("platerecognizer-stream", "/api/v1/webhook-receiver"),
        ("alpr-database", "/api/plate-reads"),
        ("openalpr-group", "/api/webhook"),
    ]
    for i, (format_, path) in enumerate(formats):
        at = dict.fromkeys(("first_seen", "last_seen", "best"), f"2026-11-26T02:26:4{i}.000Z")
        message = Message("1", {**EVENT, "sighting": {**SIGHTING, **at}}, crop=picture, scene=picture)
        body, kind = FORMATS[format_](message)
        answer = client.post(path, content=body, headers={"Content-Type": kind})
        assert answer.is_success, answer.text
    found = client.get("/api/v1/sightings").json()["sightings"]
    assert {one["origin"] for one in found} == {"platerecognizer", "alpr-database", "openalpr"}
    assert {(one["text"], one["camera"], one["confidence"]) for one in found} == {
        ("AB123CD", "front gate", 0.97)
    }
    assert all(one["scene"] for one in found)


def test_a_picture_is_read_again(client: TestClient, swapped: SightingStore) -> None:
    answer = client.post("/api/v1/log-vehicle/?reread=1", json=PARKPOW)
    assert [client.get(f"/api/v1/sightings/{uuid}").json()["origin"] for uuid in answer.json()["ids"]] == [
        "plate-ocr"
    ]
    assert texts(client) == [plate.text for plate in PlateReader()(SCENE).plates]


@pytest.mark.parametrize(
    "value",
    [
        None,
        3,
        [],
        {},
        {"data": 1},
        {"data": {"results": [1, {"plate": None}, {"plate": ""}, {"plate": "x" * 100}]}},
        {"data_type": "alpr_results"},
        {"data_type": "heartbeat"},
        {"data_type": "alpr_group", "best_plate": []},
        {"results": {"plate": {}}, "image": 7},
        {"ai_dump": [{"found": {"predictions": "x"}}, 3]},
        {"memo": 7},
    ],
)
def test_what_tells_nothing_keeps_nothing(client: TestClient, swapped: SightingStore, value: object) -> None:
    for path in ("/api/plate-reads", "/api/v1/webhook-receiver", "/api/v1/log-vehicle", "/api/webhook"):
        assert client.post(path, json=value).status_code in (200, 201)
    assert texts(client) == []


@pytest.mark.parametrize(
    ("score", "confidence"), [(2, 1.0), (-1, 0.0), ("nan", 1.0), (None, 1.0), ("0.5", 0.5), (1e400, 1.0)]
)
def test_odd_numbers(client: TestClient, swapped: SightingStore, score: object, confidence: float) -> None:
    result = {"plate": "AB1", "score": score, "box": {"xmin": 1e300, "ymin": 0, "xmax": 2, "ymax": "x"}}
    value = json.dumps({"results": [result], "time": "9999999-1", "camera": "x" * 500, "image": "AAAA"})
    answer = client.post("/api/v1/log-vehicle", content=value, headers={"Content-Type": "application/json"})
    (uuid,) = answer.json()["ids"]
    sighting = client.get(f"/api/v1/sightings/{uuid}").json()
    assert (sighting["confidence"], len(sighting["camera"]), sighting["scene"]) == (confidence, 100, None)
