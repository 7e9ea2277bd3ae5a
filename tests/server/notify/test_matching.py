"""Which lists a plate is on, and why."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection

from plate_ocr.errors import DataError
from plate_ocr.server.keeping import SightingStore
from plate_ocr.server.notify.matching import ListIndex
from plate_ocr.server.store.lists import (
    Entry,
    ListSettings,
    add_list,
    all_lists,
    change_list,
    delete_entries,
    delete_list,
    entries,
    put_entries,
)
from plate_ocr.server.store.search import Query, search
from tests.server.stores import NOW, plate, seen

HOUR = 3600.0


@pytest.mark.parametrize(
    ("text", "unsure", "tolerance", "why"),
    [
        ("AB123CD", "", 0, "exact"),
        ("A8123CD", "", 0, None),
        ("A8123CD", "", 1, "8=B"),
        ("A8I23CD", "", 1, "8=B, I=1"),
        ("AB124CD", "", 1, None),
        ("AB124CD", "4", 1, "one character, which was unsure"),
        ("AB124CX", "4X", 1, None),
        ("AB124CX", "4X", 2, "2 characters, which were unsure"),
        ("A8124CD", "4", 1, "8=B, one character, which was unsure"),
        ("AB12?CD", "", 1, None),
        ("AB123C", "", 2, None),
        ("XY123", "", 0, "pattern XY*"),
        ("XY", "", 0, "pattern XY*"),
        ("7Z1", "", 0, "pattern ?Z?"),
        ("7Z12", "", 2, None),
    ],
)
def test_a_match_explains_itself(text: str, unsure: str, tolerance: int, why: str | None) -> None:
    known = [Entry("AB123CD", "Ann"), Entry("XY*", "buses"), Entry("?Z?", "vans")]
    hit = ListIndex(known, tolerance).find(plate(text, unsure=unsure))
    assert (hit and hit.why) == why


def test_an_unknown_character_is_unsure() -> None:
    read = plate("AB12X", unsure="X")
    chars = (*read.chars[:4], type(read.chars[4])(None, 0.95, ()))
    hit = ListIndex([Entry("AB123")], 1).find(type(read)("AB12?", 0.9, 0.5, 1, read.corners, chars))
    assert hit is not None
    assert hit.why == "one character, which was unsure"


@pytest.mark.parametrize(
    ("known", "text"),
    [
        (["AB0", "ABO"], "ABD"),
        (["AB0", "AB4"], "AB7"),
        (["A*", "*0"], "AB0"),
    ],
)
def test_of_several_equally_near_none_is_named(known: list[str], text: str) -> None:
    assert ListIndex([Entry(one) for one in known], 1).find(plate(text, unsure="7D")) is None


def test_the_nearest_is_named() -> None:
    hit = ListIndex([Entry("ABO"), Entry("A8O"), Entry("AB*")], 2).find(plate("ABO"))
    assert hit is not None
    assert (hit.entry.pattern, hit.distance) == ("ABO", 0)
    hit = ListIndex([Entry("BBO1"), Entry("B8O1")], 2).find(plate("BB01"))
    assert hit is not None
    assert (hit.entry.pattern, hit.why) == ("BBO1", "0=O")


def new_list(store: SightingStore, *plates: str, **settings: object) -> int:
    """A list of these plates."""
    with store.database.write() as connection:
        values = {"name": "staff", "kind": "known", **settings}
        key = add_list(connection, ListSettings(**values))  # type: ignore[arg-type]
        put_entries(connection, key, [Entry(text, f"owner of {text}") for text in plates])
    return key


def test_a_sighting_tells_its_lists_and_is_found_by_them(store: SightingStore) -> None:
    new_list(store, "AB123CD", tolerance=1)
    new_list(store, "A8*", name="stolen", kind="watch")
    store.keep(seen("XY999ZZ"))
    kept = store.keep(seen("A8123CD"))
    told = [match.to_dict() for match in kept.matches]
    assert told == [
        {"list": "staff", "kind": "known", "plate": "AB123CD", "name": "owner of AB123CD", "distance": 1,
         "why": "8=B", "alerted": True},
        {"list": "stolen", "kind": "watch", "plate": "A8*", "name": "owner of A8*", "distance": 5,
         "why": "pattern A8*", "alerted": True},
    ]  # fmt: skip
    with store.database.read() as connection:
        (found,) = search(connection, Query(list="staff"), store.plates).sightings
    assert found == kept


def test_a_list_holds_for_its_cameras_and_hours(store: SightingStore) -> None:
    new_list(store, "AB123CD", cameras=("yard",), hours="22:00-03:00", cooldown=0)
    at = {"gate": NOW, "yard": NOW}
    assert [bool(store.keep(seen("AB123CD", at[camera], camera)).matches) for camera in at] == [False, True]
    assert not store.keep(seen("AB123CD", NOW + HOUR, "yard")).matches


def test_a_plate_alerts_once_within_the_cooldown(store: SightingStore) -> None:
    new_list(store, "AB123CD", "XY*", cooldown=300)

    def alerted(text: str, at: float) -> bool:
        (match,) = store.keep(seen(text, at)).matches
        return match.alerted

    # The clock may be set back.
    times = [NOW, NOW + 299, NOW - 200, NOW + 301, NOW + 600, NOW + 602]
    assert [alerted("AB123CD", at) for at in times] == [True, False, False, True, False, True]
    # Those of a pattern are other plates.
    assert [alerted(text, NOW) for text in ("XY1", "XY2", "XY1")] == [True, True, False]


def test_a_plate_to_ignore_alerts_nobody(store: SightingStore) -> None:
    new_list(store, "AB123CD", kind="ignore")
    kept = store.keep(seen("AB123CD"))
    assert (kept.row.ignored, kept.matches[0].alerted) == (True, False)


def test_a_changed_list_holds_at_once(store: SightingStore) -> None:
    key = new_list(store, "AB123CD")
    steps = []

    def step(connection: Connection, number: int) -> None:
        if number == 1:
            delete_entries(connection, key, ["ab 123 cd"])
        elif number == 2:
            put_entries(connection, key, [Entry("ab-123-cd", "Ann")])
        elif number == 3:
            change_list(connection, key, ListSettings("guests", "watch"))
        elif number == 4:
            delete_list(connection, key)

    for number in range(5):
        with store.database.write() as connection:
            step(connection, number)
        steps.append([match.list for match in store.keep(seen("AB123CD")).matches])
    assert steps == [["staff"], [], ["staff"], ["guests"], []]


def test_what_is_no_list_is_refused(store: SightingStore) -> None:
    key = new_list(store, "AB123CD")

    def put(text: str) -> None:
        with store.database.write() as connection:
            put_entries(connection, key, [Entry(text, "Ann")])

    for text in ("", " - ", "*", "??"):
        with pytest.raises(DataError, match="of Ann has no character of a plate"):
            put(text)
    with pytest.raises(DataError, match="there is a list staff already"):
        new_list(store)
    for values in ({"tolerance": 3}, {"cooldown": -1}, {"hours": "9"}, {"name": " "}):
        with pytest.raises(DataError):
            new_list(store, **values)
    with store.database.read() as connection:
        assert [(found.settings.name, found.count) for found in all_lists(connection)] == [("staff", 1)]
        assert entries(connection, key) == [Entry("AB123CD", "owner of AB123CD")]
