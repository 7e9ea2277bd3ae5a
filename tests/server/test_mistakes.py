"""What is said of values that a client sent."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient


@pytest.mark.parametrize(
    ("path", "body", "error"),
    [
        ("/api/v1/lists", b"{}", "name: is missing"),
        ("/api/v1/lists", b"{", "the body is not valid JSON"),
        ("/api/v1/lists", b"", "body: is missing"),
        ("/api/v1/lists", b"[]", "body: should be an object"),
        ("/api/v1/lists", b'{"name": "", "kind": "known"}', "name: should have at least 1 character"),
        ("/api/v1/lists", b'{"name": "a", "kind": "foe"}', "kind: should be 'known', 'watch' or 'ignore'"),
        ("/api/v1/cameras", b'{"name": "a", "kind": "stream"}', "source: an address is expected"),
    ],
)
def test_mistakes_are_told_in_words(client: TestClient, path: str, body: bytes, error: str) -> None:
    answer = client.post(path, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["error"].startswith(error)
