"""What region files tell reading: formats, their table, and mistakes in them."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from pathlib import Path

import pytest

from plate_ocr.alphabet import DIGITS, LETTERS, PROVINCES, SPECIAL, Alphabet
from plate_ocr.errors import DataError
from plate_ocr.formats import PlateFormat
from plate_ocr.region_files.parser import bundled_regions, load_region
from plate_ocr.region_files.schema import TEXT, plate_text
from plate_ocr.region_files.table import bundled_formats, formats_for

WHOLE = DIGITS + LETTERS + PROVINCES
TURKISH, VIETNAMESE = "ABCDEFGHIJKLMNOPRSTUVYZ", "ABCDEFGHKLMNPRSTUVXYZ"

PLATE = """
[[plate]]
size = [300, 150]
colors = [["#ffffff", "#000000"]]
fonts = ["stroke-font"]
[[plate.field]]
box = [10, 40, 290, 110]
patterns = ["@@@-###"]
"""


def region_file(folder: Path, text: str) -> Path:
    """A user's own region."""
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def formats(*patterns: str, shortest: int = 0, prior: float = 0.0) -> list[PlateFormat]:
    """Formats as Latin regions have them: digits, letters, either, Turkish and Vietnamese letters."""
    kinds = {"#": DIGITS, "@": LETTERS, "?": DIGITS + LETTERS, "T": TURKISH, "V": VIETNAMESE}
    return [
        PlateFormat(tuple(kinds[char] for char in pattern), shortest or len(pattern), prior=prior)
        for pattern in patterns
    ]


FREE = formats("?" * 10, shortest=4)
RARE = formats("?" * 10, shortest=4, prior=-4.0)
CN_LETTERS, CN_ENERGY, CN_ALIKE = "ABCDEFGHJKLMNPQRSTUVWXYZ", "ABCDEFGHJK", (("O", "0"), ("I", "1"))
CN_ANY, CN_PROVINCES = DIGITS + CN_LETTERS, "".join(sorted(PROVINCES))
CN_SPECIAL = "".join(sorted(SPECIAL + "试超临"))
CN_FORCE = "".join(sorted("VBHKSZNGCLJXUDYTW军空海北沈兰济南广成甲乙丙己庚辛壬寅辰戌午未申"))
CN_POLICE = "".join(sorted(CN_ANY + "消边通森金电警"))


def official(*places: str) -> PlateFormat:
    """A format of Chinese plates that are not for everyone."""
    return PlateFormat(places, len(places), CN_ALIKE, prior=-1.0)


CHINA = [
    PlateFormat((CN_PROVINCES, "ABCDEFGHJKLMNOPQRSTUVWXYZ", *[CN_ANY] * 5), 7, CN_ALIKE, prior=1.0),
    PlateFormat((CN_PROVINCES, CN_LETTERS, CN_ENERGY, CN_ANY, *[DIGITS] * 4), 8, CN_ALIKE),
    PlateFormat((CN_PROVINCES, CN_LETTERS, *[DIGITS] * 5, CN_ENERGY), 8, CN_ALIKE),
]
CHINA_WITHOUT_SIGNS = [
    official("W", "J", CN_PROVINCES, *[DIGITS] * 4, CN_ANY),
    official(CN_PROVINCES, DIGITS, DIGITS, CN_ANY, *[DIGITS] * 4),
]
EUROPEAN = "".join(sorted(DIGITS + LETTERS + "ÄÖÜÅŠČĆŽĐÑ"))
BHARAT = [
    PlateFormat((*[DIGITS] * 2, "B", "H", *[DIGITS] * 4, *[LETTERS] * count), 8 + count) for count in (1, 2)
]
UZ_TWO_LINES = PlateFormat((LETTERS, *[DIGITS] * 3, LETTERS, LETTERS, DIGITS, "015"), 8)
BRITISH_CODE, BRITISH_LAST = "ABCDEFGHJKLMNOPRSTUVWXY", "ABCDEFGHJKLMNOPRSTUVWXYZ"
BRITISH_YEAR = "ABCDEFGHJKLMNPRSTVWXY"


