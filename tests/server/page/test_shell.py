"""The shell of the page: texts, languages, login, paths, what a browser is told."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import expect

import plate_ocr.server.page
from plate_ocr.server.access import SCRYPT
from plate_ocr.server.page.shell import PAGES, STATIC, VERSION
from plate_ocr.server.page.texts import LANGUAGES, choose_language
from plate_ocr.server.settings import Settings
from tests.server.page.conftest import DESKTOP, PHONE, Open, Server, check_accessible, serve

FOLDER = Path(plate_ocr.server.page.__file__).parent

PASSWORD = "correct horse"


def texts() -> dict[str, dict[str, str]]:
    return tomllib.loads((FOLDER / "texts.toml").read_text("utf-8"))


def test_every_text_is_there_in_every_language() -> None:
    for key, values in texts().items():
        assert values.keys() == LANGUAGES.keys(), key
        names = {tuple(sorted(re.findall(r"\{\w+\}", value))) for value in values.values()}
        assert len(names) == 1, key
        assert all(values.values()), key


def test_every_text_is_used_and_every_used_one_is_there() -> None:
    sources = [*FOLDER.glob("templates/*.html"), *FOLDER.glob("static/*.js")]
    used = {
        key
        for path in sources
        for key in re.findall(r"\bt\(['\"]([\w.-]+)['\"][,)]", path.read_text("utf-8"))
    }
    used |= {f"page.{page.name}" for page in PAGES} | {"page.denied"}
    assert used == texts().keys()


@pytest.mark.parametrize(
    ("chosen", "accepted", "language"),
    [
        (None, "", "en"),
        (None, "de-AT,de;q=0.9,en;q=0.8", "de"),
        (None, "fr, zh-CN;q=0.7, en;q=0.3", "zh"),
        (None, "de;q=0, fr", "en"),
        (None, "de;q=x", "en"),
        ("zh", "de", "zh"),
        ("../x", "de", "de"),
    ],
)
def test_the_language_is_the_chosen_one_or_the_browsers(
    chosen: str | None, accepted: str, language: str
) -> None:
    assert choose_language(chosen, accepted) == language


def test_pages_allow_nothing_inline_and_files_are_kept(client: TestClient) -> None:
    answer = client.get("/")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<style|<script(?![^>]* src=)|\son\w+=|\sstyle=|javascript:", answer.text)
    addresses = re.findall(r'(?:href|src)="(/static/[^"]+)"', answer.text)
    assert len(addresses) >= 5
    for address in addresses:
        assert "immutable" in client.get(address).headers["Cache-Control"], address
    assert client.get("/static/old/page.js").headers["Cache-Control"] == "no-store"
    assert client.get(f"/static/{VERSION}/../shell.py").status_code == 404
    assert {"page.js", "page.css", "texts-zh.js"} <= STATIC.keys()


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1.evil.example:8080"])
def test_a_page_of_another_server_changes_nothing(client: TestClient, origin: str) -> None:
    for path in ("/api/v1/login", "/api/v1/lists", "/api/v1/read?store=1"):
        answer = client.post(path, headers={"Origin": origin}, json={})
        assert answer.status_code == 403, path


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server below a path, that asks who it is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(SCRYPT, "n", 16)
        for server in serve(Settings(data=tmp_path_factory.mktemp("guarded"), root_path="/plates")):
            for name, role in (("admin", "admin"), ("<b>guest</b>", "read")):
                server.app.state.access.set_person(name, PASSWORD, role)
            yield server


def test_who_is_not_logged_in_gets_the_form(guarded: Server) -> None:
    answer = httpx.get(f"{guarded.url}/")
    assert answer.status_code == 200
    assert 'type="password"' in answer.text
    assert "<nav" not in answer.text


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_login_and_logout_below_a_path(guarded: Server, open_page: Open, size: tuple[int, int]) -> None:
    page = open_page("/plates/", url=guarded.url, size=size)
    check_accessible(page)
    page.get_by_label("Name").fill("<b>guest</b>")
    page.get_by_label("Password").fill("wrong horse")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("the name or the password is wrong")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Live")).to_be_visible()
    (cookie,) = page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
    links = page.locator("a[href]").evaluate_all("links => links.map(link => link.getAttribute('href'))")
    assert all(link.startswith(("/plates/", "#")) for link in links), links
    check_accessible(page)
    expect(page.get_by_role("link", name="Settings")).to_have_count(0)
    page.goto(f"{guarded.url}/plates/settings")
    expect(page.get_by_role("heading", name="Not allowed")).to_be_visible()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_label("Password")).to_be_visible()


def test_the_language_can_be_changed(open_page: Open) -> None:
    page = open_page("/", locale="de")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    page.get_by_label("Sprache").select_option("zh")
    expect(page.locator("html")).to_have_attribute("lang", "zh")
    page.reload()
    expect(page.get_by_role("heading", name="实时")).to_be_visible()


def test_the_first_key_skips_to_the_content(open_page: Open) -> None:
    page = open_page("/")
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to content")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
