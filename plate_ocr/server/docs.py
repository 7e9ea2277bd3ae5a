"""``/docs``: the API to read and to try, all of it from this server."""

from __future__ import annotations

from importlib.resources import files

from fastapi import APIRouter, Request, Response
from fastapi.openapi.docs import get_swagger_ui_html

router = APIRouter(include_in_schema=False)

SCRIPT, STYLE = "swagger-ui-bundle.js", "swagger-ui.css"


@router.get("/docs")
async def docs(request: Request) -> Response:
    """The page."""
    root = request.scope.get("root_path", "").rstrip("/")
    return get_swagger_ui_html(
        openapi_url=f"{root}/openapi.json",
        title="plate-ocr",
        swagger_js_url=f"{root}/docs/{SCRIPT}",
        swagger_css_url=f"{root}/docs/{STYLE}",
        swagger_favicon_url="data:,",
    )


@router.get(f"/docs/{SCRIPT}")
def script() -> Response:
    """Swagger UI."""
    return Response(_resource(SCRIPT), media_type="text/javascript")


@router.get(f"/docs/{STYLE}")
def style() -> Response:
    """Its style sheet."""
    return Response(_resource(STYLE), media_type="text/css")


def _resource(name: str) -> bytes:
    return files("fastapi_swagger.resources").joinpath(name).read_bytes()
