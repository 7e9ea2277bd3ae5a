"""``/api/v1/keys``, ``/people``, ``/login``, ``/logout`` and ``/me``."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Path, Request, Response
from pydantic import BaseModel, Field

from plate_ocr.server.access import COOKIE, SESSION_S, Access, Key, Principal, Role, needs

router = APIRouter(prefix="/api/v1", tags=["access"])

ADMIN = [Depends(needs("admin"))]

Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f:]+$")]


class NewKey(BaseModel):
    """A key to make."""

    name: Name
    role: Role


class NewPerson(BaseModel):
    """Password and role of a person."""

    password: str = Field(min_length=8, max_length=1000)
    role: Role


class Login(BaseModel):
    """Name and password of a person."""

    name: str
    password: str = Field(max_length=1000)


async def access(request: Request) -> Access:
    """Keys and people, as a dependency of routes."""
    found = request.app.state.access
    assert isinstance(found, Access)
    return found


Accounts = Annotated[Access, Depends(access)]


@router.get("/me")
async def me(principal: Annotated[Principal, Depends(needs("read"))]) -> dict[str, str | None]:
    """Who asks: the name of the key or person, null where nobody is asked, and the role."""
    return {"name": principal.name, "role": principal.role}


@router.get("/keys", dependencies=ADMIN)
def keys(accounts: Accounts) -> list[dict[str, str]]:
    """All keys, without the keys themselves."""
    return [_key(key) for key in accounts.keys]


@router.post("/keys", status_code=201, dependencies=ADMIN)
def add_key(accounts: Accounts, new: NewKey) -> dict[str, str]:
    """Make a key. It is in this answer only."""
    key, secret = accounts.add_key(new.name, new.role)
    return {**_key(key), "key": secret}


@router.delete("/keys/{id}", status_code=204, dependencies=ADMIN)
def delete_key(accounts: Accounts, id: Annotated[str, Path(pattern="^[0-9a-f]{8}$")]) -> None:
    """Delete a key."""
    if not accounts.delete_key(id):
        raise HTTPException(404, f"there is no key {id!r}")


@router.get("/people", dependencies=ADMIN)
def people(accounts: Accounts) -> list[dict[str, str]]:
    """All people."""
    return [{"name": person.name, "role": person.role} for person in accounts.people]


@router.put("/people/{name}", dependencies=ADMIN)
def set_person(accounts: Accounts, name: Name, new: NewPerson) -> dict[str, str]:
    """Add a person, or change their password and role."""
    accounts.set_person(name, new.password, new.role)
    return {"name": name, "role": new.role}


@router.delete("/people/{name}", status_code=204, dependencies=ADMIN)
def delete_person(accounts: Accounts, name: Name) -> None:
    """Delete a person."""
    if not accounts.delete_person(name):
        raise HTTPException(404, f"there is no person {name!r}")


@router.post("/login")
async def log_in(request: Request, response: Response, accounts: Accounts, login: Login) -> dict[str, Any]:
    """Log in as a person; the answer sets a cookie."""
    value = await accounts.log_in(request, login.name, login.password)
    secure = request.url.scheme == "https"
    response.set_cookie(COOKIE, value, SESSION_S, httponly=True, samesite="lax", secure=secure)
    return {"name": login.name}


@router.post("/logout", status_code=204)
async def log_out(response: Response) -> None:
    """Take the cookie back."""
    response.delete_cookie(COOKIE)


def _key(key: Key) -> dict[str, str]:
    return {"id": key.id, "name": key.name, "role": key.role}
