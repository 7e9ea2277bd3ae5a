"""Reading by white-pixel ratios and the BP network."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import PIL.Image
import pytest
import torch
from numpy.typing import NDArray

from plate_ocr.alphabet import DIGITS, LETTERS, Alphabet
from plate_ocr.errors import ImageError, ModelError
from plate_ocr.model.cards import ModelCard
from plate_ocr.networks.export import save_model
from plate_ocr.networks.weights import load_weights
from plate_ocr.readers.auto import PlateReader
from plate_ocr.readers.classical import CharClassifier, ClassicalReader, best_of_candidates
from plate_ocr.readers.results import CharReading, Plate, Reading
from plate_ocr.vision.images import Image
from plate_ocr.vision.lines import LINE_HEIGHT, MARGIN, Line, Segments
from plate_ocr.vision.preprocessing import Candidates
from plate_ocr.vision.settings import Preprocessing
from tests.conftest import Learnt, affine_gray, encode, new_network, text_picture

BLANK = np.full((40, 30), 200, np.uint8)


def alike(one: CharReading, other: CharReading) -> bool:
    return one.char == other.char and np.allclose(one.scores, other.scores, atol=1e-6)


@pytest.mark.parametrize("char", DIGITS)
@pytest.mark.parametrize(("glyph", "ground"), [(30, 230), (230, 30), (120, 70)])
def test_digits_are_read_whatever_their_colours(
    classifier: CharClassifier, char: str, glyph: int, ground: int
) -> None:
    reading = classifier(text_picture(char, glyph=glyph, ground=ground))
    assert reading.char == char
    assert reading.confidence > 0.5
    np.testing.assert_allclose(reading.scores.sum(), 1, atol=1e-5)
    assert classifier.alphabet[reading.scores.argmax()] == char
    assert reading.confidence == pytest.approx(reading.scores.max())


def test_alternatives_are_the_next_likely_in_order(classifier: CharClassifier) -> None:
    reading = classifier(text_picture("8"))
    confidences = [confidence for _, confidence in reading.alternatives]
    assert confidences == sorted(confidences, reverse=True)
    assert confidences[0] <= reading.confidence
    assert "8" not in [char for char, _ in reading.alternatives]
    np.testing.assert_allclose(confidences, np.sort(reading.scores)[::-1][1 : 1 + len(confidences)])


@pytest.mark.parametrize("gain", [0.4, 0.9])
@pytest.mark.parametrize("offset", [0, 20])
def test_brightness_and_contrast_do_not_matter(
    classifier: CharClassifier, gain: float, offset: float
) -> None:
    picture = text_picture("5")
    changed = classifier(affine_gray(picture, gain, offset))
    original = classifier(picture)
    assert changed.char == original.char
    assert changed.confidence == pytest.approx(original.confidence, abs=0.05)


@pytest.mark.parametrize(
    "given",
    [
        lambda picture, _: picture,
        lambda picture, _: cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR),
        lambda picture, _: PIL.Image.fromarray(picture),
        lambda picture, _: encode(PIL.Image.fromarray(picture)),
        lambda picture, folder: saved(picture, folder / "三.png"),
        lambda picture, folder: str(saved(picture, folder / "3.png")),
    ],
    ids=["array", "colour array", "PIL image", "bytes", "path", "string"],
)
def test_a_character_is_the_same_however_it_is_given(
    given: Callable[[Image, Path], Any], classifier: CharClassifier, tmp_path: Path
) -> None:
    picture = text_picture("3")
    assert alike(classifier(given(picture, tmp_path)), classifier(picture))


def saved(picture: Image, path: Path) -> Path:
    path.write_bytes(encode(PIL.Image.fromarray(picture)))
    return path


def test_a_blank_picture_is_unknown(classifier: CharClassifier) -> None:
    reading = classifier(BLANK)
    assert reading.char is None
    assert reading.confidence == 0
    assert reading.alternatives == ()
    np.testing.assert_array_equal(reading.scores, np.zeros(10))
    assert classifier.read([BLANK]) == [()]


def test_what_is_not_sure_enough_is_unknown_with_the_likeliest_as_alternatives(learnt: Learnt) -> None:
    strict = CharClassifier(learnt.folder, threads=1, min_confidence=1)
    reading = strict(text_picture("4"))
    assert reading.char is None
    assert 0 < reading.confidence < 1
    assert reading.alternatives[0] == ("4", reading.confidence)
    ((plate,),) = strict.read([text_picture("4")])
    assert plate.text == "?"
    assert plate.chars[0].char is None


def test_the_models_own_bound_is_kept_unless_another_is_given(tmp_path: Path) -> None:
    card = ModelCard(Alphabet(DIGITS), Preprocessing(), hidden=4, min_confidence=0.95)
    save_model(new_network(card), card, tmp_path / "model")
    assert CharClassifier(tmp_path)(text_picture("4")).char is None
    assert CharClassifier(tmp_path, min_confidence=0)(text_picture("4")).char is not None


def batch_of(channels: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Seven pictures ``[7, channels, 40, 30]``; one is blank."""
    pictures = [cv2.resize(text_picture(char), (30, 40)) for char in "012389"] + [BLANK]
    batch = np.stack([np.asarray(picture, np.uint8) for picture in pictures])[:, None].repeat(channels, 1)
    noise = rng.integers(0, 20, batch.shape) * (np.arange(7) < 6)[:, None, None, None]
    return np.asarray(np.clip(batch.astype(int) - noise, 0, 255), np.uint8)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_batch_reads_as_its_pictures_one_by_one(
    classifier: CharClassifier, channels: int, rng: np.random.Generator
) -> None:
    batch = batch_of(channels, rng)
    one_by_one = [classifier(np.ascontiguousarray(picture.transpose(1, 2, 0))) for picture in batch]
    as_list: list[Any] = [picture.transpose(1, 2, 0) for picture in batch]
    as_batch: Any = batch  # the annotations do not know of axes
    for together in (classifier(as_batch), classifier(as_list)):
        assert len(together) == len(batch)
        assert all(alike(one, other) for one, other in zip(together, one_by_one, strict=True))
    assert len({reading.char for reading in one_by_one}) > 3


