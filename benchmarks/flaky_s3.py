"""Object storage on this machine, by moto, with requests that fail or are slow."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.models import s3_backends
from werkzeug.serving import make_server

App: TypeAlias = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

EVERY = 50
"""Of so many requests one is slow and one fails."""

SLOW_SECONDS = 1.0

FAILED = b"<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>"


@dataclass
class FlakyApp:
    """Passes requests on, but for some.

    Attributes:
        app: answers.
        log: method and path of each request, and whether it failed.
    """

    app: App
    log: list[tuple[str, str, bool]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def __call__(self, environment: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request."""
        number = next(self._numbers)
        fails = number % EVERY == EVERY - 1
        self.log.append((environment["REQUEST_METHOD"], environment["PATH_INFO"], fails))
        if number % EVERY == EVERY // 2:
            time.sleep(SLOW_SECONDS)
        if fails:
            environment["wsgi.input"].read(int(environment.get("CONTENT_LENGTH") or 0))
            start(
                "503 Slow Down", [("Content-Type", "application/xml"), ("Content-Length", str(len(FAILED)))]
            )
            return [FAILED]
        return self.app(environment, start)

    @property
    def failures(self) -> int:
        """Requests that failed."""
        return sum(fails for _, _, fails in self.log)


def put_objects(bucket: str, objects: Iterable[tuple[str, bytes]]) -> None:
    """Make a bucket of objects, without requests."""
    backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
    backend.create_bucket(bucket, "us-east-1")
    for key, data in objects:
        backend.put_object(bucket, key, data)


@contextmanager
def flaky_s3() -> Iterator[tuple[dict[str, str], FlakyApp]]:
    """An S3 server: the environment variables by which clients find it, and what answers there."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    flaky = FlakyApp(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, flaky, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    variables = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    try:
        yield variables, flaky
    finally:
        server.shutdown()
        thread.join()
        s3_backends[DEFAULT_ACCOUNT_ID]["aws"].reset()
