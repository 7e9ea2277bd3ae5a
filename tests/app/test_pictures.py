"""Pictures that go with readings."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plate_ocr.app.output import Written
from plate_ocr.app.pictures import MAX_NAMED, PictureFolders
from plate_ocr.app.sources import Inputs, Source
from plate_ocr.errors import ImageError, OutputError
from plate_ocr.readers.auto import PlateReader
from plate_ocr.readers.pictures import MAX_SIDE, annotated
from plate_ocr.readers.results import Char, Plate, Reading
from plate_ocr.rendering.plates import PlateGenerator
from plate_ocr.vision.drawing import blurred
from plate_ocr.vision.images import Image, read_image


def plate_at(left: float, top: float, right: float, bottom: float, text: str = "皖A512T3") -> Plate:
    corners = (left, top), (right, top), (right, bottom), (left, bottom)
    return Plate(text, 0.97, 0.9, 1, corners, tuple(Char(char, 0.97, ()) for char in text))


def reading(*plates: Plate) -> Reading:
    return Reading(400, 300, 1.0, plates)


def nowhere(picture: Image) -> list[Any]:
    """No other place where a plate may be."""
    return []


@pytest.mark.parametrize("channels", [(), (3,)])
def test_a_label_lies_beside_its_plate(channels: tuple[int, ...]) -> None:
    picture = np.full((300, 400, *channels), 90, np.uint8)
    plates = plate_at(100, 120, 260, 160), plate_at(100, 175, 260, 215, "B2"), plate_at(1, 1, 399, 40, "C3")
    drawn = annotated(picture, plates)
    assert drawn.shape == (300, 400, 3)
    assert (drawn == 255).all(2).any()
    for left, top, right, bottom in ((100, 120, 260, 160), (100, 175, 260, 215), (1, 1, 399, 40)):
        assert (drawn[top + 3 : bottom - 3, left + 3 : right - 3] == 90).all()
    assert (picture == 90).all()


def test_where_there_is_no_room_there_is_no_label() -> None:
    drawn = annotated(np.full((40, 120), 90, np.uint8), [plate_at(1, 1, 119, 39)])
    assert (drawn[4:-4, 4:-4] == 90).all()


def test_a_blurred_plate_cannot_be_read(shipped_plates: Path) -> None:
    read = PlateReader(shipped_plates, input="plate", threads=1)
    generator = PlateGenerator(None, ["us", "eu"], not_plates=0.0)
    were_read = 0
    for index in range(12):
        rendered = generator(3, index, (96, 300))
        found = read(rendered.image)
        if not found.plates or found.plates[0].text != rendered.text:
            continue
        were_read += 1
        hidden = read(blurred(rendered.image, [plate.corners for plate in found.plates]))
        assert not any(plate.text == rendered.text for plate in hidden.plates)
        assert not any(len(plate.text) > 3 for plate in hidden.plates)
    assert were_read >= 6


def test_only_plates_are_blurred() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
    plates = plate_at(100, 100, 200, 140), plate_at(390, 290, 410, 310), plate_at(5, 5, 5, 5)
    hidden = blurred(picture, [plate.corners for plate in plates])
    changed = (hidden != picture).any(2)
    assert changed[105:135, 105:195].mean() > 0.9
    changed[90:150, 85:215] = changed[285:, 385:] = changed[:12, :12] = False
    assert not changed.any()


def test_what_may_be_a_plate_is_hidden_too(tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
    read, other = plate_at(100, 100, 200, 140), plate_at(300, 200, 360, 220)
    drawn = PictureFolders(blur=tmp_path).draw(picture, reading(read), lambda _: [other.corners])
    both = read_image(drawn.blurred)
    assert drawn.hidden == 2
    for left, top, right, bottom in ((100, 100, 200, 140), (300, 200, 360, 220)):
        inner = both[top:bottom, left:right].astype(int)
        assert np.abs(np.diff(inner, axis=0)).mean() < 6
    assert np.abs(np.diff(both[:80].astype(int), axis=0)).mean() > 40


def test_pictures_in_which_nothing_is_hidden_are_named(tmp_path: Path) -> None:
    folders, picture = PictureFolders(blur=tmp_path), np.zeros((30, 40), np.uint8)
    assert folders.summary() == ""
    folders.write(Source("seen.jpg"), folders.draw(picture, reading(plate_at(1, 1, 9, 4)), nowhere))
    assert folders.summary() == "something was hidden in every picture"
    for n in range(MAX_NAMED):
        folders.write(Source(f"{n}.jpg"), folders.draw(picture, reading(), nowhere))
    named = ", ".join(f"{n}.jpg" for n in range(MAX_NAMED))
    assert folders.summary() == f"nothing was hidden in {MAX_NAMED} of {MAX_NAMED + 1} pictures: {named}"
    folders.write(Source("more.jpg"), folders.draw(picture, reading(), nowhere))
    assert (
        folders.summary() == f"nothing was hidden in {MAX_NAMED + 1} of {MAX_NAMED + 2} pictures: {named}, …"
    )


def test_pictures_of_one_name_do_not_meet(tmp_path: Path) -> None:
    folders = PictureFolders(tmp_path / "a", tmp_path / "c", tmp_path / "b")
    picture = np.full((300, 400, 3), 90, np.uint8)
    for name in ("/x/1.jpg", "y/1.jpg", "../1.png", "-"):
        found = reading(plate_at(10, 10, 100, 40), plate_at(200, 10, 290, 40))
        folders.write(Source(name), folders.draw(picture, found, nowhere))
    names = ["1-2.jpg", "1.jpg", "1.png.jpg", "stdin.jpg"]
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == names
    assert sorted(path.name for path in (tmp_path / "b").iterdir()) == names
    assert len(list((tmp_path / "c").iterdir())) == 8


def test_subfolders_are_kept_and_the_written_files_told(tmp_path: Path) -> None:
    places = tmp_path / "a", tmp_path / "b", tmp_path / "c"
    folders = PictureFolders(annotate=places[0], blur=places[1], crops=places[2])
    picture = np.full((300, 400, 3), 90, np.uint8)
    empty, found = reading(), reading(plate_at(10, 10, 100, 40), plate_at(200, 10, 290, 40))
    names = ("x/1.jpg", "x/y/1.jpg", "x/1.png")
    told = [
        folders.write(Source(name, folder="x"), folders.draw(picture, read, nowhere))
        for name, read in zip(names, (found, found, empty), strict=True)
    ]
    told.append(folders.write(Source("z/1.jpg", folder="z"), folders.draw(picture, found, nowhere)))
    inside = ["1.jpg", "y/1.jpg", "1.png.jpg", "1-2.jpg"]
    assert [files.annotated for files in told] == [str(places[0] / name) for name in inside]
    assert [files.blurred for files in told] == [str(places[1] / name) for name in inside]
    crops = [[str(places[2] / f"{name}.{i}.png") for i in (1, 2)] for name in inside]
    assert [list(files.crops) for files in told] == [*crops[:2], [], crops[3]]
    written = {str(path) for path in tmp_path.rglob("*") if path.is_file()}
    assert written == {path for files in told for path in (files.annotated, files.blurred, *files.crops)}


@pytest.mark.parametrize("kind", ["annotate", "blur", "crops"])
def test_files_that_were_written_before_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.chdir(tmp_path)
    picture, found = np.full((300, 400), 90, np.uint8), reading(plate_at(10, 10, 100, 40))
    names = "x/1.png", "z/1.png", "x/y/1.png"

    def write(folders: PictureFolders, name: str) -> Written:
        return folders.write(Source(name, folder=name[0]), folders.draw(picture, found, nowhere))

    def folders_in(path: Path) -> PictureFolders:
        folders = PictureFolders()
        setattr(folders, kind, path)
        return folders

    at_once, stopped = folders_in(Path("1")), folders_in(Path("2"))
    for name in (*names, *names):
        write(at_once, name)
    before = [write(stopped, name) for name in names]
    later = folders_in(tmp_path / "2" / "z" / "..")
    later.reserve(before)
    for name in names:
        write(later, name)
    files = [sorted(path.relative_to(n) for path in Path(n).rglob("*")) for n in ("1", "2")]
    assert files[0] == files[1]
    assert len(files[0]) == 7


def test_processes_that_draw_are_not_sent_the_names_so_far(tmp_path: Path) -> None:
    folders = PictureFolders(annotate=tmp_path)
    before = pickle.dumps(folders)
    folders.reserve([Written(str(tmp_path / "1.jpg"))])
    assert pickle.dumps(folders) == before
    assert pickle.loads(before).annotate == tmp_path
    folders.write(Source("1.jpg"), folders.draw(np.zeros((9, 9), np.uint8), reading(), nowhere))
    assert [path.name for path in tmp_path.iterdir()] == ["1-2.jpg"]


def test_a_number_is_not_given_where_a_picture_has_that_name(tmp_path: Path) -> None:
    folders = PictureFolders(annotate=tmp_path)
    for level, name in enumerate(("1-2.jpg", "1.jpg", "x/1.jpg", "x/1-3.jpg", "x/1-2.jpg")):
        picture = np.full((30, 40), 50 * level, np.uint8)
        folders.write(Source(name), folders.draw(picture, reading(), nowhere))
    levels = {path.name: round(read_image(path).mean() / 50) for path in tmp_path.iterdir()}
    assert levels == {"1-2.jpg": 0, "1.jpg": 1, "1-3.jpg": 2, "1-3-2.jpg": 3, "1-2-2.jpg": 4}


def test_a_picture_is_not_overwritten_by_what_is_drawn_of_it(tmp_path: Path) -> None:
    path = tmp_path / "1.jpg"
    path.write_bytes(b"the picture")
    for folders in (PictureFolders(annotate=tmp_path), PictureFolders(blur=tmp_path / "x" / "..")):
        (tmp_path / "x").mkdir(exist_ok=True)
        with pytest.raises(OutputError, match=r"1\.jpg is the picture itself"):
            folders.write(Source(str(path)), folders.draw(np.zeros((9, 9), np.uint8), reading(), nowhere))
    assert path.read_bytes() == b"the picture"


@pytest.mark.parametrize("given", ["a/1.jpg", "a", ".", "*/1.jpg"])
def test_no_picture_is_overwritten_by_what_is_drawn_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("a", "b"):
        Path(folder).mkdir()
        Path(folder, "1.jpg").write_bytes(b"the picture")
    folders = PictureFolders(annotate=tmp_path / "a", inputs=Inputs(("b/1.jpg", given)))
    drawn = folders.draw(np.zeros((9, 9), np.uint8), reading(), nowhere)
    with pytest.raises(OutputError, match=r"1\.jpg is among the pictures to read"):
        folders.write(Source("b/1.jpg"), drawn)
    assert Path("a/1.jpg").read_bytes() == b"the picture"
    # What was drawn in a run before is.
    for _ in range(2):
        PictureFolders(annotate=tmp_path / "c", inputs=Inputs(("a", "b/1.jpg"))).write(
            Source("b/1.jpg"), drawn
        )


def test_an_ending_that_is_added_makes_no_name_twice(tmp_path: Path) -> None:
    folders = PictureFolders(annotate=tmp_path)
    for name in ("1.png", "1.png.jpg", "x/1.png"):
        folders.write(Source(name), folders.draw(np.zeros((9, 9), np.uint8), reading(), nowhere))
    names = ["1-3.png.jpg", "1.png-2.jpg", "1.png.jpg"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names


def test_a_picture_that_is_too_long_for_a_file_is_told(tmp_path: Path) -> None:
    for size in ((2, MAX_SIDE + 1), (MAX_SIDE + 1, 2)):
        with pytest.raises(ImageError, match="too many for a JPEG file"):
            PictureFolders(blur=tmp_path).draw(np.zeros(size, np.uint8), reading(), nowhere)
    drawn = PictureFolders(blur=tmp_path).draw(np.zeros((2, MAX_SIDE), np.uint8), reading(), nowhere)
    assert drawn.blurred


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    folders = PictureFolders(annotate=tmp_path / "file")
    with pytest.raises(OutputError, match="file"):
        folders.write(Source("1.jpg"), folders.draw(np.zeros((9, 9), np.uint8), reading(), nowhere))
