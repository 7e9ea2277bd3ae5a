"""Pictures that several processes read: the answers are those of one, whatever happens."""

from __future__ import annotations

import itertools
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from multiprocessing.context import BaseContext
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from plate_ocr.app.answers import of_picture
from plate_ocr.app.pictures import PictureFolders
from plate_ocr.app.sources import Source
from plate_ocr.app.workers import AHEAD, answered
from plate_ocr.errors import ModelError, PlateOcrError
from plate_ocr.readers.results import Reading
from plate_ocr.vision.drawing import blank, draw_text
from plate_ocr.vision.images import Image, ImageSource, read_image
from tests.app.conftest import Run

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of pictures, some of one name, with a video, a file that is no picture and empty ones."""
    folder = tmp_path_factory.mktemp("shots")
    (folder / "more").mkdir()
    for i in range(24):
        plate = blank(80, 320)
        draw_text(plate, f"KA {301 + 17 * i} CP", (20, 60), 56)
        cv2.imwrite(str(folder / ("more" if i % 2 else "") / f"{i // 2:02}.png"), plate)
    (folder / "05-text.png").write_text("no picture")
    (folder / "07-empty.jpg").write_bytes(b"")
    video = cv2.VideoWriter(str(folder / "08.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10, (160, 96))
    for _ in range(3):
        video.write(np.full((96, 160, 3), 255, np.uint8))
    video.release()
    return folder


def test_the_answers_of_several_processes_are_those_of_one(run: Run, shots: Path, tmp_path: Path) -> None:
    def files(jobs: int) -> tuple[tuple[int, str, str], dict[str, bytes]]:
        out = tmp_path / str(jobs)
        told = run(
            "predict", "-j", jobs, "--model", "chars", "--json", shots, shots / "0*.png", "missing.png",
            "--annotate", out / "a", "--crops", out / "c", "--blur", out / "b", "--csv", out / "t.csv",
        )  # fmt: skip
        found = sorted(path for path in out.rglob("*") if path.is_file())
        return (told[0], re.sub(r'"ms": [\d.]+', "", told[1]).replace(str(out), ""), told[2]), {
            str(path.relative_to(out)): path.read_bytes().replace(bytes(out), b"") for path in found
        }

    one, several = files(1), files(3)
    assert one[0][0] == 1
    assert one[0][1].count("\n") == 39
    assert len(one[1]) > 80
    assert several == one


def test_several_processes_go_on_with_results(run: Run, shots: Path, tmp_path: Path) -> None:
    results, command = tmp_path / "r.jsonl", ("predict", "--model", "chars", "-j", 2)
    run("predict", "--model", "chars", "--resume", tmp_path / "whole.jsonl", shots)
    whole = (tmp_path / "whole.jsonl").read_text(encoding="utf-8")
    results.write_text("".join(whole.splitlines(keepends=True)[:5]), encoding="utf-8")
    assert run(*command, "--resume", results, shots)[:2] == (1, "")
    assert re.sub('"ms": [^,]+', "", results.read_text(encoding="utf-8")) == re.sub('"ms": [^,]+', "", whole)
    told = "plate-ocr: inputs that could not be read before: 2; --retry reads them again\n"
    assert run(*command, "--resume", results, shots) == (1, "", told)


def test_standard_input_is_read_by_the_first_process(shots: Path) -> None:
    command = [sys.executable, "-m", "plate_ocr", "predict", "-j", "2", "--model", "chars"]
    names = [str(shots / "00.png"), "-", str(shots / "more" / "00.png")]
    done = subprocess.run(
        [*command, *names], input=Path(names[0]).read_bytes(), capture_output=True, check=True
    )
    lines = [line.split("  ") for line in done.stdout.decode().splitlines()]
    assert [line[0] for line in lines] == names
    assert lines[0][1:] == lines[1][1:] != lines[2][1:]


DRAW = PictureFolders().draw


def reading_of(picture: Image) -> Reading:
    return Reading(picture.shape[1], picture.shape[0], 1.0, ())


def open_reader(threads: int, then: Callable[[int], object] | None = None) -> Callable[[Image], Reading]:
    """Reads pictures; what is to happen with a picture of a width is said by ``then``."""

    def read(picture: Image) -> Reading:
        if then is not None:
            then(picture.shape[1])
        return reading_of(picture)

    return read


def open_nothing(threads: int) -> Callable[[Image], Reading]:
    raise ModelError("there is no model 'x'")


def die(width: int) -> None:
    if width == 13:
        os.kill(os.getpid(), signal.SIGKILL)


def complain(width: int) -> None:
    if width == 13:
        raise ModelError("there is no model 'x'")


def slow_at_first(width: int) -> None:
    time.sleep(0.3 if width == 10 else 0)


@pytest.fixture
def widths(tmp_path: Path) -> list[Source]:
    """Pictures from 10 pixels of width on."""
    for width in range(10, 20):
        cv2.imwrite(str(tmp_path / f"{width}.png"), np.zeros((8, width), np.uint8))
    return [Source(str(tmp_path / f"{width}.png")) for width in range(10, 20)]


def always(_: Source) -> bool:
    return True


def test_an_answer_waits_for_its_turn(widths: list[Source]) -> None:
    task = always, partial(open_reader, then=slow_at_first), DRAW
    found = [answer.reading.width for _, answer in answered(3, widths, *task) if answer and answer.reading]
    assert found == [*range(10, 20)]


@pytest.mark.parametrize("name", ["a.png", "-"])
def test_the_time_of_a_picture_is_that_of_decoding_and_of_reading(
    name: str, widths: list[Source], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0

    def wait_for_it() -> bytes:
        nonlocal now
        now += 100
        return Path(widths[0].name).read_bytes()

    def decode(source: ImageSource) -> Image:
        nonlocal now
        now += 2
        return read_image(source)

    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=SimpleNamespace(read=wait_for_it)))
    monkeypatch.setattr("plate_ocr.app.answers.perf_counter", lambda: now)
    monkeypatch.setattr("plate_ocr.app.answers.read_image", decode)
    answer = of_picture(Source("-") if name == "-" else widths[0], reading_of, DRAW)
    assert answer.reading is not None
    # Decoding takes two seconds, reading as long as the reader says.
    assert answer.reading.ms == 2001


def test_the_time_of_a_picture_in_another_process_is_measured_there(widths: list[Source]) -> None:
    for _, answer in answered(2, widths, always, open_reader, DRAW):
        assert answer is not None
        assert answer.reading is not None
        assert answer.reading.ms > 1


def test_sources_without_end_are_read_as_they_come(widths: list[Source]) -> None:
    taken = 0

    def without_end() -> Iterator[Source]:
        nonlocal taken
        for source in itertools.cycle(widths):
            taken += 1
            yield source

    with closing(answered(2, without_end(), always, open_reader, DRAW)) as turns:
        for given, (source, answer) in enumerate(itertools.islice(turns, 200)):
            assert source == widths[given % len(widths)]
            assert answer is not None
            assert taken <= given + 2 * AHEAD


def wait_for_children(pid: int) -> None:
    """Wait until a process has started its first one: the others begin then."""
    threads = Path(f"/proc/{pid}/task")
    if not threads.exists():  # not Linux
        time.sleep(0.8)
        return
    until = time.monotonic() + 20
    while not any(path.read_text() for path in threads.glob("*/children")):
        assert time.monotonic() < until
        time.sleep(0.01)


def unmeasured() -> dict[str, str]:
    """The environment, without what makes a program measure coverage: that takes time and modules."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}


