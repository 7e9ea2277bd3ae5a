"""Readings of others: what cameras and programs send that have read a plate themselves."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from plate_ocr.readers.results import Char, plate_of
from plate_ocr.server.requests import Body, decode_base64
from plate_ocr.server.snapshots import crop_of, to_jpeg
from plate_ocr.server.store.sightings import NewSighting
from plate_ocr.text import normalize_text
from plate_ocr.vision.images import Image

MAX_TEXT = 40
"""Characters of a plate."""

MAX_NAME = 100
"""Characters of a camera's name."""

MAX_READINGS = 100
"""Of one request."""

Corners = tuple[tuple[float, float], ...]

NOWHERE: Corners = ((0.0, 0.0),) * 4
"""Corners of a plate of which nothing says where it is."""


@dataclass(frozen=True)
class Taken:
    """A reading of somebody else.

    Attributes:
        text: of the plate, as it was sent.
        confidence: 0..1.
        corners: of the plate, pixels.
        camera: its name; empty: none.
        started: seconds since 1970, UTC; None: now.
        ended: likewise.
        region: a code; None: not known.
        direction: degrees; None: not known.
        origin: who read it.
    """

    text: str
    confidence: float
    corners: Corners
    camera: str
    started: float | None
    ended: float | None = None
    region: str | None = None
    direction: float | None = None
    origin: str = ""

    def sighting(self, picture: Image | None) -> NewSighting:
        """What is kept of it.

        Args:
            picture: uint8 ``(H, W, 3)`` BGR in whose pixels the corners are; None: none was sent.
        """
        started = time.time() if self.started is None else self.started
        chars = tuple(Char(char, self.confidence, ()) for char in normalize_text(self.text))
        height, width = (0, 0) if picture is None else picture.shape[:2]
        has_place = self.corners != NOWHERE and picture is not None
        return NewSighting(
            plate_of(chars, self.corners),
            (width, height),
            self.camera,
            started,
            max(started, self.ended or started),
            started,
            crop=crop_of(picture, self.corners) if has_place and picture is not None else None,
            scene=None if picture is None else to_jpeg(picture),
            region=self.region,
            direction=self.direction,
            origin=self.origin,
        )


@dataclass(frozen=True)
class Intake:
    """What a request tells.

    Attributes:
        readings: of plates.
        ignored: texts that are no plates.
        picture: an image file; None: none was sent.
    """

    readings: tuple[Taken, ...] = ()
    ignored: tuple[str, ...] = ()
    picture: bytes | None = None


def json_of(body: Body) -> Any:
    """The JSON of a body: as such, as text of any type, or the field ``json`` of a form; None without one."""
    if body.json is not None:
        return body.json
    text: str | bytes | None = body.field("json")
    if text is None and body.files:
        text = body.files[0].contents
    try:
        return None if text is None else json.loads(text)
    except (ValueError, RecursionError):
        return None


def from_alpr_database(body: Body) -> Intake:
    """What Blue Iris sends to ALPR-Database."""
    value = _object(json_of(body))
    camera, at = _name(value.get("camera")), _time(value.get("timestamp"))
    origin = "alpr-database"
    found: list[Taken] = []
    if text := _text(value.get("plate_number")):
        confidence = _share(value.get("confidence"), 1)
        found.append(Taken(text, confidence, NOWHERE, camera, at, origin=origin))
    for dump in _objects(value.get("ai_dump")):
        if dump.get("api", "alpr") == "alpr":
            for one in _objects(_object(dump.get("found")).get("predictions")):
                text = _text(one.get("plate")) or _text(one.get("label")).removeprefix("Plate: ")
                box = _box(one, "x_min", "y_min", "x_max", "y_max")
                found.append(Taken(text, _share(one.get("confidence"), 1), box, camera, at, origin=origin))
    if not found:
        for text, percent in re.findall(r"([^:,]+):\s*(\d{1,3})%", _text(value.get("memo"))):
            # The others are cars and people.
            if any(char.isdigit() for char in text):
                confidence = _share(percent, 100)
                found.append(Taken(text.strip(), confidence, NOWHERE, camera, at, origin=origin))
    return _intake(found, _picture(value.get("Image")))