def british(*patterns: str, prior: float = 0.0) -> list[PlateFormat]:
    """Letters of codes, of series since 2001, of years, the second and third of Northern Ireland."""
    kinds = {"#": DIGITS, "c": BRITISH_CODE, "l": BRITISH_LAST, "y": BRITISH_YEAR}
    kinds |= {"m": "ABCDEFGHIJKLMNOPRSTUVWXY", "n": "ABIJLWZ"}
    return [
        PlateFormat(tuple(kinds.get(char, char) for char in pattern), len(pattern), prior=prior)
        for pattern in patterns
    ]


def vietnamese(*parts: str) -> PlateFormat:
    """Digits for ``#``, other characters as they are."""
    places = tuple(DIGITS if char == "#" else char for char in "".join(parts))
    return PlateFormat(places, len(places))


EXPECTED = {
    "any": FREE,
    "ar": [*formats("@@@###", "@@###@@", "@###@@@"), *RARE],
    "br": [*formats("@@@####", "@@@#@##"), *RARE],
    "cn": [
        *CHINA,
        *CHINA_WITHOUT_SIGNS,
        official(CN_PROVINCES, CN_LETTERS, *[CN_ANY] * 4, CN_SPECIAL),
        official(CN_FORCE, CN_LETTERS, CN_ANY, *[DIGITS] * 4),
        official("W", "J", DIGITS, DIGITS, CN_POLICE, *[DIGITS] * 4),
        official("使", *[DIGITS] * 6),
        official(*[DIGITS] * 6, "使"),
        official("民", "航", CN_LETTERS, *[DIGITS] * 4),
        official(CN_PROVINCES, CN_LETTERS, *[DIGITS] * 4, "应", "急"),
        official("临", CN_PROVINCES, CN_LETTERS, *[DIGITS] * 4),
    ],
    "eu": [PlateFormat((EUROPEAN,) * 10, 4)],
    "gb": [
        *british("cc##lll", "y###ccc", "ccc###y"),
        *british("cmn####", "y##ccc", "ccc##y", "ccc###", "###ccc", "cc####", "c####", "####cc", prior=-1.0),
        *british("Q###ccc", prior=-1.0),
        *british("###D###", "###X###", "###cc", "##cc##", prior=-2.0),
        *RARE,
    ],
    "in": [
        *formats("@@##@@####", "@@##@####", "@@#@@####", "@@#@####", "@@#@@@####", "@@##@@@####"),
        *BHARAT,
        *RARE,
    ],
    "tr": [
        *(
            replace(form, places=("012345678", *form.places[1:]))
            for form in formats(
                *("##T##", "##T###", "##T####", "##T#####"),
                *("##TT##", "##TT###", "##TT####", "##TTT##", "##TTT###", "##TTT####"),
            )
        ),
        *RARE,
    ],
    "us": [
        *formats("@@@####", "@@@###", "###@@@", "@@#####"),
        *(replace(form, subdivision="ca") for form in formats("#@@@###")),
        *formats("#@@####", "#@@###", "@@@@##", "@##@@@", "@@#@#@", "####@@", "@###@@", prior=-2.0),
        *formats("##@###", "#@#####", "######@", "######", "#######", prior=-2.0),
        *formats("?" * 10, shortest=2, prior=-2.0),
    ],
    "uz": [*formats("##@###@@", "#####@@@", "##@######", "##@@####"), UZ_TWO_LINES, *RARE],
    "vn": [
        *formats("##V####", "##V#####", "##V######", "##@@####", "##@@#####", "@@####"),
        *(vietnamese("#####", *kind, "##") for kind in ("NG", "QT", "NN")),
        vietnamese("##", "M", "Đ", "######"),
        *RARE,
    ],
}


@pytest.mark.parametrize("region", EXPECTED)
def test_what_is_expected_of_a_region(region: str) -> None:
    found = formats_for(Alphabet(WHOLE), region)
    assert set(found) == set(EXPECTED[region])
    assert len(found) == len(EXPECTED[region])


def test_the_table_is_what_the_files_say() -> None:
    files = {name: load_region(name).formats for name in bundled_regions()}
    assert bundled_formats() == files, "run: make formats"


def test_every_region_is_on_its_page() -> None:
    page = (Path(__file__).parent.parent / "docs" / "regions.md").read_text(encoding="utf-8")
    assert set(re.findall(r"`([a-z]{2,3})`", page)) == set(bundled_regions())


def test_an_unknown_region_is_named() -> None:
    with pytest.raises(DataError, match="there is no region 'atlantis'; give one of ae, al, am, any, ar, at"):
        formats_for(Alphabet(WHOLE), "atlantis")


