"""What is wrong with a value that was sent or configured, in words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

_WORDS = {
    "missing": "is missing",
    "extra_forbidden": "is unknown",
    "json_invalid": "the body is not valid JSON",
    "model_type": "should be an object",
    "model_attributes_type": "should be an object",
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
    kind = first["type"]
    # What a check of ours says of a whole body names its part itself.
    if where and where[0] in _SOURCES and (len(where) > 1 or kind == "value_error"):
        del where[0]
    place = ".".join(where)
    said = _WORDS.get(kind) or re.sub(r"^Value error, |^\w+ (?=should )|, unable to .*", "", first["msg"])
    return said if not place or kind == "json_invalid" else f"{place}: {said}"
