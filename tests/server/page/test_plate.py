"""The page of a plate."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.server.page.conftest import DESKTOP, PHONE, Open, Server, check_accessible
from tests.server.stores import NOW, seen


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_a_plate_has_its_history_a_note_and_can_be_forgotten(
    empty: Server, open_page: Open, size: tuple[int, int]
) -> None:
    for i, camera in enumerate(("gate", "gate", "<yard>")):
        empty.store.keep(seen("AB123CD", NOW + 3600 * i, camera))
    empty.store.keep(seen("XY999ZZ"))
    page = open_page("/search?q=AB*&camera=gate", size=size)
    page.locator(".crop").first.click()
    page.get_by_role("link", name="All of this plate").click()
    expect(page.get_by_role("list", name="Sightings").get_by_role("listitem")).to_have_count(3)
    known = page.locator("#known")
    expect(known.get_by_text("<yard>")).to_be_visible()
    expect(known.get_by_role("img")).to_have_attribute(
        "aria-label", "Hours of the day: 2:00 1, 3:00 1, 4:00 1"
    )
    check_accessible(page)
    known.get_by_label("Note").fill("the <b>neighbour</b>")
    known.get_by_label("Tags").fill("resident, , blue")
    known.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Saved.")
    plate = empty.api.get("/api/v1/plates/AB123CD").json()
    assert (plate["note"], plate["tags"]) == ("the <b>neighbour</b>", ["blue", "resident"])
    page.reload()
    expect(known.get_by_label("Note")).to_have_value("the <b>neighbour</b>")
    page.on("dialog", lambda question: question.accept())
    known.get_by_role("button", name="Delete everywhere").click()
    page.wait_for_url("**/search")
    assert [one["text"] for one in empty.api.get("/api/v1/sightings").json()["sightings"]] == ["XY999ZZ"]


def test_a_plate_that_was_never_seen(empty: Server, open_page: Open) -> None:
    page = open_page("/plates/%3Cb%3E%2Fx")
    expect(page.get_by_role("heading", level=1)).to_have_text("<b>/x")
    expect(page.get_by_text("This plate was never seen.")).to_be_visible()
