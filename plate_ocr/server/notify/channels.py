"""What a channel is: whom it tells, of what, and what of that is a secret."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from plate_ocr.errors import DataError
from plate_ocr.server.mistakes import first_mistake
from plate_ocr.server.store.sightings import Sighting

RELAY_EXPIRES_S = 10.0
"""After so many seconds nothing opens a gate, unless the channel says otherwise."""

HIDDEN = "********"
"""What is shown instead of a secret; whoever sends it back keeps the secret."""

Format: TypeAlias = Literal["plate-ocr", "platerecognizer-stream", "alpr-database", "openalpr-group"]


class _Settings(BaseModel):
    """What all channels have.

    Attributes:
        lists: names of lists: the channel is told of their alerts alone; empty: of every sighting.
        cameras: names; empty: all.
        relay: whether it opens something: nothing is delivered twice on purpose, nor late.
        expires: seconds after a sighting's end in which it is delivered; None: 10 to a relay, else at any
            time.
    """

    model_config = ConfigDict(extra="forbid")

    lists: list[str] = []
    cameras: list[str] = []
    relay: bool = False
    expires: Annotated[float, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _relay_has_lists(self) -> _Settings:
        if self.relay and not self.lists:
            raise ValueError("a relay needs lists: without them it opens to everyone")
        return self

    @property
    def lifetime(self) -> float | None:
        """Seconds after a sighting's end in which it is delivered; None: at any time."""
        return self.expires if self.expires is not None or not self.relay else RELAY_EXPIRES_S

    def wants(self, sighting: Sighting) -> bool:
        """Whether the channel is to be told of a new sighting."""
        if sighting.row.ignored or (self.cameras and sighting.camera not in self.cameras):
            return False
        return not self.lists or any(m.alerted and m.list in self.lists for m in sighting.matches)


class WebhookSettings(_Settings):
    """A POST to an address.

    Attributes:
        url: http or https.
        secret: signs the body, see Standard Webhooks; empty: it is not signed.
        headers: further headers, with values that are secret.
        format: of the body.
        pictures: whether crop and scene are sent too.
        timeout: seconds.
    """

    kind: Literal["webhook"]
    url: str
    secret: str = ""
    headers: dict[str, str] = {}
    format: Format = "plate-ocr"
    pictures: bool = True
    timeout: Annotated[float, Field(gt=0, le=60)] = 10

    @field_validator("url")
    @classmethod
    def _is_http(cls, url: str) -> str:
        if not re.match(r"https?://[^/\s]+", url):
            raise ValueError("an address begins with http:// or https://")
        return url

    @field_validator("headers")
    @classmethod
    def _are_headers(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if not re.fullmatch(r"[A-Za-z0-9-]+", name) or not value.isascii() or not value.isprintable():
                raise ValueError(f"the header {name} or its value cannot be sent")
        return headers


class MqttSettings(_Settings):
    """A broker of MQTT.

    Attributes:
        host: of the broker.
        port: of the broker.
        user: empty: none.
        password: of the user.
        tls: whether the connection is encrypted.
        topic: before those of each camera.
        discovery: Home Assistant's prefix; empty: it is not told.
        frigate: whether Frigate's topics are published too.
    """

    kind: Literal["mqtt"]
    host: str
    port: Annotated[int, Field(ge=1, le=65535)] = 1883
    user: str = ""
    password: str = ""
    tls: bool = False
    topic: Annotated[str, Field(pattern=r"^[^+#\s]+$")] = "plate-ocr"
    discovery: Annotated[str, Field(pattern=r"^[^+#\s]*$")] = "homeassistant"
    frigate: bool = False


class CommandSettings(_Settings):
    """A program that is started, never by a shell.

    Attributes:
        args: the program and its arguments; ``{plate}``, ``{camera}``, ``{list}``, ``{name}``, ``{time}`` and
            ``{id}`` stand for values. It reads the event as JSON from its standard input.
        timeout: seconds after which it is ended.
    """

    kind: Literal["command"]
    args: Annotated[list[str], Field(min_length=1)]
    timeout: Annotated[float, Field(gt=0, le=60)] = 10


class AppriseSettings(_Settings):
    """E-mail, Telegram, ntfy and others, by the package apprise.

    Attributes:
        urls: as apprise takes them; secret.
        pictures: whether the crop is attached.
    """

    kind: Literal["apprise"]
    urls: Annotated[list[str], Field(min_length=1)]
    pictures: bool = True


ChannelSettings: TypeAlias = WebhookSettings | MqttSettings | CommandSettings | AppriseSettings

_ADAPTER: TypeAdapter[ChannelSettings] = TypeAdapter(Annotated[ChannelSettings, Field(discriminator="kind")])


def parse_settings(
    kind: str,
    values: Mapping[str, Any],
    *,
    programs: Sequence[str],
    old: Mapping[str, Any] | None = None,
) -> ChannelSettings:
    """The settings of a channel.

    Args:
        kind: webhook, mqtt, command or apprise.
        values: by name; a hidden secret is that of the old ones.
        programs: those that a command may start.
        old: the settings before.

    Raises:
        DataError: if they are none: says what is wrong.
    """
    try:
        settings = _ADAPTER.validate_python({**_with_secrets(values, old or {}), "kind": kind})
    except ValidationError as error:
        raise DataError(f"settings: {first_mistake(error.errors(), skip=1)}") from None
    if isinstance(settings, CommandSettings) and settings.args[0] not in programs:
        program = settings.args[0]
        raise DataError(
            f"the program {program} is not allowed: start the server with --allow-command {program}"
        )
    return settings


def load_settings(kind: str, values: Mapping[str, Any]) -> ChannelSettings:
    """The settings of a channel as they are kept."""
    return _ADAPTER.validate_python({**values, "kind": kind})


def stored(settings: ChannelSettings) -> dict[str, Any]:
    """Settings as they are kept, secrets among them."""
    return settings.model_dump(exclude={"kind"})


def shown(values: Mapping[str, Any]) -> dict[str, Any]:
    """Kept settings as they are shown: without secrets."""
    return {name: _hidden(name, value) for name, value in values.items()}


def _hidden(name: str, value: Any) -> Any:
    if name in ("secret", "password"):
        return HIDDEN if value else ""
    if name == "headers":
        return dict.fromkeys(value, HIDDEN)
    if name == "urls":
        return [re.sub(r"://.*", f"://{HIDDEN}", url) for url in value]
    if name == "url":
        # What comes before an @ and after a ? is often a password.
        return re.sub(r"\?.*", f"?{HIDDEN}", re.sub(r"//[^/@]*@", f"//{HIDDEN}@", value))
    return value


def _with_secrets(values: Mapping[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
    """Values whose hidden secrets are the old ones."""
    result = dict(values)
    for name, value in old.items():
        if name in ("headers", "urls"):
            continue
        if name in result and result[name] == _hidden(name, value):
            result[name] = value
    headers = result.get("headers")
    if isinstance(headers, dict):
        before = old.get("headers", {})
        result["headers"] = {
            key: before.get(key, value) if value == HIDDEN else value for key, value in headers.items()
        }
    if "urls" in result and result["urls"] == _hidden("urls", old.get("urls", [])):
        result["urls"] = old["urls"]
    return result