def from_stream(body: Body) -> Intake:
    """A webhook of Plate Recognizer Stream or Snapshot."""
    data = _object(_object(json_of(body)).get("data"))
    camera, at = _name(data.get("camera_id")), _time(data.get("timestamp"))
    found = [
        Taken(
            _text(one.get("plate")),
            _share(one.get("score"), 1),
            _box(_object(one.get("box")), "xmin", "ymin", "xmax", "ymax"),
            camera,
            at,
            region=_name(_object(one.get("region")).get("code")) or None,
            direction=_number(one.get("direction")),
            origin="platerecognizer",
        )
        for one in _objects(data.get("results"))
    ]
    files = [file.contents for file in body.files if file.field]
    return _intake(found, files[0] if files else None)


def from_parkpow(body: Body) -> Intake:
    """What ParkPow's bridges for cameras send."""
    value = _object(json_of(body))
    camera, at = _name(value.get("camera")), _time(value.get("time"))
    found = [
        Taken(
            _text(one.get("plate")),
            _share(one.get("score"), 1),
            _box(_object(one.get("box")), "xmin", "ymin", "xmax", "ymax"),
            camera,
            at,
            origin="parkpow",
        )
        for one in _objects(value.get("results"))
    ]
    return _intake(found, _picture(value.get("image")))


def from_rekor(body: Body) -> Intake:
    """An ``alpr_group`` of Rekor's agent; what it sends beside them is passed over."""
    value = _object(json_of(body))
    if value.get("data_type") != "alpr_group":
        return Intake()
    best = _object(value.get("best_plate"))
    start, end = (_number(value.get(key)) for key in ("epoch_start", "epoch_end"))
    camera = value.get("camera_id")
    taken = Taken(
        _text(value.get("best_plate_number")) or _text(best.get("plate")),
        _share(value.get("best_confidence"), 100),
        # They are those of the whole frame, which is not sent.
        NOWHERE,
        _name(value.get("camera") or (None if camera is None else str(camera))),
        None if start is None else _bounded(start / 1000),
        None if end is None else _bounded(end / 1000),
        region=_name(value.get("best_region")) or None,
        direction=_number(value.get("travel_direction")),
        origin="openalpr",
    )
    picture = _picture(value.get("vehicle_crop_jpeg"))
    return _intake([taken], picture)


Mapper = Callable[[Body], Intake]


def _intake(found: list[Taken], picture: bytes | None) -> Intake:
    def is_plate(taken: Taken) -> bool:
        return 0 < len(normalize_text(taken.text)) <= MAX_TEXT

    found = found[:MAX_READINGS]
    return Intake(
        tuple(taken for taken in found if is_plate(taken)),
        tuple(taken.text[:MAX_TEXT] for taken in found if not is_plate(taken)),
        picture,
    )


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    """The objects of a list, or one that stands alone."""
    values = value if isinstance(value, list) else [value]
    return (one for one in values if isinstance(one, dict))


def _picture(value: Any) -> bytes | None:
    return decode_base64(value) if isinstance(value, str) and value else None


def _name(value: Any) -> str:
    return value.strip()[:MAX_NAME] if isinstance(value, str) else ""


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and abs(number) < 1e15 else None


def _share(value: Any, whole: float) -> float:
    """A confidence, 0..1; 1 where none was sent."""
    number = _number(value)
    return 1.0 if number is None else min(1.0, max(0.0, number / whole))


def _box(value: Mapping[str, Any], *names: str) -> Corners:
    left, top, right, bottom = (_number(value.get(name)) for name in names)
    if left is None or top is None or right is None or bottom is None or left >= right or top >= bottom:
        return NOWHERE
    if max(abs(side) for side in (left, top, right, bottom)) > 1e6:
        return NOWHERE
    return (left, top), (right, top), (right, bottom), (left, bottom)


def _bounded(seconds: float) -> float | None:
    """A time within 1970 to 2100; None: it is none."""
    return seconds if 0 <= seconds < 4.1e9 else None


def _time(value: Any) -> float | None:
    """Seconds since 1970 of ISO 8601, UTC where nothing is said; None: it is none."""
    number = _number(value)
    if number is not None:
        # In milliseconds, as scripts have it.
        return _bounded(number / 1000 if number > 1e11 else number)
    try:
        time = datetime.fromisoformat(value.strip())
        return _bounded((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp())
    except (AttributeError, ValueError, OverflowError):
        return None
