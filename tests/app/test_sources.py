"""What the arguments of the command line stand for."""

from __future__ import annotations

import itertools
import os
import tracemalloc
from collections.abc import Iterator

import pytest

from plate_ocr.app.sources import expand

NAMES = 100_000


def test_folders_are_listed_when_it_is_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = 0

    def without_end(top: str) -> Iterator[tuple[str, list[str], list[str]]]:
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
    monkeypatch.setattr(os, "walk", lambda top: iter([(top, list[str](), names)]))
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
