"""Commands: a program is started with arguments, never by a shell."""

from __future__ import annotations

import json
import subprocess

from plate_ocr.server.notify.channels import CommandSettings
from plate_ocr.server.notify.messages import DeliveryError, Message


class CommandSender:
    """Starts a program for each message.

    Args:
        settings: of the channel.
    """

    def __init__(self, settings: CommandSettings) -> None:
        self._settings = settings

    def send(self, message: Message) -> None:
        """Start the program and wait for its end; it reads the message as JSON.

        Raises:
            DeliveryError: if it cannot be started, fails or takes too long.
        """
        program, *args = self._settings.args
        timeout = self._settings.timeout
        command = [program, *(_filled(arg, message) for arg in args)]
        data = json.dumps(message.to_dict(), ensure_ascii=False).encode()
        try:
            done = subprocess.run(command, input=data, capture_output=True, timeout=timeout, check=False)
        except subprocess.TimeoutExpired:
            raise DeliveryError(f"{program} did not end within {timeout:g} seconds") from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise DeliveryError(f"cannot start {program}: {reason}", arrived=False) from None
        if done.returncode:
            raise DeliveryError(f"{program} ended with status {done.returncode}")

    def close(self) -> None:
        """Nothing is open."""


def _filled(arg: str, message: Message) -> str:
    """An argument with values in the place of names in braces; each replaces once."""
    sighting = message.sighting
    match = next((match for match in sighting["matches"] if match["alerted"]), {"list": "", "name": ""})
    values = {
        "{plate}": sighting["text"],
        "{camera}": sighting["camera"] or "",
        "{list}": match["list"],
        "{name}": match["name"],
        "{time}": message.event["time"],
        "{id}": message.id,
    }
    parts = [arg]
    for name, value in values.items():
        parts = [
            piece
            for i, part in enumerate(parts)
            for piece in ([part] if i % 2 else _split(part, name, value))
        ]
    return "".join(parts)


def _split(part: str, name: str, value: str) -> list[str]:
    pieces = part.split(name)
    result = [pieces[0]]
    for piece in pieces[1:]:
        result += [value, piece]
    return result
