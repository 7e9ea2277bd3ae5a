"""Videos and cameras: what is read of them, and what is said of those that cannot be."""

from __future__ import annotations

import csv
import dataclasses
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import PIL.Image
import pytest

from benchmarks.rendered_videos import HEIGHT, MIN_TEXT_HEIGHT, WIDTH, VideoGenerator
from plate_ocr.app.answers import of_video
from plate_ocr.app.pictures import PictureFolders
from plate_ocr.app.sources import file_name, is_video
from plate_ocr.app.window import Window
from plate_ocr.errors import ImageError, OutputError, VideoError
from plate_ocr.readers.auto import PlateReader
from plate_ocr.readers.results import Char, Reading, plate_of
from plate_ocr.rendering.camera import MAX_MOTION_BLUR
from plate_ocr.rendering.flat_plate import FlatPlate
from plate_ocr.video import watch
from plate_ocr.video.capture import Frame, without_password
from plate_ocr.video.hiding import PlateTrails
from plate_ocr.video.looking import Looker
from plate_ocr.video.vehicle import VehicleTrack
from plate_ocr.vision.images import Image
from tests.app.conftest import Run
from tests.conftest import text_picture

SIZE = 160, 96


def picture(level: int, size: tuple[int, int] = SIZE) -> Image:
    return np.full((*size[::-1], 3), level, np.uint8)


def read(shown: Image) -> Reading:
    """What is bright shows a plate; darker ones another; black ones none."""
    level = float(shown.mean())
    text = "AB123" if level > 170 else "XY987" if level > 85 else ""
    height, width = shown.shape[:2]
    corners = (40.0, 40.0), (90.0, 40.0), (90.0, 60.0), (40.0, 60.0)
    chars = tuple(Char(char, 0.95, ()) for char in text)
    return Reading(width, height, 1.0, (plate_of(chars, corners),) if text else ())


def write(path: Path, levels: list[int]) -> Path:
    return write_pictures(path, map(picture, levels), SIZE)


def write_pictures(path: Path, pictures: Iterable[Image], size: tuple[int, int]) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, size)
    for shown in pictures:
        writer.write(shown)
    writer.release()
    return path


def write_gif(path: Path, levels: list[int], durations: list[int]) -> Path:
    first, *others = (PIL.Image.fromarray(picture(level)) for level in levels)
    first.save(path, save_all=True, append_images=others, duration=durations)
    return path


def cars_of(path: Path | str, said: list[str] | None = None, **settings: Any) -> list[VehicleTrack]:
    found = watch(str(path), read, (said if said is not None else []).append, **settings)
    return [car for car in found if isinstance(car, VehicleTrack)]


def test_each_car_of_a_file_is_told_of_once(tmp_path: Path) -> None:
    path = write(tmp_path / "v.avi", [0] * 5 + [255] * 10 + [0] * 10 + [120] * 10)
    cars = cars_of(path)
    assert [(car.plate.text, car.start, round(car.end, 6), car.frames) for car in cars] == [
        ("AB123", 0.5, 1.4, 10),
        ("XY987", 2.5, 3.4, 10),
    ]
    best = cars[0].picture
    assert best is not None
    assert best.mean() > 250


def test_a_video_without_a_car_has_one_reading(tmp_path: Path) -> None:
    (found,) = watch(str(write(tmp_path / "v.avi", [0] * 10)), read, print)
    assert isinstance(found, Reading)
    assert (found.width, found.height, found.plates) == (*SIZE, ())


def test_pictures_may_last_differently_long(tmp_path: Path) -> None:
    path = write_gif(tmp_path / "v.gif", [255, 250, 245, 240], [100, 100, 900, 100])
    assert is_video(str(path))
    (car,) = cars_of(path)
    assert (car.start, round(car.end, 6), car.frames) == (0.0, 1.1, 4)


def test_a_gif_of_one_picture_is_a_picture(tmp_path: Path) -> None:
    PIL.Image.fromarray(picture(255)).save(tmp_path / "p.gif")
    assert not is_video(str(tmp_path / "p.gif"))
    (tmp_path / "broken.gif").write_bytes(b"GIF89a" + b"\xff" * 40)
    assert not is_video(str(tmp_path / "broken.gif"))


def test_the_size_may_change(tmp_path: Path) -> None:
    sizes = [SIZE] * 6 + [(320, 192)] * 6
    data = [cv2.imencode(".jpg", picture(255, size))[1].tobytes() for size in sizes]
    (tmp_path / "v.mjpeg").write_bytes(b"".join(data))
    (car,) = cars_of(tmp_path / "v.mjpeg")
    assert car.frames == 12


