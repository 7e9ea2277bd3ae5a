"""Lists in the page: made, filled, tried, changed, deleted."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.server.page.conftest import DESKTOP, PHONE, Open, Server, check_accessible

HOSTILE = '<script>alert(1)</script>"&\u202e'


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_a_list_is_made_filled_and_tried(empty: Server, open_page: Open, size: tuple[int, int]) -> None:
    page = open_page("/lists", size=size)
    expect(page.get_by_text("There is no list yet")).to_be_visible()
    page.get_by_role("button", name="New list").click()
    page.get_by_label("Name").fill("staff")
    page.get_by_label("Kind").select_option("Watched")
    page.get_by_label("Hours").fill("22:00-06:30")
    page.keyboard.press("Enter")
    expect(page.get_by_text("No plate is on this list.")).to_be_visible()
    page.get_by_label("Plate", exact=True).fill("ab-123-cd")
    page.locator("input[name=name]").first.fill(HOSTILE)
    page.keyboard.press("Enter")
    expect(page.get_by_text("AB123CD", exact=True)).to_be_visible()
    expect(page.get_by_label("Plate", exact=True)).to_be_focused()
    (made,) = empty.api.get("/api/v1/lists").json()["lists"]
    assert (made["kind"], made["hours"], made["tolerance"]) == ("watch", "22:00-06:30", 1)
    plates = empty.api.get(f"/api/v1/lists/{made['id']}/plates").json()["plates"]
    assert plates == [{"plate": "AB123CD", "name": HOSTILE, "note": ""}]
    expect(page.get_by_text(HOSTILE)).to_be_visible()
    page.get_by_label("Test a plate").fill("A8123CD")
    page.keyboard.press("Enter")
    expect(page.locator("output")).to_contain_text("AB123CD")
    expect(page.locator("output")).to_contain_text("8=B")
    page.get_by_label("Test a plate").fill("ZZZ")
    page.keyboard.press("Enter")
    expect(page.locator("output")).to_have_text("ZZZ is not on the list.")
    check_accessible(page)


def test_csv_goes_in_and_out(empty: Server, open_page: Open, tmp_path: Path) -> None:
    key = empty.api.post("/api/v1/lists", json={"name": "staff", "kind": "known"}).json()["id"]
    page = open_page(f"/lists?id={key}")
    table = tmp_path / "plates.csv"
    table.write_text("plate,name\nAB1,Ann\nCD2,Ben\n")
    page.get_by_label("Add from CSV").set_input_files(table)
    expect(page.get_by_text("Plates added: 2")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Save as CSV").click()
    assert download.value.suggested_filename == "staff.csv"
    assert download.value.path().read_text().split() == ["plate,name,note", "AB1,Ann,", "CD2,Ben,"]
    table.write_text("number\nAB1\n")
    page.get_by_label("Add from CSV").set_input_files(table)
    expect(page.get_by_role("alert")).to_contain_text("the first line must name the columns")


def test_a_list_is_changed_and_deleted(empty: Server, open_page: Open) -> None:
    for name in ("guests", "staff"):
        key = empty.api.post("/api/v1/lists", json={"name": name, "kind": "known"}).json()["id"]
        empty.api.post(f"/api/v1/lists/{key}/plates", json={"plate": "AB1"})
    page = open_page("/lists")
    page.get_by_role("button", name="staff").click()
    expect(page.get_by_role("heading", name="staff")).to_be_visible()
    page.get_by_label("Seconds until it alerts again").fill("60")
    page.get_by_label("Characters that may differ").fill("2")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    changed = empty.api.get(f"/api/v1/lists/{key}").json()
    assert (changed["cooldown"], changed["tolerance"]) == (60, 2)
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Remove AB1").click()
    expect(page.get_by_text("No plate is on this list.")).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="guests")).to_be_visible()
    assert [one["name"] for one in empty.api.get("/api/v1/lists").json()["lists"]] == ["guests"]
