"""The library as others call it: what goes in, what comes out, what is refused."""

from __future__ import annotations

import io
import json
import logging
import pickle
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, assert_type

import cv2
import numpy as np
import onnxruntime
import PIL.Image
import pytest
import torch

import plate_ocr
from plate_ocr import CharClassifier, CharReading, ImageError, Plate, PlateReader, Reading
from plate_ocr.errors import DeviceError, ModelError
from plate_ocr.log import warn
from plate_ocr.model.sessions import CharModel
from plate_ocr.readers.classical import BATCH
from plate_ocr.readers.lazy import ready
from plate_ocr.readers.results import Char, plate_of
from plate_ocr.video import VehicleTrack, watch
from plate_ocr.vision.images import Image, ImageSource
from tests.conftest import CPU_PROVIDER, CUDA, OPENVINO, Learnt, encode, text_picture

ROOT = Path(__file__).parent.parent
DIGITS = "0123"
CHARS = (Char("A", 0.98765, (("4", 0.01234),), extent=ready((0.25, 0.500001))), Char(None, 0.5, ()))
PLATE = plate_of(CHARS, ((1.0, 2.0), (101.0, 2.04), (101.0, 22.0), (1.0, 22.0)))
READING = Reading(640, 480, 3.14159, (PLATE,))
NOTHING = Reading(640, 480, 3.14159, ())


@pytest.fixture(scope="module")
def pictures() -> list[Image]:
    """Four digits, of one size."""
    return [np.asarray(cv2.resize(text_picture(digit), (30, 40)), np.uint8) for digit in DIGITS]


@pytest.fixture(scope="module", params=[CharClassifier, PlateReader])
def reader(request: pytest.FixtureRequest, learnt: Learnt) -> Any:
    """Either reader of a small trained model."""
    return request.param(learnt.folder, threads=1)


def said(result: CharReading | Reading) -> Any:
    """All but the time of what was read."""
    if isinstance(result, Reading):
        return result.width, result.height, result.plates
    return result.char, np.round(result.scores, 5).tolist()


def test_a_reading_is_the_object_of_the_command_line() -> None:
    assert READING.to_dict() == {
        "width": 640,
        "height": 480,
        "ms": 3.14,
        "plates": [
            {
                "text": "A?",
                "confidence": 0.7438,
                "min_confidence": 0.5,
                "lines": 1,
                "corners": [[1.0, 2.0], [101.0, 2.0], [101.0, 22.0], [1.0, 22.0]],
                "touches_edge": False,
                "chars": [
                    {
                        "char": "A",
                        "confidence": 0.9877,
                        "alternatives": [["4", 0.0123]],
                        "x0": 0.25,
                        "x1": 0.5,
                    },
                    {"char": None, "confidence": 0.5, "alternatives": [], "x0": None, "x1": None},
                ],
                "groups": None,
                "known": None,
                "detection": None,
                "region": None,
                "text_latin_digits": "A?",
                "text_native": None,
            }
        ],
    }


@pytest.mark.slow
def test_the_command_line_writes_that_object(learnt: Learnt) -> None:
    command = [sys.executable, "-m", "plate_ocr", "predict", "--json", "--model", str(learnt.folder)]
    done = subprocess.run(
        [*command, "--input", "char", "data/7.png"], cwd=ROOT, check=True, capture_output=True
    )
    written = json.loads(done.stdout)
    assert (written.pop("image"), written.pop("error")) == ("data/7.png", None)
    read = PlateReader(learnt.folder, input="char")(ROOT / "data" / "7.png").to_dict()
    assert written.pop("ms") > 0
    assert read.pop("ms") > 0
    assert written == read


def test_the_text_is_that_of_the_first_plate() -> None:
    assert READING.text == "A?"
    assert Reading(640, 480, 1.0, (plate_of(CHARS[:1], PLATE.corners), PLATE)).text == "A"
    assert NOTHING.text == ""


@pytest.mark.parametrize(
    ("thing", "shown"),
    [
        (READING, "<Reading A? 0.74, 640×480>"),
        (NOTHING, "<Reading without a plate, 640×480>"),
        (PLATE, "<Plate A? 0.74, 100×20>"),
        (CHARS[0], "<Char A 0.99>"),
        (CharReading(None, 0.25, (), np.zeros(10, np.float32)), "<CharReading ? 0.25>"),
    ],
)
def test_what_was_read_is_shown_in_a_few_words(thing: Any, shown: str) -> None:
    assert repr(thing) == shown


def file_of(picture: Image) -> io.BytesIO:
    return io.BytesIO(encode(PIL.Image.fromarray(picture)))