def test_a_list_may_mix_sizes_and_kinds(classifier: CharClassifier) -> None:
    small, large = cv2.resize(text_picture("2"), (20, 28)), text_picture("7")
    mixed = classifier([encode(PIL.Image.fromarray(large)), np.asarray(small, np.uint8), BLANK, large])
    assert [reading.char for reading in mixed] == ["7", "2", None, "7"]


@pytest.mark.parametrize(
    "nothing", [[], np.empty((0, 1, 40, 30), np.uint8), np.empty((0, 3, 40, 30), np.uint8)]
)
def test_nothing_gives_nothing(classifier: CharClassifier, nothing: Any) -> None:
    assert classifier(nothing) == []


@pytest.mark.parametrize(
    ("batch", "found"),
    [
        (np.zeros((2, 40, 30, 3), np.uint8), r"uint8 \(2, 40, 30, 3\)"),
        (np.zeros((2, 40, 30, 1), np.uint8), r"\(2, 40, 30, 1\)"),
        (np.zeros((2, 4, 40, 30), np.uint8), r"\(2, 4, 40, 30\)"),
        (np.zeros((2, 1, 0, 30), np.uint8), r"\(2, 1, 0, 30\)"),
        (np.zeros((2, 3, 40, 0), np.uint8), r"\(2, 3, 40, 0\)"),
    ],
)
def test_a_batch_of_another_layout_is_refused(
    classifier: CharClassifier, batch: NDArray[Any], found: str
) -> None:
    with pytest.raises(ImageError, match=found + r".*\[batch, channel, height, width\]"):
        classifier(batch)


