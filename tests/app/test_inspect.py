"""``plate-ocr inspect``: what is shown is what was read."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from plate_ocr.app.inspection import Inspection
from plate_ocr.app.sheets import WIDTH, draw_sheet, heat_map
from plate_ocr.model.cards import DetectorCard, PlateCard
from plate_ocr.model.sessions import PlateModel
from plate_ocr.readers import photos
from plate_ocr.readers.auto import PlateReader
from plate_ocr.readers.photos import PhotoReader, sure_chars
from plate_ocr.readers.plates import NetworkReader
from plate_ocr.readers.results import Reading
from plate_ocr.readers.trace import recording
from plate_ocr.vision.drawing import blank, draw_text
from plate_ocr.vision.images import Image, read_image
from tests.app.conftest import Run
from tests.conftest import draw_plate
from tests.golden import FOLDER
from tests.test_photos import NOTHING, Faint, Points, Says, photo_with

PHOTO, CROP, TWO_LINES = (
    FOLDER / "pictures" / name for name in ("scene-14.jpg", "plate-br-9.png", "plate-vn-18.png")
)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A character, a plate that is seen badly, a photo without a plate, and a file that is no picture."""
    folder = tmp_path_factory.mktemp("pictures")
    seven = blank(60, 44)
    draw_text(seven, "7", (8, 52), 64)
    cv2.imwrite(str(folder / "7.png"), seven)
    faint = cv2.resize(cv2.GaussianBlur(draw_plate("KA365CP"), (0, 0), 5), (150, 40))
    cv2.imwrite(str(folder / "faint.png"), faint)
    noise = np.random.default_rng(0).normal(120, 30, (400, 900, 3)).clip(0, 255).astype(np.uint8)
    cv2.imwrite(str(folder / "nothing.png"), cv2.GaussianBlur(noise, (0, 0), 5))
    (folder / "text.png").write_text("no picture")
    return folder


