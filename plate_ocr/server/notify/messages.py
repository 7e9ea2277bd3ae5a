"""What is sent to a channel, and how sending may fail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Message:
    """An event with its pictures.

    Attributes:
        id: of the delivery, the same at each try.
        event: ``event``, ``time`` and ``sighting``.
        crop: a JPEG file; None: there is none.
        scene: likewise.
    """

    id: str
    event: Mapping[str, Any]
    crop: bytes | None = None
    scene: bytes | None = None

    @property
    def sighting(self) -> Mapping[str, Any]:
        """The sighting that it tells of."""
        sighting: Mapping[str, Any] = self.event["sighting"]
        return sighting

    def to_dict(self) -> dict[str, Any]:
        """For JSON, without pictures."""
        return {"id": self.id, **self.event}


class DeliveryError(Exception):
    """A delivery failed.

    Args:
        message: one sentence, without secrets.
        arrived: whether it may have arrived all the same.
        permanent: whether it would fail again.
        retry_after: seconds that the receiver asks to wait; 0: it does not say.
    """

    def __init__(
        self, message: str, *, arrived: bool = True, permanent: bool = False, retry_after: float = 0
    ) -> None:
        super().__init__(message)
        self.arrived, self.permanent, self.retry_after = arrived, permanent, retry_after


class Sender(Protocol):
    """Sends messages to one channel, from one thread."""

    def send(self, message: Message) -> None:
        """Send a message; it has arrived when this returns.

        Raises:
            DeliveryError: if it may not have.
        """

    def close(self) -> None:
        """Close what is open."""