def test_broken_pictures_are_passed_over_and_counted(tmp_path: Path) -> None:
    path = write(tmp_path / "v.avi", [255] * 40)
    data = bytearray(path.read_bytes())
    starts = [
        i for i in range(len(data)) if data[i : i + 4] == b"00dc" and data[i + 8 : i + 10] == b"\xff\xd8"
    ]
    data[starts[20] + 8 : starts[21]] = bytes(starts[21] - starts[20] - 8)
    path.write_bytes(data)
    said: list[str] = []
    (car,) = cars_of(path, said)
    assert 36 <= car.frames < 40
    assert said == [f"{path}: {40 - car.frames} of 40 pictures could not be read"]


@pytest.mark.parametrize("name", ["v.avi", "v.gif"])
def test_a_cut_video_tells_of_its_cars_and_then_that_it_is_cut(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "v.avi":
        write(path, [255] * 40)
    else:
        write_gif(path, [*range(200, 240)], [100] * 40)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    found = watch(str(path), read, print)
    car = next(found)
    assert isinstance(car, VehicleTrack)
    assert car.frames < 30
    with pytest.raises(VideoError, match="cut off after"):
        next(found)


@pytest.mark.parametrize("name", [b"12:30.avi", b"concat:x.avi", b"-x.avi", b"%03d.avi", b"\xff.avi"])
@pytest.mark.skipif(sys.platform != "linux", reason="there are no such file names")
def test_a_file_of_any_name_is_watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: bytes) -> None:
    monkeypatch.chdir(tmp_path)
    write(Path("v.avi"), [255] * 6).rename(os.fsdecode(name))
    (car,) = cars_of(os.fsdecode(name))
    assert car.frames == 6


def test_a_video_whose_pictures_are_too_large_has_an_answer(tmp_path: Path) -> None:
    path = write(tmp_path / "v.avi", [255] * 6)

    def refuse(picture: Image) -> Reading:
        raise ImageError("9×9 pixels are too many")

    (answer,) = of_video(str(path), refuse, PictureFolders().draw, print)
    assert answer.error == f"{path}: 9×9 pixels are too many"
    assert answer.video


def test_what_cannot_be_watched_has_an_answer_that_says_why(run: Run, tmp_path: Path) -> None:
    empty, text, none = (str(tmp_path / name) for name in ("empty.mp4", "text.mkv", "none.avi"))
    Path(empty).write_bytes(b"")
    Path(text).write_text("no video")
    write(Path(none), [])
    (tmp_path / "folder.mp4").mkdir()
    missing = str(tmp_path / "missing.mov")
    names = [empty, text, none, missing, "gopher://host/x", "http://u:secret@127.0.0.1:1/a?b=[1]", "97"]
    code, out, err = run("predict", "--json", *names)
    answers = [json.loads(line) for line in out.splitlines()]
    assert (code, err) == (1, "")
    # Cameras answer as they come.
    assert [answer["image"] for answer in answers[:4]] == names[:4]
    answers.sort(key=lambda answer: names.index(answer["image"]))
    assert [answer["image"] for answer in answers] == names
    words = [
        "is empty",
        "known format",
        "no picture",
        "No such file",
        "gopher is not supported",
        "cannot be",
        "camera 97",
    ]
    for answer, word in zip(answers, words, strict=True):
        assert word in answer["error"]
        assert "secret" not in answer["error"]
        assert answer["plates"] == []


def test_the_command_line_tells_of_a_rendered_car(run: Run, shipped_plates: Path, tmp_path: Path) -> None:
    rendered = VideoGenerator(None, ["eu"]).video(6, 1)
    path = write_pictures(tmp_path / "v.avi", islice(rendered, 15, 31), (WIDTH, HEIGHT))
    code, out, _ = run(
        "predict", "--json", path, "--crops", tmp_path / "crops", "--annotate", tmp_path / "marked",
        "--csv", tmp_path / "t.csv",
    )  # fmt: skip
    answers = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    keys = ["image", "width", "height", "ms", "error", "plates"]
    keys += ["start", "end", "frames", "best", "files", "first_corners", "last_corners"]
    keys += ["first_seen", "last_seen", "camera", "direction", "movement", "id"]
    assert list(answers[0]) == keys
    assert all(answer["width"] == WIDTH and answer["error"] is None for answer in answers)
    cars = [answer for answer in answers if answer["plates"]]
    for car in cars:
        assert 0 <= car["start"] <= car["best"]["time"] <= car["end"] <= 1.5
        assert car["best"]["corners"] == car["plates"][0]["corners"]
    assert len(list((tmp_path / "crops").iterdir())) == len(cars)
    assert len(list((tmp_path / "marked").iterdir())) == len(answers if cars else [])
    code, out, _ = run("predict", path)
    lines = out.splitlines()
    assert len(lines) == len(answers)
    for line, car in zip(lines, cars, strict=bool(cars)):
        assert line.startswith(f"{path}  {car['plates'][0]['text']}  ")
        assert line.endswith(" s")


