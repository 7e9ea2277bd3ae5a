"""``plate-ocr evaluate``, by what it prints, what it writes and how it ends."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from plate_ocr.app.commands.benchmark import TEXT, drawn_crop, drawn_photo
from plate_ocr.app.evaluation import mistakes_page
from plate_ocr.metrics import Sample
from plate_ocr.readers.results import Char, Plate, Reading
from plate_ocr.vision import images
from plate_ocr.vision.images import Image
from tests.app.conftest import Run
from tests.app.test_models import WITHOUT_EXTRAS
from tests.conftest import draw_plate


@pytest.fixture
def plates(tmp_path: Path) -> Path:
    """A table of two plates, the second with a wrong label."""
    for text in ("KA365CP", "HB274XT"):
        cv2.imwrite(str(tmp_path / f"{text}.png"), draw_plate(text))
    table = tmp_path / "mine.csv"
    table.write_text(
        "image_path,plate_text,region\nKA365CP.png,ka 365-cp,eu\nHB274XT.png,HB274XX,us\n", encoding="utf-8"
    )
    return table


def test_plates_are_measured_and_mistakes_shown(run: Run, plates: Path, tmp_path: Path) -> None:
    page = tmp_path / "new" / "wrong.html"
    code, out, err = run("evaluate", plates, "--model", "chars", "-o", page)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "plates: 2, 0 of them not found"
    assert "plate accuracy: 50.00%; with O=0 and I=1 50.00%" in lines
    assert "character accuracy: 92.86%" in lines
    assert {"characters 7: 50.00% of 2", "region eu: 100.00% of 1", "region us: 0.00% of 1"} <= set(lines)
    assert lines[-1] == "commonest confusions: X as T 1"
    shown = page.read_text(encoding="utf-8")
    assert "1 of 2 labels misread" in shown
    assert "HB274X<b>T</b>" in shown
    assert "KA365CP" not in shown
    assert shown_picture(shown).shape == (80, 320, 3)
    # All that it shows is in it.
    assert "src=" not in shown.replace('src="data:', "")
    assert "href=" not in shown


def test_names_and_texts_are_escaped_on_the_page(tmp_path: Path) -> None:
    name = str(tmp_path / "<i>&\udcff.png")
    Path(name).write_bytes(bytes(cv2.imencode(".png", draw_plate("A<B"))[1]))
    plate = Plate("A<&", 0.9, 0.9, 1, ((0, 0), (9, 0), (9, 9), (0, 9)), ())
    page = mistakes_page([Sample(name, "A<B", Reading(160, 80, 1.0, (plate,)))])
    assert "&lt;i&gt;&amp;" in page
    assert "<i>" not in page
    assert '<td class="text">A&lt;B' in page
    assert '<td class="text">A&lt;<b>&amp;</b>' in page


def test_json_holds_all_figures_and_nothing_is_written(run: Run, plates: Path, tmp_path: Path) -> None:
    code, out, _ = run("evaluate", plates, "--model", "chars", "--json")
    values = json.loads(out)
    assert code == 0
    assert (values["plates"], values["accuracy"], values["not_found"]) == (2, 0.5, 0)
    assert values["regions"]["eu"] == {"count": 1, "accuracy": 1.0}
    assert values["confusions"] == [{"target": "X", "read": "T", "count": 1}]
    assert 0 <= values["calibration_error"] <= 1
    assert values["ms"] > 0
    assert values["boxes"] is None
    assert values["without_plate"] is None
    # No page unasked.
    assert {path.suffix for path in tmp_path.iterdir()} == {".png", ".csv"}


def test_a_folder_of_named_pictures(run: Run, plates: Path, shipped_plates: Path, tmp_path: Path) -> None:
    code, out, _ = run("evaluate", tmp_path, "--region", "eu", "-o", tmp_path / "m.html")
    assert code == 0
    assert out.startswith("plates: 2,")
    assert "region" not in out


def test_many_labels_that_cannot_be_used_are_summed_up(run: Run, plates: Path) -> None:
    with plates.open("a", encoding="utf-8") as file:
        file.write("KA365CP.png,Ж1,us\n" * 25)
    code, _, err = run("evaluate", plates, "--model", "chars")
    *named, more, last = err.splitlines()
    assert (code, len(named)) == (1, 10)
    assert all(f"{plates} line {line}: the text Ж1" in said for line, said in enumerate(named, 4))
    assert more == "plate-ocr: 15 more; -v lists them all"
    assert "25 of 27 labels are not in the metrics" in last
    assert run("evaluate", plates, "--model", "chars", "-v")[2].count("the text Ж1") == 25


def test_what_cannot_be_looked_at_is_named_and_left_out(run: Run, plates: Path, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    with plates.open("a", encoding="utf-8") as file:
        file.write("missing.png,A1,us\ntext.png,A1,us\nKA365CP.png,Ж1,us\n")
    code, out, err = run("evaluate", plates, "--model", "chars", "-o", tmp_path / "m.html")
    assert code == 1
    assert out.startswith("plates: 2,")
    assert f"{plates} line 6: the text Ж1: 'Ж' not in the alphabet" in err
    assert f"{plates} line 4: cannot read {tmp_path / 'missing.png'}" in err
    assert f"{plates} line 5: {tmp_path / 'text.png'}: not a picture" in err
    assert "3 of 5 labels are not in the metrics" in err
    assert (tmp_path / "m.html").exists()


def test_what_is_read_where_no_plate_is_is_a_false_alarm(run: Run, plates: Path, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "empty.png"), np.full((80, 320, 3), 128, np.uint8))
    with plates.open("a", encoding="utf-8") as file:
        file.write("empty.png,,\nKA365CP.png,____,Unknown\n")
    code, out, err = run("evaluate", plates, "--model", "chars", "-o", tmp_path / "m.html")
    assert (code, err) == (0, "")
    assert out.startswith("plates: 2,")
    assert "pictures without a plate: 2, 1 false alarms\n" in out
    page = (tmp_path / "m.html").read_text(encoding="utf-8")
    assert "2 of 4 labels misread" in page
    assert '<td class="text">no plate' in page
    plates.write_text("image_path,plate_text\nempty.png,\n", encoding="utf-8")
    code, out, _ = run("evaluate", plates, "--model", "chars", "--json")
    assert (code, json.loads(out)) == (
        0, {"plates": 0, "boxes": None, "without_plate": {"pictures": 1, "false_alarms": 0}}
    )  # fmt: skip
    assert run("evaluate", plates, "--model", "chars")[1] == "pictures without a plate: 1, 0 false alarms\n"


def test_texts_stay_readable_in_messages(run: Run, plates: Path) -> None:
    with plates.open("a", encoding="utf-8") as file:
        file.write("KA365CP.png,Å Ж1,Nordøya\n")
    _, _, err = run("evaluate", plates, "--model", "chars")
    assert f"{plates} line 4: the text Å Ж1: 'Ж' not in the alphabet" in err
    with plates.open("a", encoding="utf-8") as file:
        file.write("KA365CP.png,KA365CP,Nordøya\n")
    _, out, err = run("evaluate", plates, "--model", "chars")
    assert f"{plates} line 5: the region Nordøya counts as none" in err
    assert "region Nordøya" not in out


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["nowhere.csv"], 1, "there is no data set nowhere.csv"),
        (["."], 1, "holds no pictures"),
        (["empty.csv"], 1, "lists no pictures"),
        (["bad.csv"], 1, "no plate could be read"),
        ([".", "--region", "atlantis"], 2, "there is no region 'atlantis'"),
        ([".", "--region", "mine.toml"], 2, "there is no region file 'mine.toml'"),
        ([".", "--model", "nothing"], 2, "there is no model 'nothing'"),
        ([], 2, "Missing argument"),
    ],
)
def test_what_cannot_be_measured_is_told_and_leaves_no_page(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], status: int, says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.csv").write_text("image_path,plate_text\n")
    (tmp_path / "bad.csv").write_text("image_path,plate_text\nmissing.png,A1\n")
    given = [] if "--model" in arguments else ["--model", "chars"]
    code, out, err = run("evaluate", *arguments, *given, "-o", "m.html")
    assert (code, out) == (status, "")
    assert says in err
    assert not (tmp_path / "m.html").exists()


def test_a_page_that_cannot_be_written_costs_no_figures(run: Run, plates: Path, tmp_path: Path) -> None:
    page = tmp_path / ("x" * 300)
    code, out, err = run("evaluate", plates, "--model", "chars", "-o", page)
    assert code == 1
    assert out.startswith("plates: 2,")
    assert err == f"plate-ocr: cannot write {page}: File name too long\n"


@pytest.mark.parametrize(
    ("page", "says"),
    [
        ("labels.csv", "it is read; give another file"),
        ("KA365CP.png", "that is the name of an image or video"),
        ("folder", "it is a folder"),
        ("labels.csv/page.html", "labels.csv is no folder that may be written to"),
    ],
)
def test_a_page_that_cannot_be_written_is_told_before_pictures_are_read(
    run: Run, plates: Path, page: str, says: str
) -> None:
    labels = plates.rename(plates.with_name("labels.csv"))
    (labels.parent / "folder").mkdir()
    for data in (labels.parent, labels):
        code, out, err = run("evaluate", data, "-o", labels.parent / page)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert err.startswith("plate-ocr: cannot write ")
        assert says in err
    assert labels.read_bytes().startswith(b"image_path,")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A folder with a photo of a plate, whose labels have boxes: a right one, and one where no plate is."""
    cv2.imwrite(str(tmp_path / "photo.png"), drawn_photo(drawn_crop()))
    (tmp_path / "labels.csv").write_text(
        f"image_path,plate_text,x,y,w,h\nphoto.png,{TEXT},510,680,260,55\nphoto.png,AB1,10,10,50,20\n"
    )
    return tmp_path


