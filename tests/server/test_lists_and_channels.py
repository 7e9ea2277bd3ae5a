"""Lists, channels and deliveries over HTTP."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from plate_ocr.server.application import create_app
from plate_ocr.server.keeping import SightingStore
from plate_ocr.server.settings import Settings
from tests.server.notify.receivers import Receiver, wait_for
from tests.server.stores import JPEG, seen

JSON = dict[str, Any]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A server of its own, with empty tables."""
    app = create_app(Settings(data=tmp_path_factory.mktemp("server"), allow_command=("/bin/true",)))
    with TestClient(app, base_url="http://127.0.0.1:8080", client=("127.0.0.1", 50000)) as client:
        yield client


@pytest.fixture
def own(client: TestClient) -> SightingStore:
    """The store of the server."""
    app: Any = client.app
    store = app.state.store
    assert isinstance(store, SightingStore)
    return store


def test_a_list_from_csv_to_a_sighting_and_back(client: TestClient, own: SightingStore) -> None:
    made = client.post("/api/v1/lists", json={"name": "staff", "kind": "known", "tolerance": 1}).json()
    path = f"/api/v1/lists/{made['id']}"
    table = "\ufeffPlate,name\r\nab 123 cd,Ann\r\n\r\nXY*,=buses\r\n".encode()
    answer = client.post(f"{path}/plates", content=table, headers={"Content-Type": "text/csv"})
    assert answer.json() == {"plates": 2}
    assert client.post(f"{path}/plates", json={"plate": "QQ1", "note": "guest"}).json() == {"plates": 1}
    assert client.get(path).json()["count"] == 3
    got = client.get(f"{path}/plates", headers={"Accept": "text/csv"}).text
    assert got.splitlines() == ["plate,name,note", "AB123CD,Ann,", "QQ1,,guest", "XY*,'=buses,"]
    assert own.keep(seen("A8123CD")).matches[0].why == "8=B"
    tried = client.get(f"{path}/match", params={"plate": "AB123CX"}).json()
    assert tried == {
        "plate": "AB123CD",
        "name": "Ann",
        "distance": 1,
        "why": "one character, which was unsure",
    }
    assert client.get(f"{path}/match", params={"plate": "ZZZ"}).json() == {"plate": None}
    assert client.delete(f"{path}/plates/qq-1").status_code == 204
    assert client.delete(f"{path}/plates/qq-1").status_code == 404
    changed = client.put(path, json={"name": "crew", "kind": "watch", "hours": "8-18"}).json()
    assert (changed["name"], changed["hours"], changed["count"]) == ("crew", "8-18", 2)
    assert [one["name"] for one in client.get("/api/v1/lists").json()["lists"]] == ["crew"]
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    ("body", "kind", "status", "message"),
    [
        (b"", "text/csv", 400, "the body is empty"),
        (b"number\nAB1", "text/csv", 422, "the first line must name the columns plate,name,note"),
        (b"plate\n\xff", "text/csv", 422, "the CSV is not UTF-8"),
        (b"plate,name\n -,Ann", "text/csv", 422, "the plate '-' of Ann has no character of a plate"),
        (b'[{"plate": "AB1"}, {"plate": 1}]', "application/json", 422, "plate 2: plate: should be"),
        (b'[{"plate": "AB1", "colour": "red"}]', "application/json", 422, "plate 1: colour: is unknown"),
        (b"3", "application/json", 422, "plate 1: should be"),
    ],
)
def test_what_is_no_plate_of_a_list_is_refused(
    client: TestClient, body: bytes, kind: str, status: int, message: str
) -> None:
    key = client.post("/api/v1/lists", json={"name": "x", "kind": "watch"}).json()["id"]
    answer = client.post(f"/api/v1/lists/{key}/plates", content=body, headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["error"].startswith(message)) == (status, True), answer.text
    assert client.get(f"/api/v1/lists/{key}").json()["count"] == 0
    client.delete(f"/api/v1/lists/{key}")