def drive(path: Path, start: tuple[float, ...], end: tuple[float, ...]) -> Path:
    """A film of 2 seconds in which a plate drives from one place to another: x, y and width, pixels."""

    def frames() -> Iterator[Image]:
        for x, y, wide in np.linspace(start, end, 20):
            frame, plate = np.full((480, 640, 3), 90, np.uint8), text_picture("KA365CP")
            size = round(wide), round(wide * plate.shape[0] / plate.shape[1])
            left, top = round(x - size[0] / 2), round(y - size[1] / 2)
            frame[top : top + size[1], left : left + size[0]] = cv2.resize(plate, size)[..., None]
            yield frame

    return write_pictures(path, frames(), (640, 480))


@pytest.mark.parametrize(
    ("start", "end", "direction", "movement"),
    [
        ((320, 120, 110), (320, 380, 240), 270, "approaching"),
        ((320, 380, 240), (320, 120, 110), 90, "leaving"),
        ((120, 240, 160), (520, 240, 160), 0, None),
    ],
)
def test_times_names_and_directions_are_told(
    start: tuple[int, ...], end: tuple[int, ...], direction: float, movement: str, run: Run, tmp_path: Path
) -> None:
    path = drive(tmp_path / "gate.avi", start, end)
    options = "--start", "2026-11-26T08:15:00+01:00", "--name", "gate", "--csv", tmp_path / "t.csv"
    code, out, _ = run("predict", "--json", path, *options)
    (car,) = map(json.loads, out.splitlines())
    assert (code, car["plates"][0]["text"], car["camera"], car["movement"]) == (
        0,
        "KA365CP",
        "gate",
        movement,
    )
    assert abs((car["direction"] - direction + 180) % 360 - 180) < 3
    assert car["first_seen"] == f"2026-11-26T08:15:00.{round(1000 * car['start']):03}+01:00"
    assert car["last_seen"] == f"2026-11-26T08:15:{car['end']:06.3f}+01:00"
    assert np.mean(car["first_corners"], axis=0) == pytest.approx(start[:2], abs=25)
    assert np.mean(car["last_corners"], axis=0) == pytest.approx(end[:2], abs=45)
    (row,) = csv.DictReader((tmp_path / "t.csv").read_text().splitlines())
    assert list(row)[-11:-3] == [
        "start", "end", "first_seen", "last_seen", "camera", "direction", "movement", "id",
    ]  # fmt: skip
    assert (row["id"], row["first_seen"], row["camera"]) == (car["id"], car["first_seen"], "gate")


def test_a_car_is_told_of_on_arrival_and_again_when_it_has_left(run: Run, tmp_path: Path) -> None:
    path = drive(tmp_path / "gate.avi", (320, 120, 110), (320, 380, 240))

    def told(on: str) -> list[dict[str, Any]]:
        code, out, _ = run("predict", "--json", path, "--on", on)
        assert code == 0
        return [json.loads(line) for line in out.splitlines()]

    arrival, departure = told("both")
    assert (arrival["end"], arrival["last_seen"], departure["end"]) == (
        None,
        None,
        pytest.approx(1.9, abs=0.2),
    )
    assert (arrival["id"], arrival["start"]) == (departure["id"], departure["start"])
    assert arrival["frames"] < departure["frames"]
    (only,) = told("arrival")
    assert only["end"] is None
    _, out, _ = run("predict", path, "--on", "arrival")
    assert re.fullmatch(rf"{re.escape(str(path))}  KA365CP  [01]\.\d\d  0\.\d– s\n", out)


def test_on_arrival_an_unsure_car_is_told_of_when_it_leaves(tmp_path: Path) -> None:
    def unsure(shown: Image) -> Reading:
        reading = read(shown)
        chars = tuple(dataclasses.replace(char, confidence=0.8) for char in reading.plates[0].chars)
        return dataclasses.replace(reading, plates=(plate_of(chars, reading.plates[0].corners),))

    path = write(tmp_path / "v.avi", [255, 240] * 5)
    (car,) = watch(str(path), unsure, print, on="arrival")
    assert isinstance(car, VehicleTrack)
    assert car.departed


def test_options_that_do_not_go_together_are_refused(run: Run, tmp_path: Path) -> None:
    film, cameras = str(write(tmp_path / "v.avi", [255] * 3)), ("rtsp://a/", "rtsp://b/")
    for words, *command in (
        ("a time such as", film, "--start", "noon"),
        ("--start is the time of one video file", film, film, "--start", "2026-11-26T08:15"),
        ("--start is the time of one video file", cameras[0], "--start", "2026-11-26T08:15"),
        ("3 names and 2 cameras", *cameras, *("--name", "x") * 3),
        ("a camera is given twice", cameras[0], *cameras),
        ("--show shows one camera", *cameras, "--show"),
    ):
        code, out, err = run("predict", *command)
        assert (code, out) == (2, "")
        assert words in err


