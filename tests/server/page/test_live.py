"""The live list: what comes, the scene with corners and alternatives, the first start."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from plate_ocr import PlateReader
from tests.server.conftest import PLATE, SCENE
from tests.server.notify.receivers import wait_for
from tests.server.page.conftest import DESKTOP, PHONE, Open, Server, check_accessible
from tests.server.stores import NOW, seen


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_the_first_start_says_what_to_do_and_the_first_sighting_appears(
    empty: Server, open_page: Open, size: tuple[int, int]
) -> None:
    page = open_page("/", size=size)
    for step in ("Drop a picture", "Add a camera", "Make a list"):
        expect(page.get_by_role("heading", name=step)).to_be_visible()
    check_accessible(page)
    expect(page.get_by_role("status")).to_have_text("live")
    empty.api.post("/api/v1/read?store=1&camera=gate", files={"image": PLATE.read_bytes()})
    row = page.get_by_role("list", name="Newest sightings").get_by_role("listitem")
    expect(row).to_contain_text(PlateReader()(PLATE).text)
    expect(row).to_contain_text("gate")
    expect(page.get_by_role("heading", name="Drop a picture")).to_be_hidden()
    check_accessible(page)


def test_a_window_that_nobody_sees_holds_no_connection(empty: Server, open_page: Open) -> None:
    page = open_page("/")
    expect(page.get_by_role("status")).to_have_text("live")
    hide = """hidden => {
      Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }"""
    listeners = empty.app.state.events._listeners
    wait_for(lambda: len(listeners) == 1)
    page.evaluate(hide, True)
    wait_for(lambda: not listeners)
    empty.store.keep(seen("AB123CD"))
    page.evaluate(hide, False)
    expect(page.get_by_role("button", name="Show AB123CD")).to_be_visible()


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_a_click_shows_the_scene_with_corners_and_alternatives(
    empty: Server, open_page: Open, size: tuple[int, int]
) -> None:
    answer = empty.api.post("/api/v1/read?store=1&camera=gate", files={"image": SCENE.read_bytes()}).json()
    (plate,) = answer["plates"]
    page = open_page("/", size=size)
    page.get_by_role("list", name="Newest sightings").get_by_text("gate").click()
    window = page.get_by_role("dialog")
    scene = window.get_by_alt_text("The scene with the plate marked")
    expect(scene).to_be_visible()
    assert scene.evaluate("image => image.decode().then(() => image.naturalWidth)") == answer["width"]
    # The drawing lies upon the picture, in its pixels.
    box, drawing = scene.bounding_box(), window.locator("svg").bounding_box()
    assert box
    assert drawing
    assert all(abs(box[key] - drawing[key]) < 1 for key in ("x", "y", "width", "height"))
    corners = window.locator("polygon").get_attribute("points")
    assert corners == " ".join(f"{x:g},{y:g}" for x, y in plate["corners"])
    characters = window.get_by_role("listitem")
    expect(characters).to_have_count(len(plate["text"]))
    expect(characters.first).to_contain_text(plate["text"][0])
    check_accessible(page)
    page.keyboard.press("Escape")
    expect(window).to_be_hidden()


def test_arrow_keys_go_to_the_sightings_beside_it(empty: Server, open_page: Open) -> None:
    for i, text in enumerate(("AB123CD", "XY999ZZ", "KL45MN")):
        empty.store.keep(seen(text, NOW + i))
    page = open_page("/")
    page.get_by_role("button", name="Show KL45MN").press("Enter")
    expect(page.get_by_role("dialog", name="KL45MN")).to_be_visible()
    for key, text in (("ArrowRight", "XY999ZZ"), ("ArrowRight", "AB123CD"), ("ArrowLeft", "XY999ZZ")):
        page.keyboard.press(key)
        expect(page.get_by_role("dialog", name=text)).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Show XY999ZZ")).to_be_focused()


def test_a_sighting_can_be_annotated_and_deleted(empty: Server, open_page: Open) -> None:
    uuid = empty.store.keep(seen("AB123CD")).uuid
    page = open_page("/")
    page.get_by_role("button", name="Show AB123CD").click()
    window = page.get_by_role("dialog")
    window.get_by_label("Note").fill("a grey van")
    window.get_by_role("button", name="Save").click()
    expect(page.get_by_role("list", name="Newest sightings")).to_contain_text("a grey van")
    assert empty.api.get(f"/api/v1/sightings/{uuid}").json()["note"] == "a grey van"
    page.on("dialog", lambda question: question.accept())
    window.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("button", name="Show AB123CD")).to_have_count(0)
    assert empty.api.get(f"/api/v1/sightings/{uuid}").status_code == 404
