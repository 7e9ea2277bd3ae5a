"""MQTT: sightings by camera, Home Assistant's discovery, Frigate's topics."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from plate_ocr.server.notify.channels import MqttSettings
from plate_ocr.server.notify.discovery import (
    SERVICE,
    camera_configs,
    frigate_update,
    plate_state,
    service_configs,
    slug,
    vehicle_event,
)
from plate_ocr.server.notify.messages import DeliveryError, Message

TIMEOUT_S = 10.0
"""A broker takes a message within so many seconds."""


class MqttSender:
    """Publishes messages at a broker, each at least once (quality of service 1).

    Args:
        settings: of the channel.
        name: of the channel: the client's id.
    """

    def __init__(self, settings: MqttSettings, name: str) -> None:
        self._settings, self._name = settings, name
        self._client: mqtt.Client | None = None
        # While it connects: whether that has ended, and how.
        self._answered, self._connected = threading.Event(), threading.Event()
        self._refused = ""
        self._cameras = set[str]()
        self._topic = settings.topic.strip("/")

    @property
    def is_connected(self) -> bool:
        """Whether the broker is there."""
        return self._client is not None and self._connected.is_set()

    def send(self, message: Message) -> None:
        """Publish a message, and wait until the broker has it.

        Raises:
            DeliveryError: if the broker cannot be reached, or does not confirm it.
        """
        client = self._connect()
        camera = message.sighting["camera"] or ""
        if camera not in self._cameras:
            self._cameras.add(camera)
            self._publish_all(client, self._discovery(camera))
        self._publish_all(client, self._messages(message))

    def close(self) -> None:
        """Say that nobody is there, and disconnect."""
        if self._client and self.is_connected:
            info = self._client.publish(f"{self._topic}/{SERVICE}", "offline", qos=1, retain=True)
            if info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS:
                info.wait_for_publish(1)
        self._drop()

    def _messages(self, message: Message) -> Iterator[tuple[str, bytes, bool]]:
        """Topics, payloads and whether they are retained: what opens something never is."""
        sighting = message.sighting
        camera = f"{self._topic}/{slug(sighting['camera'] or '')}"
        for kind, data in (("crop", message.crop), ("scene", message.scene)):
            if data:
                yield f"{camera}/{kind}", data, True
        yield f"{camera}/plate", _json(plate_state(message)), True
        yield f"{camera}/event", _json(vehicle_event(message)), False
        yield f"{camera}/sighting", _json(message.to_dict()), False
        if self._settings.frigate:
            if message.scene:
                yield f"frigate/{sighting['camera'] or 'plate-ocr'}/snapshot", message.scene, True
            yield "frigate/tracked_object_update", _json(frigate_update(message)), False

    def _discovery(self, camera: str | None) -> Iterator[tuple[str, bytes, bool]]:
        prefix = self._settings.discovery.strip("/")
        if prefix:
            configs = service_configs(self._topic) if camera is None else camera_configs(self._topic, camera)
            for topic, config in configs.items():
                yield f"{prefix}/{topic}/config", _json(config), True

    def _publish_all(self, client: mqtt.Client, messages: Iterator[tuple[str, bytes, bool]]) -> None:
        for topic, payload, retain in messages:
            info = client.publish(topic, payload, qos=1, retain=retain)
            try:
                info.wait_for_publish(TIMEOUT_S)
            except (RuntimeError, ValueError) as error:
                self._drop()
                raise DeliveryError(f"the broker {self._settings.host} lost a message: {error}") from None
            if not info.is_published():
                # A new client does not send the old message once more when it is too late.
                self._drop()
                raise DeliveryError(f"the broker {self._settings.host} did not confirm a message")

    def _connect(self) -> mqtt.Client:
        settings = self._settings
        if self._client is not None and self._connected.is_set():
            return self._client
        self._drop()
        client = self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=f"plate-ocr-{slug(self._name)}-{socket.gethostname()}"[:64]
        )
        if settings.user:
            client.username_pw_set(settings.user, settings.password)
        if settings.tls:
            client.tls_set()
        client.will_set(f"{self._topic}/{SERVICE}", "offline", qos=1, retain=True)
        client.on_connect, client.on_disconnect = self._on_connect, self._on_disconnect
        client.on_message = self._on_message
        client.connect_timeout = TIMEOUT_S
        self._refused = ""
        self._answered.clear()
        try:
            client.connect(settings.host, settings.port, keepalive=30)
        except (OSError, ValueError) as error:
            self._drop()
            raise DeliveryError(f"cannot reach the broker {settings.host}: {error}", arrived=False) from None
        client.loop_start()
        self._answered.wait(TIMEOUT_S)
        if not self._connected.is_set():
            reason = self._refused or "it does not answer"
            self._drop()
            raise DeliveryError(f"the broker {settings.host} refused: {reason}", arrived=False)
        return client

    def _drop(self) -> None:
        client, self._client = self._client, None
        self._connected.clear()
        if client is not None:
            client.on_disconnect = None
            client.disconnect()
            client.loop_stop()

    def _on_connect(self, client: mqtt.Client, _: Any, flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            self._refused = str(reason)
            self._answered.set()
            return
        client.publish(f"{self._topic}/{SERVICE}", "online", qos=1, retain=True)
        if self._settings.frigate:
            client.publish("frigate/available", "online", qos=1, retain=True)
        if prefix := self._settings.discovery.strip("/"):
            client.subscribe(f"{prefix}/status", qos=1)
        self._announce(client)
        self._connected.set()
        self._answered.set()

    def _on_disconnect(self, *_: Any) -> None:
        self._connected.clear()
        self._answered.set()

    def _on_message(self, client: mqtt.Client, _: Any, message: mqtt.MQTTMessage) -> None:
        # Home Assistant was started.
        if message.payload == b"online":
            self._announce(client)

    def _announce(self, client: mqtt.Client) -> None:
        for camera in (None, *sorted(self._cameras)):
            for topic, payload, retain in self._discovery(camera):
                client.publish(topic, payload, qos=1, retain=retain)


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
