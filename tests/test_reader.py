"""Pictures in, text out: which reader reads what."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from plate_ocr.errors import DataError, ModelError
from plate_ocr.model.cards import DetectorCard
from plate_ocr.model.sessions import Detector, PlateModel
from plate_ocr.readers.any_picture import AnyReader, classify_picture
from plate_ocr.readers.auto import InputType, PlateReader
from plate_ocr.readers.classical import CharClassifier, ClassicalReader
from plate_ocr.readers.doubt import UNKNOWN_FACTOR
from plate_ocr.readers.photos import PhotoReader
from plate_ocr.readers.plates import BATCH, NetworkReader
from plate_ocr.readers.results import Char, Plate, plate_of, whole_picture
from plate_ocr.vision.detection import Detection
from plate_ocr.vision.geometry import Crop
from plate_ocr.vision.images import Image, ImageSource, read_image
from tests.conftest import text_picture


def test_a_model_must_fit_the_input(tiny_plate_model: Path, tiny_model: Path) -> None:
    with pytest.raises(ModelError, match="reads whole plates; single characters take chars or digits"):
        PlateReader(tiny_plate_model, input="char")
    with pytest.raises(ModelError, match="reads single characters; photos take plates"):
        PlateReader(tiny_model, input="photo")
    with pytest.raises(ValueError, match="'car' is none of auto"):
        PlateReader(tiny_plate_model, input="car")  # type: ignore[arg-type]
    assert len(PlateReader(tiny_model, input="char", threads=1)(text_picture("7")).plates[0].text) == 1


@pytest.mark.parametrize("model", ["tiny_plate_model", "tiny_model"])
def test_an_unknown_region_is_named(model: str, request: pytest.FixtureRequest) -> None:
    with pytest.raises(DataError, match=r"no region 'atlantis'; give one of .*cn.*us"):
        PlateReader(request.getfixturevalue(model), region="atlantis")


def test_a_detector_reads_nothing(tiny_detector: Path) -> None:
    with pytest.raises(ModelError, match="only finds plates; plates, chars and digits read"):
        PlateReader(tiny_detector)


def test_it_tells_characters_plates_and_photos_apart(
    shipped_plates: Path, shipped_detector: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    char, plate = text_picture("7"), text_picture("KA365CP")
    photo = np.full((480, 640), 90, np.uint8)
    photo[200:240, 250:400] = cv2.resize(plate, (150, 40))
    reader = PlateReader(shipped_plates, threads=1)
    together = reader([char, plate, photo, char])
    assert [[found.text for found in reading.plates] for reading in together[:2]] == [["7"], ["KA365CP"]]
    assert together[3].plates == together[0].plates
    sizes = [(reading.height, reading.width) for reading in together]
    assert sizes == [char.shape, plate.shape, photo.shape, char.shape]
    as_photo = PlateReader(shipped_plates, input="photo", threads=1)(photo)
    assert together[2].plates == as_photo.plates
    assert [found.text for found in as_photo.plates] == ["KA365CP"]
    assert reader([]) == []


def none() -> Detector:
    """No detector: what finds plates is told what to say."""
    raise AssertionError


def test_only_what_may_be_a_character_is_taken_for_one(shipped_plates: Path) -> None:
    reader = AnyReader(NetworkReader(PlateModel(shipped_plates, threads=1)), none, threads=1)
    asked: dict[str, list[tuple[int, ...]]] = {"characters": [], "photos": []}

    def says(kind: str) -> Any:
        def read(pictures: list[Image]) -> Any:
            asked[kind] += [picture.shape for picture in pictures]
            return [()]

        detector = SimpleNamespace(card=DetectorCard())
        return SimpleNamespace(
            read=read, detector=detector, detect=lambda _: [], read_photo=lambda gray, _: read([gray])[0]
        )

    reader.__dict__ |= {kind: says(kind) for kind in asked}
    shapes = [(128, 128), (129, 60), (176, 60), (40, 46), (40, 47), (1, 1), (300, 400)]
    reader.read([np.full(shape, 128, np.uint8) for shape in shapes])
    assert asked["characters"] == [(128, 128), (40, 46), (1, 1)]
    assert asked["photos"] == [(176, 60), (300, 400)]


def test_a_picture_that_a_plate_does_not_fill_is_a_photo() -> None:
    def kind(height: int, width: int, wide: float = 0, text: str = "AB123") -> str:
        chars = tuple(Char(char, 1.0, ()) for char in text)
        plate = plate_of(chars, ((0.0, 0.0), (wide, 0.0), (wide, 9.0), (0.0, 9.0)), 1)
        return classify_picture(height, width, [plate] if wide else [])

    assert kind(300, 400) == kind(176, 400) == kind(300, 400, wide=299) == "photo"
    assert kind(175, 400) == kind(300, 400, wide=300) == kind(175, 400, wide=100) == "plate"
    assert kind(40, 40) == kind(40, 40, wide=30, text="AB") == "char"
    assert kind(40, 40, wide=30) == "plate"


@pytest.mark.parametrize(
    ("high", "in_photo", "shape", "filled", "looks"),
    [
        # What is detected is low: a plate in a photo.
        ((44, 20), "PHOTO", (300, 400), 400, "detect read"),
        ((44,), "", (300, 400), 400, "detect read crop"),
        # It is high: a part of the plate that fills the picture, or a plate in a small photo.
        ((20, 45), "PHOTO", (300, 400), 300, "detect crop"),
        ((45,), "PHOTO", (300, 400), 299, "detect crop read"),
        ((45,), "", (300, 400), 299, "detect crop read"),
        # There is nothing at the first scale.
        ((), "PHOTO", (300, 400), 300, "detect crop"),
        ((), "PHOTO", (300, 400), 299, "detect crop read"),
        # As wide as plates.
        ((20,), "PHOTO", (300, 750), 600, "detect read"),
        ((20,), "PHOTO", (300, 751), 600, "crop"),
        ((20,), "PHOTO", (300, 751), 400, "crop detect read"),
    ],
)
def test_what_may_be_a_photo_is_searched_first_and_read_as_a_plate_where_in_doubt(
    high: tuple[int, ...], in_photo: str, shape: tuple[int, int], filled: int, looks: str
) -> None:
    looked = list[str]()

    def says(text: str, wide: float) -> tuple[Plate, ...]:
        corners = ((0.0, 0.0), (wide, 0.0), (wide, 90.0), (0.0, 90.0))
        return (plate_of(tuple(Char(char, 1.0, ()) for char in text), corners),) if text else ()

    def detect(_: Image) -> list[Detection]:
        looked.append("detect")
        boxes = [np.array([[0.0, 0], [90, 0], [90, side], [0, side]]) for side in (*high, 5)]
        # The last one is too faint to tell anything.
        return [Detection(0.9 if i < len(high) else 0.01, box) for i, box in enumerate(boxes)]

    def read_photo(_: Image, places: list[Detection]) -> tuple[Plate, ...]:
        assert len(places) == len(high) + 1
        looked.append("read")
        return says(in_photo, 90)

    def read(pictures: list[Image]) -> list[tuple[Plate, ...]]:
        looked.extend("crop" for _ in pictures)
        return [says("CROP", filled) for _ in pictures]

    plates: Any = SimpleNamespace(read=read, min_plate_confidence=0.78)
    reader = AnyReader(plates, none)
    reader.__dict__["photos"] = SimpleNamespace(
        detector=SimpleNamespace(card=DetectorCard()), detect=detect, read_photo=read_photo
    )
    ((kind, (plate,)),) = reader.classify_and_read([np.zeros(shape, np.uint8)])
    assert " ".join(looked) == looks
    assert kind == ("photo" if "read" in looks else "plate")
    assert plate.text == ("PHOTO" if in_photo and kind == "photo" else "CROP")


@pytest.mark.parametrize(
    ("text", "confidence", "in_photo", "least", "expected"),
    [
        ("P", 0.9, "PHOTO", 0.78, ("photo", "PHOTO")),
        ("P", 0.9, "PHOTO", 0, ("photo", "PHOTO")),
        ("P", 0.98, "PHOTO", 0.78, ("plate", "P")),
        ("PKS", 0.9, "PHOTO", 0.78, ("plate", "PKS")),
        ("P", 0.9, "", 0.78, ("photo", "")),
        ("P", 0.9, "", 0, ("photo", "P")),
        ("P", 0.98, "", 0.78, ("plate", "P")),
    ],
)
def test_a_short_text_must_be_surer_to_fill_a_picture(
    text: str, confidence: float, in_photo: str, least: float, expected: tuple[str, str]
) -> None:
    def says(text: str, confidence: float) -> tuple[Plate, ...]:
        corners = ((0.0, 0.0), (400.0, 0.0), (400.0, 90.0), (0.0, 90.0))
        return (plate_of(tuple(Char(char, confidence, ()) for char in text), corners),) if text else ()

    plates: Any = SimpleNamespace(read=lambda _: [says(text, confidence)], min_plate_confidence=least)
    reader = AnyReader(plates, none)
    reader.__dict__["photos"] = SimpleNamespace(
        detector=SimpleNamespace(card=DetectorCard()),
        detect=lambda _: [],
        read_photo=lambda *_: says(in_photo, 1.0),
    )
    ((kind, read),) = reader.classify_and_read([np.zeros((300, 400), np.uint8)])
    assert (kind, "".join(plate.text for plate in read)) == expected


@pytest.mark.parametrize(
    ("confidence", "turned", "expected"),
    [(0.9, 0.99, ""), (0.9, 0.8, "IWI"), (0.99, 1.0, "IWI")],  # the last is sure at first sight
)
def test_what_is_read_of_a_whole_photo_must_be_upright(
    confidence: float, turned: float, expected: str
) -> None:
    def says(text: str, confidence: float) -> Plate:
        return plate_of(tuple(Char(char, confidence, ()) for char in text), whole_picture(400, 300))

    def read_once(crops: list[Crop]) -> list[Plate]:
        assert crops[0].picture[-1, -1] == 255
        return [says("IMI", turned)]

    picture = np.zeros((300, 400), np.uint8)
    picture[0, 0] = 255
    # What was detected is low, as in a photo, and reads nothing.
    places = [Detection(0.9, np.array([[0.0, 0], [90, 0], [90, 20], [0, 20]]))]
    plates: Any = SimpleNamespace(
        read=lambda pictures: [(says("IWI", confidence),)] * len(pictures),
        read_once=read_once,
        min_plate_confidence=0.78,
    )
    reader = AnyReader(plates, none)
    reader.__dict__["photos"] = SimpleNamespace(
        detector=SimpleNamespace(card=DetectorCard()), detect=lambda _: places, read_photo=lambda *_: ()
    )
    (read,) = reader.read([picture])
    assert "".join(plate.text for plate in read) == expected


@pytest.mark.parametrize(
    ("model", "input", "reads", "batch"),
    [
        ("tiny_plate_model", "plate", NetworkReader, BATCH),
        ("tiny_plate_model", "auto", AnyReader, BATCH),
        ("tiny_plate_model", "photo", PhotoReader, 1),
        ("tiny_model", "plate", ClassicalReader, 1),
        ("tiny_model", "char", CharClassifier, 1),
    ],
)
def test_the_time_of_a_picture_is_that_of_decoding_and_of_reading(
    model: str,
    input: InputType,
    reads: type,
    batch: int,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    shipped_detector: Path,
) -> None:
    path, now = tmp_path / "a.png", 0.0
    cv2.imwrite(str(path), np.zeros((40, 120), np.uint8))

    def decode(source: ImageSource) -> Image:
        nonlocal now
        now += 0 if isinstance(source, np.ndarray) else 2
        return read_image(source)

    def read(_: Any, pictures: list[Image]) -> list[tuple[Plate, ...]]:
        nonlocal now
        now += 3 * len(pictures)
        return [()] * len(pictures)

    monkeypatch.setattr("plate_ocr.readers.auto.perf_counter", lambda: now)
    monkeypatch.setattr("plate_ocr.readers.base.perf_counter", lambda: now)
    monkeypatch.setattr("plate_ocr.readers.base.read_image", decode)
    monkeypatch.setattr(reads, "read", read)
    reader = PlateReader(request.getfixturevalue(model), input=input, threads=1)
    array = np.zeros((40, 120), np.uint8)
    assert reader(path).ms == 5000
    assert reader(array).ms == 3000
    whole: list[ImageSource] = [array if i % 2 else path for i in range(BATCH + 1)]
    expected = [5000, 3000] * (BATCH // 2) if batch == 1 else [4000] * BATCH
    assert [reading.ms for reading in reader(whole)] == [*expected, 5000]


def test_the_bound_of_characters_holds_for_single_ones_too(shipped_plates: Path) -> None:
    picture = text_picture("7")
    (plate,) = PlateReader(shipped_plates, threads=1, min_confidence=1)(picture).plates
    assert plate.text == "?"


def test_characters_that_may_be_in_no_alphabet_are_less_sure(
    tiny_plate_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    doubted = Char("B", 0.9, (), unknown=1 / (UNKNOWN_FACTOR - 1))
    read = plate_of((Char("A", 1.0, ()), doubted), whole_picture(120, 40))
    monkeypatch.setattr(NetworkReader, "read", lambda _, pictures: [(read,)] * len(pictures))
    picture = np.zeros((40, 120), np.uint8)
    reader = PlateReader(tiny_plate_model, input="plate", threads=1)
    (plate,) = reader(picture).plates
    assert plate.text == "AB"
    assert plate.min_confidence == pytest.approx(0.765)
    (plate,) = reader.with_settings(min_confidence=0.8)(picture).plates
    assert plate.text == "A?"
    assert reader.with_settings(min_plate_confidence=0.85)(picture).plates
    assert not reader.with_settings(min_plate_confidence=0.9)(picture).plates
    # The model's own bound is one of probabilities.
    bound = reader.model.card.min_confidence
    faint = plate_of((Char("A", bound * 1.1, (), unknown=0.5),), whole_picture(120, 40))
    monkeypatch.setattr(NetworkReader, "read", lambda _, pictures: [(faint,)] * len(pictures))
    (plate,) = PlateReader(tiny_plate_model, input="plate", threads=1)(picture).plates
    assert plate.text == "A"
    assert plate.confidence == pytest.approx(bound)


def test_the_surest_plate_comes_first_doubt_included(
    tiny_plate_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    doubted = plate_of((Char("A", 0.9, (), unknown=1 / (UNKNOWN_FACTOR - 1)),), whole_picture(120, 40))
    sure = plate_of((Char("B", 0.8, ()),), whole_picture(120, 40))
    monkeypatch.setattr(NetworkReader, "read", lambda *_: [(doubted, sure)])
    reader = PlateReader(tiny_plate_model, input="plate", threads=1)
    assert [plate.text for plate in reader(np.zeros((40, 120), np.uint8)).plates] == ["B", "A"]