def test_several_cameras_are_watched_at_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that breaks and one that falls silent do not disturb the third."""
    good, broken, silent = Camera(changing=20), Camera(level=120, changing=5), Camera(answers=False)
    monkeypatch.setattr("plate_ocr.video.capture.FIRST_RETRY_S", 0.1)
    monkeypatch.setattr("plate_ocr.video.watcher.TIMEOUT", 1.0)
    started, frames = time.monotonic(), {good.address: 0, broken.address: 0}

    def watched(name: str, _: object, on_message: Any, **options: Any) -> Any:
        def show(frame: Frame, reading: Reading) -> bool:
            frames[name] += 1
            if name == broken.address and frames[name] == 10:
                threading.Thread(target=broken.stop).start()
            # Three seconds suffice, but on a slow machine.
            return time.monotonic() - started < (3 if frames[good.address] > 100 else 20)

        return watch(name, read, on_message, **{**options, "show": show}, timeout=1)

    monkeypatch.setattr("plate_ocr.video.watch", watched)
    try:
        code, out, _ = run(
            "predict", "--model", "chars", "--json", silent.address, broken.address, good.address,
            "--name", "silent", "--name", "broken", "--name", "good", "--reconnect-timeout", "0.5",
        )  # fmt: skip
    finally:
        good.stop()
        silent.stop()
    answers = {answer["image"]: answer for answer in map(json.loads, out.splitlines())}
    assert code == 1
    assert "no answer" in answers[silent.address]["error"]
    cars = {
        answer["camera"]: answer["plates"][0]["text"]
        for answer in map(json.loads, out.splitlines())
        if answer["plates"]
    }
    assert cars == {"good": "AB123", "broken": "XY987"}
    assert "not reconnected" in answers[broken.address]["error"]
    assert frames[good.address] > 100


CTRL_C = """
import os, signal, time
from plate_ocr.app.answers import Answer, of_cameras

def endless(name):
    def answers(stop):
        yield Answer(f"{name} came")
        if name == "a":
            time.sleep(0.2)
            os.kill(os.getpid(), signal.SIGINT)
        stop.wait(10)
        yield Answer(f"{name} left")
    return answers

signal.signal(signal.SIGINT, signal.default_int_handler)
signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
print(*sorted(answer.name for answer in of_cameras([endless("a"), endless("b")])), sep=", ")
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="there are no such signals")
def test_ctrl_c_ends_several_cameras_with_their_cars() -> None:
    done = subprocess.run([sys.executable, "-c", CTRL_C], check=True, capture_output=True, text=True)
    assert done.stdout == "a came, a left, b came, b left\n"


def test_what_was_skipped_is_told(run: Run, tmp_path: Path) -> None:
    path = write(tmp_path / "v.avi", [0] * 30)
    watched = watch(str(path), read, print)
    assert len(list(watched)) == 1
    # It is read whole at the start and after 2 seconds.
    assert (watched.stats.frames, watched.stats.skipped) == (30, 28)
    assert watched.stats.fps == pytest.approx(30 / watched.stats.seconds)
    _, _, err = run("predict", "--model", "chars", "-v", path)
    assert re.search(rf"{re.escape(str(path))}: 30 frames, 28 skipped, [\d.]+ frames per second", err)


def test_a_car_that_is_parked_for_ten_minutes_is_one_car() -> None:
    """Pictures at two a second, with noise; the middle of the plate is somewhere in the frame."""
    rng, reads = np.random.default_rng(1), 0

    def counted(shown: Image) -> Reading:
        nonlocal reads
        reads += 1
        return read(shown)

    looker, ended = Looker(counted), list[VehicleTrack]()
    for i in range(1200):
        noisy = np.clip(rng.normal(200, 4, (*SIZE[::-1], 3)), 0, 255).astype(np.uint8)
        ended += looker.update(noisy, i / 2)[1]
    (car,) = ended + looker.tracker.finish()
    assert (car.frames, car.start, car.end) == (1200, 0.0, 599.5)
    assert reads < 400


def frames_of(path: Path) -> list[Image]:
    capture, frames = cv2.VideoCapture(str(path)), list[Image]()
    while (read := capture.read())[0]:
        frames.append(np.asarray(read[1], np.uint8))
    return frames


