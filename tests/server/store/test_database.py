"""Tables, versions, and databases that cannot be used."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, event, func, select, text

from plate_ocr.errors import DataError, StoreError
from plate_ocr.server.store.database import Database
from plate_ocr.server.store.schema import METADATA, PLATE


def test_migrations_make_the_tables_of_the_schema(database: Database) -> None:
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []


def test_sqlite_has_a_log_and_writes_to_the_disk(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'a.db'}")
    with database.read() as connection:
        values = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    assert values == ["wal", 2, 1]


def test_a_database_of_a_newer_version_is_refused(database: Database, url: str) -> None:
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    try:
        with pytest.raises(StoreError, match="is of a newer version of plate-ocr"):
            Database(url)
    finally:
        with database.write() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))


def test_an_older_database_is_copied_before_it_is_changed(
    database: Database, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.write() as connection:
        connection.execute(PLATE.insert().values(text="AB123CD"))

    def fail(connection: Connection) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr("plate_ocr.server.store.database._head", lambda scripts: "0002")
    with pytest.raises(StoreError, match="the disk is full"):
        Database(url, fail)


def test_after_an_error_nothing_has_changed(database: Database) -> None:
    def add_twice() -> None:
        with database.write() as connection:
            connection.execute(PLATE.insert().values(text="AB123CD"))
            connection.execute(PLATE.insert().values(text="AB123CD"))

    with pytest.raises(StoreError, match="cannot use the database"):
        add_twice()
    with database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(PLATE)) == 0


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mysql://here/plates", "a database mysql is unknown"),
        ("plates.db", "a database plates.db is unknown"),
        ("sqlite://", "names no file"),
        ("postgresql://nobody:secret@127.0.0.1:1/plates", "cannot use the database .*nobody:\\*\\*\\*@"),
    ],
)
def test_what_is_no_database_is_refused(url: str, message: str) -> None:
    with pytest.raises(StoreError, match=message) as refused:
        Database(url)
    assert "secret" not in str(refused.value)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(b"something else " * 100)
    with pytest.raises(StoreError, match=r"cannot use the database .*a\.db: file is not a database"):
        Database(f"sqlite:///{path}")


def test_a_value_that_cannot_be_kept_is_no_fault_of_the_database(database: Database) -> None:
    with pytest.raises(DataError, match="cannot keep a value: surrogates"), database.write() as connection:
        connection.execute(PLATE.insert().values(text="\ud800"))
    assert database.error is None


def test_why_nothing_can_be_written_is_known_until_something_was(database: Database) -> None:
    with pytest.raises(StoreError), database.write() as connection:
        connection.execute(text("SELECT 1 FROM nowhere"))
    assert "nowhere" in str(database.error)
    with database.write() as connection:
        connection.execute(PLATE.insert().values(text="AB123CD"))
    assert database.error is None


def test_a_database_in_which_another_writes_is_asked_again(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'a.db'}")
    database.engine.dispose()

    @event.listens_for(database.engine, "connect")
    def wait_for_nobody(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("PRAGMA busy_timeout = 0")

    other = sqlite3.connect(tmp_path / "a.db", check_same_thread=False, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    ending = threading.Timer(0.3, other.execute, ["COMMIT"])
    ending.start()
    with database.write() as connection:
        connection.execute(PLATE.insert().values(text="AB123CD"))
    ending.join()
    with database.read() as connection:
        assert connection.scalar(select(PLATE.c.text)) == "AB123CD"


def test_many_that_read_for_long_keep_nobody_from_writing(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'a.db'}")
    with ExitStack() as reads:
        for _ in range(20):
            reads.enter_context(database.read()).execute(select(PLATE)).all()
        with database.write() as connection:
            connection.execute(PLATE.insert().values(text="AB123CD"))
