"""Pictures that a client names by a path or an address: opened only where the server's settings allow it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
from fastapi import HTTPException

from plate_ocr.server.requests import File
from plate_ocr.server.settings import Settings

TIMEOUT_S = 10.0
"""Another server must have answered after so many seconds."""


async def fetch(where: str, settings: Settings) -> File:
    """A picture of a client's choice.

    Args:
        where: ``http://`` or ``https://`` address, or a path: absolute, or in an allowed folder.
        settings: of the server: which hosts and folders are allowed.

    Raises:
        HTTPException: 403 if its host or folder is not allowed, 400 if it cannot be had, 413 if it is too
            large.
    """
    if where.lower().startswith(("http://", "https://")):
        return await _fetch_url(where, settings)
    return await asyncio.to_thread(_read_file, where, settings)


async def _fetch_url(where: str, settings: Settings) -> File:
    try:
        url = httpx.URL(where)
    except (httpx.InvalidURL, ValueError):
        raise HTTPException(400, "the picture's address is none") from None
    if url.host not in {host.lower() for host in settings.allow_url_host}:
        raise HTTPException(
            403, "pictures are not fetched from this host: the server must be started with --allow-url-host"
        )
    contents = bytearray()
    try:
        # A redirection may lead to another host: it is not followed.
        async with (
            asyncio.timeout(TIMEOUT_S),
            httpx.AsyncClient(timeout=TIMEOUT_S) as client,
            client.stream("GET", url) as response,
        ):
            if response.status_code != 200:
                raise HTTPException(400, f"the picture's server answered with {response.status_code}")
            async for chunk in response.aiter_bytes():
                contents += chunk
                _check_size(len(contents), settings)
    except (httpx.HTTPError, httpx.StreamError, TimeoutError, OSError, ValueError):
        raise HTTPException(400, "the picture cannot be fetched from there") from None
    return File("", Path(url.path).name, bytes(contents))


def _read_file(where: str, settings: Settings) -> File:
    for folder in settings.allow_folder:
        try:
            path = (folder / where).resolve()
            if not path.is_relative_to(folder.resolve()):
                continue
            if not path.is_file():
                raise HTTPException(400, "there is no such file in that folder")
            with path.open("rb") as file:
                contents = file.read(settings.max_upload + 1)
        except (OSError, ValueError, RuntimeError):
            raise HTTPException(400, "the file cannot be read") from None
        _check_size(len(contents), settings)
        return File("", path.name, contents)
    raise HTTPException(403, "files are not opened there: the server must be started with --allow-folder")


def _check_size(size: int, settings: Settings) -> None:
    if size > settings.max_upload:
        raise HTTPException(413, f"the picture is too large; at most {settings.max_upload:,} bytes are read")
