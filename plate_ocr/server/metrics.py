"""``/metrics``, for Prometheus."""

from __future__ import annotations

import os
from time import perf_counter
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from plate_ocr.server.access import Principal, needs

MULTIPROCESS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Environment variable with the folder in which several processes keep what they count."""

router = APIRouter(tags=["health"])


class Metrics:
    """What is counted."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "plate_ocr_requests", "Requests.", ("method", "path", "status"), registry=self.registry
        )
        self.seconds = Histogram(
            "plate_ocr_request_seconds", "Time to answer.", ("method", "path"), registry=self.registry
        )
        self.waiting = Gauge(
            "plate_ocr_waiting_pictures",
            "Pictures that wait to be read.",
            registry=self.registry,
            multiprocess_mode="livesum",
        )

    def text(self) -> bytes:
        """All of it, of all processes, in Prometheus' format."""
        registry = self.registry
        if MULTIPROCESS_VARIABLE in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)


class CountRequests:
    """Counts requests by the template of their path, of which there are few, never by the path itself.

    Args:
        app: the application.
        metrics: what is counted.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = perf_counter(), 500

        async def send_and_see(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_and_see)
        finally:
            route = scope.get("route")
            path = getattr(route, "path", "other")
            method = scope["method"] if route else "other"
            self._metrics.requests.labels(method, path, str(status)).inc()
            self._metrics.seconds.labels(method, path).observe(perf_counter() - started)


@router.get("/metrics", response_class=Response)
async def metrics(request: Request, _: Annotated[Principal, Depends(needs("read"))]) -> Response:
    """What the server counts, for Prometheus."""
    state = request.app.state
    state.metrics.waiting.set(state.reading.waiting)
    return Response(state.metrics.text(), media_type=CONTENT_TYPE_LATEST)
