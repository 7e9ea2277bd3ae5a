"""Labelled plates, from CSV files and from the names of files."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from plate_ocr.alphabet import DIGITS, LETTERS, PLATE_CHARACTERS, Alphabet
from plate_ocr.errors import DataError
from plate_ocr.labels import list_plates
from plate_ocr.region_files.countries import region_code
from plate_ocr.text import latin_digits, normalize_text, persian_digits

ALPHABET = Alphabet(DIGITS + LETTERS)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("ab-12 3", "AB123"),
        ("皖A·12.345", "皖A12345"),
        ("ZG 55-ČĐ", "ZG55CD"),
        ("C\u030c1", "C1"),
        (" - ", ""),
        ("Ü-OZ 1__", "UOZ1"),
        ("ø Đ Ł", "ODL"),
        ("ÅÆ", "AAE"),
        ("i\u0307ı", "II"),
        ("а123вс", "A123BC"),
        ("ΑΒΕ·1", "ABE1"),
        ("Ａ\u200e１—2−3", "A123"),
        ("Ж9?", "Ж9?"),
        ("경기 34 도\u1103\u1169", "경기34도도"),
        ("٦٦٦٦ \ufee1 \ufe83 \ufeb1", "٦٦٦٦مأس"),
        ("۱۲ ب ۳۴۵-۶۷", "١٢ب٣٤٥٦٧"),
        ("هـ ی ي", "هىى"),
        ("品川 300 あ 12-34", "品川300あ1234"),
        ("1กก 1234", "1กก1234"),
    ],
)
def test_what_is_written_is_made_what_is_read(written: str, read: str) -> None:
    assert normalize_text(written) == read


def test_what_models_read_stays_what_it_is() -> None:
    assert normalize_text(PLATE_CHARACTERS, PLATE_CHARACTERS) == PLATE_CHARACTERS
    assert normalize_text("ü-ö1", keep="Ü") == "ÜO1"
    # Persian digits that look otherwise are characters of their own.
    assert normalize_text("۱۴", PLATE_CHARACTERS) == "١۴"


def test_digits_of_other_scripts() -> None:
    assert latin_digits("٠١٢٣٤٥٦٧٨٩") == latin_digits("۰۱۲۳۴۵۶۷۸۹") == "0123456789"
    assert latin_digits("١٢ب٣") == "12ب3"
    assert persian_digits("١٢ب٣۴۵۶٧") == "۱۲ب۳۴۵۶۷"
    assert persian_digits("A12") == latin_digits("A12") == "A12"


def test_names_of_files_are_labels(tmp_path: Path) -> None:
    for name in ("AB-123.jpg", "ab 123_2.png", "deep/C4_x_y.PNG", "notes.txt", ".hidden.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    plates, problems = list_plates(tmp_path, ALPHABET)
    assert [(plate.path.name, plate.text) for plate in plates] == [
        ("AB-123.jpg", "AB123"),
        ("ab 123_2.png", "AB123"),
        ("C4_x_y.PNG", "C4"),
    ]
    assert problems == []


@pytest.mark.parametrize(
    ("names", "counted"),
    [
        (("0000.png", "0001.png"), True),
        (("0013.jpg", "0517.jpg"), True),
        (("IMG_0013.jpg", "IMG_0014.jpg"), True),
        (("car.png", "other.png"), True),
        (("1234567.png", "7654321.png"), False),
        (("1234567.png", "1234567_2.png"), False),
        (("SUNNY.png", "AB-123.png"), False),
        (("0007.png",), False),
    ],
)
def test_pictures_that_are_not_named_after_plates_are_refused(
    tmp_path: Path, names: tuple[str, ...], counted: bool
) -> None:
    for name in names:
        (tmp_path / name).touch()
    if counted:
        with pytest.raises(DataError, match=rf"not named after their plates: {names[0]}; .* labels\.csv"):
            list_plates(tmp_path, ALPHABET)
    else:
        assert len(list_plates(tmp_path, ALPHABET)[0]) == len(names)


def test_a_table_gives_paths_beside_it_texts_and_regions(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text(
        "plate_text,note,image_path,region\nab-1,x, a/1.png ,us\nC2,,2.png\n", encoding="utf-8-sig"
    )
    (tmp_path / "99.png").touch()
    for data in (tmp_path / "labels.csv", tmp_path):
        plates, problems = list_plates(data, ALPHABET)
        assert problems == []
        assert [(plate.path, plate.text, plate.region) for plate in plates] == [
            (tmp_path / "a/1.png", "AB1", "us"),
            (tmp_path / "2.png", "C2", ""),
        ]


def test_labels_that_cannot_be_used_are_named_with_their_lines(tmp_path: Path) -> None:
    table = tmp_path / "mine.csv"
    table.write_text("image_path,plate_text\n1.png,A1\n2.png,Ж9\n3.png,-\n,A2\n5.png,A?\n", encoding="utf-8")
    plates, problems = list_plates(table, ALPHABET)
    assert [plate.text for plate in plates] == ["A1"]
    assert problems == [
        f"{table} line 3: the text Ж9: 'Ж' not in the alphabet {ALPHABET.characters}",
        f"{table} line 4: the text of the plate is missing",
        f"{table} line 5: no picture is named",
        f"{table} line 6: the text A?: ? stands for a character that was not read; write what it is",
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_tables_as_spreadsheets_and_windows_write_them(tmp_path: Path, delimiter: str) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b\\c.png").touch()  # a name, where it is no path
    rows = [("image_path", " plate_text"), ("a\\1.png", "Ä1__"), ("b\\c.png", "C2")]
    table = tmp_path / "labels.csv"
    table.write_text("\r\n".join(map(delimiter.join, rows)), encoding="utf-8-sig", newline="")
    plates, problems = list_plates(table, ALPHABET)
    assert problems == []
    assert [(plate.path, plate.text, plate.location) for plate in plates] == [
        (tmp_path / "a" / "1.png", "A1", f"{table} line 2"),
        (tmp_path / "b\\c.png", "C2", f"{table} line 3"),
    ]


def test_other_encodings_are_refused_where_they_begin(tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    table.write_bytes("image_path,plate_text\nä.png,A1\n".encode() + "MÜ.png,MÜ1\n".encode("latin-1"))
    with pytest.raises(DataError) as error:
        list_plates(table, ALPHABET)
    how = "save the file as UTF-8; in Excel as the file type 'CSV UTF-8'"
    assert str(error.value) == f"{table} line 3, byte 2 (0xDC) is not UTF-8: {how}"


def test_no_text_is_no_plate_in_a_table(tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    table.write_text(
        "image_path,plate_text,x,y,w,h\n1.png,,,,,\n2.png,____,,,,\n3.png,,1,2,3,4\n_4.png,-,,,,\n"
    )
    plates, problems = list_plates(table, ALPHABET)
    assert [(plate.path.name, plate.text) for plate in plates] == [("1.png", ""), ("2.png", "")]
    assert problems == [f"{table} line {line}: the text of the plate is missing" for line in (4, 5)]
    table.unlink()
    (tmp_path / "_4.png").touch()
    plates, problems = list_plates(tmp_path, ALPHABET)
    assert (plates, problems) == ([], [f"{tmp_path / '_4.png'}: the text of the plate is missing"])


def test_empty_rows_are_passed_over(tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    table.write_text("image_path;plate_text\n1.png;A1\n;\n\n ; \n;;\n;B2\n")
    plates, problems = list_plates(table, ALPHABET)
    assert [plate.text for plate in plates] == ["A1"]
    assert problems == [f"{table} line 7: no picture is named"]


def test_folders_that_cannot_be_read_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "A1.png").touch()
    (tmp_path / "locked").mkdir()
    scan = os.scandir

    def refuse(path: str) -> object:
        if Path(path).name == "locked":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    plates, problems = list_plates(tmp_path, ALPHABET)
    assert [plate.text for plate in plates] == ["A1"]
    assert problems == [f"cannot read {tmp_path / 'locked'}: Permission denied"]


def test_a_column_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    table.write_text("image_path,plate_text,plate_text\n1.png,A1,B2\n")
    with pytest.raises(DataError, match="line 1: the column plate_text is there twice"):
        list_plates(table, ALPHABET)


@pytest.mark.parametrize("sign", "/\\")
def test_names_that_are_too_long_are_no_crash(tmp_path: Path, sign: str) -> None:
    table, name = tmp_path / "labels.csv", sign + 5000 * "x"
    table.write_text(f"image_path,plate_text\n.{name},A1\n")
    (plate,), problems = list_plates(table, ALPHABET)
    assert (plate.text, problems) == ("A1", [])
    with pytest.raises(DataError, match="there is no data set"):
        list_plates(tmp_path / name, ALPHABET)


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("de", "de"), ("DE", "de"), ("Germany", "de"), ("united states", "us"), ("U.S.", "us"),
        ("UK", "gb"), ("ST", "st"), ("St. Lucia", "lc"), ("Türkiye", "tr"), ("Cote d'Ivoire", "ci"),
        ("The Netherlands", "nl"), ("Bosnia & Herzegovina", "ba"), ("any", "any"), ("EU", "eu"),
        ("Unknown", ""), ("", ""), (" ", ""), ("Atlantis", None), ("Deutschland", None),
    ],
)  # fmt: skip
def test_regions_are_codes_or_english_names(written: str, code: str | None) -> None:
    assert region_code(written) == code


def test_unknown_regions_are_named_once_and_count_as_none(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    table = tmp_path / "labels.csv"
    rows = [
        "image_path,plate_text,plate_region",
        "1.png,A1,Atlantis",
        "2.png,A2,ATLANTIS",
        "3.png,A3,GERMANY",
    ]
    table.write_text("\n".join([*rows, "4.png,A4,Unknown"]))
    plates, problems = list_plates(table, ALPHABET)
    assert [plate.region for plate in plates] == ["", "", "de", ""]
    assert problems == []
    assert [record.getMessage() for record in caplog.records] == [
        f"{table} line 2: the region Atlantis counts as none: it is no code and no country's English name"
    ]


def test_a_table_may_say_where_plates_are(tmp_path: Path) -> None:
    table = tmp_path / "mine.csv"
    table.write_text(
        "image_path,plate_text,x,y,w,h\n1.png,A1,1,2.5,30,10\n1.png,A2,,,,\n1.png,A3,1,2,3,\n"
        "1.png,A4,1,2,0,4\n1.png,A5,a,2,3,4\n1.png,A6,nan,2,3,4\n"
        "1.png,A7,1,2,1e300,4\n",
        encoding="utf-8",
    )
    plates, problems = list_plates(table, ALPHABET)
    assert [(plate.text, plate.box) for plate in plates] == [("A1", (1, 2.5, 30, 10)), ("A2", None)]
    says = "x,y,w,h are left, top, width and height in pixels"
    assert problems == [
        f"{table} line {line}: the box {box}: {says}"
        for line, box in ((4, "1,2,3,"), (5, "1,2,0,4"), (6, "a,2,3,4"), (7, "nan,2,3,4"), (8, "1,2,1e300,4"))
    ]


def test_there_must_be_a_data_set(tmp_path: Path) -> None:
    for content, says in (
        ("image_path,label\na,b\n", "line 1: no column plate_text"),
        ("image_path,plate_text\n", "lists no pictures"),
        ("", "no column image_path and no column plate_text"),
    ):
        (tmp_path / "a.csv").write_text(content)
        with pytest.raises(DataError, match=says):
            list_plates(tmp_path / "a.csv", ALPHABET)
    (tmp_path / "a.csv").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(DataError, match=r"a.csv line 1, byte 1 \(0xFF\) is not UTF-8"):
        list_plates(tmp_path / "a.csv", ALPHABET)
    with pytest.raises(DataError, match="holds no pictures; pictures named after"):
        list_plates(tmp_path, ALPHABET)
    with pytest.raises(DataError, match="there is no data set"):
        list_plates(tmp_path / "nowhere", ALPHABET)


CORNERS = "image_path,plate_text,x1,y1,x2,y2,x3,y3,x4,y4\n"


def test_a_table_may_have_the_corners_of_plates(tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    table.write_text(CORNERS + "a.png,AB1,10,5,50,7,49,21.5,9,20\nb.png,AB2,,,,,,,,\n", encoding="utf-8")
    (first, second), problems = list_plates(table, ALPHABET)
    assert problems == []
    assert first.corners == ((10, 5), (50, 7), (49, 21.5), (9, 20))
    assert first.box == (9, 5, 41, 16.5)
    assert (second.corners, second.box) == (None, None)


@pytest.mark.parametrize(
    "wrong",
    [
        "10,5,50,7,49,21,9",
        "10,5,9,20,49,21,50,7",
        "10,5,50,7,9,20,49,21",
        "1,1,1,1,1,1,1,1",
        "a,5,50,7,49,21,9,20",
        "inf,5,50,7,49,21,9,20",
    ],
)
def test_corners_that_are_none_are_named(tmp_path: Path, wrong: str) -> None:
    table = tmp_path / "a.csv"
    table.write_text(f"{CORNERS}a.png,AB1,{wrong}\n", encoding="utf-8")
    _, (problem,) = list_plates(table, ALPHABET)
    assert problem.startswith(f"{table} line 2: the corners {wrong}")
    assert problem.endswith("x1,y1,x2,y2,x3,y3,x4,y4 are pixels, clockwise from the plate's own top left")


def test_without_an_alphabet_any_character_is_taken(tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    table.write_text("image_path,plate_text\na.png,12가 34-56\n", encoding="utf-8")
    (plate,), problems = list_plates(table, None)
    assert (plate.text, problems) == ("12가3456", [])


def test_lines_with_a_tab_are_read_as_paddleocr_writes_them(tmp_path: Path) -> None:
    lines = tmp_path / "rec_gt_train.txt"
    lines.write_text("a.png\tAB 1\n\nsub/b c.png\tab-2\nd.png\t\n", encoding="utf-8-sig")
    plates, problems = list_plates(lines, ALPHABET)
    assert [(plate.path, plate.text, plate.location) for plate in plates] == [
        (tmp_path / "a.png", "AB1", f"{lines} line 1"),
        (tmp_path / "sub" / "b c.png", "AB2", f"{lines} line 3"),
        (tmp_path / "d.png", "", f"{lines} line 4"),
    ]
    assert problems == []
    for data, says in (
        (b"a.png AB1", "line 1: no tab between"),
        (b"\xff", "not UTF-8"),
        (b"", "no pictures"),
    ):
        lines.write_bytes(data)
        with pytest.raises(DataError, match=says):
            list_plates(lines, ALPHABET)


def test_boxes_of_coco_are_read(tmp_path: Path) -> None:
    path = tmp_path / "boxes.json"
    images = [{"id": 7, "file_name": "a.jpg"}, {"id": 8, "file_name": "sub/b.jpg"}]
    boxes = [
        {"id": 3, "image_id": 7, "bbox": [1, 2, 30.5, 9]},
        {"id": 4, "image_id": 7, "bbox": [5, 6, 0, 9]},
    ]
    path.write_text(json.dumps({"images": images, "annotations": boxes, "categories": []}))
    plates, (problem,) = list_plates(path, None, texts=False)
    assert [(plate.path, plate.text, plate.box, plate.location) for plate in plates] == [
        (tmp_path / "a.jpg", "", (1, 2, 30.5, 9), f"{path} annotation 3"),
        (tmp_path / "sub" / "b.jpg", "", None, f"{path} image 8"),
    ]
    assert problem.startswith(f"{path} annotation 4: the box 5,6,0,9")
    _, problems = list_plates(path, None)
    assert f"{path} annotation 3: the text of the plate is missing" in problems
    for wrong in ("[]", "{", '{"images": [], "annotations": [{"image_id": 1, "bbox": [1, 2, 3, 4]}]}'):
        path.write_text(wrong)
        with pytest.raises(DataError, match=r"boxes\.json is no COCO file"):
            list_plates(path, None, texts=False)


VOC = "<annotation><filename>{}</filename>{}</annotation>"
BOX = (
    "<object><name>plate</name>"
    "<bndbox><xmin>{}</xmin><ymin>2</ymin><xmax>40</xmax><ymax>12</ymax></bndbox></object>"
)


def test_boxes_of_pascal_voc_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(VOC.format("a.jpg", BOX.format(10) + BOX.format(20)))
    (tmp_path / "b.xml").write_text(VOC.format("b.jpg", ""))
    (tmp_path / "a.jpg").write_bytes(b"")
    plates, problems = list_plates(tmp_path, None, texts=False)
    assert problems == []
    assert [(plate.path, plate.box) for plate in plates] == [
        (tmp_path / "a.jpg", (10, 2, 30, 10)),
        (tmp_path / "a.jpg", (20, 2, 20, 10)),
        (tmp_path / "b.jpg", None),
    ]
    for wrong in ("<annotation>", VOC.format("a.jpg", BOX.format("x"))):
        (tmp_path / "b.xml").write_text(wrong)
        with pytest.raises(DataError, match=r"b\.xml is no Pascal VOC file"):
            list_plates(tmp_path, None, texts=False)


def test_boxes_of_yolo_are_read(tmp_path: Path) -> None:
    for name in ("images/train/a.png", "images/val/b.png"):
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        cv2.imwrite(str(path), np.zeros((100, 200, 3), np.uint8))
    boxes = tmp_path / "labels" / "train" / "a.txt"
    boxes.parent.mkdir(parents=True)
    boxes.write_text("0 0.5 0.5 0.25 0.1\n\n0 0.5 0.5 0 0.1\n")
    a, b = tmp_path / "images" / "train" / "a.png", tmp_path / "images" / "val" / "b.png"
    expected = [(a, (75.0, pytest.approx(45), 50, 10), f"{boxes} line 1"), (b, None, str(b))]

    def read(data: Path) -> list[tuple[Path, object, str]]:
        plates, problems = list_plates(data, None, texts=False)
        assert [problem.partition(": ")[0] for problem in problems] == [f"{boxes} line 3"]
        return [(plate.path, plate.box, plate.location) for plate in plates]

    assert read(tmp_path) == expected
    settings = tmp_path / "data.yaml"
    for text in (
        "path: .\ntrain: images/train\nval: [images/val]\nnames: {0: plate, 1: car}\n",
        "train: ../images/train\nval: ../images/val\nnc: 1\nnames: ['Kennzeichen']\n",
    ):
        settings.write_text(text)
        boxes.write_text("0 0.5 0.5 0.25 0.1\n\n0 0.5 0.5 0 0.1\n1 0.5 0.5 1 1\n")
        assert read(settings) == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("train: [", "is no data.yaml of YOLO"),
        ("names: 3\ntrain: images", "is no data.yaml of YOLO"),
        ("names: [plate]", "names no folder of pictures: train, val, test"),
        ("train: none\nnames: [plate]", "none is no folder named, or in one named, images"),
        ("train: images\nnames: [car, bus]", "several classes, and none is named after plates"),
        ("train: images\nnames: [plate, car]", "a line has five numbers"),
    ],
)
def test_what_is_wrong_in_files_of_yolo_is_said(tmp_path: Path, text: str, says: str) -> None:
    for name in ("images", "labels"):
        (tmp_path / name).mkdir()
    cv2.imwrite(str(tmp_path / "images" / "a.png"), np.zeros((9, 9), np.uint8))
    broken = "0 1 1 1" if "five" in says else "0 0.5 0.5 1 1\n1 0.5 0.5 1 1"
    (tmp_path / "labels" / "a.txt").write_text(broken)
    (tmp_path / "data.yaml").write_text(text)
    with pytest.raises(DataError, match=says):
        list_plates(tmp_path / "data.yaml", None, texts=False)
