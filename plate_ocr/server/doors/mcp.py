"""``/mcp``: the tools of omni-lpr for agents, by the Model Context Protocol over HTTP, without sessions."""

from __future__ import annotations

import json
import math
from typing import Any

from fastapi import HTTPException, Request, Response

from plate_ocr import __version__
from plate_ocr.server.doors.door import Json, check_access, door, route
from plate_ocr.server.doors.omni_lpr import call_tool, described, tools_for
from plate_ocr.server.requests import parse

VERSIONS = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")
"""Of the protocol, the newest first."""

PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS, SERVER_ERROR = (
    -32700,
    -32600,
    -32601,
    -32602,
    -32000,
)
"""Codes of JSON-RPC."""


class RpcError(Exception):
    """An error of JSON-RPC: its code and a sentence."""


def error_body(status: int, error: str) -> tuple[int, Any]:
    """An error of HTTP as clients get it: it belongs to no request."""
    code = INVALID_REQUEST if status == 400 else SERVER_ERROR
    return status, {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": error}}


router = door("MCP", error_body)


@route(router, "GET", "/mcp")
@route(router, "DELETE", "/mcp")
async def not_allowed() -> Response:
    """There are no sessions, and the server sends nothing by itself."""
    raise HTTPException(
        405, "this server takes POST only: it has no sessions and no stream", {"Allow": "POST"}
    )


@route(router, "POST", "/mcp")
async def mcp(request: Request) -> Response:
    """A message of JSON-RPC."""
    await check_access(request)
    version = request.headers.get("MCP-Protocol-Version", VERSIONS[0])
    if version not in VERSIONS:
        raise HTTPException(400, f"MCP-Protocol-Version: this server speaks {', '.join(VERSIONS)}")
    async with request.app.state.reading.admitted():
        message = (await parse(request)).json
        if not isinstance(message, dict):
            raise HTTPException(400, "one JSON-RPC object of type application/json is expected")
        if "id" not in message or "method" not in message:
            return Response(status_code=202)  # a notification, or an answer to nothing
        answer: dict[str, Any] = {"jsonrpc": "2.0", "id": _id(message["id"])}
        try:
            answer["result"] = await _answer(request, message["method"], message.get("params"))
        except RpcError as error:
            answer["error"] = {"code": error.args[0], "message": error.args[1]}
    return Json(answer)


def _id(value: Any) -> Any:
    is_number = isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))
    if isinstance(value, bool) or not (is_number or isinstance(value, str)):
        raise HTTPException(400, "the id is no text or number")
    return value


async def _answer(request: Request, method: Any, params: Any) -> dict[str, Any]:
    """The result of a method.

    Raises:
        RpcError: if there is no such method, or its parameters are wrong.
    """
    params = {} if params is None else params
    if not isinstance(params, dict):
        raise RpcError(INVALID_PARAMS, "params is no object")
    if method == "initialize":
        version = params.get("protocolVersion")
        return {
            "protocolVersion": version if version in VERSIONS else VERSIONS[0],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "plate-ocr", "title": "plate-ocr", "version": __version__},
        }
    if method == "ping":
        return {}
    if method == "tools/list":
        return {"tools": described(tools_for(request.app.state.settings))}
    if method == "tools/call":
        return await _call(request, params)
    raise RpcError(METHOD_NOT_FOUND, f"there is no method {method!r}")


async def _call(request: Request, params: dict[str, Any]) -> dict[str, Any]:
    name = params.get("name")
    if not isinstance(name, str):
        raise RpcError(INVALID_PARAMS, "the tool's name is missing")
    arguments = params.get("arguments")
    try:
        data = await call_tool(request.app, name, {} if arguments is None else arguments)
    except HTTPException as error:
        if error.status_code == 404:
            raise RpcError(INVALID_PARAMS, str(error.detail)) from None
        return _content(str(error.detail), is_error=True)
    return _content(json.dumps(data, ensure_ascii=False), is_error=False)


def _content(text: str, *, is_error: bool) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": text}], "isError": is_error}