def test_regions_are_codes_or_files_in_any_case_and_several_are_joined(tmp_path: Path) -> None:
    alphabet = Alphabet(WHOLE)
    own = region_file(tmp_path, PLATE)
    assert formats_for(alphabet, "CN") == formats_for(alphabet, ["cn"]) == bundled_formats()["cn"]
    assert formats_for(alphabet, own) == formats_for(alphabet, str(own)) == load_region(own).formats
    joined = formats_for(alphabet, ["Br", own, "ar"])
    assert joined[: len(bundled_formats()["br"])] == bundled_formats()["br"]
    assert set(joined) == {
        *bundled_formats()["br"],
        *load_region(own).formats,
        *bundled_formats()["ar"],
    }
    # What several have in common counts once.
    assert joined.count(RARE[0]) == 1
    assert formats_for(alphabet, []) == formats_for(alphabet)
    assert load_region("US").name == "us"


def fits(text: str, form: PlateFormat) -> bool:
    return form.shortest <= len(text) <= len(form.places) and any(
        all(char in chars for char, chars in zip(text, places, strict=False)) for places in form.spelt()
    )


@pytest.mark.parametrize(
    ("text", "is_plate"),
    [
        ("皖A512T3", True),
        ("京AD12345", True),
        ("粤B12345D", True),
        ("皖A512O3", False),
        ("皖AI1234", False),
        ("皖1A1234", False),
        ("AA12345", False),
        ("皖A1234", False),
        ("粤B123456", False),
    ],
)
def test_chinese_plates_have_a_form(text: str, is_plate: bool) -> None:
    assert any(fits(text, form) for form in bundled_formats()["cn"]) is is_plate


@pytest.mark.parametrize("region", sorted({*bundled_regions()} - {"any", "us"}))
def test_formats_allow_what_is_written_on_the_plates(region: str) -> None:
    loaded, rng = load_region(region), random.Random(1)
    for layout in loaded.layouts:
        for _ in range(50):
            tokens = [token for field in layout.fields for token in rng.choice(field.patterns)]
            text = plate_text("".join(rng.choice(token.choices) for token in tokens if token.type in TEXT))
            assert any(fits(text, form) for form in loaded.formats), text


@pytest.mark.parametrize(
    ("region", "plate", "other"),
    [
        ("ru", "A123BC777", "Z123BC77"),
        ("ru", "AB12377", "AB123Z7"),
        ("ua", "AA1234BX", "AA1234BZ"),
        ("nl", "12BDF3", "12BAF3"),
        ("nl", "B123DF", "123BD1"),
        ("id", "B1234ABC", "B0123ABC"),
        ("my", "WXY1234", "WX12Y34"),
        ("pl", "WA12345", "WA1234B5"),
        ("de", "FÜAB123", "FÜ1AB23"),
        ("hr", "ŠI1234AB", "QQ1234AB"),
        ("kz", "123ABC02", "1A3ABC02"),
        ("mn", "1234УБӨ", "12УБӨ34"),
        ("tw", "ABC1234", "AB1C234"),
        ("co", "ABC123", "AB1C23"),
        ("kr", "서울74사9728", "74사9728서울"),
        ("kr", "247너5294", "서울247너5294"),
        ("jp", "尾張小牧300あ1234", "尾張小牧300ん1234"),
        ("th", "1กก1234", "1ก1234"),
        ("eg", "٦٦٦٦مأس", "مأس٦٦٦٦"),
        ("sa", "7354RXA", "7354RXC"),
        ("ir", "۱۲ب۳۴۵۶۷", "۱۲۳ب۳۴۵۶"),
        ("ma", "12345أ67", "أ1234567"),
        ("dz", "1234511616", "123456789"),
    ],
)
def test_plates_have_the_formats_of_their_country(region: str, plate: str, other: str) -> None:
    usual = [form for form in load_region(region).formats if form.prior >= 0]
    assert any(fits(plate_text(plate), form) for form in usual)
    assert not any(fits(plate_text(other), form) for form in usual)


@pytest.mark.parametrize("characters", [DIGITS, DIGITS + LETTERS, PROVINCES])
def test_an_alphabet_without_provinces_or_with_nothing_else_may_stand_anywhere(characters: str) -> None:
    (form,) = formats_for(Alphabet(characters))
    assert set(form.places) == {characters}
    assert not form.alike


