"""Sightings over HTTP: kept, found, corrected, exported, deleted."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection, event

from plate_ocr import PlateReader
from plate_ocr.labels import list_plates
from plate_ocr.server.application import create_app
from plate_ocr.server.keeping import SightingStore
from plate_ocr.server.notify.discovery import frigate_id
from plate_ocr.server.settings import Settings
from plate_ocr.server.store.database import Database
from tests.conftest import fill_disk
from tests.server.conftest import PLATE, URL
from tests.server.notify.receivers import wait_for
from tests.server.stores import JPEG, NOW, seen


@pytest.fixture
def swapped(client: TestClient, empty_sqlite: Path, tmp_path: Path) -> Iterator[SightingStore]:
    """An empty store, in the place of the application's own."""
    shutil.copy(empty_sqlite, tmp_path / "a.db")
    app: Any = client.app
    own, store = (
        app.state.store,
        SightingStore(Database(f"sqlite:///{tmp_path / 'a.db'}"), tmp_path / "pictures"),
    )
    app.state.store = store
    yield store
    app.state.store = own
    store.database.close()


def texts(client: TestClient, **query: str | bool | float) -> list[str]:
    """The texts that a search finds."""
    answer = client.get("/api/v1/sightings", params=query)
    assert answer.status_code == 200, answer.text
    return [sighting["text"] for sighting in answer.json()["sightings"]]


def test_a_reading_is_kept_and_found(client: TestClient, swapped: SightingStore) -> None:
    data = PLATE.read_bytes()
    answer = client.post("/api/v1/read?store=1&camera=gate", files={"image": data}).json()
    text = PlateReader()(PLATE).text
    assert answer["id"] == answer["plates"][0]["id"]
    assert texts(client, q=f"{text[:2]}*", camera="gate") == [text]
    sighting = client.get(f"/api/v1/sightings/{answer['id']}").json()
    (plate,) = answer["plates"]
    assert {key: sighting[key] for key in plate} == plate
    for kind in ("crop", "scene"):
        picture = client.get(sighting[kind])
        assert picture.headers["Content-Type"] == "image/jpeg"
        assert PlateReader(input="plate")(picture.content).text == text
    assert "id" not in client.post("/api/v1/read", files={"image": data}).json()
    assert len(texts(client)) == 1


def test_a_correction_over_http(client: TestClient, swapped: SightingStore) -> None:
    uuid = swapped.keep(seen("AB123C0", crop=JPEG)).uuid
    changed = client.patch(f"/api/v1/sightings/{uuid}", json={"text": "ab 123 cd", "note": "by eye"}).json()
    assert [changed[key] for key in ("text", "read", "corrected", "note")] == [
        "AB123CD",
        "AB123C0",
        True,
        "by eye",
    ]
    assert [step["new"] for step in changed["corrections"]] == ["AB123CD"]
    assert texts(client, corrected=True) == texts(client, q="AB123CD") == ["AB123CD"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"text": " - "}, "text: ' - ' has no character of a plate"),
        ({"read": "XY"}, "read: is unknown"),
        ({"ignored": "perhaps"}, "ignored: should be a valid boolean"),
    ],
)
def test_what_is_no_correction_is_refused(
    client: TestClient, swapped: SightingStore, change: dict[str, str], message: str
) -> None:
    uuid = swapped.keep(seen("AB123C0")).uuid
    answer = client.patch(f"/api/v1/sightings/{uuid}", json=change)
    assert (answer.status_code, answer.json()["error"].startswith(message)) == (422, True), answer.text


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"from": "yesterday"}, "'yesterday' is no time: write it as 2026-11-26T03:00:00Z or 2026-11-26"),
        ({"hours": "25-26"}, "'25-26' are no hours: write them as 22:00-06:30"),
        ({"cursor": "x"}, "the cursor 'x' is none of a page before"),
        ({"limit": "0"}, "limit: should be greater than or equal to 1"),
    ],
)
def test_what_is_no_search_is_refused(client: TestClient, query: dict[str, str], message: str) -> None:
    answer = client.get("/api/v1/sightings", params=query)
    assert (answer.status_code, answer.json()) == (422, {"error": message})


def test_pages_and_similar_plates_over_http(client: TestClient, swapped: SightingStore) -> None:
    for i, text in enumerate(("AB123CD", "XY999ZZ", "AB123C0")):
        swapped.keep(seen(text, NOW + i))
    first = client.get("/api/v1/sightings", params={"like": "AB123CO", "limit": 1}).json()
    assert first["sightings"][0]["similar"] == {"distance": 0, "why": "O=0"}
    second = client.get("/api/v1/sightings", params={"like": "AB123CO", "cursor": first["cursor"]}).json()
    assert second["sightings"][0]["similar"] == {"distance": 1, "why": "one character differs: O=D"}
    assert second["cursor"] is None


