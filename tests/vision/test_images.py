"""Reading pictures from whatever they may be given as."""

from __future__ import annotations

import io
import struct
import threading
import time
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import PIL.Image
import pytest
import torch
from numpy.typing import NDArray

from plate_ocr.errors import ImageError
from plate_ocr.vision.image_files import MAX_PIXELS, is_image_name
from plate_ocr.vision.images import Image, ImageSource, read_image, to_gray
from tests.conftest import encode, some_pictures

Array = NDArray[Any]

GRAY: Image = np.arange(0, 240, 20, dtype=np.uint8).reshape(3, 4)
BGR: Image = np.random.default_rng(0).integers(0, 256, (6, 9, 3)).astype(np.uint8)
ALPHA: Image = np.random.default_rng(1).integers(0, 256, (6, 9)).astype(np.uint8)
BGRA: Image = np.dstack([BGR, ALPHA])


def pil(picture: Image) -> PIL.Image.Image:
    """A PIL image of a BGR, BGRA or grey array."""
    order = {2: [0], 3: [2, 1, 0]}.get(picture.ndim if picture.ndim == 2 else picture.shape[2], [2, 1, 0, 3])
    return PIL.Image.fromarray(picture if picture.ndim == 2 else np.ascontiguousarray(picture[:, :, order]))


def png_claiming(width: int, height: int) -> bytes:
    """A PNG file of a hundred bytes whose header claims any size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def stored(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def closed(file: io.BytesIO) -> io.BytesIO:
    file.close()
    return file


class Stream(io.RawIOBase):
    """What comes over a network: it cannot go back."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def readable(self) -> bool:
        """As it must say."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer; says with how many bytes."""
        size = min(len(buffer), len(self._data))
        buffer[:size], self._data = self._data[:size], self._data[size:]
        return size


def written(data: bytes) -> io.BytesIO:
    """As it is after a picture was saved into it: at its end."""
    file = io.BytesIO()
    file.write(data)
    return file


def exif(orientation: int) -> PIL.Image.Exif:
    tags = PIL.Image.Exif()
    tags[0x0112] = orientation
    return tags


AS_SOURCE: dict[str, Callable[[Path, Image], ImageSource]] = {
    "path": lambda folder, picture: stored(folder, "a.png", encode(pil(picture))),
    "string": lambda folder, picture: str(stored(folder, "a.png", encode(pil(picture)))),
    "non-ASCII path": lambda folder, picture: stored(folder, "车牌 ñ/皖A.png", encode(pil(picture))),
    "misleading name": lambda folder, picture: stored(folder, "a.jpg", encode(pil(picture))),
    "bytes": lambda _, picture: encode(pil(picture)),
    "BytesIO": lambda _, picture: io.BytesIO(encode(pil(picture))),
    "BytesIO at its end": lambda _, picture: written(encode(pil(picture))),
    "stream": lambda _, picture: io.BufferedReader(Stream(encode(pil(picture)))),
    "PIL image": lambda _, picture: pil(picture),
    "tensor": lambda _, picture: torch.from_numpy(picture.copy()),
    "tensor of floats that learns": lambda _, picture: (
        torch.from_numpy(picture.copy()) / 255
    ).requires_grad_(),
    "float64 array": lambda _, picture: picture / 255,
    "float16 array": lambda _, picture: (picture / 255).astype(np.float16),
    "array": lambda _, picture: picture,
    "array that is not contiguous": lambda _, picture: picture[::-1, ::-1].copy()[::-1, ::-1],
}


@pytest.mark.parametrize("source", AS_SOURCE)
@pytest.mark.parametrize("picture", [BGR, GRAY], ids=["colour", "grey"])
def test_a_picture_is_the_same_from_every_source(source: str, picture: Image, tmp_path: Path) -> None:
    image = read_image(AS_SOURCE[source](tmp_path, picture))
    np.testing.assert_array_equal(image, picture)
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous


