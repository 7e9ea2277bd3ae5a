"""Which files are pictures, and that each kind is decoded with its colours and turned upright."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import PIL.Image
import PIL.ImageCms
import pillow_heif
import pytest
from numpy.typing import NDArray

from plate_ocr.errors import ImageError
from plate_ocr.vision.image_files import FORMATS, MAX_PIXELS, SUFFIXES, is_image_name
from plate_ocr.vision.images import Image, read_image
from tests.conftest import encode

NOT_DECODED_BY_PILLOW = {"BUFR", "EPS", "FPX", "GRIB", "HDF5", "IPTC", "MIC", "MPEG", "WMF"}
"""Formats that Pillow opens and another program or add-on decodes, or that hold another one."""

RGB: Image = np.zeros((48, 96, 3), np.uint8)
RGB[:24, :48], RGB[24:, 48:], RGB[:24, 48:] = (200, 60, 20), (20, 180, 220), (90, 90, 90)
PICTURE = PIL.Image.fromarray(RGB)


def heic(picture: PIL.Image.Image, exif: bytes | None = None) -> bytes:
    """A HEIC file, as phones write them: turned by the container, with the same in its EXIF data."""
    heif = pillow_heif.from_pillow(picture)
    if exif:
        heif.info["exif"] = exif
    file = io.BytesIO()
    heif.save(file, quality=95)
    return file.getvalue()


def off(data: bytes) -> int:
    """How far the colours of a file are from the picture's, at most, but for a twentieth of the pixels."""
    image = read_image(data)
    assert image.shape == RGB.shape
    return int(np.quantile(np.abs(image[:, :, ::-1].astype(int) - RGB), 0.95))


def test_every_format_that_pillow_decodes_itself_is_one() -> None:
    PIL.Image.init()
    known = set(PIL.Image.OPEN) - {"HEIF"}  # which pillow-heif may have added
    assert known - NOT_DECODED_BY_PILLOW == set(FORMATS)


def test_the_endings_are_those_that_pillow_knows() -> None:
    PIL.Image.init()
    for suffix, kind in PIL.Image.EXTENSION.items():
        of_format = {"MPO": "JPEG"}.get(kind, kind)
        assert (suffix in SUFFIXES) == (of_format in FORMATS or kind == "HEIF"), suffix
        if of_format in FORMATS:
            assert suffix in FORMATS[of_format]


@pytest.mark.parametrize("name", ["a.JFIF", "a.jpe", "a.jp2", "a.avif", "a.heic", "a.HEIF", "a.mpo", "a.hdr"])
def test_pictures_of_phones_and_browsers_are_known_by_name(name: str) -> None:
    assert is_image_name(name)


@pytest.mark.parametrize("name", ["a.eps", "a.pdf", "a.svg", "a.wmf", "a.mpg", "a.h5", "a.psd.zip"])
def test_what_others_decode_is_no_picture(name: str) -> None:
    assert not is_image_name(name)


def pam(values: NDArray[Any], most: int) -> bytes:
    height, width, depth = values.shape
    head = f"P7\nWIDTH {width}\nHEIGHT {height}\nDEPTH {depth}\nMAXVAL {most}\nTUPLTYPE RGB\nENDHDR\n"
    return head.encode() + values.tobytes()


def opencv(kind: str, values: NDArray[Any]) -> bytes:
    return bytes(cv2.imencode(kind, values)[1])


