"""Keys, people and roles; hosts and origins; limits of requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from fastapi.testclient import TestClient

from plate_ocr.server.access import ADMIN, FILE, SCRYPT, Access
from plate_ocr.server.application import create_app
from plate_ocr.server.settings import Settings
from tests.server.conftest import URL

PASSWORD = "correct horse"

Open: TypeAlias = Callable[..., AbstractContextManager[TestClient]]


@pytest.fixture(autouse=True)
def _cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SCRYPT, "n", 16)


@pytest.fixture
def serve(tmp_path: Path) -> Open:
    """A client of a server with these settings, whose networks are not opened."""

    @contextmanager
    def open_client(address: str = "127.0.0.1", **settings: Any) -> Iterator[TestClient]:
        app = create_app(replace(Settings(data=tmp_path), **settings))
        yield TestClient(app, base_url=URL, client=(address, 50000), raise_server_exceptions=False)

    return open_client


def test_nothing_is_asked_on_loopback_while_there_is_nobody(serve: Open) -> None:
    with serve() as client:
        for headers in ({}, {"Authorization": "Token anything"}, {"X-Api-Key": "anything"}):
            answer = client.get("/api/v1/me", headers=headers)
            assert answer.json() == {"name": None, "role": "admin"}


@pytest.mark.parametrize(
    ("address", "settings"), [("192.0.2.1", {}), ("127.0.0.1", {"host": "192.0.2.7"})]
)  # fmt: skip
def test_a_key_is_asked_for_from_elsewhere(serve: Open, address: str, settings: dict[str, Any]) -> None:
    with serve(address, **settings) as client:
        answer = client.get("/api/v1/me")
        assert answer.status_code == 401
        assert "a key is needed" in answer.json()["error"]


def test_keys_are_made_used_and_deleted(serve: Open, tmp_path: Path) -> None:
    with serve() as client:
        assert client.post("/api/v1/keys", json={"name": "gate", "role": "read"}).status_code == 409
        admin = client.post("/api/v1/keys", json={"name": "me", "role": "admin"}).json()
        client.headers = {"Authorization": f"Bearer {admin['key']}"}
        key = client.post("/api/v1/keys", json={"name": "gate", "role": "read"}).json()
        assert client.get("/api/v1/keys").json() == [
            {name: one[name] for name in ("id", "name", "role")} for one in (admin, key)
        ]
        assert key["key"] not in (tmp_path / FILE).read_text()
        for headers in (
            {"Authorization": f"Token {key['key']}"},
            {"Authorization": f"bearer {key['key']}"},
            {"Authorization": "", "X-Api-Key": key["key"]},
        ):
            assert client.get("/api/v1/me", headers=headers).json() == {"name": "gate", "role": "read"}
            refused = client.get("/api/v1/keys", headers=headers)
            assert (refused.status_code, refused.json()["error"]) == (
                403, "this needs the role admin, gate has read"
            )  # fmt: skip
        assert client.delete(f"/api/v1/keys/{key['id']}").status_code == 204
        assert client.get("/api/v1/me", headers=headers).status_code == 401
        assert client.delete(f"/api/v1/keys/{key['id']}").status_code == 404
        assert client.delete(f"/api/v1/keys/{admin['id']}").status_code == 409
        assert client.get("/api/v1/me", headers={"Authorization": ""}).status_code == 401


def test_a_person_logs_in_until_the_password_changes(serve: Open, tmp_path: Path) -> None:
    Access(Settings(data=tmp_path)).set_person(ADMIN, PASSWORD, "admin")
    with serve() as client:
        assert client.get("/api/v1/me", auth=(ADMIN, "wrong")).status_code == 401
        assert client.get("/api/v1/me", auth=("nobody", PASSWORD)).status_code == 401
        assert client.get("/api/v1/me", auth=(ADMIN, PASSWORD)).json() == {"name": ADMIN, "role": "admin"}
        answer = client.post("/api/v1/login", json={"name": ADMIN, "password": PASSWORD})
        assert "HttpOnly" in answer.headers["Set-Cookie"]
        assert "SameSite=lax" in answer.headers["Set-Cookie"]
        assert client.get("/api/v1/me").json()["name"] == ADMIN
        put = client.put("/api/v1/people/ann", json={"password": PASSWORD, "role": "operate"})
        assert put.json() == {"name": "ann", "role": "operate"}
        assert client.get("/api/v1/people").json() == [
            {"name": ADMIN, "role": "admin"}, {"name": "ann", "role": "operate"}
        ]  # fmt: skip
        assert client.delete(f"/api/v1/people/{ADMIN}").status_code == 409
        client.put(f"/api/v1/people/{ADMIN}", json={"password": "another one", "role": "admin"})
        assert client.get("/api/v1/me").status_code == 401


def test_guessing_is_slowed_down(serve: Open, tmp_path: Path) -> None:
    Access(Settings(data=tmp_path)).set_person(ADMIN, PASSWORD, "admin")
    with serve() as client:
        answers = [client.get("/api/v1/me", headers={"X-Api-Key": "guess"}) for _ in range(11)]
        assert [answer.status_code for answer in answers] == [401] * 10 + [429]
        assert 1 <= int(answers[-1].headers["Retry-After"]) <= 7


def test_a_full_queue_says_when_to_ask_again(serve: Open) -> None:
    with serve(queue=0) as client, client:
        answer = client.post("/api/v1/read", content=b"x")
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")


def test_who_asks_too_often_waits(serve: Open) -> None:
    with serve(rate_limit=2) as client:
        answers = [client.get("/api/v1/me") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert 25 <= int(answers[-1].headers["Retry-After"]) <= 31


def test_clients_of_a_trusted_network_read_without_a_key(serve: Open) -> None:
    with serve("192.0.2.9", trusted_network=("192.0.2.0/24",)) as client:
        assert client.get("/api/v1/me").json() == {"name": None, "role": "read"}
        assert client.get("/api/v1/keys").status_code == 403


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("localhost:8080", None, 200),
        ("[::1]:8080", None, 200),
        ("plates.example", None, 200),
        ("plates.example:99", "https://plates.example", 200),
        ("127.0.0.1:8080", "http://127.0.0.1:8080", 200),
        ("evil.example", None, 400),
        ("127.0.0.1.evil.example", None, 400),
        ("192.0.2.1", None, 400),
        ("", None, 400),
        ("[", None, 400),
        ("127.0.0.1:8080", "http://127.0.0.1:3000", 403),
        ("127.0.0.1:8080", "http://evil.example", 403),
        ("127.0.0.1:8080", "null", 403),
    ],
)
def test_other_hosts_and_origins_are_refused(
    serve: Open, host: str, origin: str | None, status: int
) -> None:  # fmt: skip
    with serve(allow_host=("plates.example",)) as client:
        headers = {"Host": host} | ({"Origin": origin} if origin else {})
        assert client.get("/api/v1/me", headers=headers).status_code == status
        assert client.get("/healthz", headers=headers).status_code == 200
