"""Webhooks: a POST, signed as Standard Webhooks (https://www.standardwebhooks.com) says."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from dataclasses import replace
from urllib.parse import urlsplit

import httpx

from plate_ocr import __version__
from plate_ocr.server.notify.channels import WebhookSettings
from plate_ocr.server.notify.formats import FORMATS
from plate_ocr.server.notify.messages import DeliveryError, Message

REFUSED = (400, 410, 413, 415, 422)
"""A receiver that answers so would do so again."""

_PREFIX = "whsec_"


class WebhookSender:
    """Sends messages to an address.

    Args:
        settings: of the channel.
    """

    def __init__(self, settings: WebhookSettings) -> None:
        self._settings = settings
        self._client = httpx.Client(
            timeout=settings.timeout, headers={"User-Agent": f"plate-ocr/{__version__}"}
        )

    def send(self, message: Message) -> None:
        """Send a message.

        Raises:
            DeliveryError: if no answer comes, or one that is no success.
        """
        settings = self._settings
        if not settings.pictures:
            message = replace(message, crop=None, scene=None)
        body, kind = FORMATS[settings.format](message)
        headers = {**settings.headers, "Content-Type": kind, **sign(settings.secret, message.id, body)}
        where = urlsplit(settings.url).hostname
        try:
            answer = self._client.post(settings.url, content=body, headers=headers)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise DeliveryError(f"cannot reach {where}: {error}", arrived=False) from None
        except httpx.TimeoutException:
            raise DeliveryError(f"{where} did not answer within {settings.timeout:g} seconds") from None
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise DeliveryError(f"cannot send to {where}: {type(error).__name__}") from None
        if not answer.is_success:
            raise DeliveryError(
                f"{where} answered {answer.status_code}",
                permanent=answer.status_code in REFUSED,
                retry_after=_retry_after(answer),
            )

    def close(self) -> None:
        """Close its connections."""
        self._client.close()


def sign(secret: str, id: str, body: bytes) -> dict[str, str]:
    """The headers of a webhook, signed if there is a secret; their time is that of the try.

    Args:
        secret: ``whsec_`` and base64, or any text.
        id: of the delivery.
        body: of the webhook.
    """
    at = str(int(time.time()))
    headers = {"webhook-id": id, "webhook-timestamp": at}
    if secret:
        signed = hmac.new(_key(secret), f"{id}.{at}.".encode() + body, hashlib.sha256).digest()
        headers["webhook-signature"] = f"v1,{base64.b64encode(signed).decode()}"
    return headers


def _key(secret: str) -> bytes:
    if secret.startswith(_PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except binascii.Error:
            pass
    return secret.encode()


def _retry_after(answer: httpx.Response) -> float:
    text = answer.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdecimal() else 0.0
