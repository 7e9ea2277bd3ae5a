"""Reading pictures: from paths, bytes, files, PIL images, arrays and tensors to one array format."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from plate_ocr.errors import ImageError, ImageSizeError
from plate_ocr.log import warn
from plate_ocr.vision.image_files import MAX_PIXELS, check_size, open_image, quietly, without_padding

if TYPE_CHECKING:
    import PIL.Image

Image: TypeAlias = NDArray[np.uint8]
"""uint8, 0..255: ``(H, W)`` grey or ``(H, W, 3)`` with channels blue, green, red."""


class BinaryFile(Protocol):
    """An open file, as of ``open(path, "rb")``, or an ``io.BytesIO``."""

    def read(self) -> bytes:
        """All that follows."""


class SupportsArray(Protocol):
    """A torch tensor, or another object that converts to a NumPy array."""

    def __array__(self) -> NDArray[Any]: ...


ImageSource: TypeAlias = (
    "str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryFile | PIL.Image.Image"
    " | NDArray[Any] | SupportsArray"
)
"""All types that a picture may be given as."""


def read_image(source: ImageSource) -> Image:
    """Read a picture from any supported source.

    Args:
        source: a path, the bytes of an image file, a file that is open for reading bytes (it is read from
            its beginning), a PIL image of any mode, or an array or tensor: ``(H, W)`` or ``(H, W, 1)``
            grey, ``(H, W, 3)`` BGR or ``(H, W, 4)`` BGRA, uint8 0..255, uint16 0..65535, floats 0..1 or
            bool.

    Returns:
        uint8 ``(H, W)`` or ``(H, W, 3)`` BGR, 0..255, C-contiguous. EXIF rotation is applied,
        transparency is blended with white, 16-bit values keep their upper eight bits. Of a truncated file
        the available rows are returned, and a warning is logged.

    Raises:
        ImageError: if there is no such file, it is not a picture, less than half of it is available,
            it has more than :data:`MAX_PIXELS` pixels, or the array has another shape, type or range.
    """
    if isinstance(source, np.ndarray):
        return _from_array(source)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _decode(bytes(source), "the bytes given")
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        try:
            return _decode(path.read_bytes(), str(path))
        except IsADirectoryError:
            raise ImageError(f"{path} is a folder, not a picture") from None
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not a valid path"
            raise ImageError(f"cannot read {path}: {reason or error}") from None
        except MemoryError:
            raise ImageError(f"cannot read {path}: the file is larger than the memory") from None
    given: Any = source
    if hasattr(given, "getexif"):
        try:
            return _from_pil(given)
        except ImageError:
            raise
        except Exception as error:  # its file may be read only now
            raise ImageError(f"the PIL image cannot be read ({_first_line(error)})") from None
    if hasattr(given, "__array__"):
        return _from_array(to_array(given))
    if hasattr(given, "read"):
        return _from_file(given)
    raise ImageError(
        f"a {type(source).__name__} is no picture: "
        "give a path, bytes, an open file, a PIL image, an array or a tensor"
    )


class NamedBytes(io.BytesIO):
    """The bytes of an image file for :func:`read_image`, whose errors say its name."""

    def __init__(self, contents: bytes, name: str) -> None:
        super().__init__(contents)
        self.name = name


def to_array(source: SupportsArray) -> NDArray[Any]:
    """Convert a tensor on any device to an array.

    Raises:
        ImageError: if it cannot be converted.
    """
    tensor: Any = source
    try:
        if hasattr(tensor, "detach"):  # one of torch, which this package does not import to read
            tensor = tensor.detach().cpu()
        return np.asarray(tensor)
    except Exception as error:  # each library has its own
        name = type(source).__name__
        raise ImageError(f"a {name} cannot be made an array ({_first_line(error)})") from None


def load_decoders() -> None:
    """Import what :func:`read_image` needs for files, so that the first call does not have to."""
    import PIL.ExifTags
    import PIL.Image

    PIL.Image.preinit()


def to_gray(image: Image) -> Image:
    """Luma of a picture (ITU-R BT.601).

    Args:
        image: uint8 ``(H, W)`` or ``(H, W, 3)`` BGR.

    Returns:
        uint8 ``(H, W)``; a grey picture is returned as it is.
    """
    return image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)


def _from_array(array: NDArray[Any]) -> Image:
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise ImageError(
            f"an array of shape {array.shape} is no picture: (H, W), (H, W, 3) or (H, W, 4) is expected"
            + (
                ", or a batch of four axes: array[None]"
                if array.ndim == 3 and array.shape[0] in (1, 3)
                else ""
            )
        )
    if array.size == 0:
        raise ImageError(f"an array of shape {array.shape} has no pixels")
    check_size(array.shape[1], array.shape[0])
    if array.dtype == np.bool_:
        array = array.astype(np.uint8) * 255
    elif array.dtype == np.uint16:
        array = (array >> 8).astype(np.uint8)
    elif array.dtype.kind == "f":
        low, high = array.min(), array.max()
        if not (low >= 0 and high <= 1):  # nor where one is not a number
            raise ImageError(
                f"an array of {array.dtype} has values from {low:g} to {high:g}: 0 to 1 is expected "
                "(of uint8, 0 to 255)"
            )
        array = np.rint(array.astype(np.float32) * 255).astype(np.uint8)
    elif array.dtype != np.uint8:
        raise ImageError(
            f"an array of {array.dtype} is no picture: uint8 from 0 to 255, uint16 from 0 to 65535, "
            "floats from 0 to 1 or bool are expected"
        )
    if array.ndim == 3 and array.shape[2] == 4:
        alpha = array[:, :, 3:].astype(np.uint16)
        array = ((array[:, :, :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    return np.ascontiguousarray(array)


def _from_file(file: Any) -> Image:
    name = getattr(file, "name", None)
    name = name if isinstance(name, str) else "the file given"
    try:
        if getattr(file, "seekable", bool)():
            file.seek(0)  # what was just written is meant, and so has Pillow it
        data = file.read()
    except (OSError, ValueError) as error:
        raise ImageError(f"cannot read {name}: {_first_line(error)}") from None
    if not isinstance(data, bytes):
        raise ImageError(f"{name} gives {type(data).__name__}, not bytes: open it with mode 'rb'")
    return _decode(data, name)


def _decode(data: bytes, name: str) -> Image:
    import PIL.Image

    if not data:
        raise ImageError(f"{name}: the file is empty")
    try:
        with _loaded(without_padding(data), name) as picture:
            return _from_pil(picture, name)
    except ImageError as error:
        raise type(error)(f"{name}: {error}") from None
    except PIL.UnidentifiedImageError:
        raise ImageError(f"{name}: not a picture in a known format, or a damaged one") from None
    except (PIL.Image.DecompressionBombError, PIL.Image.DecompressionBombWarning):
        raise ImageSizeError(
            f"{name}: the picture is too large; at most {MAX_PIXELS:,} pixels are read"
        ) from None
    except Exception as error:  # decoders raise nearly anything on damaged files
        raise ImageError(f"{name}: the picture is damaged ({_first_line(error)})") from None


def _loaded(data: bytes, name: str) -> PIL.Image.Image:
    """Decode the picture of a file, as far as the file goes."""
    try:
        picture = open_image(data)
        picture.load()
    except ImageError:
        raise
    except Exception:  # decoders raise nearly anything on damaged files
        from plate_ocr.vision.truncated import describe, read_remains

        remains = read_remains(data)
        if remains is None:
            raise
        warn(f"{name}: the file ends early: {describe(remains)}")
        return remains.picture
    return picture


def _from_pil(picture: PIL.Image.Image, name: str = "a PIL image") -> Image:
    import PIL.ExifTags

    check_size(picture.width, picture.height)
    if picture.width * picture.height == 0:
        raise ImageError("the picture has no pixels")
    picture.load()
    with quietly():
        try:
            if picture.getexif().get(PIL.ExifTags.Base.Orientation, 1) != 1:  # else it would be copied
                import PIL.ImageOps

                picture = PIL.ImageOps.exif_transpose(picture)
        except Exception as error:  # it says nothing about the pixels
            warn(f"{name}: read as it is stored, its EXIF data is damaged ({_first_line(error)})")
    if picture.mode.startswith("I"):
        # 16-bit grey; mode "I" is how some formats deliver it.
        return np.asarray(np.clip(np.asarray(picture), 0, 65535).astype(np.uint16) >> 8, np.uint8)
    if picture.mode == "F":
        return _from_array(np.asarray(picture))
    if picture.has_transparency_data:
        rgba = np.array(picture.convert("RGBA"))
        return _from_array(rgba[:, :, [2, 1, 0, 3]])
    if picture.mode in ("1", "L"):
        return np.array(picture.convert("L"))
    rgb = np.asarray(picture if picture.mode == "RGB" else picture.convert("RGB"))
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), np.uint8)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
