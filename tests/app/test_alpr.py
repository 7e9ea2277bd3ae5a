"""``plate-ocr alpr``: the options and the output of OpenALPR's command."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from plate_ocr.app import cli
from tests.app.conftest import Run
from tests.conftest import text_picture

TEXT = "KA365CP"


@pytest.fixture(scope="module")
def plate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture of a plate."""
    path = tmp_path_factory.mktemp("alpr") / "plate.png"
    assert cv2.imwrite(str(path), text_picture(TEXT))
    return path


def test_json_has_the_form_of_openalpr(run: Run, plate: Path) -> None:
    code, out, err = run("alpr", "-j", "-c", "eu", plate)
    assert (code, err) == (0, "")
    answer = json.loads(out)
    assert list(answer) == [
        "version",
        "data_type",
        "epoch_time",
        "img_width",
        "img_height",
        "processing_time_ms",
        "regions_of_interest",
        "results",
    ]
    (found,) = answer["results"]
    assert (found["plate"], found["plate_index"], found["requested_topn"]) == (TEXT, 0, 10)
    assert 90 < found["confidence"] <= 100
    assert found["candidates"][0] == {
        "plate": TEXT,
        "confidence": found["confidence"],
        "matches_template": 0,
    }
    points = [(point["x"], point["y"]) for point in found["coordinates"]]
    assert points[0][0] < points[1][0]
    assert points[0][1] < points[3][1]


def test_text_has_the_form_of_openalpr(run: Run, plate: Path, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "white.png"), np.full((60, 200), 255, np.uint8))
    code, out, _ = run("alpr", "-n", "1", "-p", "gb", "--clock", plate, tmp_path / "white.png")
    assert code == 0
    assert re.fullmatch(
        r"Total Time to process image: [\d.]+ms\.\n"
        rf"plate0: 1 results\n    - {TEXT}\t confidence: [\d.]+\t pattern_match: 0\n"
        r"Total Time to process image: [\d.]+ms\.\n"
        r"No license plates found\.\n",
        out,
    )


def test_what_cannot_be_read_is_told_and_the_rest_is_read(run: Run, plate: Path) -> None:
    code, out, err = run("alpr", "-c", "auwide", "nothing.jpg", plate)
    assert code == 1
    assert TEXT in out
    assert err.splitlines() == [
        "plate-ocr: --country auwide: no plate formats are known of it; read without",
        "plate-ocr: cannot read nothing.jpg: No such file or directory",
    ]


def test_a_pattern_is_matched(run: Run, plate: Path) -> None:
    _, out, _ = run("alpr", "-j", "-n", "1", "-p", "it", plate)
    assert [one["matches_template"] for one in json.loads(out)["results"]] == [1]


@pytest.mark.slow
def test_a_program_of_one_word_reads_standard_input(plate: Path) -> None:
    program = "import sys; sys.argv[0] = 'plate-ocr-alpr'; from plate_ocr.app.cli import alpr; alpr()"
    with plate.open("rb") as picture:
        done = subprocess.run(
            [sys.executable, "-c", program, "-c", "eu", "-"], stdin=picture, capture_output=True, check=True
        )
    assert done.stdout.decode().startswith("plate0: ")
    assert done.stderr == b""


def test_the_program_is_the_command(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["/usr/bin/plate-ocr-alpr", "--help"])
    with pytest.raises(SystemExit):
        cli.alpr()
    assert "plate-ocr alpr [OPTIONS] IMAGE..." in capfd.readouterr().out
