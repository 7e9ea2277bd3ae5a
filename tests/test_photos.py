"""Plates read by the plate network: cut out, and looked for in photos."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from plate_ocr.alphabet import Alphabet
from plate_ocr.model.cards import DetectorCard, PlateCard
from plate_ocr.model.sessions import Detector, PlateModel
from plate_ocr.readers import photos
from plate_ocr.readers.auto import PlateReader
from plate_ocr.readers.photos import WINDOW, PhotoReader, reads_better
from plate_ocr.readers.plates import BATCH, NetworkReader
from plate_ocr.readers.results import Char, Plate, plate_of, whole_picture
from plate_ocr.rendering.flat_plate import draw_plate
from plate_ocr.rendering.plates import PlateGenerator
from plate_ocr.rendering.scenes import Scene, SceneGenerator
from plate_ocr.vision.detection import Detection, DetectorRun
from plate_ocr.vision.geometry import crop_box, overlap, rectify, whole_crop
from plate_ocr.vision.images import Image
from tests.conftest import text_picture

Answer = Callable[..., Plate | None]

CORNERS = np.array([[20.0, 10.0], [80.0, 10.0], [80.0, 30.0], [20.0, 30.0]])

FOUND = np.array([[-0.02, 0.1], [0.9, 0.2], [0.95, 1.1], [0.05, 0.9]], np.float32)
"""Corners of the plate; two lie beyond the picture."""


TEXT = np.array([[0.1, 0.2], [0.8, 0.3], [0.85, 0.8], [0.15, 0.8]])


@pytest.fixture
def network_says(tiny_plate_model: Path, plate_card: PlateCard, monkeypatch: pytest.MonkeyPatch) -> Answer:
    """What is read where the network names these characters at these steps, with these probabilities."""
    monkeypatch.setattr("plate_ocr.readers.regions.PRIOR_WEIGHT", 0.0)

    def read(steps: dict[int, dict[str, float]], card_region: str = "", **settings: Any) -> Plate | None:
        probabilities = np.zeros((plate_card.steps, len(plate_card.alphabet) + 1), np.float32)
        for step, named in steps.items():
            for char, probability in named.items():
                probabilities[step, plate_card.alphabet.encode(char)[0] + 1] = probability
        probabilities[:, 0] = 1 - probabilities.sum(1)
        model = PlateModel(tiny_plate_model)
        model.card = dataclasses.replace(model.card, region=card_region)
        reader = NetworkReader(model, **settings)
        points = np.concatenate([TEXT, FOUND]).astype(np.float32)
        return reader.interpret(probabilities, points, (200, 60), np.empty(0, np.float32))[1]

    return read


def test_steps_of_the_network_become_characters(network_says: Answer) -> None:
    plate = network_says({3: {"皖": 0.6}, 4: {"皖": 0.9, "A": 0.08}, 9: {"A": 0.7, "0": 0.2}})
    assert plate is not None
    assert (plate.text, plate.lines) == ("皖A", 1)
    assert plate.confidence == pytest.approx(0.8)
    assert plate.min_confidence == pytest.approx(0.7)
    np.testing.assert_allclose(plate.corners, [[0, 6], [180, 12], [190, 60], [10, 54]], atol=1e-4)
    first, second = plate.chars
    assert first.confidence == pytest.approx(0.9)
    assert [other for other, _ in first.alternatives] == ["A", "0"]
    assert second.alternatives[0][0] == "0"
    assert second.alternatives[0][1] == pytest.approx(0.2)


def test_both_rows_of_the_network_are_two_lines(network_says: Answer) -> None:
    steps = (2, 8, 40, 46)
    plate = network_says({step: {char: 0.9} for step, char in zip(steps, "A0皖A", strict=True)})
    assert plate is not None
    assert (plate.text, plate.lines) == ("A0皖A", 2)


def test_a_doubtful_character_is_unknown_and_nothing_but_doubt_is_no_plate(network_says: Answer) -> None:
    steps = {2: {"A": 0.9}, 9: {"0": 0.5, "A": 0.3}}
    plate = network_says(steps, min_confidence=0.6)
    assert plate is not None
    assert plate.text == "A?"
    assert plate.chars[1].char is None
    assert [other for other, _ in plate.chars[1].alternatives] == ["0", "A", "皖"]
    assert network_says({}) is None


def test_a_character_of_no_alphabet_is_unknown_however_sure_it_is(plate_card: PlateCard) -> None:
    card = dataclasses.replace(plate_card, alphabet=Alphabet("0A皖", unknown=True))
    crop = whole_crop(np.zeros((20, 60), np.uint8))
    (plate,) = reader_of(Says(card, ("A?0", 0.96, 1.0))).read_once([crop])
    assert plate is not None
    assert plate.text == "A?0"
    assert plate.chars[1].char is None
    assert plate.chars[1].confidence == pytest.approx(0.48)
    assert {other for char in plate.chars for other, _ in char.alternatives} == {*"0A皖"}


def test_a_character_says_how_likely_it_is_none_of_the_alphabet(plate_card: PlateCard) -> None:
    class Doubts(Says):
        """The rest of each character's probability is that of the last class."""

        def __call__(self, pictures: Image) -> Any:
            shares, *others = super().__call__(pictures)
            chars = shares[:, :, 1:].any(2)
            shares[chars, -1] += shares[chars, 0]
            shares[chars, 0] = 0
            return shares, *others

    crop = whole_crop(np.zeros((20, 60), np.uint8))
    for alphabet, unknown in ((Alphabet("0A皖", unknown=True), 0.03), (Alphabet("0A皖"), 0.0)):
        says = Doubts(dataclasses.replace(plate_card, alphabet=alphabet), ("A0", 0.97, 1.0))
        (plate,) = reader_of(says).read_crops([[crop]])
        assert plate is not None
        assert [char.confidence for char in plate.chars] == pytest.approx([0.97] * 2)
        assert [char.unknown for char in plate.chars] == pytest.approx([unknown] * 2)


