"""Databases: SQLite, and PostgreSQL where PLATE_OCR_TEST_POSTGRES names one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import create_engine, make_url, text

from plate_ocr.readers.results import Char, Plate, plate_of
from plate_ocr.server.keeping import SightingStore
from plate_ocr.server.store.database import Database
from plate_ocr.server.store.schema import METADATA
from plate_ocr.server.store.sightings import NewSighting

NOW = 1_795_660_000.0
"""2026-11-26 02:26:40 UTC."""

JPEG = b"\xff\xd8 not a whole picture"


def plate(text: str, confidence: float = 0.99, *, unsure: str = "") -> Plate:
    """A plate of a text, in which some characters are unsure."""
    chars = tuple(Char(c, 0.6 if c in unsure else confidence, ()) for c in text)
    return plate_of(chars, ((0, 0), (90, 0), (90, 20), (0, 20)))


def seen(
    text: str, at: float = NOW, camera: str = "gate", *, unsure: str = "", crop: bytes | None = None
) -> NewSighting:
    """A sighting of a text."""
    return NewSighting(plate(text, unsure=unsure), (640, 480), camera, at, at + 2, at + 1, 5, crop=crop)


@pytest.fixture(scope="session")
def empty_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with all tables: copying it takes less time than making them."""
    path = tmp_path_factory.mktemp("sqlite") / "empty.db"
    Database(f"sqlite:///{path}").close()
    return path


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a schema of its own in the PostgreSQL of PLATE_OCR_TEST_POSTGRES, with all tables."""
    base = os.environ.get("PLATE_OCR_TEST_POSTGRES")
    if not base:
        pytest.skip("PLATE_OCR_TEST_POSTGRES does not name a PostgreSQL to test with")
    schema, engine = f"test_{uuid4().hex}", create_engine(make_url(base).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    try:
        url = engine.url.update_query_dict({"options": f"-csearch_path={schema}"})
        yield url.render_as_string(hide_password=False)
    finally:
        with engine.begin() as connection:
            connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
        engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database with empty tables."""
    if request.param == "sqlite":
        path = tmp_path / "plate-ocr.db"
        shutil.copy(request.getfixturevalue("empty_sqlite"), path)
        yield f"sqlite:///{path}"
        return
    url = str(request.getfixturevalue("postgres"))
    database = Database(url)
    tables = ", ".join(f'"{name}"' for name in METADATA.tables)
    with database.write() as connection:
        connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY"))
    database.close()
    yield url


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """An open database without any sighting."""
    database = Database(url)
    yield database
    database.close()


@pytest.fixture
def store(database: Database, tmp_path: Path) -> SightingStore:
    """A store without any sighting, with hours of UTC."""
    return SightingStore(database, tmp_path / "pictures", ZoneInfo("UTC"))
