"""Deliveries: at least once, in order, retried over restarts; to a relay never twice nor late."""

from __future__ import annotations

import base64
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Connection, update
from standardwebhooks import Webhook

from plate_ocr.errors import DataError, StoreError
from plate_ocr.server.keeping import SightingStore
from plate_ocr.server.notify import delivery as delivering
from plate_ocr.server.notify.channels import HIDDEN, parse_settings, shown, stored
from plate_ocr.server.notify.delivery import DeliveryWorker
from plate_ocr.server.store.channels import add_channel, change_channel, find_channel
from plate_ocr.server.store.lists import Entry, ListSettings, add_list, put_entries
from plate_ocr.server.store.outbox import (
    ChannelState,
    channel_states,
    count_try,
    deliveries,
    delivery_dict,
    finish,
    next_delivery,
    retry,
)
from plate_ocr.server.store.schema import DELIVERY
from tests.server.notify.brokers import Gateway, Subscriber, broker
from tests.server.notify.receivers import Receiver, wait_for
from tests.server.stores import JPEG, seen

__all__ = ["broker"]

SECRET = f"whsec_{base64.b64encode(b'0123456789abcdef01234567').decode()}"


@pytest.fixture
def start(
    store: SightingStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], DeliveryWorker]]:
    """Starts a worker that waits little."""
    monkeypatch.setattr(delivering, "POLL_S", 0.02)
    workers: list[DeliveryWorker] = []

    def begin() -> DeliveryWorker:
        worker = DeliveryWorker(store.database, store.pictures, tmp_path / "delivery.lock", first_wait=0.02)
        store.on_delivery = worker.wake
        worker.start()
        workers.append(worker)
        return worker

    yield begin
    for worker in workers:
        worker.close()


def new_channel(store: SightingStore, kind: str = "webhook", **values: Any) -> int:
    """A channel with these settings."""
    programs = [values["args"][0]] if "args" in values else []
    settings = stored(parse_settings(kind, values, programs=programs))
    with store.database.write() as connection:
        return add_channel(connection, f"{kind} {values.get('url', '')}", kind, settings, enabled=True)


def told(store: SightingStore) -> list[tuple[str, str, str | None]]:
    """The plate, state and error of all deliveries, the first first."""
    with store.database.read() as connection:
        rows = deliveries(connection, channel=None, state=None, before=None, limit=100)
        found = [delivery_dict(row) for row in rows]
    return [(one["event"]["sighting"]["text"], one["state"], one["error"]) for one in found[::-1]]


def states(store: SightingStore) -> set[str]:
    return {state for _, state, _ in told(store)}


def known(store: SightingStore, *plates: str) -> None:
    """A list staff of these plates, which always alerts."""
    with store.database.write() as connection:
        key = add_list(connection, ListSettings("staff", "known", cooldown=0))
        put_entries(connection, key, [Entry(text, f"owner of {text}") for text in plates])


def now(text: str) -> Any:
    """A sighting that ended just now."""
    return seen(text, time.time() - 2)


def test_a_webhook_is_signed_and_has_the_pictures(
    store: SightingStore, receiver: Receiver, start: Callable[[], DeliveryWorker]
) -> None:
    new_channel(store, url=receiver.url, secret=SECRET, headers={"Authorization": "Token abc"})
    kept = store.keep(seen("AB123CD", crop=JPEG))
    start()
    wait_for(lambda: states(store) == {"delivered"})
    (request,) = receiver.requests
    value = json.loads(request.body)
    assert value["event"] == "sighting"
    assert value["sighting"] == kept.to_dict()
    assert base64.b64decode(value["pictures"]["crop"]) == JPEG
    assert request.headers["authorization"] == "Token abc"
    assert request.headers["webhook-id"] == value["id"]
    assert Webhook(SECRET).verify(request.body, request.headers) == value


