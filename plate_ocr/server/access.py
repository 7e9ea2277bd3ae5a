"""Who may do what: keys of programs, people with passwords, roles."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import os
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from ipaddress import ip_address, ip_network
from pathlib import Path
from threading import Lock
from typing import Any, Literal, TypeAlias, get_args

from fastapi import HTTPException, Request

from plate_ocr.errors import OutputError
from plate_ocr.files import write_whole
from plate_ocr.server.limits import RateLimit, too_many
from plate_ocr.server.settings import Settings, is_loopback

Role: TypeAlias = Literal["read", "operate", "admin"]
"""What somebody may do: read pictures and see what was read; correct, and change lists and cameras; all."""

ROLES: tuple[Role, ...] = get_args(Role)

FILE = "access.json"
"""Name of the file of keys and people in the data folder."""

ADMIN = "admin"
"""Name of the first person."""

MIN_PASSWORD = 8
"""Characters."""

COOKIE, SESSION_S = "plate-ocr-session", 30 * 86_400
"""Name of the cookie of who logged in, and for how many seconds it is good."""

FAILURES_PER_MINUTE = 10
"""Wrong keys and passwords from one address."""

SCRYPT = {"n": 2**15, "r": 8, "p": 3, "maxmem": 2**26}
"""Cost of a password (OWASP's recommendation for 32 MB)."""


@dataclass(frozen=True)
class Principal:
    """Who asks.

    Attributes:
        name: of a key or a person; None for whom nothing was asked.
        role: what they may do.
    """

    name: str | None
    role: Role

    def may(self, role: Role) -> bool:
        """Whether they may do what this role may."""
        return ROLES.index(self.role) >= ROLES.index(role)


@dataclass(frozen=True)
class Key:
    """A key of a program; the key itself is not kept.

    Attributes:
        id: names it.
        name: of the program.
        role: what it may do.
        sha256: of the key, in hexadecimal.
    """

    id: str
    name: str
    role: Role
    sha256: str


@dataclass(frozen=True)
class Person:
    """Somebody with a password, which itself is not kept.

    Attributes:
        name: names them.
        role: what they may do.
        salt: of the password, in hexadecimal.
        scrypt: of the password, in hexadecimal.
    """

    name: str
    role: Role
    salt: str
    scrypt: str


class AccessError(Exception):
    """A change of keys or people that must not be."""


@dataclass(frozen=True)
class _Accounts:
    keys: tuple[Key, ...] = ()
    people: tuple[Person, ...] = ()
    secret: str = field(default_factory=lambda: secrets.token_hex(32))

    @property
    def has_admin(self) -> bool:
        return "admin" in {*(key.role for key in self.keys), *(person.role for person in self.people)}


class Access:
    """Keys and people, kept in a file of the data folder that all processes read.

    Args:
        settings: of the server.

    Safe to call from several threads.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings, self._path = settings, settings.data / FILE
        self._networks = [ip_network(one, strict=False) for one in settings.trusted_network]
        self._lock, self._seen, self._accounts = Lock(), (0, 0), _Accounts()
        self._failures, self._rate = RateLimit(FAILURES_PER_MINUTE), RateLimit(settings.rate_limit)
        self._verified: set[bytes] = set()

    @property
    def keys(self) -> tuple[Key, ...]:
        """All keys."""
        return self._load().keys

    @property
    def people(self) -> tuple[Person, ...]:
        """All people."""
        return self._load().people

    @property
    def is_open(self) -> bool:
        """Whether nobody is asked for anything: on loopback, while there is no key and no person."""
        return self._settings.is_loopback and not self.keys and not self.people

    def add_key(self, name: str, role: Role) -> tuple[Key, str]:
        """Make a key; it is given only now.

        Raises:
            AccessError: if there is nobody who could change keys afterwards.
            OutputError: if it cannot be kept.
        """
        secret = secrets.token_urlsafe(32)
        key = Key(secrets.token_hex(4), name, role, hashlib.sha256(secret.encode()).hexdigest())
        self._change(lambda old: replace(old, keys=(*old.keys, key)))
        return key, secret

    def delete_key(self, id: str) -> bool:
        """Delete a key; whether there was one.

        Raises:
            AccessError: if nobody would be left who could change keys.
            OutputError: if that cannot be kept.
        """
        found = any(key.id == id for key in self.keys)
        if found:
            self._change(lambda old: replace(old, keys=tuple(key for key in old.keys if key.id != id)))
        return found

    def set_person(self, name: str, password: str, role: Role) -> None:
        """Add a person, or change their password and role.

        Raises:
            AccessError: if the password is too short, or nobody would be left who could change people.
            OutputError: if it cannot be kept.
        """
        if len(password) < MIN_PASSWORD:
            raise AccessError(f"the password is too short; at least {MIN_PASSWORD} characters are needed")
        salt = secrets.token_bytes(16)
        person = Person(name, role, salt.hex(), _scrypt(password, salt).hex())
        self._change(
            lambda old: replace(old, people=(*(one for one in old.people if one.name != name), person))
        )

    def delete_person(self, name: str) -> bool:
        """Delete a person; whether there was one.

        Raises:
            AccessError: if nobody would be left who could change people.
            OutputError: if that cannot be kept.
        """
        found = any(person.name == name for person in self.people)
        if found:
            self._change(
                lambda old: replace(old, people=tuple(one for one in old.people if one.name != name))
            )
        return found

    async def log_in(self, request: Request, name: str, password: str) -> str:
        """The value of the cookie of a person.

        Raises:
            HTTPException: 401 if name or password are wrong, 429 after too many attempts.
        """
        person = await self._person(request, name, password)
        data = json.dumps([person.name, int(time.time()) + SESSION_S]).encode()
        return base64.urlsafe_b64encode(data).decode() + "." + self._sign(data, person)

    async def check(self, request: Request, role: Role, key: str | None = None) -> Principal:
        """Who asks, if they may do what this role may.

        Args:
            request: theirs.
            role: needed.
            key: a key from elsewhere than the headers.

        Raises:
            HTTPException: 401 if they do not say who they are, 403 if they may not, 429 if too often.
        """
        principal = await self._principal(request, key)
        if not principal.may(role):
            raise HTTPException(403, f"this needs the role {role}, {principal.name} has {principal.role}")
        client = principal.name or _address(request)
        if seconds := self._rate.wait(client):
            raise too_many(seconds, f"more than {self._rate.per_minute} requests in a minute")
        self._rate.count(client)
        return principal

    async def _principal(self, request: Request, key: str | None) -> Principal:
        address = _address(request)
        if self.is_open and is_loopback(address):
            return Principal(None, "admin")
        kind, _, given = request.headers.get("Authorization", "").strip().partition(" ")
        kind, given = kind.lower(), given.strip()
        if kind == "basic":
            try:
                name, _, password = base64.b64decode(given, validate=True).decode().partition(":")
            except ValueError:
                raise HTTPException(401, "the Authorization header is damaged") from None
            # Only who sent such a header is asked for another: a browser would ask its visitor itself.
            challenge = {"WWW-Authenticate": "Basic"}
            return Principal(name, (await self._person(request, name, password, challenge)).role)
        key = key or request.headers.get("X-Api-Key") or (given if kind in ("token", "bearer") else None)
        if key:
            self._refuse_guessing(address)
            digest = hashlib.sha256(key.encode()).hexdigest()
            for one in self.keys:
                if hmac.compare_digest(one.sha256, digest):
                    return Principal(one.name, one.role)
            self._failures.count(address)
            raise HTTPException(401, "the key is wrong", {"WWW-Authenticate": "Bearer"})
        if person := self._logged_in(request.cookies.get(COOKIE, "")):
            return Principal(person.name, person.role)
        if any(_is_in(address, network) for network in self._networks):
            return Principal(None, "read")
        raise HTTPException(
            401,
            "a key is needed: send it as the header Authorization: Bearer KEY",
            {"WWW-Authenticate": "Bearer"},
        )

    async def _person(
        self, request: Request, name: str, password: str, challenge: dict[str, str] | None = None
    ) -> Person:
        address = _address(request)
        self._refuse_guessing(address)
        person = next((one for one in self.people if one.name == name), None)
        # As long for a name that is not there: else the time would tell.
        salt = bytes.fromhex(person.salt) if person else bytes(16)
        quick = hmac.digest(self._process_secret, json.dumps([name, password, salt.hex()]).encode(), "sha256")
        if person and quick in self._verified:
            return person
        digest = await asyncio.to_thread(_scrypt, password, salt)
        if person is None or not hmac.compare_digest(digest.hex(), person.scrypt):
            self._failures.count(address)
            raise HTTPException(401, "the name or the password is wrong", challenge)
        self._verified = {quick, *list(self._verified)[:99]}
        return person

    def _refuse_guessing(self, address: str) -> None:
        if seconds := self._failures.wait(address):
            raise too_many(seconds, "too many wrong keys or passwords")

    @cached_property
    def _process_secret(self) -> bytes:
        return secrets.token_bytes(32)

    def _logged_in(self, cookie: str) -> Person | None:
        encoded, _, signature = cookie.partition(".")
        try:
            data = base64.urlsafe_b64decode(encoded)
            name, until = json.loads(data)
        except (ValueError, TypeError):
            return None
        person = next((one for one in self.people if one.name == name), None)
        if person is None or not hmac.compare_digest(signature, self._sign(data, person)):
            return None
        return person if time.time() < until else None

    def _sign(self, data: bytes, person: Person) -> str:
        # A new password ends what was logged in with the old one.
        key = (self._load().secret + person.scrypt).encode()
        return hmac.digest(key, data, "sha256").hex()

    def _load(self) -> _Accounts:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return self._accounts
        changed = found.st_mtime_ns, found.st_ino  # each writing makes another file
        with self._lock:
            if changed != self._seen:
                self._accounts, self._seen = _read(self._path), changed
            return self._accounts

    def _change(self, change: Callable[[_Accounts], _Accounts]) -> None:
        changed = change(self._load())
        if not changed.has_admin:
            raise AccessError("at least one key or person must have the role admin: change that one first")
        values = {
            "secret": changed.secret,
            "keys": [asdict(key) for key in changed.keys],
            "people": [asdict(person) for person in changed.people],
        }
        write_whole(self._path, json.dumps(values, indent=1).encode())


def needs(role: Role) -> Callable[[Request], Awaitable[Principal]]:
    """A dependency of routes: who asks, if they may do what this role may."""

    async def check(request: Request) -> Principal:
        access = request.app.state.access
        assert isinstance(access, Access)
        return await access.check(request, role)

    return check


def prepare_data_folder(folder: Path) -> None:
    """Make the data folder, for its owner alone.

    Raises:
        OutputError: if that is not possible.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the data folder {folder}: {error.strerror}") from None
    if not os.access(folder, os.W_OK):
        raise OutputError(f"cannot write to the data folder {folder}: give another one with --data")


def _scrypt(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, **SCRYPT)


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _is_in(address: str, network: Any) -> bool:
    try:
        return ip_address(address) in network
    except ValueError:
        return False


def _read(path: Path) -> _Accounts:
    try:
        values: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return _Accounts(
            tuple(Key(**one) for one in values["keys"]),
            tuple(Person(**one) for one in values["people"]),
            str(values["secret"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        raise OutputError(f"{path} is damaged: restore it, or delete it to start without keys") from None
