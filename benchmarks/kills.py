"""Kills a server at random moments while sightings come in: ``python -m benchmarks.kills [--kills 50]``.

``--database URL`` takes an empty PostgreSQL in place of SQLite. Ends with status 1 if a sighting that was
acknowledged is lost, one was not delivered to a webhook and, where PLATE_OCR_TEST_MQTT names a broker, by
MQTT, or the database is damaged.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from sqlalchemy import select

from plate_ocr.server.store.database import Database
from plate_ocr.server.store.schema import SIGHTING

SENDERS = 4
"""Clients that send sightings."""

MOST = 60
"""A server has acknowledged so many sightings, at most, before it is killed."""

DELIVER_S = 300.0
"""After the last kill everything is delivered within so many seconds."""


class Receiver:
    """Ids of sightings that a webhook and a broker were told of."""

    def __init__(self) -> None:
        self.webhook, self.mqtt = set[str](), set[str]()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                receiver.webhook.add(body["sighting"]["id"])
                with suppress(OSError):
                    self.send_response(204)
                    self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @contextmanager
    def subscribed(self, broker: str | None, topic: str) -> Iterator[None]:
        """Listens to a broker while this lasts."""
        if broker is None:
            yield
            return
        import paho.mqtt.client as mqtt
        from paho.mqtt.enums import CallbackAPIVersion

        def took(_: Any, __: Any, message: mqtt.MQTTMessage) -> None:
            self.mqtt.add(json.loads(message.payload)["sighting"]["id"])

        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=topic, clean_session=False)
        client.on_message = took
        where = urlsplit(broker)
        client.connect(where.hostname or "127.0.0.1", where.port or 1883)
        client.subscribe(f"{topic}/+/sighting", qos=1)
        client.loop_start()
        yield
        client.disconnect()
        client.loop_stop()


@contextmanager
def running(data: Path, database: str) -> Iterator[tuple[str, Callable[[], None]]]:
    """A server on a free port: its address, and what kills it."""
    command = [sys.executable, "-m", "plate_ocr", "serve", "--port", "0", "--data", str(data)]
    command += ["--database", database]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        line = process.stderr.readline()
        match = re.search(r"http://\S+", line)
        assert match, line
        yield match[0], lambda: process.send_signal(signal.SIGKILL)
    finally:
        process.kill()
        process.communicate()


def wait_until(condition: Callable[[], object], seconds: float) -> bool:
    """Whether something came about in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with suppress(httpx.HTTPError):
            if condition():
                return True
        time.sleep(0.05)
    return False


def send(url: str, acknowledged: set[str], stopped: threading.Event, sender: int) -> None:
    """Send sightings until it is stopped or the server is gone."""
    with httpx.Client(timeout=10) as client:
        while not stopped.is_set():
            plate = f"AB{random.randrange(10**6):06d}"
            value = {"camera": f"camera {sender}", "results": [{"plate": plate, "score": 0.9}]}
            try:
                answer = client.post(f"{url}/api/v1/log-vehicle", json=value)
            except httpx.HTTPError:
                return
            acknowledged.update(answer.json()["ids"] if answer.is_success else ())


def survive(
    kills: int, folder: Path, broker: str | None, database: str | None = None, seed: int = 0
) -> list[str]:
    """Kill a server so many times; returns what went wrong."""
    rng = random.Random(seed)
    receiver, acknowledged = Receiver(), set[str]()
    data, topic = folder / "data", f"kills-{os.getpid()}"
    database = database or f"sqlite:///{data / 'plate-ocr.db'}"
    with receiver.subscribed(broker, topic):
        for number in range(kills):
            with running(data, database) as (url, kill):
                assert wait_until(lambda url=url: httpx.get(f"{url}/healthz").is_success, 120)  # type: ignore[misc]
                if number == 0:
                    add_channels(url, receiver, broker, topic)
                stopped = threading.Event()
                threads = [
                    threading.Thread(target=send, args=(url, acknowledged, stopped, i))
                    for i in range(SENDERS)
                ]
                for thread in threads:
                    thread.start()
                enough = len(acknowledged) + rng.randint(1, MOST)
                wait_until(lambda enough=enough: len(acknowledged) >= enough, 60)  # type: ignore[misc]
                time.sleep(rng.uniform(0, 0.1))
                kill()
                stopped.set()
                for thread in threads:
                    thread.join()
        with running(data, database) as (url, _):
            told = [receiver.webhook, *([receiver.mqtt] if broker else [])]
            wait_until(lambda: all(acknowledged <= ids for ids in told), DELIVER_S)
    receiver.server.shutdown()
    receiver.server.server_close()
    kept, whole = contents(database)
    print(f"{kills} kills, {len(acknowledged):,} sightings acknowledged, {len(kept):,} kept")
    problems = [f"the database: {whole}"] if whole != "ok" else []
    for name, ids in (("kept", kept), ("by webhook", receiver.webhook), ("by MQTT", receiver.mqtt)):
        if (name != "by MQTT" or broker) and (missing := acknowledged - ids):
            problems.append(f"{len(missing)} of {len(acknowledged)} sightings are missing {name}")
    if not acknowledged:
        problems.append("no sighting was acknowledged")
    return problems


def contents(database: str) -> tuple[set[str], str]:
    """The ids of all sightings, and what is wrong with the database, or ``ok``."""
    opened = Database(database)
    with opened.read() as connection:
        kept = set(connection.scalars(select(SIGHTING.c.uuid)))
        # PostgreSQL has no such statement.
        whole = connection.exec_driver_sql("PRAGMA integrity_check").scalar() if opened.is_sqlite else "ok"
    opened.close()
    return kept, str(whole)


def add_channels(url: str, receiver: Receiver, broker: str | None, topic: str) -> None:
    """Have the server tell the receiver."""
    hook = f"http://127.0.0.1:{receiver.server.server_port}/"
    channels: list[dict[str, Any]] = [{"name": "hook", "kind": "webhook", "settings": {"url": hook}}]
    if broker:
        where = urlsplit(broker)
        settings = {"host": where.hostname, "port": where.port or 1883, "topic": topic, "discovery": ""}
        channels.append({"name": "broker", "kind": "mqtt", "settings": settings})
    for channel in channels:
        answer = httpx.post(f"{url}/api/v1/channels", json=channel)
        assert answer.is_success, answer.text


def main() -> None:
    """Print what went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--database", metavar="URL")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        problems = survive(given.kills, Path(folder), os.environ.get("PLATE_OCR_TEST_MQTT"), given.database)
    for problem in problems:
        print(problem)
    raise SystemExit(bool(problems))


if __name__ == "__main__":
    main()