BGR = np.ascontiguousarray(RGB[:, :, ::-1])
LAB = PIL.ImageCms.profileToProfile(
    PICTURE, PIL.ImageCms.createProfile("sRGB"), PIL.ImageCms.createProfile("LAB"), outputMode="LAB"
)
assert LAB is not None


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(encode(PICTURE, "AVIF", quality=95), id="AVIF"),
        pytest.param(encode(PICTURE, "JPEG2000"), id="JPEG 2000"),
        pytest.param(encode(PICTURE, "WEBP", quality=95), id="WebP"),
        pytest.param(encode(PICTURE, "WEBP", lossless=True), id="lossless WebP"),
        pytest.param(encode(PICTURE, "MPO", quality=95), id="MPO"),
        pytest.param(encode(PICTURE, "TGA"), id="TGA"),
        pytest.param(encode(PICTURE, "PCX"), id="PCX"),
        pytest.param(encode(PICTURE, "SGI"), id="SGI"),
        pytest.param(encode(PICTURE, "DDS"), id="DDS"),
        pytest.param(encode(PICTURE, "QOI"), id="QOI"),
        pytest.param(encode(PICTURE, "PPM"), id="PPM"),
        pytest.param(encode(PICTURE, "BMP"), id="BMP"),
        pytest.param(encode(PICTURE, "TIFF", compression="tiff_lzw"), id="TIFF, LZW"),
        pytest.param(encode(PICTURE, "TIFF", compression="jpeg", quality=95), id="TIFF, JPEG"),
        pytest.param(encode(PICTURE.convert("CMYK"), "TIFF"), id="CMYK TIFF"),
        pytest.param(encode(LAB, "TIFF"), id="Lab TIFF"),
        pytest.param(opencv(".tiff", BGR.astype(np.uint16) * 257), id="16-bit TIFF"),
        pytest.param(opencv(".jp2", BGR.astype(np.uint16) * 257), id="16-bit JPEG 2000"),
        pytest.param(opencv(".hdr", (BGR / 255).astype(np.float32)), id="Radiance HDR"),
        pytest.param(opencv(".sr", BGR), id="Sun raster"),
        pytest.param(pam(RGB, 255), id="PAM"),
        pytest.param(pam((RGB * np.uint16(257)).astype(">u2"), 65535), id="16-bit PAM"),
        pytest.param(heic(PICTURE), id="HEIC"),
        pytest.param(heic(PICTURE.convert("RGBA")), id="HEIC with alpha"),
    ],
)
def test_each_kind_has_its_colours(data: bytes) -> None:
    assert off(data) <= 14


def test_a_float_file_holds_0_to_1() -> None:
    gray = np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4)
    expected = np.rint(gray * 255)
    np.testing.assert_array_equal(read_image(encode(PIL.Image.fromarray(gray), "TIFF")), expected)
    np.testing.assert_array_equal(read_image(opencv(".pfm", gray)), expected)


def test_a_transparent_heic_is_laid_on_white() -> None:
    clear = PIL.Image.fromarray(np.dstack([RGB, np.zeros((48, 96), np.uint8)]))
    assert read_image(heic(clear)).min() == 255


TURNED: dict[int, Callable[[Image], NDArray[Any]]] = {
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
@pytest.mark.parametrize("kind", ["AVIF", "HEIC", "MPO", "PNG", "TIFF", "WEBP"])
def test_every_kind_is_turned_upright(kind: str, orientation: int) -> None:
    tags = PIL.Image.Exif()
    tags[0x0112] = orientation
    stored = PIL.Image.fromarray(np.ascontiguousarray(TURNED[orientation](RGB)))
    data = heic(stored, tags.tobytes()) if kind == "HEIC" else encode(stored, kind, exif=tags)
    assert off(data) <= 14


def test_without_its_decoder_a_heic_file_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    data = heic(PICTURE)
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    expected = r"needs? pillow-heif; install it with: pip install 'plate-ocr\[heic\]'$"
    with pytest.raises(ImageError, match=expected):
        read_image(data)
    assert off(encode(PICTURE, "AVIF", quality=95)) <= 14


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n", id="EPS"),
        pytest.param(b"%PDF-1.4\n%%EOF\n", id="PDF"),
        pytest.param(b"<svg xmlns='http://www.w3.org/2000/svg'/>", id="SVG"),
    ],
)
def test_no_other_program_is_started(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def start(*command: object, **_: object) -> None:
        pytest.fail(f"{command} was started")

    monkeypatch.setattr(subprocess, "Popen", start)
    with pytest.raises(ImageError, match="not a picture in a known format"):
        read_image(data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100), "the picture is damaged"),
        (pam(RGB, 255)[:-9], "the picture is damaged"),
        (b"P7\nWIDTH 3\nENDHDR\n", "its header is not whole"),
        (b"P7\nWIDTH 9999999\nHEIGHT 9\nDEPTH 3\nMAXVAL 255\nENDHDR\n", f"at most {MAX_PIXELS:,}"),
        (b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 99999 +X 99999\n", f"at most {MAX_PIXELS:,}"),
        (b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 9 +X 9\n\2\2", "the picture is damaged"),
    ],
)
def test_damaged_files_and_those_that_claim_to_be_huge_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(ImageError, match=message):
        read_image(data)
