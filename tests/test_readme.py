"""What the README shows is what happens."""

from __future__ import annotations

import pkgutil
import re
import shlex
import subprocess
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from data.figures import DOCS, FIGURES, encode
from data.render import TEXT
from plate_ocr import PlateReader
from plate_ocr.vision.images import read_image

ROOT = Path(__file__).parent.parent
PAGES = [*ROOT.glob("*.md"), ROOT / "data" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_first_command_prints_what_it_says() -> None:
    shown = re.search(r"\$ pip install \. && (plate-ocr predict .*)\n(.*)\n", README)
    assert shown
    command = shlex.split(shown[1].replace("plate-ocr", f"{sys.executable} -m plate_ocr"))
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    (path, text, sure), (*said, about) = (line.split("  ") for line in (done.stdout.strip(), shown[2]))
    assert [path, text] == said
    assert done.stderr == ""
    # Other weights are a little more or less sure.
    assert float(sure) == pytest.approx(float(about), abs=0.05)


def test_the_scripts_are_those_that_the_shipped_model_reads() -> None:
    scripts = {unicodedata.name(char).split()[0] for char in PlateReader().alphabet}
    assert scripts == {"DIGIT", "LATIN", "CYRILLIC", "CJK"}, (
        "tell in the README, under the title, what is read"
    )


def test_the_python_example_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    monkeypatch.chdir(ROOT)
    exec(compile(example, "README.md", "exec"), {})
    plate, digit = capsys.readouterr().out.splitlines()
    assert plate.startswith("皖A512T3 0.")
    assert digit == "7"


def test_the_sample_plate_is_read_classically() -> None:
    assert PlateReader("chars", threads=1)(ROOT / "data" / "plate.png").text == TEXT


@pytest.mark.parametrize("name", ["classical", "labels", "plates"])
def test_python_examples_print_what_they_say(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    examples = re.findall(
        r"```python\n(.*?)```", (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8"), re.DOTALL
    )
    monkeypatch.chdir(ROOT)
    names: dict[str, object] = {}
    for example in examples:
        exec(compile(example, f"docs/{name}.md", "exec"), names)
    said = re.findall(r"^print\(.*\)  # (.*)$", "".join(examples), re.MULTILINE)
    assert said
    assert capsys.readouterr().out.splitlines() == said


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
