"""Values that are computed when somebody asks for them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Generic, TypeVar

Value = TypeVar("Value")


class Lazy(Generic[Value]):
    """A value that is computed when it is first asked for; equal to another if their values are.

    Args:
        compute: gives the value; several threads may call it at once.
    """

    def __init__(self, compute: Callable[[], Value]) -> None:
        self._compute: Callable[[], Value] | None = compute
        self._value: Value

    def __call__(self) -> Value:
        """The value."""
        if (compute := self._compute) is not None:
            self._value = compute()
            self._compute = None  # and what it holds
        return self._value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Lazy) and bool(self() == other())

    def __hash__(self) -> int:
        return hash(self())

    def __reduce__(self) -> tuple[Any, ...]:
        return ready, (self(),)


def ready(value: Value) -> Lazy[Value]:
    """A value that is there already."""
    return Lazy(partial(_same, value))


def _same(value: Value) -> Value:
    return value
