"""Requests as clients of other plate readers send them, byte for byte in shape, with pictures of ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

BOUNDARY = b"0e2c5b1f9f4d4a0c8a6d2f"


class Part(NamedTuple):
    """A part of a form.

    Attributes:
        name: of the field.
        value: its bytes.
        filename: None for a text part.
        type: Content-Type of the part; most clients say none.
    """

    name: str
    value: bytes
    filename: str | None = None
    type: str | None = None


def multipart(*parts: Part) -> tuple[bytes, dict[str, str]]:
    """The body of a form and its headers."""
    body = b""
    for part in parts:
        filename = b"" if part.filename is None else b'; filename="%b"' % part.filename.encode()
        kind = b"" if part.type is None else b"Content-Type: %b\r\n" % part.type.encode()
        body += b'--%b\r\nContent-Disposition: form-data; name="%b"%b\r\n%b\r\n%b\r\n' % (
            BOUNDARY,
            part.name.encode(),
            filename,
            kind,
            part.value,
        )
    return (
        body + b"--%b--\r\n" % BOUNDARY,
        {"Content-Type": f"multipart/form-data; boundary={BOUNDARY.decode()}"},
    )


def texts(**fields: str | Sequence[str]) -> list[Part]:
    """Text parts; a list is a repeated one."""
    return [
        Part(name, one.encode())
        for name, value in fields.items()
        for one in ([value] if isinstance(value, str) else value)
    ]
