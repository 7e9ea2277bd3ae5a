"""Webhooks' bodies: our own, and those that receivers of others take."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeAlias

from plate_ocr.server.notify.channels import Format
from plate_ocr.server.notify.messages import Message

Body: TypeAlias = tuple[bytes, str]
"""The bytes of a body and its type."""

MULTIPART = "plate-ocr-8f1bc0d7e2"
"""Boundary of multipart bodies."""

ALPR_DATABASE_LENGTH = 10
"""Characters of a plate that ALPR-Database keeps."""


def own(message: Message) -> Body:
    """plate-ocr's own: the event, with pictures in base64."""
    pictures = {
        kind: base64.b64encode(data).decode()
        for kind, data in (("crop", message.crop), ("scene", message.scene))
        if data
    }
    return _json({**message.to_dict(), "pictures": pictures})


def stream(message: Message) -> Body:
    """Plate Recognizer Stream: JSON; with a scene, a form of ``json`` and ``upload``."""
    sighting = message.sighting
    box, camera = _box(sighting), sighting["camera"] or ""
    filename = f"{camera}_screenshots/{sighting['id']}.jpg"
    at = datetime.fromisoformat(sighting["best"])
    plate, score = sighting["text"].lower(), sighting["confidence"]
    nothing = {"xmin": 0, "ymin": 0, "xmax": 0, "ymax": 0}
    result = {
        "box": box,
        "plate": plate,
        "score": score,
        "dscore": score,
        "region": {"code": _region(sighting), "score": 0.0},
        "candidates": [{"score": score, "plate": plate}],
        "vehicle": {"type": "Unknown", "score": 0.0, "box": nothing},
        "model_make": [],
        "color": [],
        "orientation": [],
        "direction": sighting["direction"],
        "source_url": "",
        "position_sec": 0.0,
        "user_data": "",
        "speed": None,
        "speed_score": None,
    }
    value = {
        "hook": {"target": "", "id": camera, "event": "recognition", "filename": filename},
        "data": {
            "camera_id": camera,
            "filename": filename,
            "timestamp": f"{at:%Y-%m-%dT%H:%M:%S.%fZ}",
            "timestamp_local": f"{at:%Y-%m-%d %H:%M:%S.%f}+00:00",
            "timestamp_camera": None,
            "results": [result],
        },
    }
    if message.scene is None:
        return _json(value)
    parts = [
        b'Content-Disposition: form-data; name="json"\r\n\r\n' + json.dumps(value).encode(),
        b'Content-Disposition: form-data; name="upload"; filename="image.jpg"\r\n'
        b"Content-Type: image/jpeg\r\n\r\n" + message.scene,
    ]
    mark = f"--{MULTIPART}".encode()
    body = b"".join(mark + b"\r\n" + part + b"\r\n" for part in parts) + mark + b"--\r\n"
    return body, f"multipart/form-data; boundary={MULTIPART}"


def alpr_database(message: Message) -> Body:
    """ALPR-Database's ``/api/plate-reads``."""
    sighting = message.sighting
    picture = message.scene or message.crop
    return _json(
        {
            "plate_number": sighting["text"][:ALPR_DATABASE_LENGTH],
            "confidence": sighting["confidence"],
            "Image": None if picture is None else base64.b64encode(picture).decode(),
            "camera": sighting["camera"] or "",
            "timestamp": sighting["best"],
        }
    )


def group(message: Message) -> Body:
    """An ``alpr_group`` of Rekor's agent: one vehicle."""
    sighting = message.sighting
    first, last = (round(1000 * _seconds(sighting[key])) for key in ("first_seen", "last_seen"))
    plate, confidence = sighting["text"], round(100 * sighting["confidence"], 2)
    candidates = [{"plate": plate, "confidence": confidence, "matches_template": 0}]
    corners = [{"x": round(x), "y": round(y)} for x, y in sighting["corners"]]
    return _json(
        {
            "version": 2,
            "data_type": "alpr_group",
            "epoch_start": first,
            "epoch_end": last,
            "frame_start": 0,
            "frame_end": max(0, sighting["frames"] - 1),
            "agent_uid": "plate-ocr",
            "agent_type": "alprd",
            "camera_id": sighting["camera"] or "",
            "country": "",
            "uuids": [sighting["id"]],
            "plate_indexes": [0],
            "candidates": candidates,
            "best_plate": {
                "plate": plate,
                "confidence": confidence,
                "matches_template": 0,
                "plate_index": 0,
                "region": _region(sighting),
                "region_confidence": 0,
                "processing_time_ms": 0,
                "requested_topn": 1,
                "coordinates": corners,
                "candidates": candidates,
                "plate_crop_jpeg": "" if message.crop is None else base64.b64encode(message.crop).decode(),
            },
            "best_confidence": confidence,
            "best_uuid": sighting["id"],
            "best_plate_number": plate,
            "best_region": _region(sighting),
            "best_region_confidence": 0,
            "matches_template": False,
            "best_image_width": sighting["width"],
            "best_image_height": sighting["height"],
            "travel_direction": sighting["direction"] or 0,
            "is_parked": False,
            "is_preview": False,
            "vehicle_crop_jpeg": "" if message.scene is None else base64.b64encode(message.scene).decode(),
            "plate_path": [],
            "vehicle": {},
        }
    )


FORMATS: Mapping[Format, Callable[[Message], Body]] = {
    "plate-ocr": own,
    "platerecognizer-stream": stream,
    "alpr-database": alpr_database,
    "openalpr-group": group,
}


def _json(value: Mapping[str, Any]) -> Body:
    return json.dumps(value, ensure_ascii=False).encode(), "application/json"


def _box(sighting: Mapping[str, Any]) -> dict[str, int]:
    xs, ys = zip(*sighting["corners"], strict=True)
    return {
        "xmin": round(min(xs)),
        "ymin": round(min(ys)),
        "xmax": round(max(xs)),
        "ymax": round(max(ys)),
    }


def _region(sighting: Mapping[str, Any]) -> str:
    return str(sighting["region"]["code"]) if sighting["region"] else ""


def _seconds(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()
