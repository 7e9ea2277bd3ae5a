"""E-mail, Telegram, ntfy and others, by the optional package apprise."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from plate_ocr.server.notify.channels import AppriseSettings
from plate_ocr.server.notify.messages import DeliveryError, Message


class AppriseSender:
    """Sends messages to what apprise knows.

    Args:
        settings: of the channel.

    Raises:
        DeliveryError: if the package is missing, or an address is none of its.
    """

    def __init__(self, settings: AppriseSettings) -> None:
        self._settings = settings
        try:
            from apprise import Apprise
        except ModuleNotFoundError:
            raise DeliveryError(
                "the package apprise is missing: pip install 'plate-ocr[apprise]'", arrived=False
            ) from None
        self._apprise: Any = Apprise()
        for i, url in enumerate(settings.urls, 1):
            if not self._apprise.add(url):
                raise DeliveryError(f"address {i} of the channel is none that apprise knows", arrived=False)

    def send(self, message: Message) -> None:
        """Send a message.

        Raises:
            DeliveryError: if one of the addresses was not reached.
        """
        title, text = _words(message)
        with tempfile.TemporaryDirectory() as folder:
            attach = None
            if self._settings.pictures and message.crop:
                attach = Path(folder, "plate.jpg")
                attach.write_bytes(message.crop)
            if not self._apprise.notify(title=title, body=text, attach=attach and str(attach)):
                raise DeliveryError("apprise did not reach all addresses of the channel")

    def close(self) -> None:
        """Nothing is open."""


def _words(message: Message) -> tuple[str, str]:
    """A title and a sentence."""
    sighting = message.sighting
    where = f" at {sighting['camera']}" if sighting["camera"] else ""
    reasons = [
        f"{match['list']}: {match['name'] or match['plate']} ({match['why']})"
        for match in sighting["matches"]
    ]
    return f"{sighting['text']}{where}", "\n".join([f"Seen {message.event['time']}{where}.", *reasons])
