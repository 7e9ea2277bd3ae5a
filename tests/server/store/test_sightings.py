"""Sightings are kept whole, found again, and what was read never changes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from plate_ocr.errors import DataError, StoreError
from plate_ocr.server.keeping import SightingStore
from plate_ocr.server.store import search as searching
from plate_ocr.server.store.plates import describe, describe_plate
from plate_ocr.server.store.schema import PLATE, SIGHTING
from plate_ocr.server.store.search import Query, export, search
from plate_ocr.server.store.sightings import annotate, correct, corrections, delete_sightings, find_sighting
from plate_ocr.server.store.stats import statistics
from tests.server.stores import JPEG, NOW, seen


def found(store: SightingStore, **query: object) -> list[str]:
    """The texts that a search finds."""
    with store.database.read() as connection:
        page = search(connection, Query(**query), store.plates)  # type: ignore[arg-type]
        return [sighting.text for sighting in page.sightings]


def test_a_sighting_is_kept_with_its_pictures(store: SightingStore, tmp_path: Path) -> None:
    kept = store.keep(seen("AB123CD", crop=JPEG))
    with store.database.read() as connection:
        again = find_sighting(connection, kept.uuid)
    assert again is not None
    told = again.to_dict()
    assert told["text"] == told["read"] == "AB123CD"
    assert told["camera"] == "gate"
    assert told["first_seen"] == "2026-11-26T02:26:40.000Z"
    assert told["chars"][0]["char"] == "A"
    assert told["crop"] == f"/api/v1/sightings/{kept.uuid}/crop.jpg"
    assert told["scene"] is None
    assert again.row.crop == f"2026/11/26/{kept.uuid}-crop.jpg"
    assert (tmp_path / "pictures" / again.row.crop).read_bytes() == JPEG


def test_nothing_stays_of_a_sighting_that_cannot_be_kept(
    store: SightingStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(store, "_tell", fail)
    with pytest.raises(StoreError, match="the disk is full"):
        store.keep(seen("AB123CD", crop=JPEG))
    with store.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(PLATE)) == 0
    assert not [path for path in (tmp_path / "pictures").rglob("*") if path.is_file()]


def test_a_correction_is_added_and_what_was_read_stays(store: SightingStore) -> None:
    kept = store.keep(seen("AB123C0"))
    for text in ("ab-123-cd", "AB123CE", "AB123C0", "AB123CD"):
        with store.database.write() as connection:
            sighting = find_sighting(connection, kept.uuid)
            assert sighting is not None
            correct(connection, sighting, text, "ann")
    with store.database.read() as connection:
        sighting = find_sighting(connection, kept.uuid)
        assert sighting is not None
        steps = [(step["old"], step["new"], step["who"]) for step in corrections(connection, sighting)]
        assert connection.scalar(select(func.count()).select_from(PLATE)) == 1
    assert (sighting.text, sighting.to_dict()["read"]) == ("AB123CD", "AB123C0")
    assert steps == [
        ("AB123C0", "AB123CD", "ann"),
        ("AB123CD", "AB123CE", "ann"),
        ("AB123CE", "AB123C0", "ann"),
        ("AB123C0", "AB123CD", "ann"),
    ]
    assert found(store, text="AB123CD") == found(store, corrected=True) == ["AB123CD"]
    assert found(store, text="AB123C0") == found(store, corrected=False) == []


PATTERNS = {
    "AB123CD": ["AB123CD"],
    "ab 123-cd": ["AB123CD"],
    "AB*": ["AB124CE", "AB123CD"],
    "*12?C*": ["AB124CE", "AB123CD"],
    "?B123CD": ["AB123CD"],
    "?B123C": [],
    "*": ["X[1]%_\\", "皖A512T3", "AB124CE", "AB123CD"],
    "皖*": ["皖A512T3"],
    "X[1]*": ["X[1]%_\\"],
    "X%": [],
    "*%*": ["X[1]%_\\"],
    "*\\": ["X[1]%_\\"],
    "[AB]*": [],
}


@pytest.mark.parametrize("few", [0, 2000])
def test_wildcards(store: SightingStore, few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "FEW_PLATES", few)
    for i, text in enumerate(("AB123CD", "AB124CE", "皖A512T3", "X[1]%_\\")):
        store.keep(seen(text, NOW + i))
    assert {pattern: found(store, text=pattern) for pattern in PATTERNS} == PATTERNS


def test_similar_plates_are_found_and_say_why(store: SightingStore) -> None:
    for i, text in enumerate(("AB123CD", "AB123C0", "ABI23CO", "AB124CD", "AB12CD", "XY999ZZ")):
        store.keep(seen(text, NOW + i))
    with store.database.read() as connection:
        page = search(connection, Query(like="AB123CO"), store.plates)
    assert {text: (like.distance, like.why) for text, like in page.similar.items()} == {
        "AB12CD": (2, "2 characters differ"),
        "AB124CD": (2, "2 characters differ: 3=4, O=D"),
        "ABI23CO": (0, "1=I"),
        "AB123C0": (0, "O=0"),
        "AB123CD": (1, "one character differs: O=D"),
    }
    # What comes later is found too.
    store.keep(seen("AB123CO", NOW + 10))
    assert found(store, like="AB123CO")[0] == "AB123CO"


def test_pages_follow_each_other_without_gaps(store: SightingStore) -> None:
    # Several at one time.
    texts = [store.keep(seen(f"AA{i:03d}", NOW + i // 3)).text for i in range(10)]
    pages, cursor = list[str](), None
    for _ in range(4):
        with store.database.read() as connection:
            page = search(connection, Query(), store.plates, limit=3, cursor=cursor)
        pages += [sighting.text for sighting in page.sightings]
        cursor = page.cursor
    assert cursor is None
    assert pages == texts[::-1]
    with store.database.read() as connection:
        assert [sighting.text for sighting in export(connection, Query(), store.plates)] == texts[::-1]


def test_a_cursor_that_is_none_is_refused(store: SightingStore) -> None:
    for cursor in ("", "x", "WzFd", "WyJhIiwgMV0", "W251bGwsIDFd", "WzEsIDEuNV0", "é"):
        with store.database.read() as connection, pytest.raises(DataError, match="the cursor"):
            search(connection, Query(), store.plates, cursor=cursor)


def test_filters(store: SightingStore) -> None:
    night = datetime(2026, 11, 26, 23, 30, tzinfo=UTC).timestamp()
    store.keep(seen("NIGHT1", night))
    store.keep(seen("NOON1", night + 12.5 * 3600, "yard"))
    store.keep(seen("UNSURE1", night + 14 * 3600, "", unsure="UNSRE"))
    with store.database.write() as connection:
        describe(connection, "NOON1", "a van", ["staff", "van"])
    assert found(store, camera="yard") == found(store, tag="van") == ["NOON1"]
    assert found(store, hours="22:00-06:00") == ["NIGHT1"]
    assert found(store, hours="6-13") == ["NOON1"]
    assert found(store, start=night + 1, end=night + 13 * 3600) == ["NOON1"]
    assert found(store, min_confidence=0.9) == ["NOON1", "NIGHT1"]
    assert found(store, camera="nowhere") == found(store, list="none") == found(store, tag="x") == []
    with pytest.raises(DataError, match="are no hours"):
        found(store, hours="25-3")


def test_a_sighting_is_ignored_and_gets_a_note(store: SightingStore) -> None:
    kept = store.keep(seen("AB123CD"))
    with store.database.write() as connection:
        annotate(connection, kept, {"ignored": True, "note": "a bus"})
    assert found(store, ignored=True) == ["AB123CD"]
    assert found(store, ignored=False) == []


def test_what_is_known_of_a_plate(store: SightingStore) -> None:
    store.keep(seen("AB123CD"))
    store.keep(seen("AB123CD", NOW + 3600, "yard"))
    store.keep(seen("AB123CD", NOW + 3660, "yard"))
    with store.database.write() as connection:
        describe(connection, "AB123CD", "Ann's", None)
    with store.database.read() as connection:
        told = describe_plate(connection, "AB123CD")
        assert describe_plate(connection, "XY1") is None
    assert told is not None
    assert told["count"] == 3
    assert told["cameras"] == {"yard": 2, "gate": 1}
    assert (told["hours"][2], told["hours"][3], sum(told["hours"])) == (1, 2, 3)
    assert (told["note"], told["tags"], told["last_seen"]) == ("Ann's", [], "2026-11-26T03:27:40.000Z")


def test_a_deleted_sighting_leaves_no_plate(store: SightingStore) -> None:
    kept = store.keep(seen("AB123CD", crop=JPEG))
    with store.database.write() as connection:
        paths = delete_sightings(connection, [kept.id], deliveries=True)
        assert connection.scalar(select(func.count()).select_from(PLATE)) == 0
        assert connection.scalar(select(func.count()).select_from(SIGHTING)) == 0
    assert paths == [kept.row.crop]


def test_numbers_by_hour_day_camera_and_plate(store: SightingStore) -> None:
    day = 86_400
    for text, at, camera in (
        ("AB123CD", NOW, "gate"),
        ("AB123CD", NOW + 4800, "gate"),
        ("XY999ZZ", NOW + 4800, "yard"),
        ("AB123CD", NOW + day, ""),
    ):
        store.keep(seen(text, at, camera))

    def told(query: Query, zone: str = "UTC") -> dict[str, Any]:
        with store.database.read() as connection:
            return statistics(connection, query, store.plates, ZoneInfo(zone))

    found = told(Query())
    assert found["count"] == 4
    assert {hour: count for hour, count in enumerate(found["hours"]) if count} == {2: 2, 3: 2}
    assert found["days"] == [{"day": "2026-11-26", "count": 3}, {"day": "2026-11-27", "count": 1}]
    assert sorted(found["cameras"], key=str) == [
        {"camera": "gate", "count": 2},
        {"camera": "yard", "count": 1},
        {"camera": None, "count": 1},
    ]
    assert found["plates"] == [{"text": "AB123CD", "count": 3}, {"text": "XY999ZZ", "count": 1}]
    # Where midnight is half an hour past a full one in UTC.
    days = told(Query(), "America/St_Johns")["days"]
    assert [one["count"] for one in days] == [1, 3]
    assert told(Query(like="AB123CO", camera="gate", hours="3-4"))["plates"] == [
        {"text": "AB123CD", "count": 1}
    ]
    assert told(Query(text="nobody")) == {
        "count": 0,
        "hours": [0] * 24,
        "days": [],
        "cameras": [],
        "plates": [],
    }
