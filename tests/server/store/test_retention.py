"""What is old is deleted, and a plate is forgotten everywhere."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from sqlalchemy import Text, cast, func, select

from plate_ocr.server.keeping import SightingStore
from plate_ocr.server.store.audit import audit, record
from plate_ocr.server.store.channels import add_channel
from plate_ocr.server.store.lists import Entry, ListSettings, add_list, put_entries
from plate_ocr.server.store.plates import describe
from plate_ocr.server.store.retention import Retention, Swept, delete_orphans, delete_plate, sweep
from plate_ocr.server.store.schema import DELIVERY, METADATA, SIGHTING
from plate_ocr.server.store.search import Query, search
from plate_ocr.server.store.sightings import correct
from tests.server.stores import JPEG, seen

DAY = 86_400.0


def fill(store: SightingStore) -> None:
    """Four sightings with a picture each: one of today, then one a day older each."""
    for days in range(4):
        store.keep(seen(f"AA{days}", time.time() - DAY * days - 60, crop=JPEG))


def texts(store: SightingStore, text: str = "") -> list[str]:
    with store.database.read() as connection:
        return [one.text for one in search(connection, Query(text=text), store.plates).sightings]


def files(folder: Path) -> int:
    return sum(path.is_file() for path in folder.rglob("*"))


@pytest.mark.parametrize(
    ("retention", "left", "pictures"),
    [
        (Retention(), 4, 4),
        (Retention(days=1.5), 2, 2),
        (Retention(sightings=3), 3, 3),
        (Retention(sightings=0), 0, 0),
        (Retention(bytes=2 * len(JPEG) + 1), 2, 2),
        (Retention(picture_days=0.5), 4, 1),
        (Retention(picture_days=0.5, days=2.5), 3, 1),
    ],
)
def test_what_is_more_than_is_to_be_kept_is_deleted(
    store: SightingStore, tmp_path: Path, retention: Retention, left: int, pictures: int
) -> None:
    fill(store)
    sweep(store.database, store.pictures, retention)
    assert texts(store) == [f"AA{days}" for days in range(left)]
    assert files(tmp_path / "pictures") == pictures
    assert sweep(store.database, store.pictures, retention) == Swept()


def test_what_is_to_be_delivered_outlasts_its_sighting(store: SightingStore) -> None:
    with store.database.write() as connection:
        settings = {"url": "http://127.0.0.1:9"}
        add_channel(connection, "house", "webhook", settings, enabled=True)
    fill(store)
    sweep(store.database, store.pictures, Retention(sightings=0))
    with store.database.read() as connection:
        rows = connection.execute(select(DELIVERY.c.state, DELIVERY.c.sighting_id)).all()
    assert [tuple(row) for row in rows] == [("waiting", None)] * 4


def test_hashes_take_the_place_of_texts(store: SightingStore, tmp_path: Path) -> None:
    with store.database.write() as connection:
        put_entries(connection, add_list(connection, ListSettings("x", "watch")), [Entry("AB123CD", "Ann")])
    for days in (0, 2, 3):
        store.keep(seen("AB123CD", time.time() - DAY * days - 60, crop=JPEG))
    store.keep(seen("XY999ZZ", time.time() - DAY * 2))
    with store.database.write() as connection:
        (old,) = search(connection, Query(text="XY999ZZ"), store.plates).sightings
        correct(connection, old, "XY999Z2", None)
    assert sweep(store.database, store.pictures, Retention(hash_days=1)).hashed == 3
    found = texts(store)
    assert found[0] == "AB123CD"
    assert all(text.startswith("#") for text in found[1:])
    assert len(set(found)) == 3
    # Who knows a plate still finds it.
    assert texts(store, "AB123CD") == ["AB123CD", *found[2:]]
    assert len(texts(store, "XY999Z2")) == 1
    assert texts(store, "AB124CD") == []
    assert files(tmp_path / "pictures") == 1
    with store.database.read() as connection:
        (row,) = search(connection, Query(text="XY999Z2"), store.plates).sightings
    assert (row.reading["chars"], "XY9" in str(row.to_dict())) == ([], False)
    assert sweep(store.database, store.pictures, Retention(hash_days=1)) == Swept()


def test_a_plate_is_forgotten_everywhere(store: SightingStore, tmp_path: Path) -> None:
    with store.database.write() as connection:
        key = add_list(connection, ListSettings("x", "watch", tolerance=1))
        put_entries(connection, key, [Entry("皖B123CD", "Ann"), Entry("XY1")])
        add_channel(connection, "house", "webhook", {"url": "http://127.0.0.1:9"}, enabled=True)
    for text in ("皖B123CD", "皖8123CD", "XY1", "皖B123CD", "QQ1"):
        store.keep(seen(text, crop=JPEG))
    with store.database.write() as connection:
        describe(connection, "皖B123CD", "Ann's", ["staff"])
        (other,) = search(connection, Query(text="QQ1"), store.plates).sightings
        correct(connection, other, "皖B123CD", "ann")
        record(connection, "ann", "search", {"text": "皖B123CD"})
        record(connection, "ann", "search", {"text": "XY1"})
    assert delete_plate(store.database, store.pictures, "皖-b 123 cd") == 3
    assert sorted(texts(store)) == ["XY1", "皖8123CD"]
    assert files(tmp_path / "pictures") == 2
    with store.database.read() as connection:
        for table in METADATA.sorted_tables:
            for column in table.c:
                held = select(func.count()).where(cast(column, Text).contains("皖B123CD"))
                assert connection.scalar(held) == 0, column
        details = [entry["detail"] for entry in audit(connection, before=None, limit=9)]
        assert connection.scalar(select(func.count()).select_from(SIGHTING)) == 2
    assert details == [{"text": "XY1"}, {"erased": True}]


def test_pictures_of_no_sighting_are_deleted(store: SightingStore, tmp_path: Path) -> None:
    kept = store.keep(seen("AB123CD", crop=JPEG))
    folder = (tmp_path / "pictures" / kept.row.crop).parent
    old, new = folder / ".half-written.jpg", folder / "new.jpg"
    for path, age in ((old, 120), (new, 0), (tmp_path / "pictures" / kept.row.crop, 120)):
        path.write_bytes(JPEG)
        os.utime(path, (time.time() - age,) * 2)
    assert delete_orphans(store.database, store.pictures) == 1
    assert (old.exists(), new.exists(), store.pictures.read(kept.row.crop)) == (False, True, JPEG)