def test_what_is_filtered_is_exported(client: TestClient, swapped: SightingStore) -> None:
    for i, camera in enumerate(("gate", "=1+1", "gate")):
        swapped.keep(seen(f"AB12{i}CD", NOW + i, camera))
    answer = client.get("/api/v1/sightings", headers={"Accept": "text/csv"}, params={"q": "AB12?CD"})
    table = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["text"] for row in table] == ["AB122CD", "AB121CD", "AB120CD"]
    assert [row["camera"] for row in table] == ["gate", "'=1+1", "gate"]
    lines = client.get("/api/v1/sightings", params={"format": "jsonl", "camera": "gate"}).text.splitlines()
    assert [json.loads(line)["text"] for line in lines] == ["AB122CD", "AB120CD"]


def test_corrected_crops_are_labels_to_train_on(
    client: TestClient, swapped: SightingStore, tmp_path: Path
) -> None:
    kept = [swapped.keep(seen(text, crop=PLATE.read_bytes())) for text in ("AB123C0", "XY999ZZ")]
    client.patch(f"/api/v1/sightings/{kept[0].uuid}", json={"text": "AB123CD"})
    contents = client.get("/api/v1/sightings/labels.zip").content
    zipfile.ZipFile(io.BytesIO(contents)).extractall(tmp_path / "labels")
    plates, problems = list_plates(tmp_path / "labels", None)
    assert ([plate.text for plate in plates], problems) == (["AB123CD"], [])
    assert plates[0].path.read_bytes() == PLATE.read_bytes()


def test_a_sighting_is_deleted_with_its_pictures(client: TestClient, swapped: SightingStore) -> None:
    kept = swapped.keep(seen("AB123CD", crop=JPEG))
    assert client.delete(f"/api/v1/sightings/{kept.uuid}").status_code == 204
    assert swapped.pictures.read(kept.row.crop) is None
    for path in ("", "/crop.jpg"):
        answer = client.get(f"/api/v1/sightings/{kept.uuid}{path}")
        assert (answer.status_code, answer.json()) == (404, {"error": f"there is no sighting {kept.uuid}"})


def test_a_plate_has_a_note_and_tags(client: TestClient, swapped: SightingStore) -> None:
    swapped.keep(seen("AB123CD"))
    changed = client.patch(
        "/api/v1/plates/ab-123-cd", json={"note": "Ann's", "tags": ["van", "staff"]}
    ).json()
    assert (changed["count"], changed["note"], changed["tags"]) == (1, "Ann's", ["staff", "van"])
    assert texts(client, tag="van") == ["AB123CD"]
    assert client.get("/api/v1/plates/XY1").status_code == 404


def test_searches_and_changes_are_written_down(client: TestClient, swapped: SightingStore) -> None:
    uuid = swapped.keep(seen("AB123CD")).uuid
    client.get("/api/v1/sightings")
    client.get("/api/v1/sightings", params={"q": "AB*", "camera": "gate"})
    client.get("/api/v1/sightings", params={"format": "csv"})
    client.patch(f"/api/v1/sightings/{uuid}", json={"note": "a bus"})
    found = client.get("/api/v1/audit", params={"limit": 2}).json()
    assert [(one["action"], one["detail"]) for one in found["audit"]] == [
        ("change sighting", {"id": uuid, "note": "a bus"}),
        ("export", {}),
    ]
    (rest,) = client.get("/api/v1/audit", params={"before": found["cursor"]}).json()["audit"]
    assert (rest["action"], rest["detail"], rest["who"]) == (
        "search",
        {"text": "AB*", "camera": "gate"},
        None,
    )


def test_a_plate_is_deleted_everywhere(client: TestClient, swapped: SightingStore) -> None:
    for text in ("AB123CD", "AB123CD", "XY1"):
        swapped.keep(seen(text))
    client.get("/api/v1/plates/AB123CD")
    assert client.delete("/api/v1/plates/ab-123-cd").json() == {"sightings": 2}
    assert texts(client) == ["XY1"]
    done = client.get("/api/v1/audit").json()["audit"]
    assert [(one["action"], one["detail"]) for one in done] == [
        ("delete plate", {"sightings": 2}),
        ("search", {"erased": True}),
    ]


def test_who_may_read_may_not_change_nor_keep(client: TestClient, swapped: SightingStore) -> None:
    app: Any = client.app
    access, path = app.state.access, app.state.access._path
    kept = swapped.keep(seen("AB123CD"))
    _, admin = access.add_key("admin", "admin")
    _, reader = access.add_key("reader", "read")
    try:
        own = {"X-Api-Key": reader}
        assert client.get("/api/v1/sightings").status_code == 401
        assert client.get("/api/v1/sightings", headers=own).status_code == 200
        for method, url in (
            ("PATCH", f"/api/v1/sightings/{kept.uuid}"),
            ("DELETE", f"/api/v1/sightings/{kept.uuid}"),
            ("DELETE", "/api/v1/plates/AB123CD"),
            ("POST", "/api/v1/lists"),
            ("GET", "/api/v1/channels"),
            ("POST", "/api/v1/channels"),
            ("GET", "/api/v1/deliveries"),
            ("GET", "/api/v1/audit"),
            ("POST", "/api/plate-reads"),
            ("POST", "/api/webhook"),
            ("POST", "/api/v1/read?store=1"),
        ):
            assert client.request(method, url, headers=own, json={}).status_code == 403, (method, url)
        change = {"text": "AB123CE"}
        client.patch(f"/api/v1/sightings/{kept.uuid}", json=change, headers={"X-Api-Key": admin})
        told = client.get(f"/api/v1/sightings/{kept.uuid}", headers=own).json()
        assert told["corrections"][0]["who"] == "admin"
    finally:
        path.unlink()
        app.state.access = type(access)(app.state.settings)


