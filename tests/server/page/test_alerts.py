"""Alerts in the page: as they come, channels, deliveries."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from plate_ocr.server.settings import Settings
from tests.server.conftest import PLATE
from tests.server.notify.receivers import Receiver, wait_for
from tests.server.page.conftest import DESKTOP, PHONE, Open, Server, check_accessible, serve
from tests.server.stores import seen

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that delivers."""
    yield from serve(Settings(data=tmp_path_factory.mktemp("alerts")))


@pytest.fixture(autouse=True)
def _no_channels(own: Server) -> Iterator[None]:
    yield
    for channel in own.api.get("/api/v1/channels").json()["channels"]:
        own.api.delete(f"/api/v1/channels/{channel['id']}")


def watch_for(server: Server, text: str, list_name: str, **more: str) -> None:
    """Have a list alert of a plate."""
    made = server.api.post("/api/v1/lists", json={"name": list_name, "kind": "watch"}).json()
    server.api.post(f"/api/v1/lists/{made['id']}/plates", json={"plate": text, **more})


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_an_alert_is_shown_and_heard_as_it_comes(own: Server, open_page: Open, size: tuple[int, int]) -> None:
    text = f"AB{size[0]}"
    watch_for(own, text, f"{HOSTILE}{text}", name="Ann")
    page = open_page("/alerts", url=own.url, size=size)
    expect(page.get_by_role("status")).to_have_text("live")
    # Counts the tones: no test hears one.
    page.evaluate(
        "tones = 0; const start = OscillatorNode.prototype.start;"
        "OscillatorNode.prototype.start = function (at) { tones += 1; start.call(this, at); };"
        "null"
    )
    page.get_by_role("button", name="Turn sound on").click()
    expect(page.get_by_role("button", name="Turn sound off")).to_be_visible()
    page.wait_for_function("tones === 3")
    own.store.keep(seen("XY999ZZ", time.time()))
    own.store.keep(seen(text, time.time(), crop=PLATE.read_bytes()))
    banner = page.locator(".banner")
    expect(banner).to_contain_text(text)
    expect(banner).to_contain_text(f"{HOSTILE}{text} · Ann · gate")
    page.wait_for_function("tones === 6")
    expect(page.locator("table").first).to_contain_text(text)
    expect(page.locator("table").first).not_to_contain_text("XY999ZZ")
    check_accessible(page)
    banner.get_by_role("button", name="Close").click()
    expect(banner).to_have_count(0)
    page.reload()
    expect(page.locator("table").first).to_contain_text(text)


def test_a_lost_connection_is_told_and_made_again(own: Server, open_page: Open) -> None:
    watch_for(own, "GONE1", "gone")
    page = open_page("/", url=own.url)
    page.clock.install()
    # An answer that is none of events ends an EventSource for good.
    page.route("**/api/v1/events", lambda route: route.fulfill(status=502))
    page.goto(f"{own.url}/alerts")
    expect(page.get_by_role("status")).to_have_text("not connected; trying again")
    own.store.keep(seen("GONE1", time.time()))
    page.unroute("**/api/v1/events")
    page.clock.fast_forward(5000)
    expect(page.get_by_role("status")).to_have_text("live")
    expect(page.locator("table").first).to_contain_text("GONE1")


def test_live_shows_alerts_too(own: Server, open_page: Open) -> None:
    watch_for(own, "LIVE1", "barred")
    page = open_page("/", url=own.url)
    # One that comes earlier is in the list alone.
    expect(page.get_by_role("status")).to_have_text("live")
    own.store.keep(seen("LIVE1", time.time()))
    expect(page.locator(".banner")).to_contain_text("LIVE1")


def test_a_channel_is_added_tested_changed_and_deleted(
    own: Server, open_page: Open, receiver: Receiver
) -> None:
    page = open_page("/alerts", url=own.url)
    page.get_by_role("button", name="New channel").click()
    page.get_by_label("Name", exact=True).fill("house")
    page.get_by_label("Address").fill(receiver.url)
    page.get_by_label("Secret that signs it").fill("topsecret")
    check_accessible(page)
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Test: house").click()
    expect(page.get_by_text("The test arrived.")).to_be_visible()
    assert "webhook-signature" in receiver.requests[0].headers
    receiver.answers = [500]
    page.get_by_role("button", name="Test: house").click()
    expect(page.get_by_role("alert").last).to_contain_text("house: 127.0.0.1 answered 500")
    page.get_by_role("button", name="Edit: house").click()
    page.get_by_label("Name", exact=True).fill("home")
    page.get_by_label("Enabled").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("cell", name="Off")).to_be_visible()
    (channel,) = own.api.get("/api/v1/channels").json()["channels"]
    assert (channel["name"], channel["enabled"]) == ("home", False)
    # A secret that was not seen stays.
    page.get_by_role("button", name="Test: home").click()
    wait_for(lambda: len(receiver.requests) == 3)
    assert "webhook-signature" in receiver.requests[2].headers
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete: home").click()
    expect(page.get_by_text("Nobody is told yet.")).to_be_visible()
    assert own.api.get("/api/v1/channels").json() == {"channels": []}


@pytest.mark.parametrize(
    ("kind", "fields", "settings"),
    [
        ("mqtt", {"Broker": "127.0.0.1", "Port": "18830"}, {"host": "127.0.0.1", "port": 18830}),
        (
            "apprise",
            {"Addresses of Apprise, one a line": "json://a\njson://b"},
            {"urls": ["json://********"] * 2},
        ),
    ],
)
def test_every_kind_of_channel_has_its_fields(
    own: Server, open_page: Open, kind: str, fields: dict[str, str], settings: dict[str, object]
) -> None:
    page = open_page("/alerts", url=own.url)
    page.get_by_role("button", name="New channel").click()
    page.get_by_label("Name", exact=True).fill(kind)
    page.get_by_label("Kind").select_option(kind)
    for label, value in fields.items():
        page.get_by_label(label).fill(value)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("cell", name=kind, exact=True).first).to_be_visible()
    (channel,) = own.api.get("/api/v1/channels").json()["channels"]
    assert settings.items() <= channel["settings"].items()


def test_a_delivery_that_failed_is_made_again(own: Server, open_page: Open, receiver: Receiver) -> None:
    receiver.answers = [400]
    hook = {"name": "house", "kind": "webhook", "settings": {"url": receiver.url}}
    own.api.post("/api/v1/channels", json=hook)
    own.store.keep(seen("CC1", time.time()))
    page = open_page("/alerts", url=own.url)
    page.get_by_label("State").select_option("Failed")
    again = page.get_by_role("button", name="Try again")
    while not again.count():
        page.get_by_role("button", name="Refresh").click()
        page.wait_for_timeout(100)
    expect(page.get_by_role("cell", name="127.0.0.1 answered 400").last).to_be_visible()
    again.click()

    def states() -> list[str]:
        return [one["state"] for one in own.api.get("/api/v1/deliveries").json()["deliveries"]]

    wait_for(lambda: states() == ["delivered"])
    page.get_by_label("State").select_option("Delivered")
    expect(page.get_by_role("row", name="CC1")).to_be_visible()