MANY: dict[str, Callable[[list[Image]], Any]] = {
    "list": lambda pictures: pictures,
    "tuple": tuple,
    "generator": lambda pictures: (picture for picture in pictures),
    "map": lambda pictures: map(file_of, pictures),
    "values": lambda pictures: dict(enumerate(pictures)).values(),
    "list of tensors": lambda pictures: [torch.from_numpy(picture.copy()) for picture in pictures],
    "batch": lambda pictures: np.stack(pictures)[:, None],
    "batch of colours": lambda pictures: np.stack([[picture] * 3 for picture in pictures]),
    "batch of floats": lambda pictures: np.stack(pictures)[:, None] / 255,
    "tensor": lambda pictures: torch.from_numpy(np.stack(pictures))[:, None],
    "tensor of floats": lambda pictures: torch.from_numpy(np.stack(pictures))[:, None] / 255,
}


@pytest.mark.parametrize("given", MANY)
def test_many_pictures_may_be_given_in_many_forms(given: str, reader: Any, pictures: list[Image]) -> None:
    expected = [said(reader(picture)) for picture in pictures]
    found = reader(MANY[given](pictures))
    assert isinstance(found, list)
    assert [said(one) for one in found] == expected
    assert len({str(one) for one in expected}) == len(DIGITS)


@pytest.mark.parametrize("given", [file_of, lambda one: one / 255, lambda one: torch.from_numpy(one.copy())])
def test_one_picture_gives_one_reading(
    given: Callable[[Image], Any], reader: Any, pictures: list[Image]
) -> None:
    assert said(reader(given(pictures[2]))) == said(reader(pictures[2]))


@pytest.mark.parametrize("nothing", [[], (), iter(()), np.empty((0, 3, 40, 30)), torch.empty(0, 1, 40, 30)])
def test_no_pictures_give_no_readings(nothing: Any, reader: Any) -> None:
    assert reader(nothing) == []


def test_arrays_are_blue_green_red_and_images_have_their_mode(pictures: list[Image], reader: Any) -> None:
    # A digit that only red shows: grey of 76 in one order, of 29 in the other.
    red = np.zeros((40, 30, 3), np.uint8)
    red[:, :, 2] = pictures[1]
    blue = np.ascontiguousarray(red[:, :, ::-1])
    as_red = [red, red.transpose(2, 0, 1)[None], torch.from_numpy(red), PIL.Image.fromarray(blue)]
    for given in as_red:
        result = reader(given)
        assert said(result[0] if isinstance(result, list) else result) == said(reader(red))
    seen = [plate_ocr.read_image(one) for one in (red, torch.from_numpy(red), PIL.Image.fromarray(blue))]
    assert all((one == red).all() for one in seen)


def test_a_generator_is_read_no_further_than_needed(learnt: Learnt, pictures: list[Image]) -> None:
    taken = list[int]()

    def source() -> Iterator[ImageSource]:
        for i in range(2 * BATCH + 2):
            taken.append(i)
            yield pictures[0] if i < BATCH else b""

    with pytest.raises(ImageError, match=f"^at index {BATCH}: the bytes given: the file is empty"):
        CharClassifier(learnt.folder, threads=1)(source())
    assert len(taken) == 2 * BATCH


RANGE = "0 to 1 is expected (of uint8, 0 to 255)"
WRONG = pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("missing.png", "cannot read missing.png: No such file or directory"),
        (b"", "the bytes given: the file is empty"),
        (io.BytesIO(b"text"), "the file given: not a picture in a known format, or a damaged one"),
        (np.full((4, 4), 1.5), f"an array of float64 has values from 1.5 to 1.5: {RANGE}"),
        (np.full((4, 4), np.nan), f"an array of float64 has values from nan to nan: {RANGE}"),
    ],
)


@WRONG
def test_the_error_of_one_of_many_names_its_index(
    wrong: Any, message: str, reader: Any, pictures: list[Image]
) -> None:
    for pair in ([pictures[0], wrong], (one for one in (pictures[0], wrong))):
        with pytest.raises(ImageError, match=f"^at index 1: {re.escape(message)}$"):
            reader(pair)
    with pytest.raises(ImageError, match=f"^{re.escape(message)}$"):
        reader(wrong)


@WRONG
def test_errors_can_be_returned_in_the_place_of_readings(
    wrong: Any, message: str, reader: Any, pictures: list[Image]
) -> None:
    first, error, last = reader([pictures[0], wrong, pictures[1]], on_error="return")
    assert [said(first), said(last)] == [said(reader(pictures[0])), said(reader(pictures[1]))]
    alone = reader(wrong, on_error="return")
    for one in (error, alone):
        assert type(one) is ImageError
        assert str(one) == message
        assert one.__traceback__ is None
    assert [str(one) for one in reader([wrong], on_error="return")] == [message]


