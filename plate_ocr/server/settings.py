"""The settings of a server: every option of ``plate-ocr serve``."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from plate_ocr.model.registry import DETECTOR
from plate_ocr.vision.image_files import MAX_PIXELS

MB = 1_000_000


def default_data_folder() -> Path:
    """Where the database and pictures are kept if nothing else is said."""
    return Path.home() / ".plate-ocr"


@dataclass(frozen=True)
class Settings:
    """The settings of a server.

    Attributes:
        host: address to listen on.
        port: port to listen on; 0 takes a free one.
        data: folder of the database and of pictures.
        database: URL of a database; by default SQLite in the data folder.
        timezone: of hours, as ``Europe/Rome``; by default the system's.
        keep_days: days after which a sighting is deleted; by default never.
        keep_sightings: sightings that are kept, at most; the oldest go first.
        keep_size: bytes of pictures that are kept, at most; the oldest sightings go first.
        keep_picture_days: days after which the pictures of a sighting are deleted; by default with it.
        hash_after_days: days after which a hash takes the place of a plate's text.
        model: ``"plates"``, an ``.onnx`` file or a run folder.
        detector: ``"detector"``, an ``.onnx`` file or a run folder: finds plates in photos.
        regions: codes of regions or region files that help to read where a request names none.
        min_confidence: below it a character is unknown; by default the model's own bound.
        device: execution provider of ONNX Runtime.
        max_upload: bytes of one picture, at most.
        max_pixels: of one picture, at most; checked before it is decoded.
        queue: pictures that wait to be read, at most; what is more is refused with 429.
        rate_limit: requests per minute of one client, at most; 0 for no limit.
        workers: number of processes.
        root_path: path under which a proxy serves it, and which that takes off, such as ``/plates``.
        forwarded_allow_ips: addresses of proxies whose ``X-Forwarded-For`` and ``-Proto`` are trusted.
        allow_host: names or addresses that ``Host`` may have beside loopback and ``host``; ``*`` for any.
        trusted_network: networks whose clients need no key to read.
        allow_url_host: hosts from which a picture may be fetched at a client's word.
        allow_folder: folders in which a picture may be opened at a client's word.
        allow_command: programs that channels may start.
        ssl_certfile: certificate; with it the server speaks HTTPS.
        ssl_keyfile: its private key.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    data: Path = field(default_factory=default_data_folder)
    database: str | None = None
    timezone: str | None = None
    keep_days: float | None = None
    keep_sightings: int | None = None
    keep_size: int | None = None
    keep_picture_days: float | None = None
    hash_after_days: float | None = None
    model: str = "plates"
    detector: str = DETECTOR
    regions: tuple[str, ...] = ()
    min_confidence: float | None = None
    device: str = "cpu"
    max_upload: int = 20 * MB
    max_pixels: int = MAX_PIXELS
    queue: int = 64
    rate_limit: int = 0
    workers: int = 1
    root_path: str = ""
    forwarded_allow_ips: tuple[str, ...] = ("127.0.0.1",)
    allow_host: tuple[str, ...] = ()
    trusted_network: tuple[str, ...] = ()
    allow_url_host: tuple[str, ...] = ()
    allow_folder: tuple[Path, ...] = ()
    allow_command: tuple[str, ...] = ()
    ssl_certfile: Path | None = None
    ssl_keyfile: Path | None = None

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        return is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Whether a name or an address is this machine's own."""
    if host.rstrip(".").lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
