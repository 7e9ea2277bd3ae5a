"""Takes the pictures of docs/page.md: ``python -m data.page``, with a browser in ``PLATE_OCR_TEST_CHROMIUM``.

A server of its own reads rendered streets; what it shows is nobody's.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import httpx
from playwright.sync_api import Browser, Page, sync_playwright

from data.figures import DOCS
from data.render import FOLDER
from data.street import draw_street
from plate_ocr.vision.images import Image

DESKTOP, PHONE = (1180, 720), (400, 720)
"""Width and height of windows, pixels."""

LISTED = "VM27EQH"
"""A plate of data/street.jpg."""

QUALITY = 82
"""Of JPEG files."""

SEEDS = {"north entrance": 2, "yard": 1}
"""The cameras that see a street drawn with these seeds."""


@contextmanager
def running() -> Iterator[str]:
    """The address of a server whose cameras have each seen a street."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "plate_ocr", "serve", "--port", "0", "--data", folder]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
            assert server.stderr
            found = re.search(r"http://\S+", server.stderr.readline())
            assert found
            try:
                fill(found[0])
                yield found[0]
            finally:
                server.terminate()


def fill(url: str) -> None:
    """Let a server read the streets; one plate is on a list, one is corrected."""
    streets = {camera: encode(draw_street(seed)) for camera, seed in SEEDS.items()}
    with httpx.Client(base_url=url, timeout=60) as api:
        key = api.post("/api/v1/lists", json={"name": "staff", "kind": "known"}).json()["id"]
        api.post(f"/api/v1/lists/{key}/plates", json={"plate": LISTED, "name": "Ann"})
        for camera, jpeg in {**streets, "gate": (FOLDER / "street.jpg").read_bytes()}.items():
            path = f"/api/v1/read?store=1&camera={camera}"
            api.post(path, files={"image": jpeg}).raise_for_status()
        sightings = api.get("/api/v1/sightings?camera=gate").json()["sightings"]
        text = sightings[-1]["text"]
        api.patch(f"/api/v1/sightings/{sightings[-1]['id']}", json={"text": text[:-1] + "7"})


def encode(picture: Image) -> bytes:
    """A JPEG file of a picture, uint8 ``(H, W)``."""
    return cv2.imencode(".jpg", picture)[1].tobytes()


def window(browser: Browser, address: str, size: tuple[int, int], scheme: str) -> Page:
    """A window that shows an address."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if scheme == "dark" else "light",
        locale="en-GB",
    )
    page = context.new_page()
    page.goto(address)
    page.locator("li.sighting").first.wait_for()
    return page


def save(page: Page, name: str) -> None:
    """Write what a window shows."""
    page.evaluate("Promise.all([...document.images].map((image) => image.decode()))")
    page.screenshot(path=DOCS / f"page-{name}.jpg", quality=QUALITY)


def main() -> None:
    """Write the pictures."""
    path = os.environ.get("PLATE_OCR_TEST_CHROMIUM")
    if not path:
        sys.exit("PLATE_OCR_TEST_CHROMIUM must name a Chromium, as /usr/bin/chromium")
    with running() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = window(browser, url, DESKTOP, "light")
        save(page, "live")
        page.get_by_role("button", name=f"Show {LISTED}").click()
        page.locator("dialog .marked").wait_for()
        save(page, "sighting")
        save(window(browser, f"{url}/search?like=HP06Y9257", PHONE, "dark"), "phone")
        browser.close()


if __name__ == "__main__":
    main()
