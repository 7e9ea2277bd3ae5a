"""Image files: the supported formats, and opening a file of one."""

from __future__ import annotations

import contextlib
import io
import re
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from plate_ocr.errors import ImageError, ImageSizeError

if TYPE_CHECKING:
    import PIL.Image

MAX_PIXELS = 64_000_000
"""Larger pictures are refused before they are decoded: a small file can claim any size."""

FORMATS: dict[str, tuple[str, ...]] = {
    # The first five are the ones that Pillow always loads; the others cost 60 ms once.
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    "PNG": (".png", ".apng"),
    "BMP": (".bmp",),
    "GIF": (".gif",),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm", ".pfm"),
    "WEBP": (".webp",),
    "TIFF": (".tif", ".tiff"),
    "AVIF": (".avif", ".avifs"),
    "JPEG2000": (".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx"),
    "BLP": (".blp",),
    "CUR": (".cur",),
    "DCX": (".dcx",),
    "DDS": (".dds",),
    "DIB": (".dib",),
    "FITS": (".fit", ".fits"),
    "FLI": (".fli", ".flc"),
    "FTEX": (".ftc", ".ftu"),
    "GBR": (".gbr",),
    "ICNS": (".icns",),
    "ICO": (".ico",),
    "IM": (".im",),
    "IMT": (),
    "MCIDAS": (),
    "MSP": (".msp",),
    "PCD": (".pcd",),
    "PCX": (".pcx",),
    "PIXAR": (".pxr",),
    "PSD": (".psd",),
    "QOI": (".qoi",),
    "SGI": (".sgi", ".rgb", ".rgba", ".bw"),
    "SPIDER": (),
    "SUN": (".ras", ".sr"),
    "XBM": (".xbm",),
    "XPM": (".xpm",),
    "XVTHUMB": (),
    "TGA": (".tga", ".icb", ".vda", ".vst"),  # has no signature, so it comes last
}
"""Raster formats that Pillow decodes itself, and their file name extensions. Excluded are formats that
another program or a plugin decodes (EPS, PDF, WMF, BUFR, GRIB, HDF5), containers (IPTC) and
videos (MPEG)."""

OTHER_SUFFIXES = (".heic", ".heif", ".heics", ".heifs", ".hif", ".hdr", ".pic", ".pam")
"""Extensions of HEIC, which needs the extra ``heic``, of Radiance HDR, which OpenCV decodes, and of PAM."""

SUFFIXES = (*sum(FORMATS.values(), ()), *OTHER_SUFFIXES)
"""File name extensions of pictures."""

HDR_SIZE = re.compile(rb"#\?(?:RADIANCE|RGBE)\n.*?\n-Y (\d+) \+X (\d+)\n", re.DOTALL)
"""The header of a Radiance HDR file, with its height and width."""

PADDING = 32
"""Minimum number of zero bytes at the end of a JPEG or PNG file that count as padding, not data."""

_FILTERS = threading.Lock()

HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
"""Brands of HEIC files; some AVIF files are ``mif1`` or ``msf1`` too."""


def is_image_name(name: str) -> bool:
    """Whether a file name has the extension of a picture; hidden files do not count."""
    return name.lower().endswith(SUFFIXES) and not name.startswith(".")


def open_image(data: bytes) -> PIL.Image.Image:
    """Open an image file of a format of this module; its pixels may still have to be decoded.

    No other program is started, whatever the file contains.

    Raises:
        ImageError: if it has more than :data:`MAX_PIXELS` pixels, or its decoder is not installed.
        PIL.UnidentifiedImageError: if the format is unknown.
        Exception: whatever decoders raise on damaged ones.
    """
    import PIL.Image

    try:
        with quietly():
            picture: PIL.Image.Image = PIL.Image.open(io.BytesIO(data), formats=tuple(FORMATS))
    except PIL.UnidentifiedImageError:
        if data[4:8] == b"ftyp" and data[8:12] in HEIF_BRANDS:
            picture = _open_heif(data)
        elif size := HDR_SIZE.match(data):
            picture = _open_hdr(data, width=int(size[2]), height=int(size[1]))
        elif data.startswith(b"P7\n"):
            picture = _open_pam(data)
        else:
            raise
    check_size(picture.width, picture.height)
    return picture


def without_padding(data: bytes) -> bytes:
    """The bytes of a JPEG or PNG file without zero padding at its end; others unchanged.

    A decoder would take the padding of a JPEG for data.
    """
    if data.startswith((b"\xff\xd8\xff", b"\x89PNG")) and data.endswith(b"\0" * PADDING):
        return data.rstrip(b"\0")
    return data


def check_size(width: int, height: int) -> None:
    """Check the size of a picture.

    Raises:
        ImageSizeError: if there are more than :data:`MAX_PIXELS` pixels.
    """
    if width * height > MAX_PIXELS:
        raise ImageSizeError(f"{width}×{height} pixels are too many; at most {MAX_PIXELS:,} are read")


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Suppress Pillow's warnings; filters are global to the process, so one thread at a time."""
    with _FILTERS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _open_heif(data: bytes) -> PIL.Image.Image:
    try:
        import pillow_heif
    except ImportError:
        raise ImageError(
            "HEIC pictures need pillow-heif; install it with: pip install 'plate-ocr[heic]'"
        ) from None
    # libheif turns the picture itself, and Pillow's plugin takes the EXIF rotation away.
    plugin: Callable[[io.BytesIO], PIL.Image.Image] = pillow_heif.HeifImageFile
    return plugin(io.BytesIO(data))


def _open_hdr(data: bytes, width: int, height: int) -> PIL.Image.Image:
    import cv2
    import PIL.Image

    check_size(width, height)
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    if decoded is None:
        raise ImageError("the picture is damaged (OpenCV cannot decode it)")
    return PIL.Image.fromarray(np.asarray(decoded, np.uint8))


def _open_pam(data: bytes) -> PIL.Image.Image:
    # Pillow does not know it, and OpenCV leaves its colours as red, green and blue.
    import PIL.Image

    header, _, pixels = data.partition(b"\nENDHDR\n")
    fields = dict(re.findall(rb"^(WIDTH|HEIGHT|DEPTH|MAXVAL)\s+(\d+)", header, re.MULTILINE))
    if len(fields) < 4:
        raise ImageError("the picture is damaged (its header is not whole)")
    width, height, depth, most = (int(fields[key]) for key in (b"WIDTH", b"HEIGHT", b"DEPTH", b"MAXVAL"))
    check_size(width, height)
    values = np.frombuffer(pixels, ">u2" if most > 255 else np.uint8, width * height * depth)
    scaled = (values.astype(np.uint32) * 255 // most).astype(np.uint8).reshape(height, width, depth)
    return PIL.Image.fromarray(scaled[:, :, 0] if depth == 1 else scaled)
