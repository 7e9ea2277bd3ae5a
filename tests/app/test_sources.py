"""What the arguments of the command line stand for."""

from __future__ import annotations

import itertools
import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from plate_ocr.app.sources import Source, expand

NAMES = 100_000


def test_folders_are_listed_when_it_is_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = 0

    def without_end(top: str, **_: object) -> Iterator[tuple[str, list[str], list[str]]]:
        nonlocal listed
        for listed in itertools.count(1):
            yield f"{top}/{listed}", [], [f"{name}.jpg" for name in range(10)]

    monkeypatch.setattr(os, "walk", without_end)
    sources = expand([os.curdir])
    assert next(sources).name == os.path.join("./1", "0.jpg")
    assert listed == 1
    assert len({source.name for source in itertools.islice(sources, 20)}) == 20
    assert listed == 3


def test_of_a_folder_only_the_names_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"{name:07}.jpg" for name in reversed(range(NAMES))]
    monkeypatch.setattr(os, "walk", lambda top, **_: iter([(top, list[str](), names)]))
    tracemalloc.start()
    try:
        first, count = None, 0
        for source in expand([os.curdir]):
            first, count = first or source.name, count + 1
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (first, count) == (os.path.join(os.curdir, "0000000.jpg"), NAMES)
    # A reference to each, to sort them, twice while that goes on.
    assert peak < 16 * NAMES + 100_000


def test_folders_that_cannot_be_read_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed, scan = str(tmp_path / "closed"), os.scandir
    for folder in ("closed", "open"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "1.jpg").touch()

    def scandir(path: str) -> Any:
        if path == closed:
            raise PermissionError(13, "Permission denied", path)
        return scan(path)

    # Who is allowed everything, as root, would read it.
    monkeypatch.setattr(os, "scandir", scandir)
    told = Source(closed, f"cannot read {closed}: Permission denied")
    assert list(expand([str(tmp_path)])) == [
        Source(str(tmp_path / "open" / "1.jpg"), folder=str(tmp_path)),
        told,
    ]
    assert list(expand([closed])) == [told]


def test_no_name_is_too_long() -> None:
    names = ["a" * 5000, "a" * 5000 + "*.jpg", "a\0"]
    assert [source.name for source in expand(names)] == names