def test_a_film_is_written_with_its_plates_unreadable(run: Run, tmp_path: Path) -> None:
    way = (120.0, 160.0, 130.0), (500.0, 320.0, 190.0)
    film, out = drive(tmp_path / "gate.avi", *way), tmp_path / "out"
    code, lines, err = run("predict", "--json", film, "--blur", out, "--crops", tmp_path / "crops")
    (car,) = map(json.loads, lines.splitlines())
    assert code == 0
    assert car["files"]["blurred"] == str(out / "gate.avi.mp4")
    assert len(car["files"]["crops"]) == 1
    assert [path.name for path in out.iterdir()] == ["gate.avi.mp4"]
    assert ("has none: ffmpeg" in err) == (shutil.which("ffmpeg") is None)
    before, after = frames_of(film), frames_of(out / "gate.avi.mp4")
    assert len(before) == len(after) == 20
    reader = PlateReader(input="photo", threads=1)
    assert [reader(frame).text for frame in before].count("KA365CP") > 15
    assert [reader(frame).text for frame in after] == [""] * 20
    # What is no plate stays as it was.
    assert np.abs(np.float32(after[0][400:]) - np.float32(before[0][400:])).mean() < 3


def test_what_is_not_seen_for_a_while_is_hidden_on_its_way() -> None:
    seen = {0: [20], 1: [40], 5: [120], 6: [140]}

    def detect(shown: Image) -> list[Any]:
        return [
            [(x, 40), (x + 30, 40), (x + 30, 50), (x, 50)] for x in seen.get(int(shown[0, 0, 0]) // 10, [])
        ]

    trails = PlateTrails(detect)
    for number in range(10):
        shown = picture(10 * number)
        trails.add(Frame(number / 5, shown), [])
    lefts = [[round(float(box[0, 0])) for box in trails.at(number)] for number in range(9)]
    assert lefts == [[20], [40], [60], [80], [100], [120], [140], [140], []]
    # In a frame that was searched in vain it may still stand where it was, or have moved on.
    ((low, high),) = trails.at(7)
    assert (low[0], high[0]) == (140, 190)


def test_nothing_is_searched_while_nothing_changes() -> None:
    count = 0

    def detect(shown: Image) -> list[Any]:
        nonlocal count
        count += 1
        return [[(20, 40), (50, 40), (50, 50), (20, 50)]]

    trails = PlateTrails(detect)
    for number in range(50):
        trails.add(Frame(number / 5, picture(120)), [])
    assert count == 1
    assert all(len(trails.at(number)) == 1 for number in range(50))


def test_a_film_never_replaces_one_that_is_read(run: Run, tmp_path: Path) -> None:
    film = drive(tmp_path / "gate.avi", (320, 120, 110), (320, 380, 240)).rename(tmp_path / "gate.mp4")
    data = film.read_bytes()
    code, _, err = run("predict", film, "--blur", tmp_path)
    assert (code, film.read_bytes()) == (1, data)
    assert "is the picture itself" in err


def test_the_sound_is_copied_where_ffmpeg_is_there(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stand-in for ffmpeg copies the first input and notes its arguments."""
    program = tmp_path / "bin" / "ffmpeg"
    program.parent.mkdir()
    noted = tmp_path / "arguments"
    program.write_text(
        f'#!/bin/sh\necho "$@" > {noted}\nfor last; do :; done\ncp "${{6#file:}}" "${{last#file:}}"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    film = write(tmp_path / "v.avi", [0] * 5)
    code, _, err = run("predict", film, "--blur", tmp_path / "out")
    assert (code, err) == (0, "")
    assert len(frames_of(tmp_path / "out" / "v.avi.mp4")) == 5
    assert f"-i file:{film} -map 0:v -map 1:a? -c copy file:" in noted.read_text()


def test_when_a_film_was_made_ffprobe_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "ffprobe"
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    path = write(tmp_path / "v.avi", [255] * 10)

    def first_seen(made: str) -> str | None:
        program.write_text(f"#!/bin/sh\necho {made}\n")
        program.chmod(0o755)
        (car,) = cars_of(path)
        return car.first_seen.isoformat() if car.first_seen else None

    assert first_seen("2026-11-26T08:15:00.000000Z") == "2026-11-26T08:15:00+00:00"
    assert [first_seen(made) for made in ("", "1904-01-01T00:00:00.000000Z")] == [None, None]
    monkeypatch.setenv("PATH", str(tmp_path / "none"))
    (car,) = cars_of(path)
    assert (car.first_seen, car.last_seen) == (None, None)


def test_videos_of_folders_and_globs_are_watched_in_their_place(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "more.mp4").mkdir(parents=True)
    for name in ("a.png", "c.png", "more.mp4/e.png"):
        cv2.imwrite(str(folder / name), picture(255))
    write(folder / "b.AVI", [255] * 3)
    write(folder / ".hidden.avi", [255] * 3)
    (folder / "d.mkv").write_text("no video")
    (folder / "notes.txt").write_text("not looked at")
    code, out, _ = run("predict", "--model", "chars", "--json", folder, folder / "[bd]*")
    answers = [json.loads(line) for line in out.splitlines()]
    assert code == 1
    expected = ["a.png", "b.AVI", "c.png", "d.mkv", "e.png", "b.AVI", "d.mkv"]
    assert [Path(answer["image"]).name for answer in answers] == expected
    assert ["frames" in answer for answer in answers] == [Path(name).suffix != ".png" for name in expected]
    assert [answer["error"] is None for answer in answers] == [name != "d.mkv" for name in expected]


def test_a_video_that_was_stopped_is_watched_again(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    levels = [255] * 10 + [0] * 30 + [120] * 10
    paths = [write(tmp_path / name, levels) for name in ("a.avi", "b.avi")]
    last, arrivals = "", 0

    def read_some(shown: Image) -> Reading:
        nonlocal last, arrivals
        reading = read(shown)
        arrived, last = reading.text == "XY987" != last, reading.text
        arrivals += arrived
        # Ctrl-C at the second car of the second video: its first one has left.
        if arrived and arrivals == 2:
            raise KeyboardInterrupt
        return reading

    monkeypatch.setattr(
        "plate_ocr.video.watch",
        lambda name, _, on_message, **rest: watch(name, read_some, on_message, **rest),
    )
    command = "predict", "--model", "chars", "--crops", tmp_path / "crops", "--resume", tmp_path / "r.jsonl"
    statuses = [run(*command, *paths)[0]]
    crops = len(list((tmp_path / "crops").iterdir()))
    statuses += [run(*command, *paths)[0], run(*command, *paths)[0]]
    assert (statuses, crops) == ([130, 0, 0], 3)
    lines = (tmp_path / "r.jsonl").read_text().splitlines()
    cars = [(answer["image"], answer["plates"][0]["text"]) for answer in map(json.loads, lines)]
    assert cars == [(str(path), text) for path in paths for text in ("AB123", "XY987")]


def test_pictures_are_named_as_those_of_a_run_that_was_not_stopped(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "plate_ocr.video.watch", lambda name, _, on_message, **rest: watch(name, read, on_message, **rest)
    )
    (tmp_path / "x.jpg").write_text("no picture")
    for folder in ("1", "2"):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder / "a.avi", [255] * 10 + [0] * 30 + [120] * 10)
        write(tmp_path / folder / "empty.avi", [0] * 3)
        cv2.imwrite(str(tmp_path / folder / "x.jpg"), picture(255))
    given = [tmp_path / "x.jpg", tmp_path / "1", tmp_path / "2"]

    def marked(out: str, *stops: int) -> list[tuple[str, bytes]]:
        for stop in stops:
            places = "--annotate", tmp_path / out, "--resume", tmp_path / f"{out}.jsonl"
            run("predict", "--model", "chars", *places, *given[:stop])
        return sorted((path.name, path.read_bytes()) for path in (tmp_path / out).iterdir())

    whole = marked("whole", 3)
    names = ["a-2.avi.jpg", "a-3.avi.jpg", "a-4.avi.jpg", "a.avi.jpg", "x-2.jpg", "x.jpg"]
    assert [name for name, _ in whole] == names
    assert marked("stopped", 2, 3) == whole


class Camera:
    """A stand-in for a camera: pictures without end over HTTP, until it is stopped."""

    def __init__(
        self, port: int = 0, *, level: int = 255, answers: bool = True, broken: int = 0, changing: int = 0
    ) -> None:
        stopped = self._stopped = threading.Event()
        self.sent = 0

        class Handler(BaseHTTPRequestHandler):
            def do_GET(handler) -> None:  # noqa: N805
                # `predict` lets a closed pipe end its process, which is also that of the tests.
                if hasattr(signal, "pthread_sigmask"):
                    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGPIPE})
                if not answers:
                    stopped.wait()
                    return
                handler.send_response(200)
                handler.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
                handler.end_headers()
                good = [cv2.imencode(".jpg", picture(level - i * changing))[1].tobytes() for i in range(2)]
                try:
                    while not stopped.wait(0.01):
                        data = (
                            b"no picture"
                            if broken and self.sent % broken == broken - 1
                            else good[self.sent % 2]
                        )
                        head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
                        handler.wfile.write(head.encode() + data + b"\r\n")
                        self.sent += 1
                except OSError:
                    pass

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

        self._server = Server(("127.0.0.1", port), Handler)
        self.port = self._server.server_address[1]
        self.address = f"http://127.0.0.1:{self.port}/live"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Break all connections."""
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def camera() -> Iterator[Camera]:
    there = Camera()
    yield there
    there.stop()


@pytest.fixture
def changing() -> Iterator[Camera]:
    """A camera of which each picture is another one."""
    there = Camera(changing=20)
    yield there
    there.stop()


def test_a_slow_reader_misses_pictures_and_keeps_up(changing: Camera) -> None:
    said: list[str] = []
    times: list[float] = []
    started = time.monotonic()

    def slowly(shown: Image) -> Reading:
        time.sleep(0.2)
        return read(shown)

    def show(frame: Frame, _: Reading) -> bool:
        times.append(frame.time)
        return len(times) < 8

    found = list(watch(changing.address, slowly, said.append, show=show, timeout=5))
    (car,) = found
    assert isinstance(car, VehicleTrack)
    assert (car.plate.text, car.frames) == ("AB123", 8)
    # A picture is as new as it can be: they are as far apart as reading takes, unless one is like the last.
    assert np.median(np.diff(times)) > 0.1
    assert times[-1] < time.monotonic() - started
    missed, seen = (int(said[-1].split(": ")[-1].split()[i]) for i in (0, 2))
    assert 0 < missed < seen


def test_a_lost_camera_is_looked_for_again(camera: Camera, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plate_ocr.video.capture.FIRST_RETRY_S", 0.2)
    said: list[str] = []
    again: list[Camera] = []
    seen: list[float] = []

    def on_message(what: str) -> None:
        said.append(what)
        if "reconnecting" in what and sum("reconnecting" in line for line in said) == 3:
            again.append(Camera(camera.port, level=120))

    def show(frame: Frame, shown: Reading) -> bool:
        seen.append(frame.time)
        if len(seen) == 5:
            threading.Thread(target=camera.stop).start()
        return "XY987" not in {plate.text for plate in shown.plates} or len(seen) < 40

    try:
        cars = [
            car
            for car in watch(camera.address, read, on_message, show=show, timeout=3)
            if isinstance(car, VehicleTrack)
        ]
    finally:
        for there in again:
            there.stop()
    assert sorted(car.plate.text for car in cars) == ["AB123", "XY987"]
    waits = [float(line.split()[-2]) for line in said if "reconnecting" in line]
    assert waits[:3] == [0.2, 0.4, 0.8]
    assert any("reconnected" in line for line in said)


def test_the_number_of_a_camera_opens_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver is stood in for: a file that plays at once and is there again when it is opened again."""
    path, opened, opens = str(write(tmp_path / "v.avi", [255] * 10)), list[object](), cv2.VideoCapture

    def capture(source: object, *_: object) -> cv2.VideoCapture:
        opened.append(source)
        return opens(path, cv2.CAP_FFMPEG)

    monkeypatch.setattr("cv2.VideoCapture", capture)
    monkeypatch.setattr("plate_ocr.video.capture.FIRST_RETRY_S", 0.05)
    said: list[str] = []
    cars = cars_of("3", said, show=lambda *_: len(opened) < 3)
    assert [car.plate.text for car in cars] == ["AB123"]
    assert set(opened) == {3}
    assert "3: reconnected" in said


def test_broken_pictures_of_a_camera_are_counted() -> None:
    there = Camera(broken=5)
    said: list[str] = []
    try:
        (car,) = watch(there.address, read, said.append, show=lambda frame, _: frame.time < 1, timeout=5)
    finally:
        there.stop()
    assert isinstance(car, VehicleTrack)
    words = said[-1].split(": ")[-1].split()
    seen, broken = int(words[2]), int(words[-3])
    assert abs(broken - seen / 4) <= 2


def test_a_camera_that_stays_away_is_given_up(camera: Camera, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plate_ocr.video.capture.FIRST_RETRY_S", 0.1)

    def show(*_: object) -> bool:
        camera.stop()
        return True

    found = watch(camera.address, read, print, reconnect_timeout=0.5, timeout=3, show=show)
    car = next(found)
    assert isinstance(car, VehicleTrack)
    with pytest.raises(VideoError, match=r"not reconnected within 0\.5 s"):
        next(found)


def test_a_camera_that_never_answers_is_an_error() -> None:
    silent = Camera(answers=False)
    started = time.monotonic()
    try:
        with pytest.raises(VideoError, match="no answer within 1 s"):
            next(watch(silent.address, read, print, timeout=1))
    finally:
        silent.stop()
    assert time.monotonic() - started < 5
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        address = f"rtsp://127.0.0.1:{deaf.getsockname()[1]}/x"
        with pytest.raises(VideoError, match="no answer within 1 s"):
            next(watch(address, read, print, timeout=1))


def test_a_camera_that_falls_silent_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    class NullCallback:
        """What FFmpeg does with H.264: pictures that it had kept back come after it has waited in vain."""

        def read(self) -> tuple[bool, Image]:
            time.sleep(0.3)
            return True, picture(255)

        def release(self) -> None:
            pass

    monkeypatch.setattr("plate_ocr.video.watcher.open_capture", lambda *_: (NullCallback(), True))
    found = watch("rtsp://there/", read, print, reconnect_timeout=0.1, timeout=0.3, show=lambda *_: False)
    with pytest.raises(VideoError, match=r"not reconnected within 0\.1 s"):
        next(found)


def test_ctrl_c_ends_a_camera_with_its_cars(changing: Camera) -> None:
    count = 0

    def interrupted(shown: Image) -> Reading:
        nonlocal count
        count += 1
        if count > 5:
            raise KeyboardInterrupt
        return read(shown)

    (car,) = watch(changing.address, interrupted, print, timeout=5)
    assert isinstance(car, VehicleTrack)
    assert car.frames == 5


def test_names() -> None:
    assert is_video("A.MP4")
    assert is_video("rtsp://host/x")
    assert is_video("0")
    assert not is_video("a.jpg")
    assert not is_video("-")
    assert file_name("rtsp://me:secret@host:8554/a/b?c=1") == "host-8554-a-b-c-1.jpg"
    assert file_name("0") == "camera-0.jpg"
    assert file_name("a/v.mp4") == "a/v.mp4"
    assert without_password("rtsp://me:secret@host/x") == "rtsp://me:***@host/x"
    assert without_password("rtsp://me:sec@ret@host/x@y") == "rtsp://me:***@host/x@y"
    assert without_password("http://host:80/?a=b@c") == "http://host:80/?a=b@c"
    assert file_name("rtsp://me:sec@ret@host/x@y") == "host-x-y.jpg"
    assert len(file_name("https://host/v.mp4?signature=" + "ä" * 999).encode()) < 250


def test_a_window_needs_a_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    if os.name != "posix":
        pytest.skip("there is always a screen")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    with pytest.raises(VideoError, match="needs a screen"):
        Window()


@pytest.mark.parametrize(
    ("key", "visible", "goes_on"),
    [
        (-1, 1.0, True),
        (-1, -1.0, True),
        (ord("x"), 1.0, True),
        (27, 1.0, False),
        (ord("q"), 1.0, False),
        (-1, 0.0, False),
        (-1, None, False),
    ],
)
def test_a_window_ends_by_a_key_or_by_closing(
    key: int, visible: float | None, goes_on: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def visibility(*_: object) -> float:
        if visible is None:
            raise cv2.error("no window")
        return visible

    shown: list[Image] = []
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr("cv2.namedWindow", lambda *_: None)
    monkeypatch.setattr("cv2.imshow", lambda _, picture: shown.append(picture))
    monkeypatch.setattr("cv2.waitKey", lambda _: key)
    monkeypatch.setattr("cv2.getWindowProperty", visibility)
    frame = Frame(0.0, np.zeros((40, 60, 3), np.uint8))
    assert Window()(frame, Reading(60, 40, 1.0, ())) == goes_on
    assert shown[0].shape == (40, 60, 3)


def test_rendered_videos_are_the_same_each_time(tmp_path: Path) -> None:
    generator = VideoGenerator(None, ["eu"])
    one, other = (list(islice(generator.video(1, 2), 8, 12)) for _ in range(2))
    assert all((a == b).all() for a, b in zip(one, other, strict=True))
    assert (one[0] != one[1]).any()
    with pytest.raises(OutputError, match="cannot write"):
        generator.video(1, 2).write(tmp_path / "none" / "v.mp4")


def test_a_sharp_eye_can_read_the_plates_of_rendered_videos(monkeypatch: pytest.MonkeyPatch) -> None:
    generator, flats = VideoGenerator(None, ["eu", "us"]), list[FlatPlate]()
    draw = generator.plates.draw_flat

    def drawn(rng: np.random.Generator) -> FlatPlate:
        flats.append(draw(rng))
        return flats[-1]

    monkeypatch.setattr(generator.plates, "draw_flat", drawn)
    cars = [car for index in range(20) for car in generator.video(3, index)._sprites]
    streaks = []
    for flat, (passing, car) in zip(flats, cars, strict=True):
        _, top, _, bottom = flat.plate_box
        zoom = min(car.start[2], car.end[2]) / np.ptp(car.box[:, 0])
        sides = np.linalg.norm(car.box[3] - car.box[0]), np.linalg.norm(car.box[2] - car.box[1])
        line = flat.text_height / (bottom - top) * zoom * float(np.mean(sides))
        assert line >= MIN_TEXT_HEIGHT - 1e-6
        motion = np.linalg.norm((car.end - car.start)[:2]) / (passing.count - 1)
        streaks.append(motion * car.exposure / line)
    assert max(streaks) == pytest.approx(MAX_MOTION_BLUR)
    assert min(streaks) < MAX_MOTION_BLUR