def test_deliveries_come_in_order_though_the_receiver_fails(
    store: SightingStore, receiver: Receiver, start: Callable[[], DeliveryWorker]
) -> None:
    new_channel(store, url=receiver.url)
    receiver.answers = [500, 503, 200, 502]
    for i in range(4):
        store.keep(seen(f"AA{i}"))
    start()
    wait_for(lambda: states(store) == {"delivered"})
    got = [json.loads(request.body)["sighting"]["text"] for request in receiver.requests]
    assert got == ["AA0", "AA0", "AA0", "AA1", "AA1", "AA2", "AA3"]
    ids = [json.loads(request.body)["id"] for request in receiver.requests]
    assert ids[0] == ids[1] == ids[2] != ids[3]


def test_a_webhook_that_comes_late_is_still_verified(
    store: SightingStore, receiver: Receiver, start: Callable[[], DeliveryWorker]
) -> None:
    new_channel(store, url=receiver.url, secret="a shared secret")
    store.keep(seen("AB123CD"))
    with store.database.write() as connection:
        connection.execute(update(DELIVERY).values(created=time.time() - 3600))
    start()
    wait_for(lambda: receiver.requests)
    (request,) = receiver.requests
    secret = base64.b64encode(b"a shared secret").decode()
    Webhook(secret).verify(request.body, request.headers)


def test_what_was_not_delivered_is_after_a_restart(
    store: SightingStore, receiver: Receiver, start: Callable[[], DeliveryWorker]
) -> None:
    new_channel(store, url="http://127.0.0.1:9/hook")
    store.keep(seen("AB123CD"))
    worker = start()

    def state() -> ChannelState:
        with store.database.read() as connection:
            return channel_states(connection)[1]

    wait_for(lambda: state().tries > 1)
    assert state().waiting == 1
    assert "cannot reach 127.0.0.1" in str(state().error)
    assert "cannot reach 127.0.0.1" in str(told(store))
    worker.close()
    with store.database.write() as connection:
        settings = stored(parse_settings("webhook", {"url": receiver.url}, programs=[]))
        change_channel(connection, 1, "webhook", settings, enabled=True)
    start()
    wait_for(lambda: states(store) == {"delivered"})
    assert len(receiver.requests) == 1


def test_a_body_that_is_refused_is_not_sent_again_until_somebody_says_so(
    store: SightingStore, receiver: Receiver, start: Callable[[], DeliveryWorker]
) -> None:
    new_channel(store, url=receiver.url)
    receiver.answers = [422]
    store.keep(seen("AB123CD"))
    store.keep(seen("XY999ZZ"))
    start()
    wait_for(lambda: states(store) == {"failed", "delivered"})
    assert told(store)[0] == ("AB123CD", "failed", "127.0.0.1 answered 422")
    with store.database.write() as connection:
        row = deliveries(connection, channel=None, state="failed", before=None, limit=1)[0]
        assert retry(connection, row.uuid)
        assert not retry(connection, row.uuid)
    wait_for(lambda: states(store) == {"delivered"})


def test_a_slow_receiver_does_not_hold_up_another(
    store: SightingStore, receiver: Receiver, start: Callable[[], DeliveryWorker]
) -> None:
    slow = Receiver(delay=0.5)
    try:
        new_channel(store, url=slow.url, timeout=0.2)
        new_channel(store, url=receiver.url)
        start()
        store.keep(seen("AB123CD"))
        wait_for(lambda: receiver.requests)
        wait_for(lambda: "did not answer within 0.2 seconds" in str(told(store)))
        slow.delay = 0
        wait_for(lambda: states(store) == {"delivered"})
    finally:
        slow.close()


def test_deliveries_wait_for_a_broker_that_is_gone(
    store: SightingStore, start: Callable[[], DeliveryWorker], broker: tuple[str, int]
) -> None:
    gateway, topic = Gateway(broker), f"plates-{uuid4().hex}"
    subscriber = Subscriber(broker, f"{topic}/+/sighting")
    try:
        new_channel(store, "mqtt", host="127.0.0.1", port=gateway.port, topic=topic, discovery="")
        start()
        store.keep(seen("AA0"))
        wait_for(lambda: states(store) == {"delivered"})
        gateway.cut()
        for text in ("AA1", "AA2"):
            store.keep(seen(text))
        wait_for(lambda: "the broker 127.0.0.1" in str(told(store)[1][2]))
        assert [state for _, state, _ in told(store)] == ["delivered", "waiting", "waiting"]
        gateway.open = True
        wait_for(lambda: states(store) == {"delivered"})
        got = [json.loads(payload)["sighting"]["text"] for _, payload, _ in subscriber.messages]
        assert list(dict.fromkeys(got)) == ["AA0", "AA1", "AA2"]
    finally:
        subscriber.close()
        gateway.listener.close()


