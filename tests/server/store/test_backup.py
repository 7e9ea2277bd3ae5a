"""Backups are of one moment, and go into either database."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from sqlalchemy import select

from plate_ocr.errors import OutputError, StoreError
from plate_ocr.server.keeping import SightingStore
from plate_ocr.server.store.backup import MANIFEST, backup, restore
from plate_ocr.server.store.channels import add_channel
from plate_ocr.server.store.database import Database
from plate_ocr.server.store.lists import Entry, ListSettings, add_list, put_entries
from plate_ocr.server.store.schema import METADATA
from plate_ocr.server.store.sightings import correct
from tests.server.stores import JPEG, NOW, seen


@pytest.fixture
def full(store: SightingStore) -> SightingStore:
    """A store with something in most tables."""
    with store.database.write() as connection:
        put_entries(connection, add_list(connection, ListSettings("x", "watch")), [Entry("皖A1", "Ann")])
        add_channel(connection, "house", "webhook", {"url": "http://127.0.0.1:9"}, enabled=True)
    kept = store.keep(seen("皖A1", crop=JPEG))
    store.keep(seen("XY1", NOW + 1))
    with store.database.write() as connection:
        correct(connection, kept, "皖A2", "ann")
    return store


def contents(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables."""
    with database.read() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))]
            for table in METADATA.sorted_tables
        }


def test_what_was_backed_up_is_restored(full: SightingStore, tmp_path: Path) -> None:
    keys = tmp_path / "access.json"
    keys.write_text("{}")
    out, data = tmp_path / "a" / "backup.zip", tmp_path / "new"
    data.mkdir()
    backup(full.database, full.pictures, [keys, tmp_path / "missing"], out)
    assert out.stat().st_mode & 0o777 == 0o600
    url = f"sqlite:///{data / 'plate-ocr.db'}"
    assert restore(url, data, out) == 2
    database = Database(url)
    assert contents(database) == contents(full.database)
    assert all(rows for name, rows in contents(database).items() if name in ("delivery", "correction"))
    (picture,) = (data / "pictures").rglob("*.jpg")
    assert picture.read_bytes() == JPEG
    assert (data / "access.json").read_text() == "{}"
    # It goes on there.
    assert SightingStore(database, data / "pictures").keep(seen("XY2")).text == "XY2"
    database.close()


def test_a_backup_goes_into_postgresql(postgres: str, empty_sqlite: Path, tmp_path: Path) -> None:
    source = SightingStore(Database(f"sqlite:///{tmp_path / 'a.db'}"), tmp_path / "pictures")
    source.keep(seen("AB1"))
    backup(source.database, source.pictures, [], tmp_path / "a.zip")
    target = Database(postgres)
    with target.write() as connection:
        for table in reversed(METADATA.sorted_tables):
            connection.execute(table.delete())
    (tmp_path / "new").mkdir()
    assert restore(postgres, tmp_path / "new", tmp_path / "a.zip") == 1
    assert contents(target) == contents(source.database)
    assert SightingStore(target, tmp_path / "b").keep(seen("XY2")).id == 2
    for database in (target, source.database):
        database.close()


def test_a_backup_is_of_one_moment(
    full: SightingStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = zipfile.ZipFile.writestr

    def keep_more(self: zipfile.ZipFile, name: str, *args: object) -> None:
        if name == MANIFEST:
            full.keep(seen("LATER1", NOW + 9))
        write(self, name, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(zipfile.ZipFile, "writestr", keep_more)
    backup(full.database, full.pictures, [], tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        rows = archive.read("tables/sighting.jsonl").decode().splitlines()
        plates = archive.read("tables/plate.jsonl").decode()
    assert len(rows) == 2
    assert "LATER1" not in plates


def test_nothing_is_restored_over_something(full: SightingStore, url: str, tmp_path: Path) -> None:
    backup(full.database, full.pictures, [], tmp_path / "a.zip")
    before = contents(full.database)
    with pytest.raises(StoreError, match="pictures is there already: restore into an empty folder"):
        restore(url, tmp_path, tmp_path / "a.zip")
    (tmp_path / "new").mkdir()
    with pytest.raises(StoreError, match="the database holds something already"):
        restore(url, tmp_path / "new", tmp_path / "a.zip")
    assert contents(full.database) == before
    assert list((tmp_path / "new").iterdir()) == []


def test_what_is_no_backup_is_refused(full: SightingStore, tmp_path: Path) -> None:
    out, data = tmp_path / "a.zip", tmp_path / "new"
    backup(full.database, full.pictures, [], out)
    url = f"sqlite:///{data / 'a.db'}"
    whole = out.read_bytes()
    damaged = {
        "short": whole[: len(whole) // 2],
        "other": b"PK",
        "changed": whole.replace(b"plate-ocr.json", b"plate-ocr.jsoN"),
    }
    for name, content in damaged.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(StoreError, match="is no backup of plate-ocr, or a damaged one"):
            restore(url, data, tmp_path / name)
    with zipfile.ZipFile(tmp_path / "newer", "w") as archive:
        archive.writestr(MANIFEST, json.dumps({"revision": "9999"}))
    with pytest.raises(StoreError, match="is of a newer version of plate-ocr"):
        restore(url, data, tmp_path / "newer")
    with pytest.raises(StoreError, match=r"cannot restore .*No such file"):
        restore(url, data, tmp_path / "missing")
    with pytest.raises(OutputError, match="cannot write"):
        backup(full.database, full.pictures, [], out / "b.zip")


def test_names_in_a_backup_lead_nowhere_else(full: SightingStore, tmp_path: Path) -> None:
    out, data = tmp_path / "a.zip", tmp_path / "new"
    data.mkdir()
    backup(full.database, full.pictures, [], out)
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr("pictures/../../evil.jpg", b"x")
        archive.writestr("../evil", b"x")
    restore(f"sqlite:///{data / 'a.db'}", data, out)
    assert not list(tmp_path.rglob("*evil*"))