def objects(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def without_time(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in ("ms", "trace", "time")}


def collapsed(steps: list[tuple[str | None, float]]) -> str:
    """The text of CTC's steps."""
    return "".join(char for char, _ in itertools.groupby(char for char, _ in steps) if char)


def test_what_is_explained_is_what_predict_reads(run: Run, pictures: Path, shipped_plates: Path) -> None:
    given = [PHOTO, CROP, TWO_LINES, pictures / "7.png", pictures / "faint.png", pictures / "nothing.png"]
    explained, read = (objects(run(command, *given, "--json")[1]) for command in ("inspect", "predict"))
    assert [without_time(values) for values in explained] == [without_time(values) for values in read]
    kinds = ["photo", "plate", "plate", "char", "plate", "photo"]
    assert [values["trace"]["picture_type"] for values in explained] == kinds
    for values in explained:
        for candidate in values["trace"]["candidates"]:
            taken = [crop for crop in candidate["crops"] if crop["verdict"] == "taken"]
            # One of several readings of a plate is kept.
            assert len(taken) == 1 or candidate["plate"] is None
            for crop in candidate["crops"]:
                # An unknown character is ? in the text.
                assert len(collapsed(crop["steps"])) == len(crop["text"])
            if candidate["plate"] is not None:
                plate = values["plates"][candidate["plate"]]
                assert collapsed(taken[0]["steps"]) == taken[0]["text"] == plate["text"]
                # The plate allows for unknown characters, and its characters are located.
                assert 0.7 * taken[0]["confidence"] <= plate["confidence"] <= taken[0]["confidence"]
                for char, of_plate in zip(taken[0]["chars"], plate["chars"], strict=True):
                    assert char["char"] == of_plate["char"]
                    assert 0.7 * char["confidence"] <= of_plate["confidence"] <= char["confidence"]
                    named = [[other for other, _ in one["alternatives"]] for one in (char, of_plate)]
                    assert named[0] == named[1]
    photo, _, two_lines, seven, faint, nothing = (values["trace"] for values in explained)
    read_places = [
        {"score": place["score"], "corners": place["corners"]}
        for run in photo["detector"]
        for place in run["detections"]
        if place["skipped"] is None
    ]
    told = [candidate["detection"] for candidate in photo["candidates"]]
    assert len(told) == len(read_places)
    assert all(place in told for place in read_places)
    assert photo["detector"][0]["highest"] == photo["detector"][0]["detections"][0]["score"]
    half = len(two_lines["candidates"][0]["crops"][0]["steps"]) // 2
    assert collapsed(two_lines["candidates"][0]["crops"][0]["steps"][:half])
    (polarity,) = seven["polarities"]
    assert (polarity["glyph"], polarity["taken"], polarity["classes"][0][0]) == ("dark", True, "7")
    assert [crop["crop"] for crop in faint["candidates"][0]["crops"]] == ["whole picture"]
    assert [run["purpose"] for run in nothing["detector"]] == ["photo", "full", "far"]
    assert not any(candidate["plate"] for candidate in nothing["candidates"])


@pytest.mark.parametrize("model", ["chars", "plates"])
def test_a_trace_changes_no_reading_and_none_is_kept_unasked(model: str, shipped_plates: Path) -> None:
    reader, picture = PlateReader(model), read_image(CROP)
    plates = reader(picture).plates
    with recording() as trace:
        assert reader(picture).plates == plates
    kept = len(trace.candidates), len(trace.lines)
    assert kept == (1, 0) if model == "plates" else (kept[0] == 0 and kept[1] > 0)
    reader(picture)
    assert (len(trace.candidates), len(trace.lines)) == kept


TAKEN_OF_SEVERAL = "a character was below 0.90, so others were read: the highest mean is taken"
NO_PLATE = "the first crop shows no plate, so that there is none"


@pytest.mark.parametrize(
    ("answers", "lines", "conclusion"),
    [
        (
            [("A0A", 0.8, 1), ("AAA", 0.85, 1)],
            ["rectified: A0A mean 0.80, least 0.80: less confident",
             "unrectified: AAA mean 0.85, least 0.85: taken"],
            TAKEN_OF_SEVERAL,
        ),
        (
            [("A0A", 0.8, 0.5), ("00A", 0.95, 1)],
            ["rectified: A0A mean 0.80, least 0.80: less confident",
             "rectified, tighter: 00A mean 0.95, least 0.95: taken"],
            TAKEN_OF_SEVERAL,
        ),
        (
            [("A0A", 0.8, 1), ("A", 0.92, 1)],
            ["rectified: A0A mean 0.80, least 0.80: taken",
             "unrectified: A mean 0.92, least 0.92: mean below 0.97, no plate"],
            TAKEN_OF_SEVERAL,
        ),
        (
            [("A0A", 0.95, 0.5)],
            ["rectified: A0A mean 0.95, least 0.95: taken"],
            "no character is below 0.90, so that no other crop was read",
        ),
        (
            [("A0A", 0.6, 1)],
            ["rectified: A0A mean 0.60, least 0.60: mean below 0.70, no plate"],
            NO_PLATE,
        ),
        ([("", 0.0, 1)], ["rectified: no character"], NO_PLATE),
    ],
)  # fmt: skip
def test_why_a_crop_is_taken_is_told(
    answers: list[tuple[str, float, float]],
    lines: list[str],
    conclusion: str,
    plate_card: PlateCard,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(photos, "MIN_PHOTO_CONFIDENCE", 0.7)
    turned = [] if conclusion == NO_PLATE else [("rectified, upside down: no character", NOTHING)]
    says: Any = Says(plate_card, *answers, *(answer for _, answer in turned))
    finds: Any = Points([[20, 20], [80, 20], [80, 40], [20, 40]])
    picture = np.zeros((100, 100), np.uint8)
    with recording() as trace:
        (plates,) = PhotoReader(NetworkReader(says), finds).read([picture])
    reading = Reading(100, 100, 1.0, plates)
    told = [*Inspection("x", None, picture, reading, trace, plate_card.alphabet.classes).lines()]
    assert [line.strip() for line in told if line.strip().startswith(("rect", "unrect"))] == [
        *lines,
        *(line for line, _ in turned),
    ]
    assert told[-1].strip() == conclusion
    assert says.answers == []


def explained(finds: Any, plates: Path, photo: Image) -> Inspection:
    model = PlateModel(plates, threads=1)
    with recording() as trace:
        (found,) = PhotoReader(NetworkReader(model), finds).read([photo])
    reading = Reading(photo.shape[1], photo.shape[0], 1.0, found)
    return Inspection("x", None, photo, reading, trace, model.card.alphabet.classes)


ALREADY = "read already: the place of another detection"


def test_a_plate_upside_down_is_told(shipped_plates: Path) -> None:
    photo, (box,) = photo_with("H0698XN")
    finds = Points(np.array(photo.shape[::-1]) - np.roll(box, 2, axis=0))
    inspection = explained(finds, shipped_plates, np.ascontiguousarray(photo[::-1, ::-1]))
    (candidate,) = inspection.candidates
    assert inspection.reading.plates == ()
    (turned,) = [line.strip() for line in inspection.lines() if ", upside down: " in line]
    assert re.match("rectified, upside down: H[0O]698XN mean ", turned)
    assert turned.endswith(": better than upright")
    assert inspection.conclusion(candidate).startswith("left out: its mean, look-alikes ")
    assert inspection.to_dict()["trace"]["candidates"][0]["plate"] is None
    assert draw_sheet(inspection).shape[1] == WIDTH


def test_why_one_reading_of_a_plate_is_kept_is_told(shipped_plates: Path) -> None:
    photo, (box,) = photo_with("KA365CP")
    part = box.copy()
    part[1:3, 0] -= 70
    inspection = explained(Points(part, box, box + 1), shipped_plates, photo)
    whole, rest = inspection.candidates
    assert (whole.plate,) == inspection.reading.plates
    assert rest.plate is not None
    assert inspection.conclusion(rest) == (
        "left out: it is another reading of plate 1, "
        f"which has 7 characters of at least 0.80, this one {sure_chars(rest.plate)}"
    )
    reasons = {
        search.purpose: [inspection.skipped_reason(place) for place in search.detections]
        for search in inspection.trace.searches
    }
    assert reasons == {"photo": [None, None, ALREADY]}


def test_where_a_closer_look_was_taken_is_told(shipped_plates: Path) -> None:
    longest = DetectorCard().longest
    photo, (near, far) = photo_with("KA365CP", "TR4821", size=(800, 4 * longest))
    inspection = explained(Faint(near, far, photo.shape), shipped_plates, photo)
    values = inspection.to_dict()
    first, full, window = values["trace"]["detector"]
    assert [run["purpose"] for run in (first, full, window)] == ["photo", "full", "closer"]
    assert [run["longest"] for run in (first, full, window)] == [longest // 2, longest, 256]
    reasons = "below 40 pixels at this scale", f"score below {DetectorCard().min_score:.2f}"
    assert [run["detections"][1]["skipped"] for run in (first, full)] == [*reasons]
    assert window["about"]["corners"] == far.tolist()
    (seen,) = window["detections"]
    assert (seen["corners"], seen["skipped"]) == (far.tolist(), None)
    assert {plate["text"] for plate in values["plates"]} == {"KA365CP", "TR4821"}
    left, top, width, height = window["window"]
    assert ([left, top] <= far.min(0)).all()
    assert (far.max(0) <= [left + width, top + height]).all()
    assert heat_map(inspection, inspection.trace.searches[2], width).shape == (height, width, 3)


def test_the_scores_are_drawn_where_the_plate_is(shipped_plates: Path, shipped_detector: Path) -> None:
    picture = read_image(PHOTO)
    with recording() as trace:
        reading = PlateReader(input="photo")(picture)
    inspection = Inspection("x", None, picture, reading, trace, "")
    (candidate,) = [found for found in inspection.candidates if inspection.plate_index(found) is not None]
    assert candidate.detection is not None
    search, width = trace.searches[-1], 2 * picture.shape[1]
    heat = heat_map(inspection, search, width).astype(int)
    assert heat.shape[1] == width
    middle = 2 * candidate.detection.corners.mean(0)
    rows, columns = np.nonzero(heat[:, :, 2] - heat[:, :, 0] > 150)
    assert len(rows)
    np.testing.assert_allclose([columns.mean(), rows.mean()], middle, atol=16)


def test_a_sheet_is_drawn_for_each_picture(run: Run, pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    cv2.imwrite(str(tmp_path / "other" / "7.png"), np.full((300, 400, 3), 90, np.uint8))
    given = [PHOTO, pictures / "7.png", tmp_path / "other" / "7.png"]
    code, out, err = run("inspect", *given, "-o", tmp_path / "sheets")
    assert (code, err) == (0, "")
    names = ["scene-14.jpg.png", "7.png.png", "7.png-2.png"]
    drawn = [line.removeprefix("  drawn: ") for line in out.splitlines() if line.startswith("  drawn: ")]
    assert drawn == [str(tmp_path / "sheets" / name) for name in names]
    for path in drawn:
        assert read_image(path).shape[1] == WIDTH
    assert "  plate 1, detected with 0." in out
    assert "    unrectified: OIV7434 mean 0." in out
    assert "  dark glyph, plausibility 1.00: 7 1.00" in out


def test_reading_classically_is_explained_too(run: Run, pictures: Path, tmp_path: Path) -> None:
    plate = pictures.parent / "KA365CP.png"
    cv2.imwrite(str(plate), draw_plate("KA365CP"))
    code, out, _ = run("inspect", "--model", "chars", plate, "--json", "-o", tmp_path)
    (values,) = objects(out)
    lines = values["trace"]["lines"]
    assert code == 0
    assert lines[0]["text"] == values["plates"][0]["text"]
    assert lines[0]["value"] == max(line["value"] for line in lines)
    assert read_image(tmp_path / "KA365CP.png.png").shape[0] > len(lines[0]["text"]) * 160
    code, out, _ = run("inspect", "--model", "digits", pictures / "7.png", "-o", tmp_path)
    assert (code, "7 1.00" in out) == (0, True)


def test_a_photo_for_the_classical_reader_is_told(run: Run, pictures: Path, tmp_path: Path) -> None:
    hint = "this looks like a photo: only --model plates searches photos for plates"
    code, out, _ = run("inspect", "--model", "chars", pictures / "nothing.png")
    assert (code, hint in out) == (0, True)
    cv2.imwrite(str(tmp_path / "KA365CP.png"), draw_plate("KA365CP"))
    for model, picture in (("chars", tmp_path / "KA365CP.png"), ("digits", pictures / "7.png")):
        code, out, _ = run("inspect", "--model", model, picture)
        assert (code, hint in out) == (0, False)
        assert out.splitlines()[0].split("  ")[1] == picture.stem


def test_what_cannot_be_read_is_an_error(run: Run, pictures: Path, tmp_path: Path) -> None:
    code, out, err = run("inspect", pictures / "text.png", pictures / "7.png")
    assert (code, out.splitlines()[0]) == (1, f"{pictures / '7.png'}  7  1.00")
    assert "not a picture in a known format" in err
    code, out, err = run("inspect", pictures / "text.png", "--json")
    assert (code, err) == (1, "")
    assert "not a picture in a known format" in objects(out)[0]["error"]
    cv2.imwrite(str(tmp_path / "7.png"), blank(60, 44))
    cv2.imwrite(str(tmp_path / "7.png.png"), blank(60, 44))
    code, _, err = run("inspect", tmp_path, "-o", tmp_path)
    assert (code, "is among the pictures to read" in err) == (1, True)


def test_a_box_outside_of_a_picture_is_wrong_usage(run: Run, pictures: Path) -> None:
    path = pictures / "7.png"
    code, out, err = run("inspect", path, "--model", "chars", "--roi", "9000,0,9,9", "--json")
    assert (code, out) == (2, "")
    assert err.startswith(f"plate-ocr: {path}: roi 9000,0,9,9 lies outside the picture of ")


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half a second without a plate, then half a second with one, at ten pictures per second."""
    path = tmp_path_factory.mktemp("video") / "drive.avi"
    photo = cv2.imread(str(PHOTO))
    assert photo is not None
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, photo.shape[1::-1])
    for shown in [np.full_like(photo, 90)] * 5 + [photo] * 5:
        writer.write(shown)
    writer.release()
    return path


@pytest.mark.parametrize(
    ("at", "time", "found"), [(0, 0.0, 0), (0.44, 0.4, 0), (0.46, 0.5, 1), (0.9, 0.9, 1)]
)
def test_a_picture_of_a_video_is_explained(
    run: Run, video: Path, at: float, time: float, found: int, tmp_path: Path
) -> None:
    code, out, _ = run("inspect", video, "--at", at, "--json", "-o", tmp_path)
    (values,) = objects(out)
    assert (code, values["time"], len(values["plates"])) == (0, time, found)
    assert values["trace"]["picture_type"] == "photo"
    assert (tmp_path / f"drive.avi-{time:.2f}s.png").is_file()


@pytest.mark.parametrize(
    ("options", "texts", "conclusion"),
    [
        ([], ["KA365CP"], "no character is below 0.90, so that no other crop was read"),
        (["--min-height", 60], [], "left out: below the minimum confidence or height of plates"),
    ],
)
def test_options_of_predict_are_heeded(
    options: list[Any], texts: list[str], conclusion: str, run: Run, tmp_path: Path, shipped_detector: Path
) -> None:
    photo, (box,) = photo_with("KA365CP")
    cv2.imwrite(str(tmp_path / "a.png"), np.ascontiguousarray(photo[::-1, ::-1]))
    given = [tmp_path / "a.png", "--rotate", 180, "--roi", "20,30,350,250", *options, "--json"]
    explained, read = (objects(run(command, *given)[1]) for command in ("inspect", "predict"))
    assert [without_time(values) for values in explained] == [without_time(values) for values in read]
    (values,) = explained
    assert [plate["text"] for plate in values["plates"]] == texts
    trace = values["trace"]
    assert trace["detector"][0]["window"] == [20, 30, 350, 250]
    candidate = trace["candidates"][0]
    assert candidate["conclusion"] == conclusion
    np.testing.assert_allclose(candidate["detection"]["corners"], box, atol=8)


def test_a_time_goes_with_a_video(run: Run, video: Path, pictures: Path) -> None:
    seven = pictures / "7.png"
    code, out, err = run("inspect", seven, video)
    assert (code, out) == (2, "")
    assert err == f"plate-ocr: {video} is a video: say which picture with --at\n"
    assert run("inspect", seven, "--at", 1) == (2, "", f"plate-ocr: {seven} is no video: leave out --at\n")
    code, out, err = run("inspect", video, "--at", 1.5)
    assert (code, out, err) == (1, "", f"plate-ocr: {video}: the last picture of this video is at 0.90 s\n")


@pytest.mark.slow
def test_standard_input_is_explained(pictures: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "plate_ocr", "inspect", "-", "-o", str(tmp_path)]
    done = subprocess.run(command, input=(pictures / "7.png").read_bytes(), capture_output=True, check=True)
    assert done.stdout.startswith(b"-  7  1.00\n")
    assert (tmp_path / "stdin.png").is_file()
