"""The shell of the page: its navigation, its files, and who sees what.

What is shown comes from the API. A page is an entry of :data:`PAGES`, a JavaScript module of its name, its
texts in ``texts.toml``, and a template of its name where ``manage.html`` does not suffice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.resources import files

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from plate_ocr.server.access import COOKIE as SESSION
from plate_ocr.server.access import ROLES, Access, Principal, Role
from plate_ocr.server.page.texts import COOKIE, LANGUAGES, TEXTS, choose_language, module_of


@dataclass(frozen=True)
class Page:
    """A page.

    Attributes:
        name: of its module, and of its template if it has one; ``page.NAME`` is the key of its title.
        path: below the root.
        role: that it needs.
        in_navigation: whether every page links to it.
    """

    name: str
    path: str
    role: Role = "read"
    in_navigation: bool = True


PAGES = (
    Page("live", "/"),
    Page("search", "/search"),
    Page("try", "/try"),
    Page("plate", "/plates/{text:path}", in_navigation=False),
    Page("lists", "/lists"),
    Page("alerts", "/alerts"),
    Page("cameras", "/cameras"),
    Page("charts", "/charts"),
    Page("settings", "/settings", "admin"),
)
"""In the order of the navigation."""

KINDS = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
"""Types of static files."""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' blob:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
    "Vary": "Accept-Language, Cookie",
}
"""Of every page: nothing inline and nothing from elsewhere runs, and no other page can frame it."""

router = APIRouter(include_in_schema=False)

TEMPLATES = Environment(
    loader=PackageLoader(__package__),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def _load_static() -> dict[str, bytes]:
    found = {one.name: one.read_bytes() for one in files(__package__).joinpath("static").iterdir()}
    return found | {f"texts-{code}.js": module_of(code).encode() for code in LANGUAGES}


STATIC = _load_static()

VERSION = hashlib.sha256(b"".join(STATIC[name] for name in sorted(STATIC))).hexdigest()[:12]
"""Of the static files: it is in their addresses, so browsers may keep them for good."""


@router.get("/static/{version}/{name}")
async def static(version: str, name: str) -> Response:
    """A style sheet, a module, a picture."""
    if name not in STATIC:
        raise HTTPException(404, f"there is no file {name!r}")
    keep = "public, max-age=31536000, immutable" if version == VERSION else "no-store"
    headers = {"Cache-Control": keep, "X-Content-Type-Options": "nosniff"}
    return Response(STATIC[name], media_type=KINDS[name.rpartition(".")[2]], headers=headers)


@router.get("/login")
async def login(request: Request) -> Response:
    """The form for a name and a password."""
    return render(request, "login", None)


def render(request: Request, name: str, who: Principal | None, status: int = 200) -> Response:
    """A page.

    Args:
        request: that asks for it.
        name: of the page.
        who: sees it; None: nobody is known.
        status: of the answer.
    """
    language = choose_language(request.cookies.get(COOKIE), request.headers.get("Accept-Language", ""))
    texts = TEXTS[language]
    root = request.scope.get("root_path", "").rstrip("/")
    may = ROLES[: ROLES.index(who.role) + 1] if who else ()
    body = TEMPLATES.select_template([f"{name}.html", "manage.html"]).render(
        name=name,
        who=who,
        may=may,
        pages=[page for page in PAGES if page.in_navigation and page.role in may],
        has_session=SESSION in request.cookies,
        is_open=request.app.state.access.is_open,
        language=language,
        languages=LANGUAGES,
        root=root,
        static=f"{root}/static/{VERSION}",
        t=texts.__getitem__,
    )
    return HTMLResponse(body, status, HEADERS)


def _route(page: Page) -> Callable[[Request], Awaitable[Response]]:
    async def show(request: Request) -> Response:
        access = request.app.state.access
        assert isinstance(access, Access)
        try:
            who = await access.check(request, "read")
        except HTTPException as error:
            if error.status_code != 401:
                raise
            # Not 401: that GET / is answered with 200 is how clients find out that there is a server.
            return render(request, "login", None)
        return render(request, page.name, who) if who.may(page.role) else render(request, "denied", who, 403)

    return show


for _page in PAGES:
    router.add_api_route(_page.path, _route(_page), methods=["GET"], name=_page.name)
