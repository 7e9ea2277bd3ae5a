"""Charts in the page: they count what is filtered, and each bar opens its rows."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from tests.server.page.conftest import DESKTOP, PHONE, Open, Server, check_accessible
from tests.server.stores import seen

HOSTILE = "<b>&gate"


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_bars_count_and_open_their_rows(empty: Server, open_page: Open, size: tuple[int, int]) -> None:
    noon = datetime.now().astimezone().replace(hour=12, minute=30, second=0, microsecond=0)
    days = [noon - timedelta(days=back) for back in (3, 3, 1)]
    for text, at, camera in zip(("AB1", "AB1", "CD2"), days, ("gate", HOSTILE, "gate"), strict=True):
        empty.store.keep(seen(text, at.timestamp(), camera))
    page = open_page("/charts", size=size)
    expect(page.get_by_text("3 sightings")).to_be_visible()
    check_accessible(page)
    first = f"{days[0]:%Y-%m-%d}"
    for name, query in (
        (
            f"{first}: 2",
            {"from": [f"{first}T00:00"], "to": [f"{days[0] + timedelta(days=1):%Y-%m-%d}T00:00"]},
        ),
        ("12:00: 3", {"hours": ["12:00-13:00"]}),
        (f"{HOSTILE}: 1", {"camera": [HOSTILE]}),
        ("AB1: 2", {"q": ["AB1"]}),
    ):
        href = page.get_by_role("link", name=name, exact=True).get_attribute("href")
        assert href
        assert href.startswith("/search?")
        asked = urlsplit(href).query
        assert query.items() <= parse_qs(asked).items()
        found = empty.api.get(f"/api/v1/sightings?{asked}").json()["sightings"]
        assert len(found) == int(name[-1])


def test_the_filter_is_in_the_address(empty: Server, open_page: Open) -> None:
    now = datetime.now().timestamp()
    for text, camera in (("AB1", "gate"), ("AB1", "gate"), ("CD2", "yard")):
        empty.store.keep(seen(text, now, camera))
    page = open_page("/charts")
    expect(page.get_by_text("3 sightings")).to_be_visible()
    page.locator("select[name=camera]").select_option("gate")
    expect(page.get_by_text("2 sightings")).to_be_visible()
    expect(page).to_have_url(re.compile("camera=gate"))
    page.reload()
    expect(page.get_by_text("2 sightings")).to_be_visible()
    page.get_by_label("Before").fill("2020-01-01")
    expect(page.get_by_text("0 sightings")).to_be_visible()
