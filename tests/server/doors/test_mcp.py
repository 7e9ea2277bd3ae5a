"""The Model Context Protocol, by the requests that clients of omni-lpr send."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.server.doors.conftest import TEXT

ACCEPT = {"Accept": "application/json, text/event-stream"}


def rpc(client: TestClient, method: str, params: Any = None, path: str = "/mcp/", **more: Any) -> Any:
    """The answer to a request."""
    message = {"jsonrpc": "2.0", "id": 7, "method": method, "params": params} | more
    response = client.post(path, json=message, headers=ACCEPT, follow_redirects=False)
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"] == "application/json"
    answer = response.json()
    assert (answer.pop("jsonrpc"), answer.pop("id")) == ("2.0", message["id"])
    return answer


@pytest.mark.parametrize("path", ["/mcp", "/mcp/"])
def test_a_conversation(client: TestClient, jpeg: bytes, path: str) -> None:
    params = {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "c", "version": "1"},
    }
    result = rpc(client, "initialize", params, path)["result"]
    assert result["protocolVersion"] == "2025-11-25"
    assert result["capabilities"] == {"tools": {}}
    assert result["serverInfo"]["name"] == "plate-ocr"
    done = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    response = client.post(path, json=done, headers=ACCEPT, follow_redirects=False)
    assert (response.status_code, response.content) == (202, b"")
    tools = rpc(client, "tools/list", None, path)["result"]["tools"]
    assert [tool["name"] for tool in tools] == [
        "recognize_plate",
        "detect_and_recognize_plate",
        "list_models",
    ]
    arguments = {"image_base64": base64.b64encode(jpeg).decode()}
    result = rpc(client, "tools/call", {"name": "recognize_plate", "arguments": arguments}, path)["result"]
    assert result["isError"] is False
    (content,) = result["content"]
    assert content["type"] == "text"
    assert json.loads(content["text"])[0]["plate"] == TEXT
    assert rpc(client, "ping", {}, path) == {"result": {}}
    for method in (client.get, client.delete):
        response = method(path, follow_redirects=False)
        assert (response.status_code, response.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize("asked", ["2024-11-05", "1999-01-01", None, []])
def test_the_version_is_agreed_on(client: TestClient, asked: Any) -> None:
    result = rpc(client, "initialize", {"protocolVersion": asked})["result"]
    assert result["protocolVersion"] == ("2024-11-05" if asked == "2024-11-05" else "2025-11-25")


@pytest.mark.parametrize("key", ["one", 0, 1.5, 10**400])
def test_an_id_may_be_text_or_any_number(client: TestClient, key: Any) -> None:
    assert rpc(client, "ping", id=key) == {"result": {}}


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("tools/run", {}, -32601),
        (5, {}, -32601),
        ("tools/call", {}, -32602),
        ("tools/call", {"name": "nothing"}, -32602),
        ("tools/call", [], -32602),
    ],
)
def test_a_wrong_request_is_an_error(client: TestClient, method: Any, params: Any, code: int) -> None:
    assert rpc(client, method, params)["error"]["code"] == code


@pytest.mark.parametrize("arguments", [{}, {"image_base64": "aGVsbG8="}, "text"])
def test_a_tool_that_fails_says_why(client: TestClient, arguments: Any) -> None:
    result = rpc(client, "tools/call", {"name": "recognize_plate", "arguments": arguments})["result"]
    assert result["isError"] is True
    assert result["content"][0]["text"]


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"7", b"{", b'{"id": null, "method": "ping"}', b'{"id": NaN, "method": "ping"}']
)
def test_what_is_no_message_is_400(client: TestClient, body: bytes) -> None:
    response = client.post("/mcp", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 400
    assert response.json()["error"]["code"] == -32600


def test_an_unknown_version_is_400(client: TestClient) -> None:
    message = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    response = client.post("/mcp", json=message, headers={"MCP-Protocol-Version": "1999-01-01"})
    assert response.status_code == 400
