"""Sightings: one vehicle that was seen, with what was read for ever, and pictures."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Row, Select, delete, insert, select, update

from plate_ocr.readers.results import Plate
from plate_ocr.server.store.cameras import camera_id
from plate_ocr.server.store.pictures import Pictures
from plate_ocr.server.store.plates import delete_unseen, plate_id
from plate_ocr.server.store.schema import (
    CAMERA,
    CORRECTION,
    DELIVERY,
    LIST_MATCH,
    PLATE,
    PLATE_LIST,
    SIGHTING,
)
from plate_ocr.server.store.times import local_minute, to_iso
from plate_ocr.text import normalize_text

READ_HERE = "plate-ocr"
"""Origin of what this server read itself."""


@dataclass(frozen=True)
class NewSighting:
    """What is to be kept of a vehicle.

    Attributes:
        plate: what was read; its corners refer to the scene.
        size: width and height of the scene, pixels.
        camera: its name; empty: none.
        started: when it was first seen, seconds since 1970, UTC.
        ended: when it was last seen.
        best: time of the scene.
        frames: number of frames with it.
        crop: a JPEG file of the plate; None: none.
        scene: a JPEG file of the picture; None: none.
        region: where the plate is from if its reading does not say so, a code; None: not known.
        direction: where it moved, degrees, see :attr:`plate_ocr.video.vehicle.VehicleTrack.direction`.
        origin: who read it.
        model: with which model.
    """

    plate: Plate
    size: tuple[int, int]
    camera: str
    started: float
    ended: float
    best: float
    frames: int = 1
    crop: bytes | None = None
    scene: bytes | None = None
    region: str | None = None
    direction: float | None = None
    origin: str = READ_HERE
    model: str | None = None


@dataclass(frozen=True)
class Match:
    """That a sighting's plate is on a list.

    Attributes:
        list: its name.
        kind: known, watch or ignore.
        pattern: the entry of the list.
        name: of the entry.
        distance: characters that were read as others.
        why: in words.
        alerted: False where the list alerted of it not long before.
    """

    list: str
    kind: str
    pattern: str
    name: str
    distance: int
    why: str
    alerted: bool = True

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "list": self.list,
            "kind": self.kind,
            "plate": self.pattern,
            "name": self.name,
            "distance": self.distance,
            "why": self.why,
            "alerted": self.alerted,
        }


@dataclass(frozen=True)
class Sighting:
    """A sighting as it is kept.

    Attributes:
        row: of :func:`rows`.
        matches: the lists that the plate is on.
    """

    row: Row[Any]
    matches: tuple[Match, ...] = ()

    @property
    def id(self) -> int:
        """The key of its row."""
        return int(self.row.id)

    @property
    def uuid(self) -> str:
        """Its public id."""
        return str(self.row.uuid)

    @property
    def text(self) -> str:
        """Its plate after corrections."""
        return str(self.row.text if self.row.corrected else self.reading["text"])

    @property
    def camera(self) -> str | None:
        """The name of its camera."""
        return None if self.row.camera is None else str(self.row.camera)

    @property
    def reading(self) -> Mapping[str, Any]:
        """The plate as it was read, see :meth:`plate_ocr.Plate.to_dict`."""
        reading: Mapping[str, Any] = self.row.reading
        return reading

    @property
    def region(self) -> Mapping[str, Any] | None:
        """Where it is from, as in the reading; of what others read the code alone is known."""
        read: Mapping[str, Any] | None = self.reading.get("region")
        if read is None and self.row.region is not None:
            return {"code": self.row.region, "confidence": None, "alternatives": []}
        return read

    def to_dict(self) -> dict[str, Any]:
        """For JSON: the keys of ``plate-ocr predict --json`` as they were read, and where and when."""
        row = self.row
        return {
            "id": row.uuid,
            **self.reading,
            "text": self.text,
            "read": self.reading["text"],
            "corrected": row.corrected,
            "camera": row.camera,
            "first_seen": to_iso(row.started),
            "last_seen": to_iso(row.ended),
            "best": to_iso(row.best),
            "frames": row.frames,
            "width": row.width,
            "height": row.height,
            "region": self.region,
            "direction": row.direction,
            "origin": row.origin,
            "model": row.model,
            "ignored": row.ignored,
            "note": row.note,
            "matches": [match.to_dict() for match in self.matches],
            **{
                kind: f"/api/v1/sightings/{row.uuid}/{kind}.jpg" if getattr(row, kind) else None
                for kind in ("crop", "scene")
            },
        }


def rows() -> Select[Any]:
    """The query of all sightings, each with ``text`` and ``camera``."""
    return (
        select(SIGHTING, PLATE.c.text, CAMERA.c.name.label("camera"))
        .join(PLATE, PLATE.c.id == SIGHTING.c.plate_id)
        .outerjoin(CAMERA, CAMERA.c.id == SIGHTING.c.camera_id)
    )


def with_matches(connection: Connection, found: Sequence[Row[Any]]) -> list[Sighting]:
    """Sightings of rows, in their order."""
    matches: dict[int, list[Match]] = {}
    query = (
        select(LIST_MATCH, PLATE_LIST.c.name.label("list"), PLATE_LIST.c.kind)
        .join(PLATE_LIST, PLATE_LIST.c.id == LIST_MATCH.c.list_id)
        .where(LIST_MATCH.c.sighting_id.in_([row.id for row in found]))
        .order_by(PLATE_LIST.c.name)
    )
    for row in connection.execute(query):
        match = Match(row.list, row.kind, row.pattern, row.name, row.distance, row.why, row.alerted)
        matches.setdefault(row.sighting_id, []).append(match)
    return [Sighting(row, tuple(matches.get(row.id, ()))) for row in found]


def find_sighting(connection: Connection, uuid: str) -> Sighting | None:
    """A sighting by its public id; None if there is none."""
    found = connection.execute(rows().where(SIGHTING.c.uuid == uuid)).all()
    return with_matches(connection, found)[0] if found else None


def same_sighting(connection: Connection, text: str, camera: str, started: float) -> str | None:
    """The public id of a sighting of this plate, camera and time, if there is one."""
    query = rows().where(PLATE.c.text == text, SIGHTING.c.started == started)
    query = query.where(CAMERA.c.name == camera if camera else SIGHTING.c.camera_id.is_(None))
    row = connection.execute(query).first()
    return None if row is None else str(row.uuid)


def add_sighting(
    connection: Connection,
    pictures: Pictures,
    new: NewSighting,
    zone: tzinfo | None,
    *,
    ignored: bool = False,
) -> Sighting:
    """Keep a sighting; its pictures are on the disk before the transaction ends.

    Args:
        connection: one that writes.
        pictures: where pictures are written.
        new: what is kept.
        zone: of the local day; None: the system's.
        ignored: whether it is on a list of plates to ignore.

    Raises:
        StoreError: if it cannot be kept.
    """
    text = normalize_text(new.plate.text)
    uuid = str(uuid4())
    files = {kind: data for kind, data in (("crop", new.crop), ("scene", new.scene)) if data is not None}
    paths = pictures.write(uuid, new.started, files) if files else {}
    values = {
        "uuid": uuid,
        "plate_id": plate_id(connection, text),
        "camera_id": camera_id(connection, new.camera) if new.camera else None,
        "started": new.started,
        "ended": new.ended,
        "best": new.best,
        "minute": local_minute(new.started, zone),
        "frames": new.frames,
        "confidence": new.plate.confidence,
        "min_confidence": new.plate.min_confidence,
        "reading": new.plate.to_dict(),
        "width": new.size[0],
        "height": new.size[1],
        "region": new.plate.region.code if new.plate.region else new.region,
        "direction": new.direction,
        "origin": new.origin,
        "model": new.model,
        "crop": paths.get("crop"),
        "scene": paths.get("scene"),
        "bytes": sum(map(len, files.values())),
        "ignored": ignored,
    }
    try:
        connection.execute(insert(SIGHTING).values(values))
        return Sighting(connection.execute(rows().where(SIGHTING.c.uuid == uuid)).one())
    except BaseException:
        pictures.delete(*paths.values())
        raise


def add_matches(connection: Connection, sighting: Sighting, matches: Sequence[Match]) -> Sighting:
    """A sighting with the lists that its plate is on."""
    lists = {row.name: row.id for row in connection.execute(select(PLATE_LIST.c.id, PLATE_LIST.c.name))}
    values = [
        {
            "list_id": lists[match.list],
            "sighting_id": sighting.id,
            "pattern": match.pattern,
            "name": match.name,
            "distance": match.distance,
            "why": match.why,
            "alerted": match.alerted,
            "at": sighting.row.started,
        }
        for match in matches
    ]
    if values:
        connection.execute(insert(LIST_MATCH), values)
    return Sighting(sighting.row, tuple(matches))


def correct(connection: Connection, sighting: Sighting, text: str, who: str | None) -> None:
    """Say what a plate really is. What was read stays; the correction is added.

    Args:
        connection: one that writes.
        sighting: whose plate it is.
        text: what is written on the plate.
        who: corrects it.
    """
    new, old = normalize_text(text), sighting.row.text
    if new == old:
        return
    connection.execute(
        insert(CORRECTION).values(sighting_id=sighting.id, old=old, new=new, who=who, at=time.time())
    )
    is_corrected = new != normalize_text(sighting.reading["text"])
    changed = {"plate_id": plate_id(connection, new), "corrected": is_corrected}
    connection.execute(update(SIGHTING).where(SIGHTING.c.id == sighting.id).values(changed))
    delete_unseen(connection, [sighting.row.plate_id])


def corrections(connection: Connection, sighting: Sighting) -> list[dict[str, Any]]:
    """The corrections of a sighting, the first first."""
    query = select(CORRECTION).where(CORRECTION.c.sighting_id == sighting.id).order_by(CORRECTION.c.id)
    return [
        {"old": row.old, "new": row.new, "who": row.who, "at": to_iso(row.at)}
        for row in connection.execute(query)
    ]


def annotate(connection: Connection, sighting: Sighting, values: Mapping[str, Any]) -> None:
    """Change the ``note`` of a sighting, or whether it is ``ignored``."""
    connection.execute(update(SIGHTING).where(SIGHTING.c.id == sighting.id).values(dict(values)))


def delete_sightings(connection: Connection, ids: Iterable[int], *, deliveries: bool) -> list[str]:
    """Delete sightings; their pictures are for the caller to delete once the transaction has ended.

    Args:
        connection: one that writes.
        ids: keys of their rows.
        deliveries: whether what is still to be delivered of them goes too.

    Returns:
        The paths of their pictures.
    """
    keys = list(ids)
    found = connection.execute(
        select(SIGHTING.c.crop, SIGHTING.c.scene, SIGHTING.c.plate_id).where(SIGHTING.c.id.in_(keys))
    ).all()
    if deliveries:
        connection.execute(delete(DELIVERY).where(DELIVERY.c.sighting_id.in_(keys)))
    connection.execute(delete(SIGHTING).where(SIGHTING.c.id.in_(keys)))
    delete_unseen(connection, {row.plate_id for row in found})
    return [path for row in found for path in (row.crop, row.scene) if path]
