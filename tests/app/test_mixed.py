"""Folders as phones, browsers and cameras leave them: all that is a picture by name is read or named."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import PIL.Image
import pytest

from tests.app.conftest import Run
from tests.conftest import draw_plate, encode
from tests.vision.test_image_files import heic

TEXT = "KA365CP"
PLATE = PIL.Image.fromarray(draw_plate(TEXT)).convert("RGB")

READ: dict[str, bytes] = {
    "a.jpg": encode(PLATE, "JPEG"),
    "b.jfif": encode(PLATE, "JPEG"),
    "c.avif": encode(PLATE, "AVIF"),
    "d.JPEG": encode(PLATE, "JPEG"),
    "e.jp2": encode(PLATE, "JPEG2000"),
    "f.jpe": encode(PLATE, "JPEG"),
    "h.heic": heic(PLATE),
    "j.webp": encode(PLATE, "WEBP"),
    "k.png": encode(PLATE, "JPEG"),  # browsers save what they get under any name
}
NO_PICTURES = {
    "g.heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100),
    "l.jpg": b"<html>404</html>",
    "m.jpg": b"",
}
PASSED_OVER = {
    "notes.txt": b"x",
    "paper.pdf": b"%PDF-1.4",
    ".hidden.jpg": b"x",
    "Thumbs.db": b"x",
    "logo.eps": b"%!PS",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "mixed"
    place.mkdir()
    for name, data in {**READ, **NO_PICTURES, **PASSED_OVER}.items():
        (place / name).write_bytes(data)
    return place


def objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_folder_is_read_and_what_cannot_be_is_named(run: Run, folder: Path) -> None:
    code, out, err = run("predict", "--model", "chars", "--json", folder)
    answers = {Path(answer["image"]).name: answer for answer in objects(out)}
    assert (code, err) == (1, "")
    assert list(answers) == sorted({**READ, **NO_PICTURES})
    for name, answer in answers.items():
        if name in READ:
            assert [plate["text"] for plate in answer["plates"]] == [TEXT]
            assert answer["error"] is None
        else:
            assert answer["plates"] == []
            assert answer["error"].startswith(f"{folder / name}: ")


def test_for_people_it_is_named_on_standard_error(run: Run, folder: Path) -> None:
    code, out, err = run("predict", "--model", "chars", folder)
    assert code == 1
    assert [line.split("  ")[:2] for line in out.splitlines()] == [
        [str(folder / name), TEXT] for name in sorted(READ)
    ]
    assert [line.partition(": ")[2].partition(": ")[0] for line in err.splitlines()] == [
        str(folder / name) for name in sorted(NO_PICTURES)
    ]


def test_without_its_decoder_heic_is_named(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    code, out, err = run("predict", "--model", "chars", "--json", folder / "h.heic", folder / "c.avif")
    error = (
        f"{folder / 'h.heic'}: HEIC pictures need pillow-heif; install it with: pip install 'plate-ocr[heic]'"
    )
    assert (code, err) == (1, "")
    assert [(answer["error"], bool(answer["plates"])) for answer in objects(out)] == [
        (error, False),
        (None, True),
    ]


@pytest.mark.parametrize("jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_what_ends_early_is_read_with_one_warning(run: Run, tmp_path: Path, jobs: int) -> None:
    data = encode(PLATE, "JPEG", quality=90)
    names = {
        "whole.jpg": len(data),
        "1.jpg": len(data) - 1,
        "90.jpg": int(0.93 * len(data)),
        "40.jpg": len(data) // 3,
    }
    for name, end in names.items():
        (tmp_path / name).write_bytes(data[:end])
    paths = [tmp_path / name for name in names]
    code, out, err = run("predict", "-j", jobs, "--model", "chars", "--json", *paths)
    whole, one, most, little = objects(out)
    assert code == 1
    assert whole["error"] is one["error"] is most["error"] is None
    assert whole["plates"] == one["plates"]
    assert whole["height"] > most["height"] > 0.5 * whole["height"]
    assert little["plates"] == []
    assert "ends early" in little["error"]
    assert err.splitlines() == [
        f"plate-ocr: {paths[1]}: the file ends early: 100 % of its rows are there",
        f"plate-ocr: {paths[2]}: the file ends early: "
        f"{int(100 * most['height'] / whole['height'])} % of its rows are there",
    ]
    assert run("predict", "-q", "-j", jobs, "--model", "chars", *paths[:3])[::2] == (0, "")
