"""Search: the filter in the address, corrections in place, exports, many sightings, hostile texts."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import insert, select, update

from plate_ocr.server.store.lists import Entry, ListSettings, add_list, put_entries
from plate_ocr.server.store.schema import SIGHTING
from tests.server.conftest import PLATE
from tests.server.page.conftest import DESKTOP, PHONE, Open, Server, check_accessible, cpu_clock
from tests.server.stores import NOW, seen

MANY = 4_000

HOSTILE = (
    '<script>window.hacked=1</script><img src=x onerror="hacked=1">"\'`',
    "\u202eevil\u202c שלום",
    "x" * 10_000,
)


TO_THE_END = """async (many) => {
  while (!document.querySelector(`[aria-posinset="${many}"]`)) {
    scrollTo(0, document.body.scrollHeight);
    await new Promise(requestAnimationFrame);
  }
}"""

SCROLL = """async () => {
  for (let i = 0; i < 60; i++) {
    scrollBy(0, i < 30 ? -200 : 200);
    await new Promise(requestAnimationFrame);
  }
}"""
"""Scrolls up and down for 60 frames, as fast as a wheel that is flung: 12,000 pixels a second."""


def found(page: Page) -> Locator:
    """The plates of the rows that are shown."""
    return page.get_by_role("list", name="Sightings found").locator(".text > .plate")


def fill(server: Server) -> None:
    """Three plates of two cameras, one of them on a list."""
    with server.store.database.write() as connection:
        key = add_list(connection, ListSettings("staff", "known"))
        put_entries(connection, key, [Entry("KL45MN", "Ann")])
    for i, (text, camera) in enumerate((("AB123CD", "gate"), ("AB128CO", "yard"), ("KL45MN", "gate"))):
        server.store.keep(seen(text, NOW + 3600 * i, camera, unsure="8", crop=PLATE.read_bytes()))


FILTERS = {
    "": ["KL45MN", "AB128CO", "AB123CD"],
    "?q=ab%20123-cd": ["AB123CD"],
    "?q=AB*": ["AB128CO", "AB123CD"],
    "?q=%3FB123CD": ["AB123CD"],
    "?camera=yard": ["AB128CO"],
    "?list=staff": ["KL45MN"],
    "?min_confidence=0.98": ["KL45MN", "AB123CD"],
    "?from=2026-11-26T03:00:00Z&to=2026-11-26T04:00:00Z": ["AB128CO"],
}
"""Addresses of Search, and the plates of what :func:`fill` keeps that they show."""


def test_the_address_holds_the_filter(empty: Server, open_page: Open) -> None:
    fill(empty)
    page = open_page("/search", timezone_id="Asia/Kolkata")
    for query, texts in FILTERS.items():
        page.goto(f"{empty.url}/search{query}")
        expect(found(page)).to_have_text(texts)
        page.get_by_role("button", name="Search").click()
        expect(found(page)).to_have_text(texts)
        assert parse_qs(urlsplit(page.url).query).keys() == parse_qs(query[1:]).keys(), query


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_similar_plates_are_found_with_the_reason(
    empty: Server, open_page: Open, size: tuple[int, int]
) -> None:
    fill(empty)
    page = open_page("/search", size=size)
    page.get_by_label("Plate", exact=True).fill("AB123C0")
    page.get_by_label("How to compare").select_option("similar")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_text("one character differs: 0=D", exact=True)).to_be_visible()
    assert urlsplit(page.url).query == "like=AB123C0"
    page.get_by_text("Camera, time, list, confidence").click()
    page.get_by_label("Camera", exact=True).fill("yard")
    page.get_by_label("From").fill("2026-11-26T00:00")
    page.get_by_role("button", name="Search").click()
    expect(found(page)).to_have_text(["AB128CO"])
    check_accessible(page)
    page.go_back()
    expect(found(page)).to_have_count(2)
    expect(page.get_by_label("Camera", exact=True)).to_have_value("")
    page.get_by_role("button", name="Show all").click()
    expect(found(page)).to_have_count(3)
    page.get_by_label("Plate", exact=True).fill("NOTHING")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Nothing was found.")).to_be_visible()


def test_a_misread_is_corrected_in_place_by_keyboard_alone(empty: Server, open_page: Open) -> None:
    fill(empty)
    page = open_page("/search?camera=yard")
    expect(found(page)).to_have_text(["AB128CO"])
    expect(page.locator(".text mark")).to_have_text("8")
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.classList.contains('edit')"):
            break
    page.keyboard.press("Enter")
    page.keyboard.type("wrong")
    page.keyboard.press("Escape")
    expect(found(page)).to_have_text(["AB128CO"])
    page.keyboard.press("Enter")
    expect(page.get_by_text("read as")).to_be_visible()
    page.keyboard.type("ab 123 co")
    page.keyboard.press("Enter")
    expect(found(page)).to_have_text(["AB123CO"])
    expect(page.locator(".read .plate")).to_have_text("AB128CO")
    expect(page.get_by_role("button", name="Correct: AB123CO")).to_be_focused()
    (sighting,) = empty.api.get("/api/v1/sightings?corrected=1").json()["sightings"]
    assert (sighting["text"], sighting["read"]) == ("AB123CO", "AB128CO")
    page.keyboard.press("Enter")
    page.keyboard.type("-")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("has no character of a plate")


def test_an_alternative_is_taken_with_one_press(empty: Server, open_page: Open) -> None:
    uuid = empty.store.keep(seen("AB128CO", unsure="8")).uuid
    with empty.store.database.write() as connection:
        reading = connection.execute(select(SIGHTING.c.reading)).scalar_one()
        reading["chars"][4]["alternatives"] = [["3", 0.38]]
        connection.execute(update(SIGHTING).values(reading=reading))
    page = open_page("/search")
    page.get_by_role("button", name="Show AB128CO").click()
    window = page.get_by_role("dialog")
    window.get_by_role("button", name="3 38 %").click()
    expect(window.get_by_label("What is on the plate")).to_have_value("AB123CO")
    page.keyboard.press("Enter")
    expect(window.get_by_text("AB128CO → AB123CO")).to_be_visible()
    assert empty.api.get(f"/api/v1/sightings/{uuid}").json()["text"] == "AB123CO"


def test_what_is_filtered_is_exported(empty: Server, open_page: Open) -> None:
    fill(empty)
    (uuid,) = (one["id"] for one in empty.api.get("/api/v1/sightings?camera=yard").json()["sightings"])
    empty.api.patch(f"/api/v1/sightings/{uuid}", json={"text": "AB123CO"})
    page = open_page("/search?q=AB*")
    contents = {}
    for name in ("CSV", "JSON lines", "Corrected crops with labels"):
        with page.expect_download() as download:
            page.get_by_role("link", name=name).click()
        contents[name] = download.value.path().read_bytes()
    table = csv.DictReader(io.StringIO(contents["CSV"].decode()))
    assert [row["text"] for row in table] == ["AB123CO", "AB123CD"]
    assert [json.loads(line)["camera"] for line in contents["JSON lines"].splitlines()] == ["yard", "gate"]
    with zipfile.ZipFile(io.BytesIO(contents["Corrected crops with labels"])) as archive:
        assert archive.read("labels.csv").decode().splitlines()[1:] == [f"{uuid}.jpg,AB123CO,"]


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_hostile_texts_are_shown_as_text(empty: Server, open_page: Open, size: tuple[int, int]) -> None:
    for i, text in enumerate(HOSTILE):
        uuid = empty.store.keep(seen(text, NOW + i, camera=f"cam {text}")).uuid
        with empty.store.database.write() as connection:
            connection.execute(update(SIGHTING).where(SIGHTING.c.uuid == uuid).values(note=text))
    page = open_page("/search?length=1&item=<b>", size=size)
    expect(found(page)).to_have_count(3)
    expect(page.locator(".sighting .camera").last).to_have_text(f"cam {HOSTILE[0]}")
    check_accessible(page)
    for i in range(3):
        page.locator(".sighting .crop").nth(i).click()
        window = page.get_by_role("dialog")
        expect(window.get_by_label("Note")).to_have_value(HOSTILE[2 - i])
        expect(window.get_by_text(f"cam {HOSTILE[2 - i]}", exact=True)).to_be_visible()
        assert window.evaluate("window => window.scrollWidth - window.clientWidth") <= 0
        page.keyboard.press("Escape")
    assert page.evaluate("window.hacked") is None


def test_who_may_only_read_changes_nothing(empty: Server, open_page: Open) -> None:
    fill(empty)
    page = open_page("/search")
    page.evaluate("document.body.dataset.may = 'read'")
    page.get_by_role("button", name="Search").click()
    expect(found(page)).to_have_count(3)
    expect(page.locator(".edit")).to_have_count(0)


def test_a_list_of_many_sightings_is_soon_there_and_scrolls(empty: Server, open_page: Open) -> None:
    empty.store.keep(seen("AB123CD", crop=PLATE.read_bytes()))
    with empty.store.database.write() as connection:
        row = connection.execute(select(SIGHTING)).one()._asdict()
        del row["id"]
        rows = [{**row, "uuid": f"many-{i}", "started": NOW + i} for i in range(1, MANY)]
        connection.execute(insert(SIGHTING), rows)
    page = open_page("/search")
    expect(found(page).first).to_be_visible()
    for _ in range(3):
        paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        if paint <= 1000:
            break
        page.reload()  # the processor was busy with other tests
        expect(found(page).first).to_be_visible()
    assert paint <= 1000
    page.evaluate(TO_THE_END, MANY)
    clock, frames = cpu_clock(page), []
    for _ in range(3):
        before = clock()
        page.evaluate(SCROLL)
        frames.append((clock() - before) / 60)
    # 11 to 17 ms were measured on two cores that others used too.
    assert 0.1 < min(frames) <= 1000 / 30
    assert page.locator("li").count() < 100
