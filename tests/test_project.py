"""The files around the code are what forges, hooks and package indexes expect."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from plate_ocr import __version__
from plate_ocr.app.cli import COMMANDS

ROOT = Path(__file__).parent.parent
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("[!c]*.yml"))


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", *map(str, arguments)]
    return subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("workflows", sorted((ROOT / ".github" / "workflows").glob("*.yml"))),
        ("issue-forms", FORMS),
        ("issue-config", [ROOT / ".github" / "ISSUE_TEMPLATE" / "config.yml"]),
    ],
)
def test_files_for_forges_follow_their_schemas(schema: str, files: list[Path]) -> None:
    assert files
    done = run("check_jsonschema", "--builtin-schema", f"vendor.github-{schema}", *files)
    assert done.returncode == 0, done.stdout


def test_a_workflow_that_breaks_the_schema_is_told(tmp_path: Path) -> None:
    (tmp_path / "ci.yml").write_text("on: push\njobs: {check: {steps: []}}\n", encoding="utf-8")
    done = run("check_jsonschema", "--builtin-schema", "vendor.github-workflows", tmp_path / "ci.yml")
    assert done.returncode == 1


@pytest.mark.slow
def test_the_hooks_are_valid() -> None:
    done = run("pre_commit", "validate-config", ".pre-commit-config.yaml")
    assert done.returncode == 0, done.stdout


def test_ci_runs_every_version_that_is_supported() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    floor = project["requires-python"].removeprefix(">=")
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    assert f'python: ["{floor}", ' in workflow


def test_the_changelog_begins_with_the_next_version_or_this_one() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    entry = text.split("## [")[1]
    assert entry.startswith((f"{__version__}] – ", "1.0.0] – unreleased"))
    for command in COMMANDS:
        assert f"`{command}`" in entry or f"`plate-ocr {command}`" in entry, command


def test_contributors_are_told_of_every_room() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for room in (ROOT / "plate_ocr").iterdir():
        if room.is_dir() and (room / "__init__.py").exists():
            assert f"(plate_ocr/{room.name})" in text, room.name