def test_a_plate_has_one_unknown_character_but_not_several(plate_card: PlateCard) -> None:
    card = dataclasses.replace(plate_card, alphabet=Alphabet("0A皖", unknown=True))
    crops = [[whole_crop(np.zeros((20, 60), np.uint8))]]
    for text, found in (("0A0A?A0", True), ("0A???A0", False)):
        says = Says(card, *[(text, 0.99, 1.0)] * 3)
        says.card = dataclasses.replace(says.card, min_plate_confidence=0.85)
        (plate,) = reader_of(says).read_crops(crops)
        assert (plate is not None) == found


class Says:
    """A plate network that is told its answers: text, confidence of each character, size of the plate."""

    def __init__(self, card: PlateCard, *answers: tuple[str, float, float]) -> None:
        self.card = dataclasses.replace(card, min_plate_confidence=0.7)
        self.answers, self.batches = [*answers], list[int]()

    def __call__(
        self, pictures: Image
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Probabilities, corners of text and plate, which are the same, and even ones of regions."""
        self.batches.append(len(pictures))
        shares = np.zeros((len(pictures), self.card.steps, len(self.card.alphabet) + 1), np.float32)
        points = list[Any]()
        for row in shares:
            text, share, reach = self.answers.pop(0)
            row[2 + 3 * np.arange(len(text)), np.array(self.card.alphabet.encode(text)) + 1] = share
            points.append([[0, 0], [reach, 0], [reach, reach], [0, reach]] * 2)
        shares[:, :, 0] = 1 - shares.sum(2)
        regions = np.full((len(pictures), len(self.card.regions)), 0.5, np.float32)
        return shares, np.array(points, np.float32), regions


NOTHING = ("A", 0.1, 1.0)
"""What the network says of what is no plate, or hangs upside down."""


def reader_of(says: Any) -> NetworkReader:
    return NetworkReader(says)


@pytest.mark.parametrize(
    ("first", "second", "wide", "read"),
    [
        (0.8, 0.95, 0.5, "0"),  # the closer look is surer
        (0.75, 0.7, 0.5, "A"),
        (0.92, 0.99, 0.5, "A"),  # sure at once
        (0.8, 0.99, 0.95, "A"),  # nothing to come closer to
        (0.6, 0.95, 0.5, "0"),
        (0.6, 0.65, 0.5, ""),  # too unsure that there is a plate
    ],
)
def test_an_unsure_plate_in_a_loose_crop_is_looked_at_closer(
    first: float, second: float, wide: float, read: str, plate_card: PlateCard
) -> None:
    reader = reader_of(Says(plate_card, ("A", first, wide), ("0", second, 1.0)))
    (plate,) = reader.read_crops([[whole_crop(np.zeros((100, 200), np.uint8))]])
    assert (plate.text if plate else "") == read
    if plate and read == "0":
        # The plate fills the crop of the closer look, which has a margin about the first one's corners.
        np.testing.assert_allclose(plate.corners[2], [108, 57])


@pytest.mark.parametrize(
    ("answers", "short", "read"),
    [
        ([("A0A", 0.8), ("AAA", 0.75)], 0.0, "A0A"),
        ([("A0A", 0.75), ("AAA", 0.8)], 0.0, "AAA"),
        ([("A0A", 0.95)], 0.0, "A0A"),  # sure at once
        ([("A0A", 0.75), ("AAA", 0.6)], 0.0, "A0A"),  # too unsure to be a plate
        ([("A0A", 0.6)], 0.0, ""),  # no plate in the first crop
        ([("A0A", 0.8), ("A", 0.85), ("AAA", 0.82)], 0.9, "AAA"),  # short, and not sure enough for that
        ([("A0A", 0.8), ("A", 0.85), ("AAA", 0.82)], 0.8, "A"),
        ([("A", 0.8)], 0.85, ""),
        ([("A0A", 0.8), ("AAA", 0.95)], 0.0, "AAA"),  # the third crop is not needed
    ],
)
def test_the_next_crop_is_read_where_one_is_unsure_and_the_surer_reading_stays(
    answers: list[tuple[str, float]], short: float, read: str, plate_card: PlateCard
) -> None:
    says = Says(plate_card, *((text, share, 1.0) for text, share in answers))
    crops = [crop_box(np.zeros((100, 200), np.uint8), CORNERS + 10 * i, (0, 0)) for i in range(3)]
    (plate,) = reader_of(says).read_crops([crops[:2] if len(answers) < 3 else crops], short_confidence=short)
    assert (plate.text if plate else "") == read
    # All answers were asked for, and no other.
    assert says.answers == []
    if plate:
        which = [text for text, _ in answers].index(read)
        np.testing.assert_allclose(plate.corners, CORNERS + 10 * which)


@pytest.mark.parametrize(
    ("text", "least", "read"),
    [("A", 0.0, "A"), ("A", 0.1, ""), ("A0A", 0.0, "A0A"), ("A0A", 0.1, "A0A"), ("A0A", None, "")],
)
def test_all_readings_can_be_asked_for(
    text: str, least: float | None, read: str, plate_card: PlateCard
) -> None:
    says: Any = Says(plate_card, (text, 0.6, 1.0))
    reader = NetworkReader(says, min_plate_confidence=least)
    (plate,) = reader.read_crops([[whole_crop(np.zeros((40, 120), np.uint8))]], short_confidence=0.97)
    assert (plate.text if plate else "") == read


def test_only_unsure_plates_of_a_batch_are_read_again(plate_card: PlateCard) -> None:
    texts = ["A0A", "AAA", "00A"]
    says = Says(
        plate_card, *((text, share, 1.0) for text, share in zip(texts, (0.8, 0.95, 0.85), strict=True))
    )
    says.answers += [("000", 0.9, 1.0), ("0AA", 0.8, 1.0)]
    cut = whole_crop(np.zeros((40, 120), np.uint8))
    plates = reader_of(says).read_crops([(cut, cut)] * 3)
    assert [plate.text for plate in plates if plate] == ["000", "AAA", "00A"]
    assert says.batches == [3, 2]
    assert reader_of(says).read_crops([]) == []


def test_a_region_helps_with_what_looks_alike(network_says: Answer) -> None:
    steps = {4: {"皖": 0.9}, 9: {"0": 0.5, "A": 0.4}} | {14 + 5 * i: {"A": 0.9} for i in range(5)}
    free, china = network_says(steps), network_says(steps, region="cn")
    assert free is not None
    assert china is not None
    assert (free.text, china.text) == ("皖0AAAAA", "皖AAAAAA")
    assert china.chars[1].confidence > 0.7
    assert network_says(steps, card_region="cn") == china
    assert network_says(steps, card_region="us", region="cn") == china
    either = network_says(steps, card_region="us", region=["gb", "CN"])
    assert either is not None
    assert either.chars == china.chars
    assert network_says(steps, card_region="cn", region=()) == china


def test_a_plate_model_reads_lists_like_single_pictures(tiny_plate_model: Path) -> None:
    reader = PlateReader(tiny_plate_model, threads=1, min_confidence=0)
    pictures = [text_picture(text) for text in ("A0", "00A", "A")]
    together = reader(pictures)
    for picture, reading in zip(pictures, together, strict=True):
        alone = reader(picture)
        assert (reading.width, reading.height) == (picture.shape[1], picture.shape[0])
        assert [plate.text for plate in alone.plates] == [plate.text for plate in reading.plates]
    assert reader([]) == []
    assert reader.alphabet == "0A皖"


@pytest.mark.parametrize("shape", [(2, 3), (20, 4000), (1, 1), (400, 3)])
def test_crops_of_any_form_are_looked_at(shape: tuple[int, int], shipped_plates: Path) -> None:
    picture = np.full(shape, 128, np.uint8)
    assert PlateReader(shipped_plates, threads=1)(picture).plates == ()


def test_the_shipped_model_reads_a_plate(shipped_plates: Path) -> None:
    for invert in (False, True):
        picture = text_picture("KA365CP")
        (plate,) = PlateReader(shipped_plates, threads=1)(255 - picture if invert else picture).plates
        assert (plate.text, plate.lines) == ("KA365CP", 1)


@pytest.mark.parametrize(("region", "loose"), [("us", False), ("eu", False), ("br", False), ("uz", True)])
def test_the_shipped_model_finds_the_corners_of_plates(
    region: str, loose: bool, shipped_plates: Path
) -> None:
    generator = PlateGenerator(None, [region], not_plates=0)
    plates = [generator(10**9 + 7, i) for i in range(30)]
    _, points, _ = PlateModel(shipped_plates, threads=1)(np.stack([plate.image for plate in plates]))
    outlines = np.stack([plate.outline for plate in plates])
    off = np.abs(points[:, 4:] - outlines).mean((1, 2))
    assert np.median(off) < 0.05
    if loose:
        whole = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
        assert np.median(off) < np.median(np.abs(whole - outlines).mean((1, 2))) / 2


@pytest.mark.parametrize("border", [(0, 0), (30, 60)])
def test_corners_of_a_plate_are_pixels_of_its_picture(border: tuple[int, int], shipped_plates: Path) -> None:
    text, (down, along) = text_picture("KA365CP"), border
    height, width = text.shape
    picture = np.full((height + 2 * down, width + 2 * along), 90, np.uint8)
    picture[down : down + height, along : along + width] = text
    (plate,) = PlateReader(shipped_plates, threads=1)(picture).plates
    corners = np.array(plate.corners)
    assert (corners >= 0).all()
    assert (corners <= (picture.shape[1], picture.shape[0])).all()
    sides = np.roll(corners, -1, axis=0) - corners
    turns = sides[:, 0] * np.roll(sides[:, 1], -1) - sides[:, 1] * np.roll(sides[:, 0], -1)
    # To the right at each corner, y pointing down; the first side is the upper one.
    assert (turns > 0).all()
    assert sides[0, 0] > abs(sides[0, 1])
    true = [[along, down], [along + width, down], [along + width, down + height], [along, down + height]]
    assert np.abs(corners - true).mean() < 0.1 * picture.shape[0]


GROUND = 90


def photo_with(*texts: str, size: tuple[int, int] = (400, 500)) -> tuple[Image, list[NDArray[np.float64]]]:
    """Plates on an even ground, one under the other; and their boxes, clockwise: float64 ``(4, 2)``."""
    photo, boxes = np.full(size, GROUND, np.uint8), list[NDArray[np.float64]]()
    for i, text in enumerate(texts):
        plate = np.asarray(cv2.resize(text_picture(text), (150, 40)), np.uint8)
        left, top = 40 + 150 * i, 50 + 120 * i
        photo[top : top + 40, left : left + 150] = plate
        boxes.append(np.array([[0.0, 0], [150, 0], [150, 40], [0, 40]]) + np.array([left, top]))
    return photo, boxes


Array = NDArray[np.float64]
OnRun: TypeAlias = Callable[[DetectorRun], object] | None


class Points:
    """A detector that says what it is told to, and at what size it was asked."""

    def __init__(self, *places: Any, least: int = 0, score: float = 0.9) -> None:
        self.card, self.asked = DetectorCard(), list[int]()
        self._places, self._least, self._score = places, least, score

    def detect(
        self, gray: Image, *, scales: Sequence[int], min_score: float, on_run: OnRun
    ) -> list[Detection]:
        """Where plates may be."""
        longest = self._run(gray, scales, on_run)
        if longest < self._least or self._score < min_score:
            return []
        return [Detection(self._score, np.asarray(place, np.float64)) for place in self._places]

    def _run(self, gray: Image, scales: Sequence[int], on_run: OnRun) -> int:
        (longest,) = scales
        self.asked.append(longest)
        if on_run:
            on_run(DetectorRun(longest / max(gray.shape), np.zeros((8, 8))))
        return longest


class Scored(Points):
    """Detects places with a score each."""

    def __init__(self, *places: tuple[Array, float]) -> None:
        super().__init__(places[0][0])
        self._places = places

    def detect(
        self, gray: Image, *, scales: Sequence[int], min_score: float, on_run: OnRun
    ) -> list[Detection]:
        """Where plates may be."""
        self._run(gray, scales, on_run)
        return [Detection(score, corners) for corners, score in self._places if score >= min_score]


class Faint(Points):
    """Is sure of a far plate from close by alone."""

    def __init__(self, near: Array, far: Array, shape: tuple[int, ...]) -> None:
        super().__init__(near)
        self._far, self._shape = far, shape

    def detect(
        self, gray: Image, *, scales: Sequence[int], min_score: float, on_run: OnRun
    ) -> list[Detection]:
        """Where plates may be."""
        if scales != [WINDOW]:
            # At half the scale only some pixels of a large photo are looked at.
            step = self._shape[0] // gray.shape[0]
            faint = Detection(0.6 * self.card.min_score, self._far / step)
            found = super().detect(gray, scales=scales, min_score=min_score, on_run=on_run)
            found = [Detection(place.score, place.corners / step) for place in found]
            return [*found, faint] if faint.score >= min_score else found
        self._run(gray, scales, on_run)
        # The window's middle is the plate's.
        middle = np.array(gray.shape[::-1]) / 2
        return [Detection(0.9, self._far - self._far.mean(0) + np.minimum(self._far.mean(0), middle))]


def read_photo(detector: Points, plates: Path, photo: Image) -> tuple[Plate, ...]:
    model: Any = detector
    reader = PhotoReader(NetworkReader(PlateModel(plates, threads=1)), model)
    return reader.read([photo])[0]


def test_corners_of_plates_are_pixels_of_the_photo(shipped_plates: Path) -> None:
    photo, boxes = photo_with("KA365CP", "TR4821")
    plates = read_photo(Points(*boxes), shipped_plates, photo)
    assert sorted(plate.text for plate in plates) == ["KA365CP", "TR4821"]
    for plate in plates:
        assert overlap(np.array(plate.corners), boxes[plate.text == "TR4821"]) > 0.6
    assert [plate.confidence for plate in plates] == sorted((p.confidence for p in plates), reverse=True)
    assert [plate.detection for plate in plates] == [0.9, 0.9]


@pytest.mark.parametrize(
    ("upright", "turned", "better"),
    [
        ("京H99999", "66666H", False),  # without the character that tells its top
        ("京H99999", "66666H?", False),
        ("京HM1000", "OOOIWH", False),
        ("H99999", "66666H", True),
        ("京H99999", "66L66H", True),
        ("京H99999", "6H", True),
        ("21990", "066LZ", True),
    ],
)
def test_less_of_the_same_upside_down_is_not_better(upright: str, turned: str, better: bool) -> None:
    def says(text: str, confidence: float) -> Plate:
        return plate_of(tuple(Char(char, confidence, ()) for char in text), whole_picture(200, 60))

    assert reads_better(says(turned, 1.0), says(upright, 0.99)) == better


def test_a_plate_that_hangs_upside_down_is_not_reported(shipped_plates: Path) -> None:
    photo, (box,) = photo_with("H0698XN")
    turned = np.ascontiguousarray(photo[::-1, ::-1])
    # The detector takes it for upright.
    place = np.array(photo.shape[::-1]) - np.roll(box, 2, axis=0)
    reader = NetworkReader(PlateModel(shipped_plates, threads=1))
    assert reader.read_crops([[rectify(turned, place)]]) != [None]
    assert read_photo(Points(place), shipped_plates, turned) == ()


@pytest.mark.parametrize("degrees", [-45.0, 35.0, 180.0])
def test_a_turned_plate_is_straightened(degrees: float, shipped_plates: Path) -> None:
    photo, (box,) = photo_with("TR4821")
    turn = cv2.getRotationMatrix2D((200.0, 200.0), degrees, 1.0)
    turned = np.asarray(cv2.warpAffine(photo, turn, photo.shape[::-1], borderValue=GROUND), np.uint8)
    corners = cv2.transform(box[None], turn)[0]
    (plate,) = read_photo(Points(corners), shipped_plates, turned)
    assert plate.text == "TR4821"
    # In the plate's own order.
    assert np.linalg.norm(np.array(plate.corners) - corners, axis=1).max() < 20


@pytest.mark.parametrize(("second", "upright"), [(0.75, True), (0.85, False)])
def test_what_is_unsure_when_straightened_is_read_as_it_stands(
    second: float, upright: bool, plate_card: PlateCard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photos, "MIN_PHOTO_CONFIDENCE", 0.7)
    # The plate stands on its end.
    detector: Any = Points([[60, 20], [60, 80], [40, 80], [40, 20]])
    says = Says(plate_card, ("A0A", 0.8, 1.0), ("0A0", second, 1.0), NOTHING)
    ((plate,),) = PhotoReader(reader_of(says), detector).read([np.zeros((99, 99), np.uint8)])
    assert plate.text == ("A0A" if upright else "0A0")
    # Straightened, its own top left is to the upper right.
    assert (plate.corners[0][0] > plate.corners[2][0]) == upright


@pytest.mark.parametrize(("confidence", "found"), [(0.89, 0), (0.91, 1)])
def test_texts_in_photos_must_be_surer_than_in_crops(
    confidence: float, found: int, plate_card: PlateCard
) -> None:
    detector: Any = Points([[0, 0], [9, 0], [9, 9], [0, 9]])
    answers = [("0A0A", confidence, 1.0)] * 2 + [NOTHING]
    (plates,) = PhotoReader(reader_of(Says(plate_card, *answers)), detector).read(
        [np.zeros((99, 99), np.uint8)]
    )
    assert len(plates) == found


def test_the_surest_of_overlapping_plates_stays(shipped_plates: Path) -> None:
    photo, (box,) = photo_with("KA365CP")
    shifted = [box + shift for shift in ((0, 0), (4, 2), (-5, -3), (20, 0))]
    (plate,) = read_photo(Points(*shifted), shipped_plates, photo)
    alone = [read_photo(Points(place), shipped_plates, photo) for place in shifted]
    surest = max(found[0].confidence for found in alone if found)
    assert plate.confidence == pytest.approx(surest, abs=1e-3)


@pytest.mark.parametrize(("text", "confidence", "found"), [("A", 0.96, 0), ("A", 0.98, 1), ("0A0", 0.91, 1)])
def test_short_texts_in_photos_must_be_surer(
    text: str, confidence: float, found: int, plate_card: PlateCard
) -> None:
    detector: Any = Points([[0, 0], [9, 0], [9, 9], [0, 9]])
    says = Says(plate_card, (text, confidence, 1.0), NOTHING)
    (plates,) = PhotoReader(reader_of(says), detector).read([np.zeros((99, 99), np.uint8)])
    assert len(plates) == found


def test_more_places_than_a_batch_are_all_looked_at(shipped_plates: Path) -> None:
    photo, boxes = photo_with("KA365CP", "TR4821")
    nowhere = [np.add([350, 10], [[0, 0], [60, 0], [60, 20], [0, 20]])] * BATCH
    plates = read_photo(Points(boxes[0], *nowhere, boxes[1]), shipped_plates, photo)
    assert sorted(plate.text for plate in plates) == ["KA365CP", "TR4821"]


def test_a_photo_is_looked_at_with_more_and_more_pixels(shipped_plates: Path) -> None:
    longest = DetectorCard().longest
    photo, (box,) = photo_with("KA365CP", size=(400, 4 * longest + 1))
    detector = Points(box, least=4 * longest)
    assert [plate.text for plate in read_photo(detector, shipped_plates, photo)] == ["KA365CP"]
    half = longest // 2
    assert detector.asked == [n * half for n in (1, 2, 4, 8)]
    for width, times in (
        (half, [1, 2]),
        (longest, [1, 2]),
        (longest + 1, [1, 2, 4]),
        (4 * longest, [1, 2, 4, 8]),
    ):
        nowhere = Points(least=10**6)
        assert read_photo(nowhere, shipped_plates, photo[:half, :width]) == ()
        assert nowhere.asked == [n * half for n in times]


def test_a_plate_near_by_keeps_no_other_from_being_seen_closer(shipped_plates: Path) -> None:
    longest = DetectorCard().longest
    photo, (near, far) = photo_with("KA365CP", "TR4821", size=(800, 4 * longest))

    plates = read_photo(Faint(near, far, photo.shape), shipped_plates, photo)
    assert sorted(plate.text for plate in plates) == ["KA365CP", "TR4821"]


WEAK = 0.6 * DetectorCard().min_score


def test_a_weak_detection_counts_where_nothing_else_is_read(shipped_plates: Path) -> None:
    photo, (one, other) = photo_with("KA365CP", "TR4821")
    (plate,) = read_photo(Points(one, score=WEAK), shipped_plates, photo)
    assert plate.text == "KA365CP"
    assert plate.detection == WEAK
    (plate,) = read_photo(Scored((one, 0.9), (other, WEAK)), shipped_plates, photo)
    assert plate.text == "KA365CP"
    # The most likely ones are read.
    nowhere = [(np.add([350.0, 10 + 30 * i], [[0, 0], [60, 0], [60, 20], [0, 20]]), WEAK) for i in range(4)]
    assert read_photo(Scored(*nowhere, (one, WEAK - 0.01)), shipped_plates, photo) == ()
    (plate,) = read_photo(Scored(*nowhere[:3], (one, WEAK - 0.01)), shipped_plates, photo)
    assert plate.text == "KA365CP"


@pytest.mark.parametrize(
    ("text", "upright", "turned", "found"),
    [
        ("0A0", 0.99, 0.94, 1),
        ("0A0", 0.97, 0.0, 0),  # not sure enough
        ("0A0", 0.99, 0.96, 0),  # a text upside down, too
        ("0A", 0.99, 0.0, 0),  # short
    ],
)
def test_a_weak_detection_needs_a_long_and_sure_text_that_is_none_upside_down(
    text: str, upright: float, turned: float, found: int, plate_card: PlateCard
) -> None:
    says = Says(plate_card, (text, upright, 1.0), ("0A0", turned, 1.0) if turned else NOTHING)
    detector: Any = Points([[0, 0], [9, 0], [9, 9], [0, 9]], score=WEAK)
    (plates,) = PhotoReader(reader_of(says), detector).read([np.zeros((99, 99), np.uint8)])
    assert len(plates) == found


def test_a_part_of_a_plate_is_no_plate_beside_it(shipped_plates: Path) -> None:
    photo, (box,) = photo_with("KA365CP")
    part = box.copy()
    part[1:3, 0] -= 70
    (plate,) = read_photo(Points(part, box), shipped_plates, photo)
    assert plate.text == "KA365CP"


@pytest.mark.parametrize("shape", [(1, 1), (1, 700), (700, 1), (2, 2), (30, 20), (31, 3000)])
@pytest.mark.parametrize("away", [-5000.0, -3.0, 0.0, 5000.0])
def test_places_beyond_a_photo_of_any_form_do_no_harm(
    shape: tuple[int, int], away: float, shipped_plates: Path
) -> None:
    box = np.array([[0, 0], [90, 0], [90, 30], [0, 30]]) + away
    for plate in read_photo(Points(box, box * 0), shipped_plates, np.full(shape, 128, np.uint8)):
        assert (np.array(plate.corners) >= 0).all()


@pytest.mark.parametrize("shape", [(1, 1), (3, 2000), (2000, 3), (64, 64), (64, 64, 3), (1500, 2100)])
def test_photos_of_any_form_are_looked_at(
    shape: tuple[int, ...], shipped_plates: Path, shipped_detector: Path
) -> None:
    reader = PlateReader(shipped_plates, input="photo", threads=1)
    reading = reader(np.full(shape, 128, np.uint8))
    assert (reading.height, reading.width) == shape[:2]
    assert reading.plates == ()
    assert reader([]) == []


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    """Rendered scenes that no training sees, with plates that are neither turned far nor very near."""
    generator = SceneGenerator(None, ["us", "eu", "br"])
    found = [generator(10**9 + 11, index) for index in range(100)]
    sides = [scene.corners[:, 1] - scene.corners[:, 0] for scene in found]
    return [
        scene
        for scene, side in zip(found, sides, strict=True)
        if (side[:, 0] < 200).all() and (np.abs(side[:, 1]) < 0.2 * side[:, 0]).all()
    ]


def test_the_shipped_models_find_plates_in_rendered_scenes(
    scenes: list[Scene], shipped_plates: Path, shipped_detector: Path
) -> None:
    reader = PlateReader(shipped_plates, input="photo", threads=1)
    found, read, large = 0, 0, 0
    for scene in scenes:
        plates = reader(scene.image).plates
        for corners, text in zip(scene.corners.astype(np.float64), scene.texts, strict=True):
            if np.ptp(corners[:, 0]) >= 90:
                here = [plate for plate in plates if overlap(np.array(plate.corners), corners) > 0.4]
                large, found = large + 1, found + bool(here)
                read += text.replace(" ", "") in [plate.text for plate in here]
    assert large > 12
    assert found > 0.6 * large
    assert read > 0.3 * large


def test_a_photo_may_be_a_small_part_of_a_large_picture(
    scenes: list[Scene], shipped_plates: Path, shipped_detector: Path
) -> None:
    reader = PlateReader(shipped_plates, input="photo", threads=1)
    alone = [(scene.image, {plate.text for plate in reader(scene.image).plates}) for scene in scenes[:20]]
    margin = np.clip(np.random.default_rng(0).normal(120, 25, (1400, 2600)), 0, 255).astype(np.uint8)
    assert reader(margin).plates == ()
    same = list[bool]()
    for photo, texts in [(photo, texts) for photo, texts in alone if texts][:5]:
        picture, (height, width) = margin.copy(), photo.shape
        # Over the edges of tiles.
        picture[500 : 500 + height, 1100 : 1100 + width] = photo
        same.append(bool(texts & {plate.text for plate in reader(picture).plates}))
    assert len(same) == 5
    assert sum(same) >= 4


def test_a_photo_may_be_larger_than_the_detector_looks_at(
    shipped_detector: Path, scenes: list[Scene]
) -> None:
    detector = Detector(shipped_detector, threads=1)
    moved = list[float]()
    for scene in scenes[:12]:
        large = np.asarray(cv2.resize(scene.image, None, fx=3, fy=3), np.uint8)
        again = detector.detect(large, scales=[352], min_score=detector.card.min_score)
        for place in detector.detect(scene.image, scales=[detector.card.longest], min_score=0.6):
            shares = [overlap(place.corners * 3, other.corners) for other in again]
            moved.append(max(shares, default=0.0))
    assert len(moved) > 5
    assert np.median(moved) > 0.7


def test_a_window_of_a_photo_is_looked_at_once(shipped_plates: Path, shipped_detector: Path) -> None:
    photo = np.full((720, 1280), 90, np.uint8)
    photo[400:440, 700:850] = cv2.resize(text_picture("KA365CP"), (150, 40))
    with PlateReader(shipped_plates, input="photo", threads=1) as reader:
        photos = reader.photos
        assert photos is not None
        assert photos.detect_window(photo, (0, 0, 640, 720), 0.5) == []
        (plate,) = photos.read_places(photo, photos.detect_window(photo, (600, 340, 950, 500), 1.0))
    assert plate.text == "KA365CP"
    assert overlap(np.array(plate.corners), np.array([[700, 400], [850, 400], [850, 440], [700, 440]])) > 0.7


@pytest.mark.parametrize("share", [0.35, 0.55, 0.75, 0.9])
def test_a_large_clear_plate_is_read(share: float, shipped_plates: Path, shipped_detector: Path) -> None:
    generator = PlateGenerator(None, ["es"], not_plates=0)
    reader = PlateReader(shipped_plates, input="photo", threads=1)
    for seed in (0, 2, 4):
        plate = generator.draw_flat(np.random.default_rng(seed))
        width = round(share * 1200)
        height = round(width * plate.gray.shape[0] / plate.gray.shape[1])
        photo = np.full((900, 1200), GROUND, np.uint8)
        top, left = (900 - height) // 2, (1200 - width) // 2
        drawn = cv2.resize(plate.gray, (width, height), interpolation=cv2.INTER_CUBIC)
        photo[top : top + height, left : left + width] = drawn
        assert [found.text for found in reader(photo).plates] == [plate.text]


def test_plates_of_three_lines_are_not_taken_for_one_or_two_characters(shipped_plates: Path) -> None:
    generator = PlateGenerator(None, ["any"], not_plates=0)
    (layout, *_) = [each for each in generator.regions[0].layouts if each.name == "three lines"]
    reader = PlateReader(shipped_plates, input="plate", threads=1)
    drawn = [draw_plate(np.random.default_rng(i), layout, generator.glyphs, 1.0, 0) for i in range(20)]
    read = [reader(plate.gray).plates for plate in drawn]
    assert sum(bool(plates) and len(plates[0].text) < 3 for plates in read) <= 1