def test_a_full_disk_sends_nothing_twice(
    store: SightingStore,
    receiver: Receiver,
    start: Callable[[], DeliveryWorker],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    new_channel(store, url=receiver.url)
    store.keep(seen("AB123CD"))
    full = [True]

    def fail(connection: Connection, *args: Any) -> None:
        if full:
            raise StoreError("database or disk is full")
        finish(connection, *args)

    monkeypatch.setattr(delivering, "finish", fail)
    start()
    wait_for(lambda: receiver.requests)
    time.sleep(0.2)
    assert states(store) == {"waiting"}
    full.clear()
    wait_for(lambda: states(store) == {"delivered"})
    assert len(receiver.requests) == 1


def test_one_process_of_several_delivers(
    store: SightingStore, receiver: Receiver, start: Callable[[], DeliveryWorker]
) -> None:
    new_channel(store, url=receiver.url)
    workers = [start(), start()]
    wait_for(lambda: sum(worker.delivers for worker in workers) == 1)
    for i in range(5):
        store.keep(seen(f"AA{i}"))
    wait_for(lambda: states(store) == {"delivered"})
    assert len(receiver.requests) == 5
    # The other goes on where it ends.
    next(worker for worker in workers if worker.delivers).close()
    store.keep(seen("AA5"))
    wait_for(lambda: len(receiver.requests) == 6)


def test_channels_are_told_of_their_lists_and_cameras(
    store: SightingStore, receiver: Receiver, start: Callable[[], DeliveryWorker]
) -> None:
    known(store, "AB123CD")
    new_channel(store, url=receiver.url, lists=["staff"], cameras=["gate"])
    for text, camera in (("XY1", "gate"), ("AB123CD", "yard"), ("AB123CD", "gate")):
        store.keep(seen(text, camera=camera))
    start()
    wait_for(lambda: states(store) == {"delivered"})
    (request,) = receiver.requests
    value = json.loads(request.body)
    assert (value["event"], value["sighting"]["camera"]) == ("alert", "gate")
    assert value["sighting"]["matches"][0]["why"] == "exact"


@pytest.mark.parametrize("ago", [60, -60])
def test_a_relay_opens_for_no_old_event_nor_when_the_clock_was_set_back(
    store: SightingStore,
    receiver: Receiver,
    start: Callable[[], DeliveryWorker],
    ago: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known(store, "AB123CD")
    new_channel(store, url=receiver.url, lists=["staff"], relay=True)
    store.keep(now("AB123CD"))
    real = time.time
    monkeypatch.setattr("plate_ocr.server.notify.delivery.time.time", lambda: real() + ago)
    start()
    wait_for(lambda: states(store) == {"expired"})
    assert receiver.requests == []


def test_a_relay_is_not_told_twice_where_it_may_have_been_told(
    store: SightingStore, start: Callable[[], DeliveryWorker]
) -> None:
    slow = Receiver(delay=0.4)
    try:
        known(store, "AB123CD")
        new_channel(store, url=slow.url, lists=["staff"], relay=True, timeout=0.2)
        store.keep(now("AB123CD"))
        start()
        wait_for(lambda: states(store) == {"failed"})
        assert told(store)[0][2] == (
            "127.0.0.1 did not answer within 0.2 seconds; it may have arrived, so it is not tried again"
        )
        assert len(slow.requests) == 1
    finally:
        slow.close()


def test_a_relay_is_not_told_twice_when_the_server_was_killed(
    store: SightingStore, receiver: Receiver, start: Callable[[], DeliveryWorker]
) -> None:
    known(store, "AB123CD")
    new_channel(store, url=receiver.url, lists=["staff"], relay=True)
    store.keep(now("AB123CD"))
    with store.database.write() as connection:
        delivery = next_delivery(connection, 1)
        assert delivery is not None
        count_try(connection, delivery, None)
    start()
    wait_for(lambda: states(store) == {"failed"})
    assert receiver.requests == []


def test_a_relay_is_told_again_where_it_was_not_reached(
    store: SightingStore, receiver: Receiver, start: Callable[[], DeliveryWorker]
) -> None:
    known(store, "AB123CD")
    new_channel(store, url="http://127.0.0.1:9/hook", lists=["staff"], relay=True, expires=60)
    store.keep(now("AB123CD"))
    start()
    wait_for(lambda: "cannot reach" in str(told(store)))
    settings = {"url": receiver.url, "lists": ["staff"], "relay": True}
    with store.database.write() as connection:
        change_channel(
            connection, 1, "gate", stored(parse_settings("webhook", settings, programs=[])), enabled=True
        )
    wait_for(lambda: states(store) == {"delivered"})
    assert len(receiver.requests) == 1


def test_a_command_gets_arguments_as_they_are(
    store: SightingStore, start: Callable[[], DeliveryWorker], tmp_path: Path
) -> None:
    out = tmp_path / "out.json"
    script = "import json,sys; json.dump([sys.argv[2:], json.load(sys.stdin)], open(sys.argv[1], 'w'))"
    args = [sys.executable, "-c", script, str(out), "{plate}", "-{camera}-", "{list}", "{name}", "{{plate}}"]
    known(store, "AB123CD")
    new_channel(store, "command", args=args, lists=["staff"])
    store.keep(seen("AB123CD", camera="$(rm -rf /); {plate}"))
    start()
    wait_for(lambda: states(store) == {"delivered"})
    arguments, value = json.loads(out.read_text())
    assert arguments == ["AB123CD", "-$(rm -rf /); {plate}-", "staff", "owner of AB123CD", "{AB123CD}"]
    assert value["sighting"]["text"] == "AB123CD"


def test_a_command_that_fails_is_tried_again(
    store: SightingStore, start: Callable[[], DeliveryWorker], tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    script = (
        f"import pathlib,sys; p = pathlib.Path({str(mark)!r}); e = p.exists(); p.touch(); sys.exit(not e)"
    )
    new_channel(store, "command", args=[sys.executable, "-c", script])
    store.keep(seen("AB123CD"))
    start()
    wait_for(lambda: states(store) == {"delivered"})
    assert mark.exists()


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        ("fax", {}, "settings: Input tag 'fax'"),
        ("webhook", {}, "settings: url: is missing"),
        ("webhook", {"url": "file:///etc/passwd"}, "begins with http"),
        ("webhook", {"url": "http://a", "headers": {"X-A": "b\r\nc"}}, "cannot be sent"),
        ("webhook", {"url": "http://a", "colour": 1}, "settings: colour: is unknown"),
        ("webhook", {"url": "http://a", "relay": True}, "a relay needs lists"),
        ("command", {"args": ["/bin/rm"]}, "the program /bin/rm is not allowed: start the server with"),
        ("mqtt", {"host": "a", "topic": "a/#"}, "topic"),
    ],
)
def test_what_is_no_channel_is_refused(kind: str, values: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        parse_settings(kind, values, programs=["/bin/true"])


def test_secrets_are_not_shown_and_stay_when_they_are_not_changed(store: SightingStore) -> None:
    values = {
        "url": "http://ann:pass1@here/x?key=pass2",
        "secret": "pass3",
        "headers": {"Authorization": "pass4"},
    }
    old = stored(parse_settings("webhook", values, programs=[]))
    hidden = shown(old)
    assert "pass" not in str(hidden)
    assert hidden["url"] == f"http://{HIDDEN}@here/x?{HIDDEN}"
    new = stored(parse_settings("webhook", {**hidden, "timeout": 3}, programs=[], old=old))
    assert new == {**old, "timeout": 3}
    urls = stored(parse_settings("apprise", {"urls": ["mailto://pass@here"]}, programs=[]))
    assert shown(urls)["urls"] == [f"mailto://{HIDDEN}"]
    assert parse_settings("apprise", shown(urls), programs=[], old=urls) == parse_settings(
        "apprise", urls, programs=[]
    )
    with store.database.read() as connection:
        assert find_channel(connection, 1) is None