@pytest.mark.parametrize("reads", ["classifier", "plate_reader"])
def test_a_picture_that_cannot_be_read_raises(reads: str, request: pytest.FixtureRequest) -> None:
    reader = request.getfixturevalue(reads)
    for wrong in ("missing.png", b"text", np.full((3, 3), 2.0), [BLANK, "missing.png"]):
        with pytest.raises(ImageError):
            reader(wrong)


@pytest.mark.parametrize("reader", [CharClassifier, PlateReader])
def test_there_must_be_a_model(reader: Callable[[Path], object], tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no model"):
        reader(tmp_path / "nowhere")


def test_several_threads_get_the_same_answers(classifier: CharClassifier, plate_reader: PlateReader) -> None:
    chars = [text_picture(char) for char in DIGITS]
    plates = [text_picture(text) for text in ("204759", "13867")]
    expected_chars = [classifier(picture) for picture in chars]
    expected_plates = [plate_reader(picture).plates for picture in plates]

    def read_char(picture: Image) -> CharReading:
        return classifier(picture)

    def read_plate(picture: Image) -> tuple[Plate, ...]:
        return plate_reader(picture).plates

    with ThreadPoolExecutor(6) as threads:
        many_chars = list(threads.map(read_char, chars * 8))
        many_plates = list(threads.map(read_plate, plates * 8))
    assert all(alike(one, other) for one, other in zip(many_chars, expected_chars * 8, strict=True))
    for found, expected in zip(many_plates, expected_plates * 8, strict=True):
        assert [plate.text for plate in found] == [plate.text for plate in expected]


def candidates(owner: list[int], plausible: list[float]) -> Candidates:
    count = len(owner)
    return Candidates(
        np.zeros((count, 25), np.float32), np.array(owner), np.zeros(count, np.bool_), np.array(plausible)
    )


def test_the_surest_candidate_of_each_picture_counts() -> None:
    probabilities = np.array([[0.6, 0.4], [0.1, 0.9], [0.5, 0.5]], np.float32)
    expected = np.array([[0.1, 0.9], [0, 0], [0.5, 0.5], [0, 0]], np.float32)
    scores = best_of_candidates(probabilities, probabilities, candidates([0, 0, 2], [1, 1, 1]), 4)
    np.testing.assert_array_equal(scores, expected)
    other_way = probabilities[::-1]
    reversed_scores = best_of_candidates(other_way, other_way, candidates([2, 0, 0], [1, 1, 1]), 4)
    np.testing.assert_array_equal(reversed_scores, expected)
    no = probabilities[:0]
    np.testing.assert_array_equal(best_of_candidates(no, no, candidates([], []), 2), np.zeros((2, 2)))


def test_between_two_polarities_plausibility_counts_too() -> None:
    probabilities = np.array([[0.8, 0.2], [0.1, 0.9]], np.float32)
    scores = best_of_candidates(probabilities, probabilities, candidates([0, 0], [1.0, 0.7]), 1)
    np.testing.assert_array_equal(scores, probabilities[:1])


@pytest.mark.parametrize(("glyph", "ground"), [(30, 230), (230, 30)])
def test_the_network_gives_the_scores_for_the_ratios_of_a_picture(
    learnt: Learnt, glyph: int, ground: int
) -> None:
    classifier, picture = CharClassifier(learnt.folder), text_picture("5", glyph=glyph, ground=ground)
    ratios = classifier.ratios(encode(PIL.Image.fromarray(picture)))
    assert ratios.shape == (25,)
    assert ratios.dtype == np.float32
    with torch.no_grad():
        logits = load_weights(learnt.folder)(torch.from_numpy(ratios)[None])[0]
    scores = torch.softmax(logits / classifier.model.card.temperature, dim=0)
    np.testing.assert_allclose(scores, classifier(picture).scores, atol=1e-5)
    assert not classifier.ratios(BLANK).any()


@pytest.mark.parametrize("text", ["204759", "13867", "88888"])
@pytest.mark.parametrize(("glyph", "ground"), [(30, 230), (230, 30)])
def test_a_plate_is_read(plate_reader: PlateReader, text: str, glyph: int, ground: int) -> None:
    picture = text_picture(text, glyph=glyph, ground=ground)
    reading = plate_reader(picture)
    assert (reading.height, reading.width) == picture.shape
    assert reading.ms > 0
    (plate,) = reading.plates
    assert plate.text == text == "".join(char.char or "?" for char in plate.chars)
    confidences = [char.confidence for char in plate.chars]
    assert plate.confidence == pytest.approx(np.mean(confidences))
    assert plate.min_confidence == min(confidences)
    assert plate.lines == 1


def test_the_corners_go_clockwise_round_the_text(plate_reader: PlateReader) -> None:
    picture = text_picture("20475")
    (plate,) = plate_reader(picture).plates
    rows, columns = np.nonzero(picture < 130)
    left, top, right, bottom = columns.min(), rows.min(), columns.max(), rows.max()
    expected = [(left, top), (right, top), (right, bottom), (left, bottom)]
    np.testing.assert_allclose(plate.corners, expected, atol=0.25 * (bottom - top))
    area = cv2.contourArea(np.array(plate.corners, np.float32), oriented=True)
    assert area == pytest.approx((right - left) * (bottom - top), rel=0.5)


@pytest.mark.parametrize("slope", [-0.12, 0.12])
def test_a_tilted_plate_is_read_and_its_corners_tilt_with_it(plate_reader: PlateReader, slope: float) -> None:
    upright = text_picture("204759")
    height, width = upright.shape
    room = abs(slope) * width / 2
    matrix = np.array([[1, 0, 0], [slope, 1, room - slope * width / 2]])
    size = (width, height + round(2 * room))
    tilted = np.asarray(cv2.warpAffine(upright, matrix, size, borderValue=230), np.uint8)
    (plate,) = plate_reader(tilted).plates
    assert plate.text == "204759"
    (x0, y0), (x1, y1) = plate.corners[:2]
    assert (y1 - y0) / (x1 - x0) == pytest.approx(slope, abs=0.04)


@pytest.mark.parametrize("picture", [BLANK, np.zeros((1, 1), np.uint8)])
def test_where_nothing_is_nothing_is_found(plate_reader: PlateReader, picture: Image) -> None:
    assert plate_reader(picture).plates == ()


def test_a_list_of_plates_gives_a_list(plate_reader: PlateReader) -> None:
    readings = plate_reader([text_picture("204759"), BLANK])
    assert [[plate.text for plate in reading.plates] for reading in readings] == [["204759"], []]
    assert plate_reader([]) == []


def test_one_character_reads_as_a_plate_of_one(learnt: Learnt) -> None:
    picture = text_picture("6")
    reading = PlateReader(learnt.folder, input="char", threads=1)(picture)
    height, width = picture.shape
    assert (reading.width, reading.height) == (width, height)
    (plate,) = reading.plates
    assert plate.text == "6"
    assert plate.corners == ((0, 0), (width, 0), (width, height), (0, height))


def test_results_cannot_be_changed(learnt: Learnt) -> None:
    reading = PlateReader(learnt.folder, input="char", threads=1)(text_picture("6"))
    for thing, name in (
        (reading, "width"),
        (reading.plates[0], "text"),
        (reading.plates[0].chars[0], "char"),
    ):
        with pytest.raises(FrozenInstanceError):
            setattr(thing, name, None)


@pytest.fixture
def reads_as(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, list[dict[str, float]]], Any]:
    """Reads a line whose pieces are certain, with a network that says what the test wants."""

    def read(alphabet: str, pieces: list[dict[str, float]]) -> Any:
        card = ModelCard(Alphabet(alphabet), Preprocessing(), hidden=2)
        save_model(new_network(card), card, tmp_path / "model")
        reader = ClassicalReader(tmp_path)
        count = len(pieces)
        cuts = np.arange(count + 1) * 20
        line = np.tile(np.array([0] * 5 + [255] * 10 + [0] * 5, np.uint8), (LINE_HEIGHT + 2 * MARGIN, count))
        probabilities = np.zeros((count, len(alphabet)), np.float32)
        for row, piece in zip(probabilities, pieces, strict=True):
            for char, probability in piece.items():
                row[alphabet.index(char)] = probability
        segments = Segments(cuts, np.arange(count), np.arange(1, count + 1), np.arange(count + 1) / 2)
        plain = Line(line, line, False, np.eye(3)[:2])
        monkeypatch.setattr("plate_ocr.readers.classical.straighten", lambda _: [plain])
        monkeypatch.setattr("plate_ocr.readers.classical.propose_segments", lambda _: segments)
        monkeypatch.setattr(
            reader.classifier, "model", SimpleNamespace(card=card, probabilities=lambda _: probabilities)
        )
        return SimpleNamespace(plates=reader.read([line])[0])

    return read