def test_a_channel_is_told_and_never_shows_its_secret(
    client: TestClient, own: SightingStore, receiver: Receiver
) -> None:
    settings = {"url": receiver.url, "secret": "topsecret"}
    new = {"name": "house", "kind": "webhook", "settings": settings}
    made = client.post("/api/v1/channels", json=new)
    assert made.status_code == 201
    path = f"/api/v1/channels/{made.json()['id']}"
    tested = client.post(f"{path}/test").json()
    assert tested == {"delivered": True, "error": None}
    assert json.loads(receiver.requests[0].body)["event"] == "test"
    own.keep(seen("AB123CD"))
    wait_for(lambda: len(receiver.requests) == 2)
    wait_for(lambda: client.get(path).json()["waiting"] == 0)
    (delivery,) = client.get("/api/v1/deliveries").json()["deliveries"]
    assert (delivery["state"], delivery["channel"]) == ("delivered", "house")
    changed = client.put(path, json={"name": "home", "settings": client.get(path).json()["settings"]})
    assert changed.json()["settings"]["secret"] == "********"
    assert "webhook-signature" in receiver.requests[1].headers
    client.post(f"{path}/test")
    assert "webhook-signature" in receiver.requests[2].headers
    assert "topsecret" not in changed.text + client.get("/api/v1/channels").text
    assert client.delete(path).status_code == 204
    assert client.get("/api/v1/deliveries").json() == {"deliveries": [], "cursor": None}


def test_a_delivery_that_failed_is_made_again(
    client: TestClient, own: SightingStore, receiver: Receiver
) -> None:
    receiver.answers = [400]
    new = {"name": "house", "kind": "webhook", "settings": {"url": receiver.url}}
    path = f"/api/v1/channels/{client.post('/api/v1/channels', json=new).json()['id']}"
    own.keep(seen("AB123CD"))
    wait_for(lambda: client.get("/api/v1/deliveries?state=failed").json()["deliveries"])
    assert client.get(path).json()["error"] == "127.0.0.1 answered 400"
    (failed,) = client.get("/api/v1/deliveries?state=failed").json()["deliveries"]
    assert client.post(f"/api/v1/deliveries/{failed['id']}/retry").status_code == 202
    wait_for(lambda: client.get("/api/v1/deliveries?state=delivered").json()["deliveries"])
    assert client.post(f"/api/v1/deliveries/{failed['id']}/retry").status_code == 404
    client.delete(path)


def test_apprise_sends_words_and_the_picture(
    client: TestClient, own: SightingStore, receiver: Receiver
) -> None:
    urls = [receiver.url.replace("http://", "json://")]
    new = {"name": "phone", "kind": "apprise", "settings": {"urls": urls}}
    path = f"/api/v1/channels/{client.post('/api/v1/channels', json=new).json()['id']}"
    own.keep(seen("AB123CD", crop=JPEG))
    wait_for(lambda: client.get(path).json()["waiting"] == 0)
    (delivery,) = client.get("/api/v1/deliveries").json()["deliveries"]
    assert (delivery["state"], delivery["error"]) == ("delivered", None)
    told = json.loads(receiver.requests[0].body)
    assert told["title"] == "AB123CD at gate"
    assert told["message"] == "Seen 2026-11-26T02:26:42.000Z at gate."
    assert [base64.b64decode(one["base64"]) for one in told["attachments"]] == [JPEG]
    receiver.answers = [500]
    tested = client.post(f"{path}/test").json()
    assert tested == {"delivered": False, "error": "apprise did not reach all addresses of the channel"}
    client.delete(path)


@pytest.mark.parametrize(
    ("new", "message"),
    [
        ({"kind": "command", "settings": {"args": ["/bin/rm"]}}, "the program /bin/rm is not allowed"),
        ({"kind": "webhook", "settings": {"url": "ftp://a"}}, "settings: url: an address begins with"),
        ({"kind": "fax"}, "kind: should be"),
    ],
)
def test_what_is_no_channel_is_refused(client: TestClient, new: JSON, message: str) -> None:
    answer = client.post("/api/v1/channels", json={"name": "x", **new})
    assert (answer.status_code, answer.json()["error"].startswith(message)) == (422, True), answer.text


def test_a_test_of_a_channel_says_what_is_wrong(client: TestClient, tmp_path: Path) -> None:
    new = {"name": "broker", "kind": "mqtt", "settings": {"host": "127.0.0.1", "port": 9, "password": "x"}}
    path = f"/api/v1/channels/{client.post('/api/v1/channels', json=new).json()['id']}"
    answer = client.post(f"{path}/test").json()
    assert answer["delivered"] is False
    assert answer["error"].startswith("cannot reach the broker 127.0.0.1")
    client.delete(path)
