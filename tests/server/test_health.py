"""Health and readiness."""

from __future__ import annotations

from fastapi.testclient import TestClient


def test_it_is_healthy_and_ready(client: TestClient) -> None:
    for path in ("/healthz", "/readyz"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
