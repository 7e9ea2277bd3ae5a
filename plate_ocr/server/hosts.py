"""Which ``Host`` and ``Origin`` are answered."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from plate_ocr.server.limits import error_response
from plate_ocr.server.settings import Settings, is_loopback


class HostCheck:
    """Refuses requests for names that are not the server's, and those that a page of another one sends.

    A page may have its own name resolve to this machine (DNS rebinding): its requests come from a browser
    that can reach the server, but name that host.

    Args:
        app: the application.
        settings: of the server.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._allowed = {name.lower() for name in settings.allow_host}
        self._names = {settings.host.lower(), *self._allowed}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        path = scope.get("path", "").removeprefix(scope.get("root_path", ""))
        if scope["type"] == "http" and path not in ("/healthz", "/readyz"):
            headers = Headers(scope=scope)
            host, origin = headers.get("Host", ""), headers.get("Origin")
            refused = None
            if len(headers.getlist("Host")) != 1 or not self._allows(host):
                refused = error_response(400, f"the host {host!r} is not allowed: see --allow-host")
            elif origin is not None and not self._is_own(origin, host):
                refused = error_response(403, f"requests of pages of {origin!r} are not answered")
            if refused:
                await refused(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _allows(self, host: str) -> bool:
        try:
            name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
        except ValueError:
            return False
        return "*" in self._names or is_loopback(name) or name in self._names

    def _is_own(self, origin: str, host: str) -> bool:
        try:
            parts = urlsplit(origin)
            return parts.netloc.lower() == host.lower() or parts.hostname in self._allowed
        except ValueError:
            return False
