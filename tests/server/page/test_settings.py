"""Settings in the page: state, how long what is kept, people, keys, who did what."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from plate_ocr.server.access import SCRYPT
from plate_ocr.server.settings import Settings
from tests.server.page.conftest import DESKTOP, PHONE, Open, Server, check_accessible, serve
from tests.server.stores import JPEG, seen

PASSWORD = "correct horse"


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server that nobody has keys for."""
    monkeypatch.setitem(SCRYPT, "n", 16)
    yield from serve(Settings(data=tmp_path, keep_days=5000))


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_how_long_what_is_kept_is_chosen(own: Server, open_page: Open, size: tuple[int, int]) -> None:
    own.store.keep(seen("AB123CD", crop=JPEG))
    page = open_page("/settings", url=own.url, size=size)
    expect(page.get_by_label("Days until sightings are deleted")).to_be_disabled()
    expect(page.get_by_label("Days until sightings are deleted")).to_have_value("5000")
    expect(page.get_by_text("Database and pictures")).to_be_visible()
    page.get_by_label("Sightings, at most").fill(str(size[0]))
    page.get_by_label("Days until their pictures are deleted").fill("7.5")
    page.get_by_label("Days until their pictures are deleted").press("Enter")
    expect(page.get_by_text("Saved.")).to_be_visible()
    kept = own.api.get("/api/v1/retention").json()
    assert (kept["keep_sightings"], kept["keep_picture_days"], kept["keep_size"]) == (size[0], 7.5, None)
    check_accessible(page)


def test_people_and_keys_are_added_and_deleted(own: Server, open_page: Open) -> None:
    page = open_page("/settings", url=own.url)
    expect(page.get_by_text("Add a person first")).to_be_visible()
    page.get_by_label("Name of the person").fill("ann <b>")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Password").press("Enter")
    # From here on everybody is asked: who added the first person is logged in.
    expect(page.get_by_role("cell", name="ann <b>", exact=True)).to_be_visible()
    assert own.api.get("/api/v1/me").status_code == 401
    own.api.auth = httpx.BasicAuth("ann <b>", PASSWORD)
    assert own.api.get("/api/v1/people").json() == [{"name": "ann <b>", "role": "admin"}]
    page.get_by_label("Name of the program").fill("gate")
    page.get_by_label("Name of the program").press("Enter")
    secret = page.get_by_label("Key", exact=True).input_value()
    check_accessible(page)
    page.keyboard.press("Escape")
    headers = {"Authorization": f"Bearer {secret}"}
    assert httpx.get(f"{own.url}/api/v1/me", headers=headers).json() == {"name": "gate", "role": "read"}
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete: gate").click()
    expect(page.get_by_text("There is no key.")).to_be_visible()
    assert own.api.get("/api/v1/keys").json() == []
    page.get_by_role("button", name="Delete: ann <b>").click()
    expect(page.get_by_role("alert")).to_contain_text("at least one key or person must have the role admin")


def test_who_did_what_is_told(own: Server, open_page: Open) -> None:
    secret = own.app.state.access.add_key("boss", "admin")[1]
    own.api.headers["Authorization"] = f"Bearer {secret}"
    own.api.auth = httpx.Auth()
    own.api.get("/api/v1/sightings", params={"q": "<i>AB*"})
    for i in range(25):
        own.api.post("/api/v1/lists", json={"name": f"list {i}", "kind": "known"})
    page = open_page("/settings", url=own.url, extra_http_headers={"Authorization": f"Bearer {secret}"})
    rows = page.locator("section").last.get_by_role("row")
    expect(rows).to_have_count(21)
    expect(page.get_by_text("text: <i>AB*")).to_have_count(0)
    page.locator("section").last.get_by_role("button", name="More").click()
    row = page.get_by_role("row", name="text: <i>AB*")
    expect(row).to_contain_text("boss")
    expect(row).to_contain_text("search")


@pytest.mark.parametrize("path", ["/lists", "/alerts", "/cameras", "/charts", "/settings"])
def test_who_only_reads_sees_and_changes_nothing(own: Server, open_page: Open, path: str) -> None:
    access = own.app.state.access
    access.set_person("boss", PASSWORD, "admin")
    secret = access.add_key("guest", "read")[1]
    headers = {"Authorization": f"Bearer {secret}"}
    page = open_page(path, url=own.url, size=PHONE, color_scheme="dark", extra_http_headers=headers)
    expect(page.locator("main")).not_to_contain_text("false")
    expect(page.locator(".message.error")).to_have_count(0)
    expect(page.get_by_role("button", name="Save")).to_have_count(0)
    denied = page.get_by_text("This page needs another role")
    expect(denied).to_have_count(1 if path == "/settings" else 0)
    current = page.locator("nav [aria-current]")
    if path != "/settings":
        expect(current).to_be_in_viewport(ratio=1)
    check_accessible(page)
