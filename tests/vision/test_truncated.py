"""Pictures that end early are read as far as they go, and say how far."""

from __future__ import annotations

import io
import re
from typing import Any

import cv2
import numpy as np
import PIL.Image
import pytest

from plate_ocr.errors import ImageError
from plate_ocr.vision.images import Image, read_image
from tests.conftest import draw_plate, encode

SCENE = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (240, 320, 3)).astype(np.uint8), (5, 5), 0)
"""As much in each row as in any other."""


def picture(mode: str = "RGB") -> PIL.Image.Image:
    return PIL.Image.fromarray(np.asarray(SCENE, np.uint8)).convert(mode)


KINDS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "JPEG": ("JPEG", "RGB", {}),
    "grey JPEG": ("JPEG", "L", {}),
    "CMYK JPEG": ("JPEG", "CMYK", {}),
    "JPEG of full colour": ("JPEG", "RGB", {"subsampling": 0, "quality": 95}),
    "JPEG that restarts": ("JPEG", "RGB", {"restart_marker_rows": 1}),
    "JPEG that restarts often": ("JPEG", "RGB", {"restart_marker_blocks": 7}),
    "PNG": ("PNG", "RGB", {}),
    "PNG with a palette": ("PNG", "P", {}),
    "PNG with alpha": ("PNG", "RGBA", {}),
    "WebP": ("WEBP", "RGB", {}),
    "lossless WebP": ("WEBP", "RGB", {"lossless": True}),
    "WebP with alpha": ("WEBP", "RGBA", {}),
    "PPM": ("PPM", "RGB", {}),
    "TIFF": ("TIFF", "RGB", {}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_rows_that_are_there_are_read(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    name, mode, options = KINDS[kind]
    data = encode(picture(mode), name, **options)
    whole = read_image(data)
    for part in (0.97, 0.9, 0.8, 0.7):
        caplog.clear()
        image = read_image(data[: int(part * len(data))])
        share = len(image) / len(whole)
        assert image.shape[1:] == whole.shape[1:]
        assert share == pytest.approx(part, abs=0.13)
        np.testing.assert_array_equal(image, whole[: len(image)])
        assert caplog.messages == [
            f"the bytes given: the file ends early: {int(100 * share)} % of its rows are there"
        ]


@pytest.mark.parametrize("kind", KINDS)
def test_where_less_than_half_is_there_it_is_refused(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    name, mode, options = KINDS[kind]
    data = encode(picture(mode), name, **options)
    expected = r"the file ends early: \d+ % of its rows are there, and at least half is needed$"
    for part in (0.4, 0.25):
        with pytest.raises(ImageError, match=expected):
            read_image(data[: int(part * len(data))])
    assert not caplog.messages


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "JPEG" in kind])
def test_wherever_a_jpeg_ends_no_row_is_made_up(kind: str) -> None:
    name, mode, options = KINDS[kind]
    small = picture(mode).crop((0, 0, 96, 64))
    data = encode(small, name, **options)
    whole = read_image(data)
    read = 0
    for end in range(int(0.6 * len(data)), len(data), max(1, len(data) // 200)):
        try:
            image = read_image(data[:end])
        except ImageError:
            continue
        read += 1
        np.testing.assert_array_equal(image, whole[: len(image)])
    assert read > 30


@pytest.mark.parametrize("missing", [1, 2])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_that_lacks_its_end_marker_is_whole(
    missing: int, progressive: bool, caplog: pytest.LogCaptureFixture
) -> None:
    data = encode(picture(), "JPEG", progressive=progressive)
    np.testing.assert_array_equal(read_image(data[:-missing]), read_image(data))
    unit = "about 100 % of its bytes" if progressive else "100 % of its rows"
    assert caplog.messages == [f"the bytes given: the file ends early: {unit} are there"]


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("quality", [75, 95])
def test_of_a_progressive_jpeg_the_bytes_are_told(
    mode: str, quality: int, caplog: pytest.LogCaptureFixture
) -> None:
    data = encode(picture(mode), "JPEG", progressive=True, quality=quality)
    whole = read_image(data).astype(int)
    for part in (0.97, 0.9, 0.8):
        caplog.clear()
        image = read_image(data[: int(part * len(data))])
        assert image.shape == whole.shape
        assert np.abs(image - whole).mean() < 12
        (message,) = caplog.messages
        share = re.search(r"ends early: about (\d+) % of its bytes are there$", message)
        assert share
        assert int(share[1]) == pytest.approx(100 * part, abs=12)
    with pytest.raises(ImageError, match=r"about \d+ % of its bytes are there, and at least half"):
        read_image(data[: int(0.25 * len(data))])


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_zeros_that_were_never_written_over_are_no_part_of_it(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    data = encode(picture(), kind)
    part = data[: int(0.8 * len(data))]
    expected = read_image(part)
    np.testing.assert_array_equal(read_image(part + bytes(len(data) - len(part))), expected)
    assert len(set(caplog.messages)) == 1
    caplog.clear()
    np.testing.assert_array_equal(read_image(data + bytes(4096)), read_image(data))
    assert not caplog.messages


def test_exif_rotation_is_applied_to_what_is_there() -> None:
    tags = PIL.Image.Exif()
    tags[0x0112] = 6
    data = encode(picture(), "JPEG", exif=tags)
    whole, part = read_image(data), read_image(data[: int(0.8 * len(data))])
    # The first rows of the file are the right columns of the picture.
    np.testing.assert_array_equal(part, whole[:, -part.shape[1] :])
    assert part.shape[1] < whole.shape[1]


def test_exif_data_after_the_pixels_may_be_missing(caplog: pytest.LogCaptureFixture) -> None:
    tags = PIL.Image.Exif()
    tags[0x010F] = "camera" * 20
    data = encode(picture(), "WEBP", exif=tags)
    np.testing.assert_array_equal(read_image(data[:-50]), read_image(data))
    assert caplog.messages == ["the bytes given: the file ends early: 100 % of its rows are there"]


@pytest.mark.parametrize(
    ("kind", "options"),
    [("BMP", {}), ("AVIF", {}), ("JPEG2000", {}), ("TIFF", {"compression": "tiff_lzw"})],
)
def test_what_is_not_decoded_row_by_row_is_refused(kind: str, options: dict[str, Any]) -> None:
    data = encode(picture(), kind, **options)
    with pytest.raises(ImageError, match="damaged"):
        read_image(data[: int(0.8 * len(data))])


def test_a_jpeg_of_unknown_scans_that_ends_before_its_last_one_is_refused() -> None:
    data = encode(picture(), "JPEG", progressive=True)
    # The first scan says that it has another band.
    scan = data.index(b"\xff\xda")
    other = data[: scan + 13] + b"\x11" + data[scan + 14 :]
    assert data[scan + 13] == 1
    with pytest.raises(ImageError, match="damaged"):
        read_image(other[: int(0.45 * len(other))])


def test_a_cut_file_is_named_and_read_from_every_source(
    tmp_path: Any, caplog: pytest.LogCaptureFixture
) -> None:
    plate: Image = draw_plate("KA365CP")
    data = encode(PIL.Image.fromarray(plate), "JPEG")[:-1]
    path = tmp_path / "cut.jpg"
    path.write_bytes(data)
    with path.open("rb") as file:
        for source in (path, str(path), data, io.BytesIO(data), file):
            assert read_image(source).shape == plate.shape
    names = [message.partition(": the file ends")[0] for message in caplog.messages]
    assert names == [str(path), str(path), "the bytes given", "the file given", str(path)]
