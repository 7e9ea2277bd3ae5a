"""What the README shows is what happens."""

from __future__ import annotations

import pkgutil
import re
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from data.figures import DOCS, FIGURES, SYSTEMS, encode, table_rows
from data.render import TEXT
from plate_ocr import PlateReader
from plate_ocr.vision.images import read_image

ROOT = Path(__file__).parent.parent
PAGES = [*ROOT.glob("*.md"), ROOT / "data" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_scripts_are_those_that_the_shipped_model_reads() -> None:
    scripts = {unicodedata.name(char).split()[0] for char in PlateReader().alphabet}
    assert scripts == {
        *("DIGIT", "LATIN", "CYRILLIC", "CJK", "HANGUL", "ARABIC", "ARABIC-INDIC", "EXTENDED", "THAI"),
        *("HIRAGANA", "KATAKANA"),
    }, "tell in the README, under the title, what is read"


def test_the_table_of_readers_has_the_figures_of_the_benchmark() -> None:
    header = "| plates | crops | system | exact | O=0 and I=1 | time | peak memory, MB | models, MB |"
    measured = {(row[0], row[2].split(",")[0]): row for row in table_rows(DOCS / "benchmarks.md", header)}
    own = f"| crops | {' | '.join(SYSTEMS.values())} | its time, as part of PP-OCRv4's |"
    for plates, *shown in table_rows(ROOT / "README.md", own):
        assert shown == [
            *(measured[plates, system][4] for system in SYSTEMS),
            measured[plates, "ours"][5],
        ]


def test_the_sample_plate_is_read_classically() -> None:
    assert PlateReader("chars", threads=1)(ROOT / "data" / "plate.png").text == TEXT


@pytest.mark.parametrize("name", FIGURES)
def test_figures_show_what_is_drawn_today(name: str) -> None:
    shown, drawn = read_image(DOCS / name), read_image(encode(name, FIGURES[name]()))
    assert shown.shape == drawn.shape
    # Versions of OpenCV round a little differently.
    assert np.abs(shown.astype(int) - drawn).mean() < 0.5, "run: python -m data.figures"


def test_the_first_picture_loads_fast() -> None:
    assert (DOCS / "street.jpg").stat().st_size <= 200_000


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_names_of_the_package_are_there(page: Path) -> None:
    for name in set(re.findall(r"\bplate_ocr(?:\.[a-z_]\w*)+\b", page.read_text(encoding="utf-8"))):
        pkgutil.resolve_name(name)