def test_an_alphabet_with_provinces_writes_chinese_plates_and_any_others() -> None:
    forms = formats_for(Alphabet(WHOLE))
    assert list(forms[:-1]) == [*CHINA, *CHINA_WITHOUT_SIGNS]
    assert fits("B4O1I", forms[-1])
    assert not fits("皖4O1I", forms[-1])


def test_a_users_own_formats(tmp_path: Path) -> None:
    own = """
[words]
town = ["B", "M", "HH", "ÖX"]

[[format]]
patterns = ["{town}-@ #?"]
alike = ["O0"]
prior = 0.5

[[format]]
patterns = ["A###"]
shortest = 2

[[format]]
patterns = ["{town}#"]
names = "town"
"""
    assert load_region(region_file(tmp_path, own + PLATE)).formats == (
        PlateFormat(("BM", LETTERS, DIGITS, DIGITS + LETTERS), 4, (("O", "0"),), 0.5),
        PlateFormat(("HÖ", "HX", LETTERS, DIGITS, DIGITS + LETTERS), 5, (("O", "0"),), 0.5),
        PlateFormat(("A", DIGITS, DIGITS, DIGITS), 2),
        PlateFormat(("BM", DIGITS), 2, names=("B", "M")),
        PlateFormat(("HÖ", "HX", DIGITS), 3, names=("HH", "ÖX")),
    )


def test_a_file_may_have_a_byte_order_mark(tmp_path: Path) -> None:
    path = region_file(tmp_path, '[[format]]\npatterns = ["A###"]\n' + PLATE)
    formats = load_region(path).formats
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert load_region(path).formats == formats


def test_a_region_without_formats_has_those_of_its_plates(tmp_path: Path) -> None:
    two_lines = """
[[plate.field]]
row = 2
box = [10, 120, 290, 140]
patterns = ["{town}*#", "#-#", "7#"]
"""
    own = region_file(tmp_path, f'[words]\ntown = ["B", "OX"]\n{PLATE}{two_lines}')
    first = [LETTERS] * 3 + [DIGITS] * 3
    # 7# is a ## too.
    second = ("B", DIGITS), ("O", "X", DIGITS), (DIGITS, DIGITS)
    assert set(load_region(own).formats) == {
        *(PlateFormat((*first, *end), 6 + len(end)) for end in second),
        *RARE,
    }


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ("prior = 1", r"mine\.toml: format 1: 'patterns' is missing"),
        ("patterns = []", r"format 1: 'patterns' needs at least one pattern"),
        ('patterns = ["{town}##"]', r"format 1: pattern '\{town\}##': there is no 'town' under \[words\]"),
        ('patterns = ["#############"]', r"format 1: pattern '#{13}' has 13 characters, more than 12"),
        ('patterns = ["##"]\nshortest = 3', r"format 1: 'shortest' must be a number from 1 to 2, not 3"),
        (
            'patterns = ["##"]\nprior = "high"',
            r"format 1: 'prior' must be a number from -10 to 10, not",
        ),
        (
            'patterns = ["##"]\nsubdivision = "US"',
            r"format 1: 'subdivision' must be a code such as 'ca'",
        ),
        ('patterns = ["##"]\nalike = ["O00"]', r"format 1: 'alike' must be pairs .* such as 'O0', not 'O00'"),
        (
            'patterns = ["##"]\nnames = "town"',
            r"format 1: 'names': pattern '##' does not begin with \{town\}",
        ),
        ('patterns = ["##"]\nlongest = 9', r"format 1: unknown 'longest': expected alike, names, patterns"),
    ],
)
def test_mistakes_in_formats_are_named(table: str, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=complaint):
        load_region(region_file(tmp_path, f"[[format]]\n{table}\n{PLATE}"))


def test_letters_of_other_alphabets_are_what_is_read(tmp_path: Path) -> None:
    read = {
        form.places for form in load_region(region_file(tmp_path, PLATE.replace("@@@-###", "ØВÉ1"))).formats
    }
    assert ("Ø", "B", "E", "1") in read
    for lacking in ("Œ1", "b1", "Ѫ1"):
        with pytest.raises(DataError, match=f"'{lacking[0]}' is not a character of plates"):
            load_region(region_file(tmp_path, PLATE.replace("@@@-###", lacking)))