@pytest.mark.parametrize("source", AS_SOURCE)
def test_transparency_is_laid_on_white(source: str, tmp_path: Path) -> None:
    share = ALPHA[:, :, None] / 255
    expected = BGR * share + 255 * (1 - share)
    assert np.abs(read_image(AS_SOURCE[source](tmp_path, BGRA)) - expected).max() <= 0.51


GRAY_16 = GRAY.astype(np.uint16) * 256 + 255
COLOUR_16 = BGR.astype(np.uint16) * 256 + 3
PALETTE = PIL.Image.fromarray((GRAY > 100).astype(np.uint8), "P")
PALETTE.putpalette([250, 10, 20, 1, 2, 3])
BY_INDEX = np.where((GRAY > 100)[:, :, None], [3, 2, 1], [20, 10, 250])
GRAY_ALPHA = PIL.Image.merge("LA", [PIL.Image.new("L", (4, 3), 7), PIL.Image.new("L", (4, 3), 0)])


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param(encode(PIL.Image.fromarray(GRAY_16)), GRAY, id="16-bit grey PNG"),
        pytest.param(encode(PIL.Image.fromarray(GRAY_16), "TIFF"), GRAY, id="16-bit grey TIFF"),
        pytest.param(bytes(cv2.imencode(".png", COLOUR_16)[1]), BGR, id="16-bit colour PNG"),
        pytest.param(GRAY_16, GRAY, id="16-bit array"),
        pytest.param(COLOUR_16, BGR, id="16-bit colour array"),
        pytest.param(PIL.Image.fromarray(GRAY_16.astype(np.int32)), GRAY, id="PIL mode I"),
        pytest.param(GRAY[:, :, None], GRAY, id="array with one channel"),
        pytest.param(GRAY > 100, np.where(GRAY > 100, 255, 0), id="bool array"),
        pytest.param(encode(PIL.Image.fromarray(GRAY > 100)), np.where(GRAY > 100, 255, 0), id="1-bit PNG"),
        pytest.param(encode(PALETTE), BY_INDEX, id="palette"),
        pytest.param(encode(PALETTE, "GIF"), BY_INDEX, id="GIF"),
        pytest.param(
            encode(PALETTE, transparency=0),
            np.where((GRAY > 100)[:, :, None], [3, 2, 1], 255),
            id="palette with a transparent colour",
        ),
        pytest.param(encode(GRAY_ALPHA), np.full((3, 4, 3), 255), id="transparent grey"),
        pytest.param(memoryview(encode(pil(GRAY))), GRAY, id="memoryview"),
        pytest.param(bytearray(encode(pil(GRAY))), GRAY, id="bytearray"),
    ],
)
def test_kinds_of_pixels(source: ImageSource, expected: Array) -> None:
    np.testing.assert_array_equal(read_image(source), expected)


def test_a_transparent_grey_value_is_white_too() -> None:
    picture = np.array([[0, 90], [0, 200]], np.uint8)
    image = to_gray(read_image(encode(pil(picture), transparency=0)))
    np.testing.assert_array_equal(image, [[255, 90], [255, 200]])


@pytest.mark.parametrize("rgb", [(220, 30, 40), (30, 200, 60), (20, 40, 210), (128, 128, 128)])
def test_a_cmyk_jpeg_has_its_colours(rgb: tuple[int, int, int]) -> None:
    data = encode(PIL.Image.new("RGB", (16, 16), rgb).convert("CMYK"), "JPEG", quality=95)
    with PIL.Image.open(io.BytesIO(data)) as picture:
        assert picture.mode == "CMYK"
    assert np.abs(read_image(data).astype(int) - np.array(rgb)[::-1]).max() <= 6


TURNED: dict[int, Callable[[Array], Array]] = {
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.transpose(1, 0, 2),
    6: lambda upright: np.rot90(upright, 1),
    7: lambda upright: upright[::-1, ::-1].transpose(1, 0, 2),
    8: lambda upright: np.rot90(upright, -1),
}
"""How a camera stores an upright picture under each EXIF orientation."""


