"""The MQTT broker of tests, where PLATE_OCR_TEST_MQTT names one, and what is published there."""

from __future__ import annotations

import os
import socket
import threading
from contextlib import suppress
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion


@pytest.fixture(scope="module")
def broker() -> tuple[str, int]:
    """The broker of PLATE_OCR_TEST_MQTT."""
    url = os.environ.get("PLATE_OCR_TEST_MQTT")
    if not url:
        pytest.skip("PLATE_OCR_TEST_MQTT does not name a broker to test with, as mqtt://127.0.0.1:1883")
    parsed = urlsplit(url)
    return parsed.hostname or "127.0.0.1", parsed.port or 1883


class Subscriber:
    """What is published below a topic."""

    def __init__(self, broker: tuple[str, int], *topics: str) -> None:
        self.messages: list[tuple[str, bytes, bool]] = []
        subscribed = threading.Event()
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2)
        self.client.on_message = lambda *got: self.messages.append(
            (got[2].topic, got[2].payload, got[2].retain)
        )
        self.client.on_subscribe = lambda *_: subscribed.set()
        self.client.connect(*broker)
        self.client.loop_start()
        self.client.subscribe([(topic, 1) for topic in topics])
        assert subscribed.wait(10)

    def close(self) -> None:
        """Disconnect."""
        self.client.disconnect()
        self.client.loop_stop()

    def topics(self) -> list[str]:
        """Of all messages, in their order."""
        return [topic for topic, _, _ in self.messages]


class Gateway:
    """A way to a broker, which can be closed."""

    def __init__(self, broker: tuple[str, int]) -> None:
        self.broker, self.open = broker, True
        self.sockets: list[socket.socket] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near = self.listener.accept()[0]
                if not self.open:
                    near.close()
                    continue
                far = socket.create_connection(self.broker)
                self.sockets += [near, far]
                for a, b in ((near, far), (far, near)):
                    threading.Thread(target=self._copy, args=(a, b), daemon=True).start()

    def _copy(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)

    def cut(self) -> None:
        """Nothing passes from now on."""
        self.open = False
        for one in self.sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self.sockets.clear()
