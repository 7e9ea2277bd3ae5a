"""What is published at a broker, and that nothing is lost while it is gone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from plate_ocr.server.notify.channels import MqttSettings
from plate_ocr.server.notify.discovery import slug
from plate_ocr.server.notify.messages import DeliveryError, Message
from plate_ocr.server.notify.mqtt import MqttSender
from tests.server.notify.brokers import Gateway, Subscriber, broker
from tests.server.notify.receivers import wait_for

__all__ = ["broker"]

SIGHTING: dict[str, Any] = {
    "id": "6f1ed002-ab5c-4d3e-9f0a-0123456789ab",
    "text": "AB123CD",
    "confidence": 0.97,
    "camera": "front gate",
    "corners": [[10, 20], [110, 20], [110, 50], [10, 50]],
    "first_seen": "2026-11-26T02:26:40.000Z",
    "last_seen": "2026-11-26T02:26:42.000Z",
    "best": "2026-11-26T02:26:41.000Z",
    "region": None,
    "width": 640,
    "height": 480,
    "direction": None,
    "frames": 5,
    "matches": [
        {"list": "staff", "kind": "known", "plate": "AB123CD", "name": "Ann", "why": "exact", "alerted": True}
    ],
}

EVENT = {"event": "alert", "time": "2026-11-26T02:26:42.000Z", "sighting": SIGHTING}


def message(number: int = 0) -> Message:
    return Message(f"delivery-{number}", EVENT, crop=b"crop", scene=b"scene")


@pytest.fixture
def topic() -> str:
    """A topic of its own."""
    return f"plates-{uuid4().hex}"


@pytest.fixture
def sender(broker: tuple[str, int], topic: str) -> Iterator[MqttSender]:
    """Publishes below that topic, and tells Home Assistant and Frigate's clients."""
    settings = MqttSettings(
        kind="mqtt", host=broker[0], port=broker[1], topic=topic, discovery=f"{topic}/ha", frigate=True
    )
    sender = MqttSender(settings, topic)
    yield sender
    sender.close()


def test_a_sighting_is_published(sender: MqttSender, broker: tuple[str, int], topic: str) -> None:
    subscriber = Subscriber(broker, f"{topic}/#", "frigate/#")
    sender.send(message())
    camera = f"{topic}/{slug('front gate')}"
    wait_for(lambda: "frigate/tracked_object_update" in subscriber.topics())
    got = {name: payload for name, payload, _ in subscriber.messages}
    assert got[f"{topic}/available"] == b"online"
    assert (got[f"{camera}/crop"], got[f"{camera}/scene"]) == (b"crop", b"scene")
    assert json.loads(got[f"{camera}/sighting"]) == {"id": "delivery-0", **EVENT}
    assert json.loads(got[f"{camera}/plate"])["plate"] == "AB123CD"
    assert json.loads(got[f"{camera}/event"])["event_type"] == "known"
    assert got["frigate/front gate/snapshot"] == b"scene"
    assert json.loads(got["frigate/tracked_object_update"]) == {
        "type": "lpr",
        "id": "1795660000.000000-6f1ed0",
        "name": "Ann",
        "plate": "AB123CD",
        "score": 0.97,
        "camera": "front gate",
        "timestamp": 1795660001.0,
        "plate_box": [10, 20, 110, 50],
    }
    subscriber.close()
    # Of what comes to those who subscribe later, nothing opens a gate.
    late = Subscriber(broker, f"{topic}/#")
    wait_for(lambda: f"{camera}/plate" in late.topics())
    assert not {f"{camera}/event", f"{camera}/sighting"} & set(late.topics())
    sender.close()
    wait_for(lambda: (f"{topic}/available", b"offline", False) in late.messages)
    late.close()


def test_home_assistant_is_told_again_when_it_was_started(
    sender: MqttSender, broker: tuple[str, int], topic: str
) -> None:
    sender.send(message())
    subscriber = Subscriber(broker, f"{topic}/ha/#")
    names = {"plate", "vehicle", "crop", "scene", "running"}
    wait_for(lambda: {name.split("/")[-2] for name in subscriber.topics()} == names)
    assert all(retained for _, _, retained in subscriber.messages)
    subscriber.messages.clear()
    subscriber.client.publish(f"{topic}/ha/status", "online")
    wait_for(lambda: names <= {name.split("/")[-2] for name in subscriber.topics()})
    ids = [json.loads(payload)["unique_id"] for name, payload, _ in subscriber.messages if "config" in name]
    assert len(set(ids)) == len(ids) == 5
    subscriber.close()


def test_a_broker_that_was_gone_is_told_when_it_is_back(broker: tuple[str, int], topic: str) -> None:
    gateway, subscriber = Gateway(broker), Subscriber(broker, f"{topic}/+/sighting")
    sender = MqttSender(MqttSettings(kind="mqtt", host="127.0.0.1", port=gateway.port, topic=topic), topic)
    try:
        sender.send(message(0))
        gateway.cut()
        wait_for(lambda: not sender.is_connected)
        with pytest.raises(DeliveryError) as failed:
            sender.send(message(1))
        assert not failed.value.arrived
        gateway.open = True
        sender.send(message(1))
        wait_for(lambda: len(subscriber.messages) == 2)
        ids = [json.loads(payload)["id"] for _, payload, _ in subscriber.messages]
        assert ids == ["delivery-0", "delivery-1"]
    finally:
        sender.close()
        subscriber.close()
        gateway.listener.close()


def test_a_broker_that_is_not_there_is_told_of_in_a_sentence() -> None:
    sender = MqttSender(MqttSettings(kind="mqtt", host="127.0.0.1", port=9), "gate")
    with pytest.raises(DeliveryError, match=r"cannot reach the broker 127\.0\.0\.1: .*refused"):
        sender.send(message())


def test_different_names_are_different_levels_of_a_topic() -> None:
    names = ["gate", "front gate", "front_gate", "front/gate", "a+#", "", "door-1", "Tür"]
    assert len({slug(name) for name in names}) == len(names)
    assert slug("door-1") == "door-1"
    assert not set("+#/ ") & set("".join(map(slug, names)))