@pytest.mark.parametrize("orientation", TURNED)
@pytest.mark.parametrize("opened", [False, True], ids=["bytes", "PIL image"])
def test_exif_rotation_is_applied(orientation: int, opened: bool) -> None:
    turned = np.ascontiguousarray(TURNED[orientation](BGR))
    data = encode(pil(turned), exif=exif(orientation))
    source: ImageSource = PIL.Image.open(io.BytesIO(data)) if opened else data
    np.testing.assert_array_equal(read_image(source), BGR)


def test_an_open_file_is_read_and_named(tmp_path: Path) -> None:
    with stored(tmp_path, "a.png", encode(pil(BGR))).open("rb") as file:
        for _ in range(2):
            np.testing.assert_array_equal(read_image(file), BGR)
    with (
        stored(tmp_path, "b.png", b"hello").open("rb") as file,
        pytest.raises(ImageError, match=r"b\.png: not a picture"),
    ):
        read_image(file)
    with (
        (tmp_path / "c.png").open("wb") as file,
        pytest.raises(ImageError, match=r"cannot read .*c\.png: read"),
    ):
        read_image(file)


def test_exif_rotation_of_a_jpeg_photo(tmp_path: Path) -> None:
    upright = np.zeros((16, 48, 3), np.uint8)
    upright[:, :16] = 255
    data = encode(pil(np.ascontiguousarray(np.rot90(upright))), "JPEG", exif=exif(6))
    image = read_image(stored(tmp_path, "photo.jpg", data))
    assert image.shape == upright.shape
    assert image[:, :12].min() > 200
    assert image[:, 20:].max() < 50


