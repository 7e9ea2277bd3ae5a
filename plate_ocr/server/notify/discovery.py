"""What is said to Home Assistant and to clients of Frigate."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from typing import Any

from plate_ocr import __version__
from plate_ocr.server.notify.messages import Message

SERVICE = "available"
"""Topic that says online or offline."""

EVENT_TYPES = ["seen", "known", "alert"]
"""Of a vehicle: on no list, on one of known plates, on one that is watched for."""


def slug(name: str) -> str:
    """A name as a level of a topic: letters, digits, ``-`` and ``_``; different names stay different."""
    plain = re.sub(r"[^A-Za-z0-9_-]", "_", name)
    if plain == name and name:
        return name
    return f"{plain}_{hashlib.sha256(name.encode()).hexdigest()[:6]}" if name else "none"


def event_type(message: Message) -> str:
    """Of a vehicle, see :data:`EVENT_TYPES`."""
    kinds = {match["kind"] for match in message.sighting["matches"] if match["alerted"]}
    return "alert" if "watch" in kinds else "known" if "known" in kinds else "seen"


def plate_state(message: Message) -> dict[str, Any]:
    """The last plate of a camera, and what is known of it."""
    sighting = message.sighting
    kept = ("text", "confidence", "camera", "first_seen", "last_seen", "direction", "frames", "id")
    matches = [{key: match[key] for key in ("list", "kind", "name", "why")} for match in sighting["matches"]]
    region = sighting["region"] and sighting["region"]["code"]
    return {
        "plate": sighting["text"],
        **{key: sighting[key] for key in kept},
        "region": region,
        "matches": matches,
    }


def vehicle_event(message: Message) -> dict[str, Any]:
    """An event of Home Assistant."""
    return {"event_type": event_type(message), "delivery": message.id, **plate_state(message)}


def frigate_id(sighting: dict[str, Any]) -> str:
    """A sighting's id as Frigate writes them: its time, and the begin of its id."""
    return f"{datetime.fromisoformat(sighting['first_seen']).timestamp():.6f}-{sighting['id'][:6]}"


def frigate_update(message: Message) -> dict[str, Any]:
    """Frigate's ``tracked_object_update`` of a plate."""
    sighting = dict(message.sighting)
    xs, ys = zip(*sighting["corners"], strict=True)
    names = [match["name"] for match in sighting["matches"] if match["name"]]
    return {
        "type": "lpr",
        "id": frigate_id(sighting),
        "name": names[0] if names else None,
        "plate": sighting["text"],
        "score": sighting["confidence"],
        "camera": sighting["camera"] or "plate-ocr",
        "timestamp": datetime.fromisoformat(sighting["best"]).timestamp(),
        "plate_box": [round(min(xs)), round(min(ys)), round(max(xs)), round(max(ys))],
    }


def service_configs(topic: str) -> dict[str, dict[str, Any]]:
    """Home Assistant's configurations of the server, by ``COMPONENT/NODE/OBJECT``."""
    node = slug(topic)
    config = {
        "name": "Running",
        "unique_id": f"{node}_running",
        "state_topic": f"{topic}/{SERVICE}",
        "payload_on": "online",
        "payload_off": "offline",
        "device_class": "running",
        "device": _device(node, "plate-ocr"),
        "origin": _ORIGIN,
    }
    return {f"binary_sensor/{node}/running": config}


def camera_configs(topic: str, camera: str) -> dict[str, dict[str, Any]]:
    """Home Assistant's configurations of a camera, by ``COMPONENT/NODE/OBJECT``."""
    node = f"{slug(topic)}_{slug(camera)}"
    base = f"{topic}/{slug(camera)}"
    common = {
        "availability_topic": f"{topic}/{SERVICE}",
        "device": _device(node, camera or "plate-ocr"),
        "origin": _ORIGIN,
    }
    return {
        f"sensor/{node}/plate": {
            "name": "Last plate",
            "unique_id": f"{node}_plate",
            "icon": "mdi:car",
            "state_topic": f"{base}/plate",
            "value_template": "{{ value_json.plate }}",
            "json_attributes_topic": f"{base}/plate",
            **common,
        },
        f"event/{node}/vehicle": {
            "name": "Vehicle",
            "unique_id": f"{node}_vehicle",
            "icon": "mdi:car-clock",
            "state_topic": f"{base}/event",
            "event_types": EVENT_TYPES,
            **common,
        },
        **{
            f"image/{node}/{kind}": {
                "name": kind.capitalize(),
                "unique_id": f"{node}_{kind}",
                "image_topic": f"{base}/{kind}",
                "content_type": "image/jpeg",
                **common,
            }
            for kind in ("crop", "scene")
        },
    }


_ORIGIN = {"name": "plate-ocr", "sw_version": __version__}


def _device(node: str, name: str) -> dict[str, Any]:
    return {
        "identifiers": [node],
        "name": name,
        "manufacturer": "plate-ocr",
        "model": "Licence plate reader",
        "sw_version": __version__,
    }