def test_a_picture_is_found_by_the_id_that_frigate_would_give(
    client: TestClient, swapped: SightingStore
) -> None:
    kept = swapped.keep(
        dataclasses.replace(seen("AB123CD", NOW + 0.1234, crop=JPEG), scene=PLATE.read_bytes())
    )
    key = frigate_id(kept.to_dict())
    assert client.get(f"/api/events/{key}/snapshot.jpg").content == PLATE.read_bytes()
    assert client.get(f"/api/events/{key}/snapshot.jpg?crop=1&quality=95").content == JPEG
    for other in ("x", "1.5-abcdef", key[:-1], f"{key[:-6]}ffffff"):
        assert client.get(f"/api/events/{other}/snapshot.jpg").status_code == 404


@pytest.mark.parametrize(
    ("pragma", "message"),
    [
        ("max_page_count = 1", "database or disk is full"),
        ("query_only = ON", "attempt to write a readonly database"),
    ],
)
def test_a_database_that_cannot_be_written_is_503_until_it_can(
    client: TestClient, swapped: SightingStore, pragma: str, message: str
) -> None:
    def post() -> Any:
        value = {"camera": "gate", "results": [{"plate": "A" * 40, "score": 0.9}] * 50}
        return client.post("/api/v1/log-vehicle", json=value)

    @event.listens_for(swapped.database.engine, "begin")
    def limit(connection: Connection) -> None:
        connection.exec_driver_sql(f"PRAGMA {pragma}")

    answer = post()
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert message in answer.json()["error"]
    event.remove(swapped.database.engine, "begin", limit)
    with swapped.database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA query_only = OFF")
        connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
    assert post().status_code == 200
    assert texts(client, q="A" * 40)


def test_pictures_for_which_there_is_no_room_are_503(
    client: TestClient, swapped: SightingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = PLATE.read_bytes()
    with monkeypatch.context() as full:
        fill_disk(full, ".jpg")
        answer = client.post("/api/v1/read?store=1", files={"image": data})
    assert answer.status_code == 503
    assert "No space left on device" in answer.json()["error"]
    assert texts(client) == []
    assert list(swapped.pictures.paths()) == []
    assert client.post("/api/v1/read?store=1", files={"image": data}).status_code == 200


def test_the_numbers_are_of_what_is_filtered(client: TestClient, swapped: SightingStore) -> None:
    for text, camera in (("AB123CD", "gate"), ("AB124CE", "gate"), ("XY999ZZ", "yard")):
        swapped.keep(seen(text, camera=camera))
    found = client.get("/api/v1/stats", params={"q": "AB*"}).json()
    assert (found["count"], found["cameras"]) == (2, [{"camera": "gate", "count": 2}])
    assert client.get("/api/v1/audit?limit=1").json()["audit"][0]["detail"] == {"text": "AB*"}
    assert client.get("/api/v1/stats", params={"hours": "25"}).status_code == 422


def test_retention_is_chosen_and_what_is_more_goes_at_once(tmp_path: Path) -> None:
    app = create_app(Settings(data=tmp_path, keep_days=10_000))
    with TestClient(app, base_url=URL, client=("127.0.0.1", 50000)) as client:
        for i in range(3):
            app.state.store.keep(seen("AB123CD", NOW + i, crop=JPEG))
        room = client.get("/api/v1/storage").json()
        assert (room["sightings"], room["pictures"]) == (3, 3 * len(JPEG))
        assert room["oldest"] == "2026-11-26T02:26:40.000Z"
        assert 0 < room["database"] < room["total"]
        assert 0 < room["free"] < room["total"]
        chosen = client.put("/api/v1/retention", json={"keep_sightings": 1, "keep_picture_days": 0.5})
        assert chosen.json() == client.get("/api/v1/retention").json()
        assert chosen.json() == {
            "keep_days": 10_000,
            "keep_sightings": 1,
            "keep_size": None,
            "keep_picture_days": 0.5,
            "hash_after_days": None,
            "given": ["keep_days"],
        }
        wait_for(lambda: client.get("/api/v1/storage").json()["sightings"] == 1)
        refused = client.put("/api/v1/retention", json={"keep_days": 1})
        assert refused.status_code == 409
        assert "--keep-days" in refused.json()["error"]
        assert client.put("/api/v1/retention", json={"keep_days": -1}).status_code == 422
        assert client.get("/api/v1/audit?limit=1").json()["audit"][0]["action"] == "change retention"