def test_of_plates_with_boxes_it_is_told_which_were_found(
    run: Run, photo: Path, shipped_plates: Path, shipped_detector: Path
) -> None:
    code, out, err = run("evaluate", photo)
    assert (code, err) == (0, "")
    assert "plates: 2, 1 of them not found\n" in out
    assert "of 2 plates with boxes: 1 found, 1 read, 0 extra\n" in out
    # Where its box is elsewhere, what was read is extra, whatever it says.
    (photo / "labels.csv").write_text(f"image_path,plate_text,x,y,w,h\nphoto.png,{TEXT},9,680,260,55\n")
    code, out, _ = run("evaluate", photo, "--json")
    values = json.loads(out)
    assert (code, values["accuracy"]) == (0, 0)
    assert values["boxes"] == {"plates": 1, "found": 0, "read": 0, "extra": 1}


def shown_picture(page: str) -> NDArray[np.uint8]:
    (picture,) = re.findall(r"data:image/png;base64,([^\"]+)", page)
    decoded = cv2.imdecode(np.frombuffer(base64.b64decode(picture), np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    return np.asarray(decoded, np.uint8)


def test_the_page_shows_the_plate_large_enough_and_where_it_was_labelled(tmp_path: Path) -> None:
    corners = ((1000.0, 1000.0), (1090.0, 1000.0), (1090.0, 1030.0), (1000.0, 1030.0))
    name = str(tmp_path / "photo.png")
    cv2.imwrite(name, np.zeros((2000, 4000), np.uint8))
    read = Reading(4000, 2000, 1.0, (Plate("B", 0.9, 0.9, 1, corners, (Char("B", 0.9, ()),)),))
    nothing = Reading(4000, 2000, 1.0, ())
    # 90×30 pixels, 45 more on each side, twice as large.
    for sample in (Sample(name, "A", read), Sample(name, "A", nothing, box=(1000, 1000, 90, 30))):
        assert shown_picture(mistakes_page([sample])).shape == (240, 360, 3)
    assert shown_picture(mistakes_page([Sample(name, "A", nothing)])).shape == (180, 360, 3)
    beyond = Sample(name, "A", nothing, box=(9000, 1000, 90, 30))
    assert shown_picture(mistakes_page([beyond])).shape == (180, 360, 3)


def test_the_page_says_what_was_refused(
    run: Run, photo: Path, shipped_plates: Path, shipped_detector: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, decode, decoded = photo / "m.html", images._decode, list[str]()

    def counting(data: bytes, name: str) -> Image:
        decoded.append(name)
        return decode(data, name)

    monkeypatch.setattr(images, "_decode", counting)
    code, _, err = run("evaluate", photo, "--min-plate-confidence", 1, "-o", page)
    assert (code, err) == (0, "")
    # To read it, and once for each of its two rows.
    assert len(decoded) == 3
    # Of the plate, not of the box where none is.
    (refused,) = re.findall(r"<b>nothing</b><br><small>refused: (\w+) \d\.\d\d</small>", page.read_text())
    assert refused == TEXT
    assert page.read_text().count("<b>nothing</b>") == 2


def test_what_pictures_show_and_how_sure_characters_must_be_is_given(
    run: Run, plates: Path, shipped_plates: Path
) -> None:
    code, out, _ = run("evaluate", plates, "--input", "plate", "--min-confidence", 1, "--json")
    values = json.loads(out)
    assert (code, values["accuracy"], values["not_found"]) == (0, 0, 0)
    assert {confusion["read"] for confusion in values["confusions"]} == {"?"}
    code, out, _ = run("evaluate", plates, "--input", "plate", "--min-plate-confidence", 1, "--json")
    values = json.loads(out)
    assert (code, values["accuracy"], values["not_found"]) == (0, 0, values["plates"])
    code, _, err = run("evaluate", plates, "--input", "char", "--model", "plates")
    assert code == 2
    assert "single characters take chars or digits" in err


@pytest.mark.slow
def test_several_processes_measure_the_same(run: Run, plates: Path, tmp_path: Path) -> None:
    with plates.open("a", encoding="utf-8") as file:
        file.write("missing.png,A1,us\nKA365CP.png,KA365CP,eu\n")
    results = [run("evaluate", plates, "--model", "chars", "--json", "-j", jobs) for jobs in (1, 2)]
    one, two = ({**json.loads(out), "ms": 0} for _, out, _ in results)
    assert one == two
    assert one["plates"] == 3
    assert results[0][0] == results[1][0] == 1
    assert results[0][2] == results[1][2]


def test_names_are_no_html_and_the_surest_come_first(tmp_path: Path) -> None:
    def misread(name: str, confidence: float) -> Sample:
        cv2.imwrite(str(tmp_path / name), np.zeros((90, 900), np.uint8))
        corners = ((0.0, 0.0), (900.0, 0.0), (900.0, 90.0), (0.0, 90.0))
        plate = Plate("B", confidence, confidence, 1, corners, (Char("B", confidence, ()),))
        return Sample(str(tmp_path / name), "A1", Reading(900, 90, 1.0, (plate,) if confidence else ()))

    page = mistakes_page([misread("a&<b>.png", 0.0), misread("b.png", 0.4), misread("c.png", 0.8)])
    assert "a&amp;&lt;b&gt;.png" in page
    assert page.index("c.png") < page.index("b.png") < page.index("a&amp;")


@pytest.mark.slow
def test_measuring_needs_no_extras(plates: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", WITHOUT_EXTRAS, "evaluate", str(plates), "--model", "chars"]
    done = subprocess.run(
        [*command, "-o", "m.html"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert (tmp_path / "m.html").exists()