def test_a_picture_of_a_batch_has_its_own_error(reader: Any, pictures: list[Image]) -> None:
    batch = np.stack(pictures)[:, None] / 255
    batch[2, 0, 5, 5] = 1.01
    with pytest.raises(ImageError, match=r"^at index 2: .* values from 0\.\d+ to 1\.01: 0 to 1 is expected"):
        reader(batch)
    found = reader(torch.from_numpy(batch), on_error="return")
    assert [isinstance(one, ImageError) for one in found] == [False, False, True, False]


def test_what_becomes_of_errors_must_be_known(reader: Any, pictures: list[Image]) -> None:
    with pytest.raises(ValueError, match="on_error 'ignore' is none of raise, return"):
        reader(pictures, on_error="ignore")


@pytest.mark.parametrize("opens", [CharClassifier, PlateReader])
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        *(
            ({"threads": wrong}, f"threads={wrong!r}: a whole number from 1 to 1024 is expected")
            for wrong in (-1, 0, 1025, True, 2.0, "2")
        ),
        *(
            ({"min_confidence": wrong}, f"min_confidence={wrong!r}: a number from 0 to 1 is expected")
            for wrong in (2, -0.1, float("nan"), float("inf"), False, "0.5")
        ),
        *(
            ({"providers": wrong}, f"providers={wrong!r}: cuda, coreml, openvino, cpu, auto, a name")
            for wrong in (7, [], [0], ("cpu", None))
        ),
        *(
            ({"model": wrong}, f"model={wrong!r}: plates, chars, digits, detector or a path is expected")
            for wrong in (None, 5, b"plates")
        ),
    ],
)
def test_settings_are_checked(
    opens: Callable[..., Any], settings: dict[str, Any], message: str, learnt: Learnt
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        opens(**{"model": learnt.folder, **settings})


def test_what_the_plate_network_is_given_is_checked_too(tiny_plate_model: Path) -> None:
    for input in ("auto", "photo", "plate"):
        with pytest.raises(ValueError, match=r"min_confidence=1\.5: a number from 0 to 1"):
            PlateReader(tiny_plate_model, input=input, min_confidence=1.5)
    assert PlateReader(tiny_plate_model, min_confidence=np.float32(0.5), threads=2).alphabet == "0A皖"  # type: ignore[arg-type]


@pytest.mark.parametrize("opens", [CharClassifier, PlateReader])
def test_a_reader_is_pickled_with_its_settings(
    opens: Callable[..., Any],
    learnt: Learnt,
    pictures: list[Image],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(learnt.folder)
    reader = opens("model.onnx", threads=1, min_confidence=1, providers="cpu")
    data = pickle.dumps(reader)
    assert len(data) < 1000
    monkeypatch.chdir(tmp_path)
    copy = pickle.loads(data)
    assert type(copy) is opens
    assert said(copy(pictures[0])) == said(reader(pictures[0]))
    assert said(copy(pictures[0])) != said(
        opens(learnt.folder, threads=1)(pictures[0])
    )  # where nothing must be so sure
    assert copy.model.settings == {"threads": 1, "providers": "cpu"}
    assert copy.model.path == learnt.folder / "model.onnx"


def test_a_pickled_reader_needs_its_model(learnt: Learnt, tmp_path: Path) -> None:
    path = tmp_path / "mine.onnx"
    path.write_bytes((learnt.folder / "model.onnx").read_bytes())
    data = pickle.dumps(CharClassifier(CharModel(path, threads=1)))
    assert pickle.loads(data).model.settings["threads"] == 1
    path.unlink()
    with pytest.raises(ModelError, match=r"there is no model '.*mine\.onnx'"):
        pickle.loads(data)


def test_a_detector_of_ones_own_finds_the_plates(
    tiny_detector: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    street = plate_ocr.read_image(ROOT / "data" / "street.jpg")
    shipped = PlateReader(input="photo", threads=1).detect(street)
    monkeypatch.chdir(tiny_detector.parent)
    reader = PlateReader(detector=tiny_detector.name, threads=1)
    found = reader.detect(street)
    assert str(found) != str(shipped)
    monkeypatch.chdir(tmp_path.root)
    copy = pickle.loads(pickle.dumps(reader))
    np.testing.assert_array_equal(copy.detect(street), found)
    with pytest.raises(ModelError, match="belongs to photos"):
        PlateReader(detector=tiny_detector, input="plate")


def test_the_kind_of_picture_and_the_region_are_pickled(shipped_plates: Path) -> None:
    picture = text_picture("KA365CP")
    for settings in ({"input": "plate"}, {"input": "photo"}, {"region": "cn"}):
        reader: Any = PlateReader(shipped_plates, threads=1, **settings)  # type: ignore[arg-type]
        assert said(pickle.loads(pickle.dumps(reader))(picture)) == said(reader(picture))


@pytest.mark.parametrize("opens", [CharClassifier, PlateReader])
def test_a_closed_reader_reads_no_more(
    opens: Callable[..., Any], learnt: Learnt, pictures: list[Image]
) -> None:
    with opens(learnt.folder, threads=1) as reader:
        assert reader(pictures)
    for given in (pictures[0], pictures, [], "missing.png"):
        with pytest.raises(ValueError, match=f"^this {opens.__name__} is closed; open another one$"):
            reader(given)
    with pytest.raises(ValueError, match=r"model\.onnx was closed"):
        _ = reader.providers
    reader.close()
    assert set(DIGITS) < set(reader.alphabet)


def test_closing_while_another_thread_reads_is_an_error_there(
    shipped_plates: Path, pictures: list[Image]
) -> None:
    reader = PlateReader(shipped_plates, threads=1)

    def source() -> Iterator[Image]:
        yield from pictures * 4
        reader.close()
        yield pictures[0]

    with pytest.raises(ValueError, match="this PlateReader is closed"):
        reader(source())


def test_an_error_leaves_the_reader_closed(learnt: Learnt) -> None:
    with pytest.raises(ImageError), CharClassifier(learnt.folder) as reader:
        reader("missing.png")
    assert reader.model.closed


def test_the_processor_is_used_unless_another_is_asked_for(learnt: Learnt) -> None:
    for providers in (None, "cpu", "CPUExecutionProvider", ["cpu"], ("CPUExecutionProvider",)):
        reader = CharClassifier(learnt.folder, providers=providers)
        assert reader.providers == ("CPUExecutionProvider",)


@pytest.mark.parametrize("opens", [CharClassifier, PlateReader])
@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("cuda", "no provider 'cuda', it has cpu, Other.*put onnxruntime-gpu in the place of onnxruntime"),
        ("openvino", "no provider 'openvino', it has cpu, Other.*put onnxruntime-openvino in the place"),
        ("coreml", "no provider 'coreml', it has cpu, OtherExecutionProvider; .* macOS has it"),
        ("gpu", "no provider 'gpu', it has cpu, OtherExecutionProvider$"),
        ("CUDAExecutionProvider", "no provider 'CUDAExecutionProvider', it has cpu, OtherExecutionProvider$"),
        (["cpu", "cuda"], "no provider 'cuda'"),
        (["auto", "cpu"], "no provider 'auto'"),
    ],
)
def test_a_provider_that_is_not_there_is_an_error(
    opens: Callable[..., Any], asked: Any, message: str, learnt: Learnt, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = ["OtherExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: there)
    with pytest.raises(DeviceError, match=f"^this ONNX Runtime has {message}"):
        opens(learnt.folder, providers=asked)


def test_a_provider_that_does_not_start_is_an_error(
    with_broken_cuda: list[list[str]], learnt: Learnt, tmp_path: Path
) -> None:
    with pytest.raises(DeviceError, match=rf"cannot be run by {CUDA}: it does not start \(libcudnn.*file\)$"):
        CharClassifier(learnt.folder, providers="cuda")
    (tmp_path / "cut.onnx").write_bytes((learnt.folder / "model.onnx").read_bytes()[:500])
    with pytest.raises(ModelError, match=r"cut\.onnx is not a whole ONNX model"):
        CharClassifier(tmp_path / "cut.onnx", providers="cuda")


def test_a_provider_that_onnx_runtime_leaves_out_is_an_error(
    learnt: Learnt, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_session = onnxruntime.InferenceSession
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CUDA, CPU_PROVIDER])
    monkeypatch.setattr(
        onnxruntime,
        "InferenceSession",
        lambda data, options, **_: open_session(data, options, providers=[CPU_PROVIDER]),
    )
    with pytest.raises(DeviceError, match=f"cannot be run by {CUDA}: it does not start"):
        CharClassifier(learnt.folder, providers="cuda")


def test_auto_takes_the_first_that_starts_and_tells(
    with_broken_cuda: list[list[str]],
    learnt: Learnt,
    pictures: list[Image],
    caplog: pytest.LogCaptureFixture,
) -> None:
    reader = CharClassifier(learnt.folder, providers="auto")
    assert reader.providers == (OPENVINO, CPU_PROVIDER)
    assert with_broken_cuda == [
        [CUDA],
        [CPU_PROVIDER],
        [OPENVINO],
    ]  # once to tell a broken file from a broken card
    assert reader(pictures[3]).char == DIGITS[3]
    (message,) = caplog.messages
    assert f"cannot be run by {CUDA}" in message


def test_all_networks_run_where_it_was_asked_for(
    with_broken_cuda: list[list[str]], shipped_plates: Path, shipped_detector: Path
) -> None:
    PlateReader(shipped_plates, input="photo", providers="openvino")
    # ONNX Runtime lists the processor with every provider, and what finds a text runs where it is read.
    finder = [OPENVINO, CPU_PROVIDER]
    assert with_broken_cuda == [[OPENVINO], finder, [OPENVINO]]
    reader = PlateReader(shipped_plates, providers="openvino")
    assert reader(text_picture("7")).text == "7"
    assert len(reader([np.full((480, 640), 90, np.uint8)])) == 1
    assert with_broken_cuda == [[OPENVINO], finder, [OPENVINO]] * 2 + [[OPENVINO]]


def test_a_video_is_watched_by_a_reader(
    shipped_plates: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    frames = []
    for left in range(100, 220, 20):
        frame = np.full((480, 640, 3), 90, np.uint8)
        frame[200:240, left : left + 150] = cv2.resize(text_picture("KA365CP"), (150, 40))[:, :, None]
        frames.append(PIL.Image.fromarray(frame))
    path = tmp_path / "drive.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=200)
    with PlateReader(shipped_plates, input="photo", threads=1) as reader:
        (car,) = watch(path, reader)
    assert isinstance(car, VehicleTrack)
    assert car.plate.text == "KA365CP"
    assert not caplog.messages


def test_of_a_video_the_log_tells(learnt: Learnt, caplog: pytest.LogCaptureFixture, monkeypatch: Any) -> None:
    class Short:
        """19 pictures of the 20 that it claims, at 25 a second."""

        left = 19

        def get(self, what: int) -> float:
            return {cv2.CAP_PROP_FPS: 25.0, cv2.CAP_PROP_FRAME_COUNT: 20.0}.get(what, 0.0)

        def read(self) -> tuple[bool, Any]:
            self.left -= 1
            return self.left >= 0, np.zeros((48, 64, 3), np.uint8)

    monkeypatch.setattr("plate_ocr.video.watcher.open_capture", lambda *_: (Short(), False))
    (nothing,) = watch("a.mp4", PlateReader(learnt.folder))
    assert isinstance(nothing, Reading)
    assert caplog.messages == ["a.mp4: 1 of 20 pictures could not be read"]


def test_warnings_go_to_the_log_of_the_package(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("plate_ocr"), "handlers", [])
    warn("100% of it")
    (record,) = caplog.records
    assert (record.name, record.levelname, record.message) == ("plate_ocr", "WARNING", "100% of it")
    assert record.filename == Path(__file__).name
    warn("again")
    (handler,) = logging.getLogger("plate_ocr").handlers
    assert isinstance(handler, logging.NullHandler)


@pytest.mark.slow
def test_nothing_is_printed_where_nobody_logs() -> None:
    code = "from plate_ocr.log import warn; warn('unseen')"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)
    assert (done.stdout, done.stderr) == (b"", b"")


if TYPE_CHECKING:

    def what_type_checkers_know(reader: PlateReader, classifier: CharClassifier, image: Image) -> None:
        """One in, one out; many in, a list out."""
        paths: list[Path] = []
        assert_type(reader("a.png"), Reading)
        assert_type(reader(image), Reading)
        assert_type(reader(io.BytesIO()), Reading)
        assert_type(reader(torch.zeros(4, 4)), Reading)
        assert_type(reader(PIL.Image.new("L", (4, 4)), on_error="return"), Reading | ImageError)
        assert_type(reader(paths), list[Reading])
        assert_type(reader(("a.png", "b.png")), list[Reading])
        assert_type(reader(path for path in paths), list[Reading])
        assert_type(reader(["a.png", b"", image]), list[Reading])
        assert_type(reader([image], on_error="return"), list[Reading | ImageError])
        assert_type(classifier(b""), CharReading)
        assert_type(classifier([image, image]), list[CharReading])
        plate: Plate = reader(image).plates[0]
        assert_type(plate.text, str)
