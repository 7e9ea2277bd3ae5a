"""A server that listens, a browser, and what is asked of every page."""

from __future__ import annotations

import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from fastapi import FastAPI
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from plate_ocr.server.application import create_app
from plate_ocr.server.keeping import SightingStore
from plate_ocr.server.settings import Settings
from plate_ocr.server.store.database import Database
from tests.server.notify.receivers import wait_for

DESKTOP, PHONE = (1280, 800), (390, 844)
"""Width and height of windows, pixels."""

TIMEOUT_MS = 10_000
"""For which a test waits for what a page should show."""

Open = Callable[..., Page]
"""Opens a path in a window of its own: ``open_page("/search", size=PHONE)``."""


@dataclass
class Server:
    """A server that runs.

    Attributes:
        app: its application.
        url: its address, without a last slash.
        api: a client of its API.
    """

    app: FastAPI
    url: str
    api: httpx.Client

    @property
    def store(self) -> SightingStore:
        """What is kept."""
        store = self.app.state.store
        assert isinstance(store, SightingStore)
        return store


def serve(settings: Settings) -> Iterator[Server]:
    """Run a server in a thread until it is closed."""
    listening = socket.create_server(("127.0.0.1", 0))
    app = create_app(settings)
    # As uvicorn tells it of what a proxy sends.
    app.root_path = settings.root_path
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        wait_for(lambda: server.started or not thread.is_alive())
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with httpx.Client(base_url=url, timeout=30) as api:
            yield Server(app, url, api)
    finally:
        server.should_exit = True
        thread.join(30)
        listening.close()
        assert not thread.is_alive()


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with its defaults, where nobody is asked for a password."""
    yield from serve(Settings(data=tmp_path_factory.mktemp("page")))


@pytest.fixture
def empty(server: Server, empty_sqlite: Path, tmp_path: Path) -> Iterator[Server]:
    """The same server with nothing in its database."""
    path, own = tmp_path / "plate-ocr.db", server.app.state.store
    shutil.copy(empty_sqlite, path)
    server.app.state.store = SightingStore(Database(f"sqlite:///{path}"), tmp_path / "pictures")
    server.store.on_sighting = own.on_sighting
    yield server
    server.store.database.close()
    server.app.state.store = own


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """The Chromium of PLATE_OCR_TEST_CHROMIUM."""
    path = os.environ.get("PLATE_OCR_TEST_CHROMIUM")
    if not path:
        pytest.skip("PLATE_OCR_TEST_CHROMIUM does not name a Chromium to test with, as /usr/bin/chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser, server: Server) -> Iterator[Open]:
    """Opens pages, each in a browser of its own; they must have written no error and called nobody else."""
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def open_page(path: str, *, size: tuple[int, int] = DESKTOP, url: str = server.url, **more: Any) -> Page:
        viewport = {"width": size[0], "height": size[1]}
        scheme = "dark" if size == PHONE else "light"  # so that both are looked at
        settings: dict[str, Any] = {"viewport": viewport, "locale": "en", "color_scheme": scheme, **more}
        context = browser.new_context(has_touch=size == PHONE, **settings)
        contexts.append(context)
        context.set_default_timeout(TIMEOUT_MS)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: _note(errors, message.text, "Security Policy" in message.text))
        page.on("request", lambda request: _note(errors, request.url, not _is_at(request.url, url)))
        page.goto(url + path)
        page.locator("main:not([aria-busy])").wait_for()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []


def _note(errors: list[str], text: str, is_error: bool) -> None:
    if is_error:
        errors.append(text)


def _is_at(address: str, url: str) -> bool:
    return address.startswith((f"{url}/", "blob:", "data:"))


def cpu_clock(page: Page) -> Callable[[], float]:
    """Tells the processor time of a page's main thread, ms: other processes do not count."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def now() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return next(1000 * float(one["value"]) for one in metrics if one["name"] == "TaskDuration")

    return now


def check_accessible(page: Page) -> None:
    """Fail on what axe-core finds serious or critical, and where a page is wider than its window."""
    found = Axe().run(page).response["violations"]
    serious = {
        f"{one['id']}: {node['target']} {node['failureSummary']}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    }
    assert serious == set()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
