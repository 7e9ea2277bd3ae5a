"""Pictures and fields out of the body of a request, whatever its form; bounded before anything is decoded."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from fastapi import HTTPException, Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from plate_ocr.server.reading import UNNAMED

MAX_PARTS = 256
"""Files, and fields, of a form, at most."""

ANY_SIZE = 2**40
"""Bytes of a part: the whole body is bounded already."""


@dataclass(frozen=True)
class File:
    """A file of a request.

    Attributes:
        field: name of its part; empty for a raw body.
        filename: as the client gave it, never to be opened; empty without one.
        contents: bytes.
    """

    field: str
    filename: str
    contents: bytes


@dataclass(frozen=True)
class Body:
    """The body of a request, taken apart.

    Attributes:
        files: file parts of a form, or a raw body as one file.
        fields: text parts of a form, in their order.
        json: the value of a JSON body; None for others.
    """

    files: tuple[File, ...] = ()
    fields: tuple[tuple[str, str], ...] = ()
    json: Any = None

    def field(self, name: str) -> str | None:
        """The first text part of this name, or the text of a JSON object's key."""
        value = self.json.get(name) if isinstance(self.json, dict) else None
        return value if isinstance(value, str) else next(iter(self.all_fields(name)), None)

    def all_fields(self, name: str) -> list[str]:
        """All text parts of this name."""
        return [value for key, value in self.fields if key == name]

    def pictures(self, *names: str) -> Iterator[File]:
        """Files of any name, and base64 text of these names: form fields or keys of a JSON object.

        Raises:
            HTTPException: 422 if a text is no base64.
        """
        yield from self.files
        keys = self.json.items() if isinstance(self.json, dict) else self.fields
        for name, value in keys:
            if name in names and isinstance(value, str) and value:
                yield File(name, "", decode_base64(value))


async def parse(request: Request) -> Body:
    """Receive the body of a request and take it apart.

    The type is the one declared; what is neither a form nor JSON is one file.

    Raises:
        HTTPException: 400 if it is not what it says to be; 408 or 413 if it takes too long or is too large.
    """
    kind, _ = parse_options_header(request.headers.get("Content-Type"))
    try:
        if kind == b"multipart/form-data":
            return await _form(request)
        contents = await request.body()
    except ClientDisconnect:
        raise HTTPException(400, "the client went away") from None
    # Tools such as curl say of any file that it is a form.
    if kind == b"application/x-www-form-urlencoded" and contents.isascii():
        try:
            return Body(
                fields=tuple(parse_qsl(contents.decode(), keep_blank_values=True, max_num_fields=MAX_PARTS))
            )
        except ValueError:
            raise HTTPException(400, f"the form has more than {MAX_PARTS} fields") from None
    if kind == b"application/json" or kind.endswith(b"+json"):
        try:
            return Body(json=json.loads(contents))
        except (ValueError, RecursionError):
            raise HTTPException(400, "the body is not the JSON that its type says") from None
    return Body((File("", "", contents),) if contents else ())


def decode_base64(text: str) -> bytes:
    """The bytes of base64 text, with or without ``data:…;base64,`` before it.

    Raises:
        HTTPException: 422 if it is none.
    """
    if text.startswith("data:"):
        text = text.partition(",")[2]
    try:
        # Line breaks are allowed; a form may have made spaces of plus signs.
        return base64.b64decode("".join(text.replace(" ", "+").split()), validate=True)
    except (binascii.Error, ValueError):
        raise HTTPException(422, "the text of a picture is not base64") from None


class _Parser(MultiPartParser):
    spool_max_size = ANY_SIZE  # never a temporary file

    def close(self) -> None:
        """Close all files, that of a part without an end too."""
        for file in self._files_to_close_on_error:
            file.close()


async def _form(request: Request) -> Body:
    parser = _Parser(
        request.headers,
        request.stream(),
        max_files=MAX_PARTS,
        max_fields=MAX_PARTS,
        max_part_size=ANY_SIZE,
    )
    try:
        form = await parser.parse()
        files = [
            File(name, value.filename or "", await value.read())
            for name, value in form.multi_items()
            if isinstance(value, UploadFile)
        ]
    # A charset of the client's choice may fail in any way that a codec can.
    except (MultiPartException, FormParserError, ValueError, LookupError) as error:
        raise HTTPException(400, f"the form is damaged: {getattr(error, 'message', error)}") from None
    finally:
        parser.close()
    return Body(tuple(files), tuple((n, v) for n, v in form.multi_items() if isinstance(v, str)))


def name_of(file: File) -> str:
    """The name of a picture for its object and for messages."""
    return file.filename or UNNAMED