@pytest.mark.skipif(os.name != "posix", reason="there are no such signals")
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_process_that_is_killed_is_an_error(widths: list[Source], jobs: int) -> None:
    turns = answered(jobs, widths, always, partial(open_reader, then=die), DRAW)
    assert [source for source, _ in itertools.islice(turns, 3)] == widths[:3]
    with pytest.raises(PlateOcrError, match=r"a process ended while it read .*13\.png; if"):
        next(turns)


def test_an_error_of_a_process_is_told_as_its_own(widths: list[Source]) -> None:
    turns = answered(2, widths, always, partial(open_reader, then=complain), DRAW)
    assert len(list(itertools.islice(turns, 3))) == 3
    with pytest.raises(ModelError, match="there is no model 'x'"):
        next(turns)


def test_a_reader_that_cannot_be_opened_is_an_error(
    widths: list[Source], capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ModelError, match="there is no model 'x'"):
        next(answered(2, widths, always, open_nothing, DRAW))
    assert capfd.readouterr() == ("", "")


def test_a_process_that_cannot_be_started_is_an_error(
    widths: list[Source], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def no_pipe(_: object, duplex: bool = True) -> object:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(BaseContext, "Pipe", no_pipe)
    with pytest.raises(PlateOcrError, match=r"cannot start another process \(Too many open files\); give"):
        next(answered(2, widths, always, open_reader, DRAW))
    assert capfd.readouterr() == ("", "")


def is_there(group: int) -> bool:
    """Whether any process of a group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def heed_ctrl_c() -> None:
    # Shells let background jobs, such as a whole test run, ignore Ctrl-C; their children would too.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.skipif(os.name != "posix", reason="there are no such signals")
@pytest.mark.parametrize(
    ("sent", "status", "lines"),
    [(signal.SIGINT, 130, 0), (signal.SIGINT, 130, 3), (signal.SIGTERM, -15, 3), (9, -9, 3)],
)
def test_no_process_is_left_after_the_first_was_ended(
    shots: Path, sent: int, status: int, lines: int
) -> None:
    command = [sys.executable, "-m", "plate_ocr", "predict", "-j", "2", "--model", "chars"]
    process = subprocess.Popen(
        [*command, *[str(shots / "00.png")] * 2000],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, preexec_fn=heed_ctrl_c,  # noqa: PLW1509
        env=unmeasured(),
    )  # fmt: skip
    assert process.stdout is not None
    for _ in range(lines):
        assert b"KA301CP" in process.stdout.readline()
    if not lines:
        wait_for_children(process.pid)
    # A terminal sends Ctrl-C to all of them.
    os.killpg(process.pid, sent) if sent == signal.SIGINT else process.send_signal(sent)
    _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (status, b"plate-ocr: stopped\n" if status == 130 else b"")
    deadline = time.monotonic() + 20
    while is_there(process.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_there(process.pid)


def test_a_single_process_does_not_load_what_several_need(shots: Path) -> None:
    code = (
        "import sys; from plate_ocr.app.cli import command_line; "
        "app = command_line('predict'); "
        f"app(['predict', '--model', 'digits', {str(shots / '00.png')!r}], standalone_mode=False); "
        "print('multiprocessing' in sys.modules)"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, check=True, text=True, env=unmeasured())
    assert done.stdout.splitlines()[-1] == "False"