ANY = DIGITS + LETTERS
WITH_PROVINCES = ANY + "京皖"


def sure(text: str) -> list[dict[str, float]]:
    return [{char: 0.97} for char in text]


@pytest.mark.parametrize(
    ("alphabet", "likeliest", "text"),
    [
        (WITH_PROVINCES, "京AO1I45", "京A01145"),
        (WITH_PROVINCES, "皖BDO1234", "皖BD01234"),
        (WITH_PROVINCES, "AO1I45", "AO1I45"),
        (ANY, "OIA01", "OIA01"),
        (DIGITS, "00123", "00123"),
    ],
)
def test_chinese_plates_have_no_o_and_no_i(
    reads_as: Callable[..., Reading], alphabet: str, likeliest: str, text: str
) -> None:
    (plate,) = reads_as(alphabet, sure(likeliest)).plates
    assert plate.text == text


def test_the_form_of_the_plate_decides_between_alike_characters(reads_as: Callable[..., Reading]) -> None:
    pieces = [{"京": 0.9}, {"8": 0.55, "B": 0.4}, *sure("12345")]
    (plate,) = reads_as(WITH_PROVINCES, pieces).plates
    assert plate.text == "京B12345"
    assert plate.chars[1].confidence == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("first", "text"), [({"京": 0.4, "A": 0.6}, "京B12345"), ({"京": 0.05, "A": 0.9}, "AB12345")]
)
def test_a_plate_of_chinese_form_is_somewhat_likelier_than_any_other_text(
    reads_as: Callable[..., Reading], first: dict[str, float], text: str
) -> None:
    (plate,) = reads_as(WITH_PROVINCES, [first, *sure("B12345")]).plates
    assert plate.text == text


def test_what_o_and_0_share_is_added_up(reads_as: Callable[..., Reading]) -> None:
    pieces = [*sure("京A"), {"O": 0.5, "0": 0.45}, *sure("2345")]
    (plate,) = reads_as(WITH_PROVINCES, pieces).plates
    assert plate.text == "京A02345"
    assert plate.chars[2].confidence == pytest.approx(0.95, abs=1e-6)


def test_the_corners_are_those_of_the_pieces_that_were_read(reads_as: Callable[..., Reading]) -> None:
    (plate,) = reads_as(ANY, sure("A1")).plates
    height = LINE_HEIGHT + 2 * MARGIN
    assert plate.corners[0][0] == 0
    assert plate.corners[1][0] == 40
    assert all(0 <= y <= height for _, y in plate.corners)


@pytest.mark.data
@pytest.mark.parametrize("name", ["chars/uk", "chars/easypr"])
def test_real_digits_are_mostly_read_by_a_model_that_knows_only_fonts(
    classifier: CharClassifier, data_folder: Path, name: str
) -> None:
    right = []
    for char in DIGITS:
        files: list[Any] = sorted((data_folder / name / char).iterdir())[:20]
        right += [reading.char == char for reading in classifier(files)]
    assert np.mean(right) > 0.6
