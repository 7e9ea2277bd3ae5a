"""The API is what ``/openapi.json`` says, for requests made from it: schemathesis, all checks."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.generation.modes import GenerationMode
from schemathesis.schemas import BaseSchema

from plate_ocr.server.application import create_app
from plate_ocr.server.settings import Settings
from tests.server.conftest import PLATE, SCENE

EXAMPLES = int(os.environ.get("PLATE_OCR_TEST_EXAMPLES", "2"))
"""Requests of each kind to each path; ``make soak`` makes many."""

HEADERS = {"Host": "127.0.0.1"}

OWN = ("/api/v1/", "/healthz", "/readyz", "/metrics")
"""Paths of the own API; of others only server errors are failures."""

TOOLS = "/api/v1/tools"
"""Of clients of omni-lpr."""

PICTURES = st.sampled_from([path.read_bytes() for path in (PLATE, SCENE)])
schemathesis.openapi.media_type("image/*", PICTURES)
schemathesis.openapi.format("picture", PICTURES.map(lambda data: base64.b64encode(data).decode()))


def can_be_wrong(operation: dict[str, Any]) -> bool:
    """Whether a request can be sent that the schema forbids: any text will do for some paths."""
    return "requestBody" in operation or any(
        parameter["in"] == "query"
        or "pattern" in parameter["schema"]
        or parameter["schema"].get("type") != "string"
        for parameter in operation.get("parameters", ())
    )


OPERATIONS = [
    pytest.param(method.upper(), path, mode, id=f"{method}-{path}-{mode.value}")
    for path, methods in create_app(Settings()).openapi()["paths"].items()
    for method, operation in methods.items()
    for mode in GenerationMode
    if mode == GenerationMode.POSITIVE or can_be_wrong(operation)
]


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[BaseSchema, FastAPI]]:
    """The schema of an application that runs, and which other tests do not use."""
    app = create_app(Settings(data=tmp_path_factory.mktemp("schema")))
    with TestClient(app):
        app.state.events.close()  # else events would never end
        yield schemathesis.openapi.from_asgi("/openapi.json", app, headers=HEADERS), app


@pytest.mark.parametrize(("method", "path", "mode"), OPERATIONS)
def test_requests_are_answered_as_the_schema_says(
    schema: tuple[BaseSchema, FastAPI], method: str, path: str, mode: GenerationMode
) -> None:
    operation = schema[0][path][method]

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), database=None)
    def run(case: schemathesis.Case[Any]) -> None:
        own = path.startswith(OWN) and not path.startswith(TOOLS)
        # What the source of a camera may be depends on its kind, which no schema says.
        if own and (method == "GET" or not path.startswith("/api/v1/cameras")):
            case.call_and_validate(headers=HEADERS)
        else:
            assert case.call(headers=HEADERS).status_code < 500

    run()
