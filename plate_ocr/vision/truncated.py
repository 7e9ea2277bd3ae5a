"""Recovers truncated image files, as cameras leave them that lose their connection.

A JPEG or WebP file is completed in two ways, with nothing and with noise: the rows that decode equally are
available. Other formats are decoded as far as they go, onto black and onto white.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from plate_ocr.errors import ImageError
from plate_ocr.vision.image_files import open_image

if TYPE_CHECKING:
    import PIL.Image

MIN_SHARE = 0.5
"""Minimum share of rows or bytes; a picture with less is refused."""

END_OF_IMAGE = b"\xff\xd9"

RESTARTS = [bytes([0xFF, 0xD0 + i]) for i in range(8)]
"""Restart markers of JPEG, in their order."""

IN_SCAN = {b"\xff\0", *RESTARTS}
"""Sequences that begin with 0xFF but do not end a scan."""

NOISE = 2**20
"""Bytes of noise: more than a row of blocks has, and usually more than is missing."""

SCAN_SHARES = {
    # First and last coefficient, bits before and after, whether of luma only (except the first).
    (0, 0, 0, 1, False): (0.116, 0.078),
    (1, 5, 0, 2, True): (0.126, 0.141),
    (1, 63, 0, 1, False): (0.008, 0.014),
    (6, 63, 0, 2, True): (0.099, 0.234),
    (1, 63, 2, 1, True): (0.198, 0.208),
    (0, 0, 1, 0, False): (0.037, 0.018),
    (1, 63, 1, 0, False): (0.012, 0.014),
    (1, 63, 1, 0, True): (0.384, 0.268),
}
"""The scans of a progressive JPEG written by libjpeg, with the mean share of its bytes per scan: for quality
50 to 85, and above. They estimate the full size of a file that ends before its last scan."""

FINE = 12
"""Mean quantization step of luma below which the quality is above 85."""


class Remains(NamedTuple):
    """The available part of a truncated picture.

    Attributes:
        picture: decoded, without the missing rows.
        share: of the rows or bytes that are available, 0..1.
        unit: ``"rows"`` or ``"bytes"``.
    """

    picture: PIL.Image.Image
    share: float
    unit: str


class Scan(NamedTuple):
    """A scan of a JPEG file.

    Attributes:
        components: their identifiers.
        band: first and last coefficient, bits before and after it, as the file has them.
        size: bytes.
    """

    components: tuple[int, ...]
    band: tuple[int, int, int, int]
    size: int


def read_remains(data: bytes) -> Remains | None:
    """The available part of a truncated image file; None if it cannot be determined.

    Args:
        data: the file, which a decoder rejects.

    Raises:
        ImageError: if less than :data:`MIN_SHARE` is available.
    """
    try:
        if data.startswith(b"\xff\xd8"):
            remains = _jpeg(data)
        elif data[8:12] == b"WEBP":
            remains = _webp(data)
        else:
            remains = _others(data)
    except ImageError:
        raise
    except Exception:  # decoders raise nearly anything
        return None
    if remains and remains.share < MIN_SHARE:
        raise ImageError(f"the file ends early: {describe(remains)}, and at least half is needed")
    return remains


def describe(remains: Remains) -> str:
    """Describe the available share in words."""
    about = "" if remains.unit == "rows" else "about "
    return f"{about}{int(100 * remains.share)} % of its {remains.unit} are there"


def _jpeg(data: bytes) -> Remains | None:
    components, progressive, scans, end = _structure(data)
    if not scans:
        return None
    data = data[:end]
    # Noise continues after the next restart marker: a decoder may skip everything before it.
    last = max(RESTARTS, key=lambda mark: data.rfind(mark, end - scans[-1].size))
    following = 0 if data.rfind(last, end - scans[-1].size) < 0 else RESTARTS.index(last) + 1
    noise = _noise(NOISE) + RESTARTS[following % 8] + _noise(NOISE)
    whole: Any
    whole, rows = _alike(data + END_OF_IMAGE, data + noise + END_OF_IMAGE)
    if not progressive:
        if {name for scan in scans for name in scan.components} != components:
            return None  # colours are missing
        return Remains(_cut(whole, rows), rows / whole.height, "rows")
    there, done = sum(scan.size for scan in scans), rows / whole.height
    luma, fine = (min(components),), int(np.mean(whole.quantization[0])) < FINE
    bands = [(*scan.band, scan.band[1] > 0 and scan.components == luma) for scan in scans]
    shares = [SCAN_SHARES.get(band, (0, 0))[fine] for band in bands]
    totals = []
    if all(shares) and done:
        totals.append(there / (sum(shares[:-1]) + shares[-1] * done))
    if _is_last(scans, components) and done:
        # The more of the last scan is available, the better its rows predict the full size.
        total = there - scans[-1].size + scans[-1].size / done
        totals = [done * total + (1 - done) * other for other in totals or [total]]
    return Remains(whole, min(1.0, there / totals[0]), "bytes") if totals else None


def _structure(data: bytes) -> tuple[set[int], bool, list[Scan], int]:
    """The components of a JPEG file, whether it is progressive, its scans, and the end of the last."""
    components, progressive, scans = set[int](), False, list[Scan]()
    position = end = 2
    while data[position : position + 1] == b"\xff" and position + 4 <= len(data):
        marker = data[position + 1]
        if marker == END_OF_IMAGE[1]:
            break
        body = position + 4
        position += 2 + int.from_bytes(data[position + 2 : body])
        if position > len(data):
            break
        if marker in (0xC0, 0xC1, 0xC2):
            progressive = marker == 0xC2
            components = {data[body + 6 + 3 * i] for i in range(data[body + 5])}
        elif marker == 0xDA:
            count = data[body]
            first, last, bits = data[body + 1 + 2 * count : body + 4 + 2 * count]
            end = _end_of_scan(data, position)
            names = tuple(data[body + 1 : body + 1 + 2 * count : 2])
            scans.append(Scan(names, (first, last, bits >> 4, bits & 15), end - position))
            position = end
    return components, progressive, scans, end


def _end_of_scan(data: bytes, position: int) -> int:
    while True:
        position = data.find(b"\xff", position)
        if position < 0:
            return len(data)
        if data[position : position + 2] not in IN_SCAN:
            return position
        position += 2


def _is_last(scans: list[Scan], components: set[int]) -> bool:
    """Whether these scans complete a progressive JPEG."""
    bits = {name: np.full(64, 255) for name in components}
    for scan in scans:
        first, last, _, after = scan.band
        for name in scan.components:
            bits[name][first : last + 1] = after
    return not any(missing.any() for missing in bits.values())


def _webp(data: bytes) -> Remains:
    end, next_end = 12, 12
    while next_end <= len(data) and next_end != end + 8:
        end = next_end
        next_end = end + 8 + int.from_bytes(data[end + 4 : end + 8], "little") + 1 & ~1
    one = other = data[:end]
    if data[end : end + 4] in (b"VP8 ", b"VP8L"):
        # The pixels are truncated; otherwise only the EXIF data or another picture after them.
        size = (len(data) - end - 8 & 1) + NOISE
        one, other = (
            data[: end + 4] + (len(data) - end - 8 + size).to_bytes(4, "little") + data[end + 8 :] + padding
            for padding in (bytes(size), _noise(size))
        )
    one, other = (file[:4] + (len(file) - 8).to_bytes(4, "little") + file[8:] for file in (one, other))
    whole, rows = _alike(one, other)
    return Remains(_cut(whole, rows), rows / whole.height, "rows")


def _others(data: bytes) -> Remains | None:
    """Formats that Pillow decodes from the top down: PNG, GIF and others."""
    black, white = _onto(data, 0), _onto(data, 255)
    rows = _same_rows(black, white)
    return Remains(_cut(black, rows), rows / black.height, "rows") if rows else None


def _onto(data: bytes, value: int) -> PIL.Image.Image:
    """Decode a picture as far as possible; the rest has one value."""
    import PIL.Image

    with open_image(data) as opened:
        picture: Any = opened
        bands = len(picture.getbands())
        picture.im = PIL.Image.new(picture.mode, picture.size, (value,) * bands if bands > 1 else value).im
        try:
            picture.load()
        except OSError as error:
            if not str(error).startswith("image file is truncated"):
                raise  # it is damaged, maybe in its middle
            picture.tile = []
        return opened.copy()


def _alike(one: bytes, other: bytes) -> tuple[PIL.Image.Image, int]:
    """The first of two files, decoded, and the number of equal rows from the top."""
    with open_image(one) as first, open_image(other) as second:
        first.load()
        return first, _same_rows(first, second)


@cache
def _noise(size: int) -> bytes:
    """Random bytes that do not end a scan."""
    return np.random.default_rng(0).integers(1, 255, size).astype(np.uint8).tobytes()


def _same_rows(one: PIL.Image.Image, other: PIL.Image.Image) -> int:
    first, second = (np.asarray(picture) for picture in (one, other))
    different: NDArray[np.bool_] = (first != second).reshape(len(first), -1).any(1)
    return int(different.argmax()) if different.any() else len(first)


def _cut(picture: PIL.Image.Image, rows: int) -> PIL.Image.Image:
    return picture if rows in (0, picture.height) else picture.crop((0, 0, picture.width, rows))
