"""Where a plate is from, by its format and by the network; formats as a soft prior."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from plate_ocr.alphabet import CHARACTERS_OF, DIGITS, LETTERS, PLATE_CHARACTERS, UNKNOWN, Alphabet
from plate_ocr.app.options import Script
from plate_ocr.errors import ModelError
from plate_ocr.model.sessions import PlateModel
from plate_ocr.readers.auto import PlateReader
from plate_ocr.readers.ctc import DecodedChar
from plate_ocr.readers.lazy import ready
from plate_ocr.readers.plates import NetworkReader
from plate_ocr.readers.regions import RegionFormats, region_formats
from plate_ocr.readers.results import ALTERNATIVES, Char, PlateRegion, plate_of, whole_picture, with_region

ALPHABET = Alphabet(PLATE_CHARACTERS, unknown=True)
COUNTRIES = region_formats(ALPHABET, None)
UNIFORM = np.full(len(COUNTRIES.codes), 1 / len(COUNTRIES.codes), np.float32)


def head_of(country: str) -> np.ndarray:
    """Of a network that is sure of a country."""
    return np.where(np.array(COUNTRIES.codes) == country, 0.9, 0.001).astype(np.float32)


def plate(text: str) -> tuple[Char, ...]:
    return tuple(Char(None if char == UNKNOWN else char, 0.9, ()) for char in text)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("皖A512T3", "cn-皖"),
        ("皖A?12T3", "cn-皖"),
        ("01A123BC", "uz"),
        ("A123BC77", "ru"),
        ("34ABC123", "tr"),
        ("서울74사9728", "kr"),
        ("247너5294", "kr"),
        ("品川300あ1234", "jp"),
        ("1กก1234", "th"),
        ("٦٦٦٦مأس", "eg"),
        ("١٢ب٣۴۵۶٧", "ir"),
        ("12345أ67", "ma"),
    ],
)
def test_a_format_tells_its_region(text: str, code: str) -> None:
    region = COUNTRIES.tell(text, UNIFORM)
    assert region is not None
    assert region.code == code
    assert region.country == code[:2]
    assert 0.5 <= region.confidence <= 1
    assert len(region.alternatives) == ALTERNATIVES
    probabilities = [region.confidence, *(share for _, share in region.alternatives)]
    assert probabilities == sorted(probabilities, reverse=True)


@pytest.mark.parametrize("text", ["", "ABC1234", "????", "A" * 15])
def test_what_many_countries_have_is_not_told(text: str) -> None:
    assert COUNTRIES.tell(text, UNIFORM) is None


def test_the_network_tells_what_formats_leave_open() -> None:
    head = head_of("br")
    region = COUNTRIES.tell("ABC1234", head)
    assert region is not None
    assert region.code == "br"
    # A format is no prohibition, but its script is strong evidence.
    region = COUNTRIES.tell("皖A512T3", head)
    assert region is not None
    assert region.country == "cn"
    assert COUNTRIES.posterior("ABC1234", head).sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("country", "text", "code"),
    [
        ("us", "7ABC123", "us-ca"),
        ("us", "7ABC1?3", "us-ca"),
        ("us", "ABC1234", "us"),
        ("us", "MYTOY", "us"),
        ("ca", "ABCD123", "ca-on"),
        ("ca", "A12BCD", "ca-qc"),
        ("ca", "ABC1234", "ca-ab"),
        ("ca", "AB123C", "ca-bc"),
        ("ca", "ABC123", "ca"),
    ],
)
def test_a_form_of_one_state_or_province_tells_it(country: str, text: str, code: str) -> None:
    region = COUNTRIES.tell(text, head_of(country))
    assert region is not None
    assert (region.code, region.country) == (code, country)


def test_given_regions_alone_are_told() -> None:
    few = RegionFormats(ALPHABET, ["de", "br", "no-such-region", "br"])
    assert few.codes == ("br", "de")
    region = few.tell("ABC1D23", np.full(2, 0.5, np.float32))
    assert region is not None
    assert (region.code, len(region.alternatives)) == ("br", 1)
    none = RegionFormats(ALPHABET, ["my.toml"])
    assert none.tell("ABC1D23", np.ones(0, np.float32)) is None


def rows(*chars: dict[str, float]) -> tuple[list[DecodedChar], np.ndarray]:
    """Decoded characters, and the probabilities of their steps."""
    probabilities = np.full((len(chars), len(ALPHABET) + 1), 1e-6, np.float32)
    for row, one in zip(probabilities, chars, strict=True):
        for char, value in one.items():
            row[ALPHABET.encode(char)[0] + 1] = value
    return [DecodedChar(int(row[1:].argmax()), i) for i, row in enumerate(probabilities)], probabilities


def text_of(probabilities: np.ndarray) -> str:
    return ALPHABET.decode(probabilities[:, 1:].argmax(1))


def test_formats_decide_where_the_network_is_unsure_and_nowhere_else() -> None:
    sure = [{char: 0.999} for char in "01A12"]
    decoded, probs = rows(*sure, {"O": 0.5, "0": 0.48}, {"B": 0.99}, {"C": 0.99})
    weighed = COUNTRIES.reweigh(decoded, probs, UNIFORM)
    assert text_of(probs) == "01A12OBC"
    assert text_of(weighed) == "01A120BC"
    # It is no surer than the network was of the other one.
    np.testing.assert_allclose(weighed[5].max(), 0.5, atol=1e-5)
    np.testing.assert_array_equal(weighed[:5], probs[:5])
    decoded, probs = rows(*sure, {"O": 0.97, "0": 0.02}, {"B": 0.99}, {"C": 0.99})
    assert text_of(COUNTRIES.reweigh(decoded, probs, UNIFORM)) == "01A12OBC"


def test_iranian_plates_have_persian_digits() -> None:
    read = plate_of(plate("١٢ب٣۴۵?٧"), whole_picture(10, 5), cuts=[3])
    iran = with_region(read, ready(PlateRegion("ir", 0.9, ())))
    assert iran.text == "۱۲ب۳۴۵?۷"
    assert [char.char for char in iran.chars] == [*"۱۲ب۳۴۵", None, "۷"]
    assert iran.groups == ("۱۲ب", "۳۴۵?۷")
    assert iran.text_latin_digits == "12ب345?7"
    assert with_region(read, ready(PlateRegion("eg", 0.9, ()))).text == read.text
    assert with_region(read, ready(None)).region is None


def test_a_plate_says_where_it_is_from_and_its_text_in_other_scripts() -> None:
    saudi = with_region(
        plate_of(plate("7354RXA"), whole_picture(10, 5)), ready(PlateRegion("sa", 0.75, (("de", 0.2),)))
    )
    values = saudi.to_dict()
    assert values["region"] == {"code": "sa", "confidence": 0.75, "alternatives": [["de", 0.2]]}
    assert (values["text_latin_digits"], values["text_native"]) == ("7354RXA", "٧٣٥٤رصأ")
    other = dataclasses.replace(saudi, origin=ready(None)).to_dict()
    assert (other["region"], other["text_native"]) == (None, None)


def test_scripts_narrow_what_is_read(shipped_plates: Path) -> None:
    picture = Path(__file__).parent.parent / "data" / "plate.png"
    for script, starts in ((None, "皖"), ("chinese", "皖"), (["latin", "chinese"], "皖"), ("thai", "")):
        with PlateReader(shipped_plates, input="plate", script=script, min_plate_confidence=0) as read:
            assert read(picture).text.startswith(starts)
            assert script != "thai" or not set(read(picture).text) & set(CHARACTERS_OF["chinese"])
    with pytest.raises(ValueError, match="script 'runes' is none of latin, cyrillic, chinese"):
        PlateReader(shipped_plates, script="runes")
    with pytest.raises(ModelError, match="reads single characters; a script belongs to plates"):
        PlateReader("chars", script="latin")
    assert set("".join(CHARACTERS_OF.values())) | set(DIGITS + LETTERS) == set(PLATE_CHARACTERS)
    assert tuple(CHARACTERS_OF) == tuple(one.value for one in Script)


@pytest.mark.parametrize(
    ("unsure", "region", "text"),
    [
        # 경기 is a region of Korea, 광기 is none.
        ([{"광": 0.6, "경": 0.35}, *"기34도4133"], None, "경기34도4133"),
        ([{"광": 0.99}, *"기34도4133"], None, "광기34도4133"),
        ([{"浜": 0.6, "熊": 0.35}, *"本900た2712"], None, "熊本900た2712"),
        ([{"강": 0.5, "경": 0.4}, *"기34도4133"], "th", "강기34도4133"),
    ],
)
def test_the_formats_of_the_country_help_to_read_its_script(
    unsure: list[str | dict[str, float]], region: str | None, text: str, shipped_plates: Path
) -> None:
    reader = NetworkReader(PlateModel(shipped_plates, threads=1), region=region)
    alphabet = reader.model.card.alphabet
    probabilities = np.zeros((reader.model.card.steps, len(alphabet) + 1), np.float32)
    for i, chars in enumerate(unsure):
        for char, value in ({chars: 0.999} if isinstance(chars, str) else chars).items():
            probabilities[3 * i + 1, alphabet.encode(char)[0] + 1] = value
    probabilities[:, 0] = 1 - probabilities.sum(1)
    points = np.tile(np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32), (2, 1))
    regions = np.full(len(reader.model.card.regions), 1 / len(reader.model.card.regions), np.float32)
    _, plate = reader.interpret(probabilities, points, (200, 60), regions)
    assert plate is not None
    assert plate.text == text
