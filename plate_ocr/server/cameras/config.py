"""The settings of cameras, and the file that has them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from datetime import datetime, time, tzinfo
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from plate_ocr.errors import DataError
from plate_ocr.files import is_url, write_whole
from plate_ocr.region_files.table import bundled_formats
from plate_ocr.server.mistakes import first_mistake
from plate_ocr.video.capture import SCHEMES

FILE = "cameras.toml"
"""Name of the file of cameras in the data folder."""

Kind: TypeAlias = Literal["stream", "snapshot", "device", "folder", "push"]
"""How pictures come: a video address (RTSP, HTTP, MJPEG); an address that is asked for one picture again and
again; a camera of this machine; a folder into which a camera uploads; pushed to the API."""

_HOURS = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)-([01]?\d|2[0-3]):([0-5]\d)")


def _check_hours(text: str) -> str:
    if text and not _HOURS.fullmatch(text):
        raise ValueError("hours such as 06:00-22:00 are expected")
    return text


def _check_region(code: str) -> str:
    if code.lower() not in bundled_formats():
        raise ValueError(f"there is no region {code!r}")
    return code.lower()


Pixels = Annotated[int, Field(ge=0, le=100_000)]

Size = Annotated[int, Field(ge=1, le=100_000)]

Box: TypeAlias = tuple[Pixels, Pixels, Size, Size]
"""x, y, width and height, pixels of the turned picture."""


class Camera(BaseModel):
    """A camera.

    Attributes:
        name: names it.
        kind: how its pictures come.
        source: its address, number or folder; empty if they are pushed.
        enabled: whether it is watched.
        region: codes of regions whose formats help to read.
        rotate: degrees by which pictures are turned clockwise.
        roi: nothing is looked at outside of it.
        ignore: boxes in which nothing is looked at.
        min_height: lower plates are left out, pixels.
        min_confidence: characters below it are unknown.
        min_plate_confidence: plates below it are left out.
        on: when a vehicle is reported: once its reading is sure, or when it has left.
        hours: when it is watched, of the server's zone, as ``06:00-22:00``; empty: always.
        interval: seconds between two pictures of a snapshot address.
        after: what becomes of a file that was read: it stays, is moved to the folder ``done`` inside, or is
            deleted.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f/]+$")
    kind: Kind
    source: str = Field(default="", max_length=2000)
    enabled: bool = True
    region: tuple[Annotated[str, AfterValidator(_check_region)], ...] = ()
    rotate: Literal[0, 90, 180, 270] = 0
    roi: Box | None = None
    ignore: tuple[Box, ...] = ()
    min_height: float = Field(default=0, ge=0, le=100_000)
    min_confidence: float | None = Field(default=None, ge=0, le=1)
    min_plate_confidence: float | None = Field(default=None, ge=0, le=1)
    on: Literal["arrival", "departure"] = "departure"
    hours: Annotated[str, AfterValidator(_check_hours)] = ""
    interval: float = Field(default=1.0, ge=0.1, le=3600)
    after: Literal["keep", "move", "delete"] = "keep"

    @model_validator(mode="after")
    def _check_source(self) -> Camera:
        scheme = self.source.partition("://")[0].lower() if is_url(self.source) else ""
        match self.kind:
            case "stream" if scheme not in SCHEMES:
                raise ValueError(f"source: an address is expected, of {', '.join(SCHEMES)}")
            case "snapshot" if scheme not in ("http", "https"):
                raise ValueError("source: an address is expected, of http or https")
            case "device" if not re.fullmatch(r"\d{1,4}", self.source):
                raise ValueError("source: the number of a camera is expected, such as 0")
            case "folder" if scheme or not self.source:
                raise ValueError("source: a folder is expected")
            case "push" if self.source:
                raise ValueError("source: there is none for a camera that pushes")
        return self

    def is_active(self, now: datetime) -> bool:
        """Whether it is watched at this time."""
        if not self.enabled or not (found := _HOURS.fullmatch(self.hours)):
            return self.enabled
        first, last = (time(int(found[i]), int(found[i + 1])) for i in (1, 3))
        at = now.time()
        return first <= at < last if first <= last else at >= first or at < last

    def reader_settings(self) -> dict[str, Any]:
        """Arguments of :class:`~plate_ocr.PlateReader`."""
        return {
            "region": self.region or None,
            "rotate": self.rotate,
            "roi": self.roi,
            "ignore": self.ignore,
            "min_height": self.min_height,
            "min_confidence": self.min_confidence,
            "min_plate_confidence": self.min_plate_confidence,
        }


def load_cameras(path: Path) -> tuple[Camera, ...]:
    """The cameras of a file: a table ``[NAME]`` for each; none where there is no file.

    Raises:
        DataError: if it cannot be read or a setting is wrong.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"cannot read {path}: {reason}") from None
    cameras = []
    for name, table in tables.items():
        if not isinstance(table, Mapping):
            raise DataError(f"{path}: {name} stands outside of a table; write [camera] above it")
        try:
            cameras.append(Camera(**{"name": name, **table}))
        except ValidationError as error:
            raise DataError(f"{path}: [{name}] {first_mistake(error.errors())}") from None
    return tuple(cameras)


def save_cameras(path: Path, cameras: tuple[Camera, ...]) -> None:
    """Write a file of cameras.

    Raises:
        OutputError: if it cannot be written.
    """
    import tomli_w

    tables = {
        camera.name: camera.model_dump(exclude={"name"}, exclude_defaults=True, mode="json")
        for camera in cameras
    }
    write_whole(path, tomli_w.dumps(tables).encode())


def local_now(zone: tzinfo | None) -> datetime:
    """The time of a zone; None: of the system's."""
    return datetime.now(zone)
