"""What is wrong with a value that was sent or configured, in words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

_WORDS = {
    "missing": "is missing",
    "extra_forbidden": "is unknown",
    "json_invalid": "the body is not the JSON that its type says",
}
"""By pydantic's types of errors."""

_SOURCES = ("body", "query", "path", "header")


def first_mistake(errors: Sequence[Mapping[str, Any]], *, skip: int = 0) -> str:
    """The first of pydantic's errors: ``kind: should be 'known', 'watch' or 'ignore'``.

    Args:
        errors: as ``ValidationError.errors()`` gives them.
        skip: parts at the beginning of its place that say nothing.
    """
    first = errors[0]
    where = [str(part) for part in first["loc"][skip:]]
    if where and where[0] in _SOURCES:
        del where[0]
    said = _WORDS.get(first["type"])
    if first["type"] == "json_invalid":
        where.clear()
    said = said or re.sub(r"^Value error, |^\w+ (?=should )|, unable to .*", "", first["msg"])
    return f"{'.'.join(where)}: {said}" if where else said
