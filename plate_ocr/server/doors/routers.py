"""All doors."""

from __future__ import annotations

from plate_ocr.server.doors import codeproject, mcp, omni_lpr, openalpr, plate_recognizer

ROUTERS = (
    plate_recognizer.router,
    codeproject.alpr_router,
    codeproject.router,
    openalpr.router,
    omni_lpr.router,
    mcp.router,
)
