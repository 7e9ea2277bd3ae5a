"""Rendered plates: repeatable, complete, legible by construction; mistakes in region files are named."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from plate_ocr.alphabet import PLATE_CHARACTERS, Alphabet
from plate_ocr.errors import DataError
from plate_ocr.region_files.parser import bundled_regions, load_region
from plate_ocr.region_files.table import formats_for
from plate_ocr.rendering.plates import MIX, PlateGenerator
from tests.golden.rendered import NEED_DATA

MINIMAL = """
[[plate]]
size = [300, 150]
colors = [["#ffffff", "#000000"]]
fonts = ["stroke-font"]
[[plate.field]]
box = [10, 40, 290, 110]
patterns = ["@@@-###"]
"""


@pytest.fixture(scope="module")
def with_data(data_folder: Path) -> PlateGenerator:
    return PlateGenerator(data_folder)


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_mix_is_of_bundled_regions_and_sums_to_one() -> None:
    assert set(MIX) == set(bundled_regions())
    assert sum(MIX.values()) == pytest.approx(1)
    assert min(MIX.values()) > 0.001


def test_same_seed_same_bytes_in_any_order() -> None:
    forward, backward = PlateGenerator(None), PlateGenerator(None)
    plates = [forward(3, i) for i in range(60)]
    again = [backward(3, i) for i in reversed(range(60))][::-1]
    for one, two in zip(plates, again, strict=True):
        assert one.text == two.text
        assert one.image.tobytes() == two.image.tobytes()
    assert any(forward(4, i).image.tobytes() != plates[i].image.tobytes() for i in range(3))


@pytest.mark.data
def test_same_seed_same_bytes_with_cut_out_characters(with_data: PlateGenerator, data_folder: Path) -> None:
    other = PlateGenerator(data_folder)
    for i in reversed(range(12)):
        assert with_data(8, i).image.tobytes() == other(8, i).image.tobytes()


@pytest.mark.parametrize("region", sorted(set(bundled_regions()) - {*NEED_DATA}))
def test_every_region_renders_without_data(region: str) -> None:
    _check_region(PlateGenerator(None, [region], not_plates=0), region)


@pytest.mark.data
@pytest.mark.parametrize("region", sorted(NEED_DATA))
def test_what_needs_data_renders_with_it(region: str, data_folder: Path) -> None:
    _check_region(PlateGenerator(data_folder, [region], not_plates=0), region)


def test_a_country_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plate_ocr.region_files.parser.FOLDER", tmp_path)
    (tmp_path / "zz.toml").write_text(MINIMAL, encoding="utf-8")
    assert bundled_regions() == ("zz",)
    _check_region(PlateGenerator(None, ["ZZ"], not_plates=0), "zz")
    assert formats_for(Alphabet(PLATE_CHARACTERS), "zz") == load_region("zz").formats


def _check_region(generator: PlateGenerator, region: str) -> None:
    alphabet = Alphabet(PLATE_CHARACTERS)
    for i in range(15):
        plate = generator(1, i)
        assert plate.region == region
        assert plate.image.shape == (64, 256)
        assert plate.image.dtype == np.uint8
        assert 1 <= len(alphabet.encode(plate.text)) <= 12
        assert plate.lines in (1, 2, 3)
        # Legible by construction: inside the picture, large enough, and not drowned.
        assert plate.corners.min() >= 0
        assert plate.corners.max() <= 1
        heights = (plate.corners[3] - plate.corners[0])[1], (plate.corners[2] - plate.corners[1])[1]
        assert np.mean(heights) * 64 >= 12 * plate.lines
        assert np.ptp(plate.image.astype(int)) >= 8
        # The plate is round its text; both go clockwise from the top left.
        outline = plate.outline.astype(np.float32)
        assert all(cv2.pointPolygonTest(outline, tuple(corner), True) > -1e-3 for corner in plate.corners)
        for points in (plate.corners, plate.outline):
            assert points.shape == (4, 2)
            assert (points[[1, 2], 0] > points[[0, 3], 0]).all()
            assert (points[[3, 2], 1] > points[[0, 1], 1]).all()


def test_china_needs_glyphs() -> None:
    why = r"no glyphs or fonts for 丙临乙…; set PLATE_OCR_DATA to"
    with pytest.raises(DataError, match=f"cannot render region cn: {why}"):
        PlateGenerator(None, ["us", "cn"])
    generator = PlateGenerator(None)
    assert [region.name for region in generator.regions] == [name for name in MIX if name not in NEED_DATA]
    assert {*generator.left_out} == {*NEED_DATA}
    assert re.match(why, generator.left_out["cn"])
    assert PlateGenerator(None, ["us"]).left_out == {}


@pytest.mark.data
def test_with_glyphs_nothing_is_left_out(with_data: PlateGenerator) -> None:
    assert {region.name for region in with_data.regions} == set(MIX)
    assert with_data.left_out == {}


@pytest.mark.data
def test_every_character_occurs(with_data: PlateGenerator) -> None:
    possible = {c for name in MIX for c in load_region(name).characters()}
    assert possible == set(PLATE_CHARACTERS)
    assert with_data.glyphs.missing(PLATE_CHARACTERS) == ""


def test_other_sizes_and_pictures_without_a_plate() -> None:
    generator = PlateGenerator(None, ["us"], not_plates=1)
    plates = [generator(0, i, (48, 160)) for i in range(40)]
    assert {plate.text for plate in plates} == {""}
    assert {plate.image.shape for plate in plates} == {(48, 160)}
    assert {plate.corners.shape for plate in plates} == {plate.outline.shape for plate in plates} == {(0, 2)}
    assert len({plate.image.tobytes() for plate in plates}) == 40


def test_batches_are_the_single_pictures() -> None:
    generator = PlateGenerator(None, ["eu"])
    images, texts = generator.batch(5, 10, 4)
    assert texts == [generator(5, i).text for i in range(10, 14)]
    assert np.array_equal(images[3], generator(5, 13).image)


def test_a_users_own_region(tmp_path: Path) -> None:
    generator = PlateGenerator(None, [write(tmp_path, MINIMAL)], not_plates=0)
    plate = generator(0, 0)
    assert plate.region == "mine"
    assert plate.text[:3].isalpha()
    assert plate.text[3:].isdigit()


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("size = [300, 150]", "size = [300 150]", r"mine\.toml is not a TOML file: .*line 3"),
        ("size = [300, 150]", "size = [300]", r"mine\.toml: plate 1: 'size' must be 2 numbers, not \[300\]"),
        ("size =", "sise =", r"plate 1: 'size' is missing, 'sise' is unknown"),
        ('["stroke-font"]', "[]", r"plate 1: 'fonts' needs at least one font"),
        ("size =", "weight = 0\nsize =", r"mine\.toml: at least one \[\[plate\]\] needs a 'weight' above 0"),
        ('"stroke-font"]', '"stroke-font"]\nradios = 3', r"plate 1: unknown 'radios': expected .*radius"),
        ("#000000", "black", r"a colour must be like '#ff8000', not 'black'"),
        (
            "290, 110",
            "290, 210",
            r"plate 1: field 1: 'box' must be left, top, right, bottom inside a plate of 300",
        ),
        (
            '"@@@-###"]',
            '"@@@-###"]\nscript_height = [0, 1]',
            r"'script_height' must be from 0.1 to 1, not \[0",
        ),
        ('"@@@-###"]', '"@@@-###"]\ntabular = 2', r"field 1: 'tabular' must be a number from 0 to 1, not 2"),
        ("@@@-###", "@@{town}", r"field 1: pattern '@@\{town\}': there is no 'town' under \[words\]"),
        ("@@@-###", "@@я", r"pattern '@@я': 'я' is not a character of plates"),
        ("@@@-###", "- -", r"pattern '- -' has no text"),
        ('"@@@-###"]', '"@-##"]\nnative = [10, 5, 290, 35]', r"field 1: 'native': 'C' has no Arabic letter"),
        ("@@@-###", "@@@@@@@######", r"plate 1: its texts have up to 13 characters, more than 12"),
        ("[[plate.field]]", "[[plate.felt]]", r"plate 1: at least one \[\[field\]\] is needed"),
        (
            "[[plate]]",
            "[words]\nx = 3\n[[plate]]",
            r"words: 'x' must be a string of characters or a list of words",
        ),
    ],
)
def test_mistakes_in_a_region_file_are_named(old: str, new: str, complaint: str, tmp_path: Path) -> None:
    assert old in MINIMAL
    with pytest.raises(DataError, match=complaint):
        load_region(write(tmp_path, MINIMAL.replace(old, new)))


@pytest.mark.data
def test_unknown_regions_and_fonts(tmp_path: Path, data_folder: Path) -> None:
    with pytest.raises(DataError, match=r"no region 'atlantis'; give one of ae, al, am, any, ar, at"):
        load_region("atlantis")
    with pytest.raises(DataError, match=r"no font 'comic': expected one of"):
        PlateGenerator(data_folder, [write(tmp_path, MINIMAL.replace('"stroke-font"', '"comic"'))])


def test_a_misspelt_font_is_named_beside_the_one_that_is_meant(tmp_path: Path) -> None:
    mine = write(tmp_path, MINIMAL.replace('"stroke-font"', '"Din-1541"'))
    with pytest.raises(DataError, match=r"region mine: there is no font 'Din-1541': is 'din-1451' meant\?"):
        PlateGenerator(None, [mine])


def test_small_characters_above_one_another_and_three_lines_are_read_from_the_top(tmp_path: Path) -> None:
    region = tmp_path / "mine.toml"
    region.write_text(
        """