TIFF_HEADER = b"Exif\0\0II*\0\x08\0\0\0"
MAKER_BEYOND_THE_END = b"\x0f\x01\x02\0\xff\0\0\0\xff\xff\0\0"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    "tags",
    [b"Exif\0\0garbage!", TIFF_HEADER + b"\x05\0", TIFF_HEADER + b"\x01\0" + MAKER_BEYOND_THE_END],
    ids=["no TIFF header", "cut short", "beyond the end"],
)
def test_damaged_exif_data_does_not_cost_the_picture(
    tags: bytes, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    data = encode(PIL.Image.new("RGB", (20, 10), (10, 200, 30)), kind, exif=tags)
    image = read_image(data)
    if kind == "PNG" and b"garbage" in tags:  # Pillow mends the others
        (message,) = caplog.messages
        assert message.startswith("the bytes given: read as it is stored, its EXIF data is damaged (")
    assert image.shape == (10, 20, 3)
    assert np.abs(image.astype(int) - [30, 200, 10]).max() < 12


NOISE_JPEG = encode(
    PIL.Image.fromarray(np.random.default_rng(2).integers(0, 255, (64, 64, 3), np.uint8)), "JPEG"
)
NOISE_PNG = encode(PIL.Image.fromarray(np.random.default_rng(2).integers(0, 255, (64, 64, 3), np.uint8)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda f: f / "missing.png", r"missing\.png: No such file"),
        (lambda f: str(f / "nowhere" / "a.png"), r"nowhere.*No such file"),
        (lambda f: f, r"is a folder, not a picture"),
        (lambda f: stored(f, "none.jpg", b""), r"none\.jpg: the file is empty"),
        (lambda _: b"", r"empty"),
        (lambda f: stored(f, "text.png", b"hello, world\n"), r"text\.png: not a picture in a known format"),
        (lambda _: b"\x89PNG\r\n\x1a\n" + b"\0" * 50, r"not a picture|damaged"),
        (
            lambda f: stored(f, "cut.jpg", NOISE_JPEG[: len(NOISE_JPEG) // 2]),
            r"cut\.jpg: the file ends early: \d+ % of its rows are there, and at least half is needed",
        ),
        (lambda f: stored(f, "cut.png", NOISE_PNG[: len(NOISE_PNG) // 2]), r"cut\.png: the file ends early"),
        (lambda f: stored(f, "huge.png", png_claiming(30_000, 30_000)), r"huge\.png: .*large.*64,000,000"),
        (lambda _: png_claiming(9_000, 9_000), r"9000×9000 pixels are too many"),
        (lambda _: png_claiming(2**31 - 1, 2**31 - 1), r"too large|too many"),
        (
            lambda _: np.lib.stride_tricks.as_strided(np.zeros(1, np.uint8), (8_001, 8_000), (0, 0)),
            r"too many",
        ),
        (lambda _: PIL.Image.new("1", (8_001, 8_000)), r"8001×8000 pixels are too many"),
        (lambda _: np.full((4, 4), np.nan), r"array of float64 has values from nan to nan: 0 to 1"),
        (lambda _: GRAY.astype(np.float32), r"array of float32 has values from 0 to 220: 0 to 1 .*0 to 255"),
        (lambda _: GRAY / 220 - 0.25, r"values from -0\.25 to 0\.75: 0 to 1"),
        (lambda _: np.append(GRAY / 255, [[np.inf] * 4], axis=0), r"values from 0 to inf: 0 to 1"),
        (lambda _: np.append(GRAY / 255, [[np.nan] * 4], axis=0), r"values from nan to nan: 0 to 1"),
        (lambda _: np.zeros((4, 4), np.int64), r"array of int64.*uint8 from 0 to 255.*floats from 0 to 1"),
        (lambda _: np.zeros((4, 4), np.complex64), r"array of complex64"),
        (lambda _: np.zeros((4, 4), np.int8), r"array of int8"),
        (lambda _: np.array([[None, "a"]], object), r"array of object"),
        (lambda _: np.zeros(5, np.uint8), r"shape \(5,\) is no picture.*\(H, W, 3\)"),
        (lambda _: np.zeros((), np.uint8), r"shape \(\)"),
        (lambda _: np.zeros((4, 4, 2), np.uint8), r"shape \(4, 4, 2\)"),
        (lambda _: np.zeros((2, 3, 4, 4), np.uint8), r"shape \(2, 3, 4, 4\)"),
        (lambda _: np.zeros((0, 4), np.uint8), r"no pixels"),
        (lambda _: np.zeros((4, 0, 3), np.uint8), r"no pixels"),
        (lambda _: PIL.Image.new("L", (0, 4)), r"no pixels"),
        (lambda _: PIL.Image.new("F", (4, 4), 2), r"array of float32 has values from 2 to 2: 0 to 1"),
        (lambda _: np.zeros((3, 40, 60), np.uint8), r"shape \(3, 40, 60\).*four axes: array\[None\]"),
        (lambda _: torch.zeros(3, 40, 60), r"shape \(3, 40, 60\).*four axes: array\[None\]"),
        (lambda _: torch.zeros(4, 4) + 2, r"array of float32 has values from 2 to 2: 0 to 1"),
        (lambda _: torch.zeros(4, 4, dtype=torch.bfloat16), r"a Tensor cannot be made an array .*BFloat16"),
        (lambda _: io.StringIO("text"), r"the file given gives str, not bytes: open it with mode 'rb'"),
        (lambda _: io.BytesIO(), r"the file given: the file is empty"),
        (lambda _: closed(io.BytesIO(NOISE_PNG)), r"cannot read the file given: .*closed"),
        (lambda _: io.BytesIO(NOISE_PNG[:300]), r"the file given: the file ends early"),
        (
            lambda _: None,
            r"a NoneType is no picture: give a path, bytes, an open file, a PIL image, an array",
        ),
        (lambda _: 7, r"int is no picture"),
        (lambda _: [GRAY], r"list is no picture"),
        (lambda _: "a\0b.png", r"not a valid path"),
        (lambda _: "a" * 5000, r"too long"),
    ],
)
def test_what_is_no_picture_is_refused_in_one_clear_line(
    make: Callable[[Path], Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ImageError, match=message) as caught:
        read_image(make(tmp_path))
    assert "\n" not in str(caught.value)


def test_a_refusal_names_the_picture(tmp_path: Path) -> None:
    path = tmp_path / "float.tif"
    PIL.Image.new("F", (9, 9), 7).save(path)
    with pytest.raises(ImageError, match=r"float\.tif: an array of float32 has values from 7 to 7"):
        read_image(path)


def test_a_file_larger_than_the_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(path: Path) -> bytes:
        raise MemoryError

    monkeypatch.setattr(Path, "read_bytes", read)
    with pytest.raises(ImageError, match=r"1\.png: the file is larger than the memory"):
        read_image(tmp_path / "1.png")


def test_a_small_file_that_claims_to_be_huge_is_not_decoded() -> None:
    assert MAX_PIXELS < 30_000 * 30_000
    started = time.perf_counter()
    with pytest.raises(ImageError, match="large"):
        read_image(png_claiming(30_000, 30_000))
    assert time.perf_counter() - started < 0.5


def test_a_pil_image_whose_file_is_cut_short_is_refused() -> None:
    with (
        PIL.Image.open(io.BytesIO(NOISE_JPEG[: len(NOISE_JPEG) // 2])) as picture,
        pytest.raises(ImageError, match="truncated"),
    ):
        read_image(picture)


def test_a_closed_pil_image_is_refused() -> None:
    picture = PIL.Image.new("L", (4, 4))
    picture.close()
    with pytest.raises(ImageError, match="closed"):
        read_image(picture)


def test_reading_in_two_threads_leaves_the_warning_filters_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    first_in, second_in, first_out = threading.Event(), threading.Event(), threading.Event()
    open_image = PIL.Image.open
    data = encode(pil(GRAY))

    def first_opens(*args: Any, **options: Any) -> PIL.Image.Image:
        if threading.current_thread().name == "first":
            first_in.set()
            second_in.wait(0.5)
        else:
            second_in.set()
            first_out.wait(0.5)
        return open_image(*args, **options)

    def first() -> None:
        read_image(data)
        first_out.set()

    def second() -> None:
        first_in.wait(0.5)
        read_image(data)

    monkeypatch.setattr(PIL.Image, "open", first_opens)
    before = list(warnings.filters)
    threads = [threading.Thread(target=first, name="first"), threading.Thread(target=second, name="second")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(warnings.filters) == before


def test_the_caller_keeps_his_array() -> None:
    picture = BGRA.copy()
    read_image(picture)
    np.testing.assert_array_equal(picture, BGRA)


def test_grey_is_the_luma_of_blue_green_red() -> None:
    expected = BGR @ [0.114, 0.587, 0.299]
    assert np.abs(to_gray(BGR) - expected).max() <= 1
    np.testing.assert_array_equal(to_gray(GRAY), GRAY)


@pytest.mark.parametrize(
    ("name", "is_picture"),
    [
        ("a.png", True),
        ("A.JPG", True),
        ("车牌.webp", True),
        ("a.txt", False),
        (".a.png", False),
        ("png", False),
    ],
)
def test_names_that_count_as_pictures(name: str, is_picture: bool) -> None:
    assert is_image_name(name) is is_picture


@pytest.mark.data
@pytest.mark.parametrize("name", ["chars/easypr/8", "chars/easypr/京", "chars/uk/8"])
def test_real_characters_are_read(data_folder: Path, name: str) -> None:
    for path in some_pictures(data_folder / name, 20):
        image = read_image(path)
        assert min(image.shape[:2]) >= 8
        assert np.ptp(to_gray(image)) > 12
        np.testing.assert_array_equal(image, read_image(path.read_bytes()))
