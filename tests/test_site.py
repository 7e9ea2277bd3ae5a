"""The site builds without a network, and its pages have what they are for."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from mkdocs.commands.build import build
from mkdocs.config import load_config

import plate_ocr
import plate_ocr.video
from data.notebook import NOTEBOOK, execute_notebook
from data.pages import command_line_page, notebook_page
from plate_ocr.app.cli import COMMANDS

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_MKDOCS_2_WARNING", "1")
        # A warning, as of a link that leads nowhere or a page outside the navigation, ends it.
        build(load_config(str(ROOT / "mkdocs.yml"), site_dir=str(folder), strict=True))
    return folder


@pytest.mark.slow
def test_pages_load_nothing_from_elsewhere(site: Path) -> None:
    pages = [*site.rglob("*.html")]
    assert len(pages) > 30
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert not re.findall(
            r"<(?:script|img|iframe)[^>]* src=\"?(?:https?:)?//|<link[^>]* href=\"?https?:", text
        )


@pytest.mark.slow
def test_links_to_code_are_text_and_links_to_pages_stay(site: Path) -> None:
    text = (site / "classical.html").read_text(encoding="utf-8")
    assert "mlp.py</code>" in text
    assert 'mlp.py"' not in text
    assert 'href="benchmarks.html#other-readers"' in (site / "index.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_api_has_every_public_name(site: Path) -> None:
    api, errors = ((site / name).read_text(encoding="utf-8") for name in ("api.html", "errors.html"))
    for module in (plate_ocr, plate_ocr.video):
        for name in module.__all__:
            page = errors if name.endswith("Error") else api
            assert re.search(rf'id="plate_ocr[.\w]*\.{name}"', page), name


def test_the_command_line_has_every_command_and_its_options() -> None:
    page = command_line_page()
    for command in COMMANDS:
        assert f"\n## plate-ocr {command}" in page
    assert re.search(r"<code>--annotate DIR</code> \| Write the images with their plates marked\.", page)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # the kernel's own
def test_the_notebook_shows_what_its_cells_do() -> None:
    shown = notebook_page(json.loads(NOTEBOOK.read_text(encoding="utf-8")))
    done = notebook_page(json.loads(json.dumps(execute_notebook())))
    assert shown["pixels-to-text.md"] == done["pixels-to-text.md"], "run: python -m data.notebook"
    assert {*shown} == {*done}
    assert len(shown) == 5