[words]
county = ["MD"]
[[plate]]
size = [300, 200]
colors = [["#ffffff", "#000000"]]
fonts = ["stroke-font"]
[[plate.field]]
box = [10, 5, 290, 65]
patterns = ["12[county]3"]
[[plate.field]]
row = 2
box = [10, 70, 290, 130]
patterns = ["4"]
[[plate.field]]
row = 3
box = [10, 135, 290, 195]
patterns = ["56"]
""",
        encoding="utf-8",
    )
    generator = PlateGenerator(None, [region], not_plates=0)
    plate = generator(0, 0)
    assert (plate.text, plate.lines) == ("12MD3456", 3)
    flat = generator.draw_flat(np.random.default_rng(0))
    # The smallest characters are half as high as the others.
    assert flat.text_height < 0.55 * 60 * 64 / 200


def test_accented_characters_have_their_own_colour(tmp_path: Path) -> None:
    region = tmp_path / "mine.toml"
    plain = """
[[plate]]
size = [300, 100]
colors = [["#ffffff", "#000000"]]
fonts = ["stroke-font"]
stroke = [0, 0]
embossed = 0
[[plate.field]]
box = [10, 10, 290, 90]
patterns = ["888888"]
"""
    darkest = []
    for more in ("", 'accented = "8"\naccent = "#b0b0b0"'):
        region.write_text(plain + more, encoding="utf-8")
        flats = [
            PlateGenerator(None, [region]).draw_flat(np.random.default_rng(seed)).gray for seed in range(8)
        ]
        darkest.append(np.median([np.percentile(flat, 5) for flat in flats]))
    assert darkest[0] < 40
    assert darkest[1] > 100


SMALL = """
camera = { frame = 0 }
[[plate]]
size = [300, 100]
colors = [["#ffffff", "#000000"]]
fonts = ["stroke-font"]
embossed = 0
[[plate.field]]
box = [10, 10, 290, 90]
"""


def _ink(region: Path, row: str) -> NDArray[np.float64]:
    """Mean ink of the rows of flat plates, from top to bottom: 32 values."""
    region.write_text(SMALL + row, encoding="utf-8")
    generator = PlateGenerator(None, [region], not_plates=0)
    flats = [generator.draw_flat(np.random.default_rng(seed)).gray for seed in range(16)]
    return np.asarray(np.mean([255 - cv2.resize(flat, (192, 32)).mean(1) for flat in flats], axis=0))


def test_characters_of_other_scripts_may_be_smaller_than_digits(tmp_path: Path) -> None:
    rows = 'patterns = ["ااا"]\nheight = [1, 1]'
    whole, small = (
        _ink(tmp_path / "mine.toml", f"{rows}\n{more}") for more in ("", "script_height = [0.5, 0.5]")
    )
    assert small[4:7].max() < 0.3 * whole[4:7].max()
    assert small[24:28].max() > 0.3 * whole[24:28].max()


def test_narrow_digits_may_have_the_room_of_others(tmp_path: Path) -> None:
    region = tmp_path / "mine.toml"
    lengths = []
    for pitch in ("0", "1"):
        region.write_text(
            f'{SMALL}patterns = ["1111"]\ngap = [0.1, 0.1]\ntabular = {pitch}', encoding="utf-8"
        )
        generator = PlateGenerator(None, [region], not_plates=0)
        flats = [generator.draw_flat(np.random.default_rng(seed)) for seed in range(16)]
        lengths.append(np.mean([flat.text_box[2] - flat.text_box[0] for flat in flats]))
    assert lengths[1] > 1.2 * lengths[0]
