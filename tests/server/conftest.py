"""A server in this process, and pictures to send to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from plate_ocr.server.application import create_app
from plate_ocr.server.settings import Settings
from tests.server.notify.receivers import Receiver
from tests.server.stores import database, empty_sqlite, postgres, store, url

__all__ = ["database", "empty_sqlite", "postgres", "store", "url"]

ROOT = Path(__file__).parents[2]

URL = "http://127.0.0.1:8080"
"""Of a server on loopback."""

PLATE = ROOT / "data" / "plate.png"
"""A crop of a plate."""

SCENE = ROOT / "tests" / "golden" / "pictures" / "scene-14.jpg"
"""A rendered photo."""


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    """The application with its defaults, on loopback, where nobody is asked for a key."""
    return create_app(Settings(data=tmp_path_factory.mktemp("server")))


@pytest.fixture(scope="session")
def client(app: FastAPI) -> Iterator[TestClient]:
    """A client of that application, which runs; shared by all tests, which must not change its settings."""
    with TestClient(app, base_url=URL, client=("127.0.0.1", 50000)) as client:
        yield client


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Takes webhooks."""
    receiver = Receiver()
    yield receiver
    receiver.close()
