"""Cameras in the page: added, seen, changed, regions drawn, deleted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.server.conftest import SCENE
from tests.server.page.conftest import DESKTOP, PHONE, Open, Server, check_accessible

NAME = 'gate "1" <b>'

PATH = "/api/v1/cameras/gate%20%221%22%20%3Cb%3E"


@pytest.fixture
def camera(server: Server) -> Iterator[Server]:
    """A server with a camera that has a picture."""
    server.api.post("/api/v1/cameras", json={"name": NAME, "kind": "push"})
    server.api.post(f"{PATH}/frame", content=SCENE.read_bytes())
    yield server
    server.api.delete(PATH)


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_a_camera_is_added_seen_and_deleted(server: Server, open_page: Open, size: tuple[int, int]) -> None:
    page = open_page("/cameras", size=size)
    expect(page.get_by_text("There is no camera yet.")).to_be_visible()
    page.get_by_role("button", name="New camera").click()
    page.get_by_label("Name").fill(NAME)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("source: an address is expected")
    page.get_by_label("Kind").select_option("Pictures are pushed")
    page.get_by_label("Regions of plates").fill("de, at")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name=NAME)).to_be_visible()
    made = server.api.get(PATH).json()
    assert (made["kind"], made["region"], made["roi"]) == ("push", ["de", "at"], None)
    expect(page.get_by_text("Watching")).to_be_visible()
    server.api.post(f"{PATH}/frame", content=SCENE.read_bytes())
    expect(page.get_by_alt_text(f"Last picture of {NAME}")).to_be_visible()
    check_accessible(page)
    page.get_by_role("button", name="Live").click()
    shown = page.get_by_alt_text(f"Live picture of {NAME}")
    page.wait_for_function("image => image.naturalWidth > 0", arg=shown.element_handle())
    page.keyboard.press("Escape")
    expect(shown).to_have_count(0)
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("There is no camera yet.")).to_be_visible()
    assert server.api.get(PATH).status_code == 404


def save(page: Page) -> None:
    page.get_by_role("button", name="Save").click()
    expect(page.locator("dialog")).to_have_count(0)


def drag(page: Page, picture: Locator, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag from one place of a picture to another, of 0 to 1."""
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    assert box
    for (x, y), act in ((start, page.mouse.down), (end, page.mouse.up)):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=3)
        act()


def test_regions_are_drawn_by_mouse(camera: Server, open_page: Open) -> None:
    page = open_page("/cameras", size=(1280, 1200))
    page.get_by_role("button", name="Edit").click()
    picture = page.locator(".drawing image")
    drag(page, picture, (0.2, 0.2), (0.8, 0.9))
    roi = page.locator(".box.roi")
    width, height = (int(picture.get_attribute(name) or 0) for name in ("width", "height"))
    drag(page, roi, (0.5, 0.5), (0.5, 0.4))
    page.get_by_role("button", name="Ignore here").click()
    save(page)
    saved = camera.api.get(PATH).json()
    x, y, w, h = saved["roi"]
    assert (x, w) == (pytest.approx(0.2 * width, abs=2), pytest.approx(0.6 * width, abs=3))
    assert (y, h) == (pytest.approx(0.13 * height, abs=3), pytest.approx(0.7 * height, abs=3))
    assert saved["ignore"] == [[round(width / 4), round(height / 4), round(width / 2), round(height / 2)]]


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_regions_are_drawn_by_keyboard(camera: Server, open_page: Open, size: tuple[int, int]) -> None:
    page = open_page("/cameras", size=size)
    page.get_by_role("button", name="Edit").press("Enter")
    page.get_by_role("button", name="Look only here").press("Enter")
    box = page.locator(".box.roi")
    expect(box).to_be_focused()
    before = [int(box.get_attribute(name) or 0) for name in ("x", "y", "width", "height")]
    for key in ("ArrowRight", "ArrowDown", "Shift+ArrowLeft", "Shift+ArrowUp"):
        page.keyboard.press(key)
    page.get_by_role("button", name="Ignore here").press("Enter")
    page.keyboard.press("Delete")
    check_accessible(page)
    page.get_by_role("button", name="Save").press("Enter")
    expect(page.locator("dialog")).to_have_count(0)
    saved = camera.api.get(PATH).json()
    step = saved["roi"][0] - before[0]
    assert step > 0
    assert saved["roi"] == [before[0] + step, before[1] + step, before[2] - step, before[3] - step]
    assert saved["ignore"] == []
