"""Pictures that are dropped, pasted and chosen."""

from __future__ import annotations

import base64

import pytest
from playwright.sync_api import expect

from tests.server.conftest import PLATE, SCENE
from tests.server.page.conftest import DESKTOP, PHONE, Open, Server, check_accessible

GIVE = """([kind, name, data]) => {
  const bytes = Uint8Array.from(atob(data), (sign) => sign.charCodeAt());
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, { type: "image/jpeg" }));
  const event = kind === "drop"
    ? new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true })
    : new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true });
  document.body.dispatchEvent(event);
}"""
"""As if a file was dropped or pasted."""


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_a_chosen_picture_is_read_drawn_and_kept(
    empty: Server, open_page: Open, size: tuple[int, int]
) -> None:
    page = open_page("/try", size=size)
    check_accessible(page)
    page.get_by_label("Choose a picture").set_input_files(SCENE)
    (plate,) = empty.api.post("/api/v1/read", files={"image": SCENE.read_bytes()}).json()["plates"]
    expect(page.get_by_role("article").get_by_role("heading")).to_have_text(plate["text"])
    expect(page.locator("article polygon")).to_have_count(1)
    assert page.locator("article img").evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    check_accessible(page)
    assert empty.api.get("/api/v1/sightings").json()["sightings"] == []
    page.get_by_label("Keep what is read as a sighting").check()
    page.get_by_label("Choose a picture").set_input_files(SCENE)
    expect(page.get_by_text("kept")).to_be_visible()
    (sighting,) = empty.api.get("/api/v1/sightings").json()["sightings"]
    assert sighting["text"] == plate["text"]


@pytest.mark.parametrize("kind", ["drop", "paste"])
def test_a_picture_is_dropped_or_pasted(server: Server, open_page: Open, kind: str) -> None:
    page = open_page("/try")
    name = "<b>a\"'.png"
    page.evaluate(GIVE, [kind, name, base64.b64encode(PLATE.read_bytes()).decode()])
    expect(page.get_by_role("article").get_by_role("heading")).to_have_text("皖A512T3")
    expect(page.get_by_role("article")).to_contain_text(name)
    page.evaluate(GIVE, [kind, "text.txt", base64.b64encode(b"no picture").decode()])
    expect(page.get_by_role("article").first).to_contain_text("text.txt")
    expect(page.locator("article .failed")).to_contain_text("not a picture")
