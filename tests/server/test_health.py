"""Health, readiness, what is counted, and the documentation."""

from __future__ import annotations

import re

from fastapi.testclient import TestClient


def test_it_is_healthy_and_ready(client: TestClient) -> None:
    for path in ("/healthz", "/readyz"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_requests_are_counted_by_template(client: TestClient) -> None:
    client.get("/healthz")
    client.delete("/api/v1/keys/00000000")
    client.get("/no/such/path")
    lines = client.get("/metrics").text.splitlines()
    for labels in (
        'method="GET",path="/healthz",status="200"',
        'method="DELETE",path="/api/v1/keys/{id}",status="404"',
        'method="other",path="other",status="404"',
    ):
        assert any(line.startswith(f"plate_ocr_requests_total{{{labels}}}") for line in lines)
    assert "plate_ocr_waiting_pictures 0.0" in lines


def test_the_documentation_needs_no_other_server(client: TestClient) -> None:
    page = client.get("/docs").text
    addresses = re.findall(r"""(?:src|href)=["']([^"']+)""", page) + re.findall(r"url: '([^']+)'", page)
    assert len(addresses) == 4
    for address in addresses:
        assert address.startswith("data:") or client.get(address).status_code == 200
    assert "http" not in page
