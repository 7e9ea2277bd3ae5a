"""``plate-ocr serve``: reads pictures for programs that ask over HTTP."""

from __future__ import annotations

import logging
import os
import socket
import ssl
import sys
import tempfile
import tomllib
from functools import partial
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer
from typer.core import TyperCommand

from plate_ocr.app.backups import Action, back_up_or_restore
from plate_ocr.app.console import fail, needs_extra, print_message
from plate_ocr.app.options import DetectorOption, Provider, split_regions
from plate_ocr.model.registry import DETECTOR
from plate_ocr.vision.image_files import MAX_PIXELS

if TYPE_CHECKING:
    from plate_ocr.server.access import Access
    from plate_ocr.server.settings import Settings

PASSWORD_VARIABLE = "PLATE_OCR_PASSWORD"
"""Environment variable with the password of the first person."""

DATA_FOLDER_VARIABLE = "PLATE_OCR_DATA_FOLDER"
"""Environment variable for ``--data``; ``PLATE_OCR_DATA`` is another folder."""

GRACE_S = 10
"""Requests may take so many seconds after the server was told to end."""

START_S = 60
"""A process may take so many seconds to import what it needs, on a busy machine."""

BACKLOG = 2048
"""Connections that wait to be accepted."""


class ServeCommand(TyperCommand):
    """Gives every option its environment variable."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for option in self.params:
            is_option = option.param_type_name == "option"
            if is_option and option.envvar is None and option.name != "help":
                option.envvar = f"PLATE_OCR_{str(option.name).upper()}"


CLASS = ServeCommand
"""Of the command."""


def _load_config(context: typer.Context, path: Path | None) -> Path | None:
    """Take the values of a file as defaults of the options."""
    if path is None:
        return None
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise typer.BadParameter(f"cannot read {path}: {reason}") from None
    options = {
        str(option.name): option
        for option in context.command.params
        if option.name != "config" and option.param_type_name == "option"
    }
    for name, value in values.items():
        if name not in options or name == "help":
            raise typer.BadParameter(f"{path}: there is no option {name!r}")
        if isinstance(value, list) != getattr(options[name], "multiple", False):
            form = "a list is" if not isinstance(value, list) else "one value is"
            raise typer.BadParameter(f"{path}: {name}: {form} expected")
    context.default_map = values
    return path


def serve(
    action: Annotated[
        Action | None, typer.Argument(help="backup writes, restore reads FILE; without it the server runs.")
    ] = None,
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="ZIP file of a backup.", show_default=False)
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            is_eager=True,
            callback=_load_config,
            help="TOML file with values for these options, such as port = 80; options and environment "
            "variables go before it.",
        ),
    ] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; any but loopback needs a password first.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8080,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            envvar=DATA_FOLDER_VARIABLE,
            help="Folder of the database, of pictures and of keys.",
            show_default="~/.plate-ocr",
        ),
    ] = None,
    database: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="Database, such as postgresql://…", show_default="SQLite in the data folder"
        ),
    ] = None,
    timezone: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Zone of hours, such as Europe/Rome.", show_default="the system's"),
    ] = None,
    keep_days: Annotated[
        float | None,
        typer.Option(min=0, help="Days after which sightings are deleted.", show_default="never"),
    ] = None,
    keep_sightings: Annotated[
        int | None, typer.Option(min=0, help="Sightings that are kept, at most.", show_default="all")
    ] = None,
    keep_size: Annotated[
        int | None,
        typer.Option(
            metavar="MB",
            min=0,
            help="Size of pictures, at most: the oldest sightings go.",
            show_default="any",
        ),
    ] = None,
    keep_picture_days: Annotated[
        float | None,
        typer.Option(min=0, help="Days after which pictures alone are deleted.", show_default="never"),
    ] = None,
    hash_after_days: Annotated[
        float | None,
        typer.Option(
            min=0, help="Days after which a hash takes the place of a plate's text.", show_default="never"
        ),
    ] = None,
    model: Annotated[str, typer.Option(help="plates, an .onnx file or a run folder.")] = "plates",
    detector: DetectorOption = DETECTOR,
    region: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CODE|FILE,…", help="Regions whose plate formats help, where a request names none."
        ),
    ] = None,
    min_confidence: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help="Characters below this confidence are unknown.", show_default="the model's own"
        ),
    ] = None,
    device: Annotated[Provider, typer.Option(help="Execution provider of ONNX Runtime.")] = Provider.cpu,
    max_upload: Annotated[int, typer.Option(metavar="MB", min=1, help="Size of a picture, at most.")] = 20,
    max_pixels: Annotated[
        int, typer.Option(min=1, max=MAX_PIXELS, help="Pixels of a picture, at most.")
    ] = MAX_PIXELS,
    queue: Annotated[
        int, typer.Option(min=1, help="Pictures that wait, at most; more are refused with 429.")
    ] = 64,
    rate_limit: Annotated[
        int,
        typer.Option(
            min=0, help="Requests per minute of one key, person or address, at most; 0: any number."
        ),
    ] = 0,
    workers: Annotated[int, typer.Option(min=1, help="Number of processes.")] = 1,
    root_path: Annotated[
        str, typer.Option(metavar="PATH", help="Path that a proxy takes off, such as /plates.")
    ] = "",
    forwarded_allow_ips: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ADDRESS",
            help="Proxy whose X-Forwarded-For and X-Forwarded-Proto are trusted; may be repeated.",
            show_default="127.0.0.1",
        ),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="Name that requests may be for, beside loopback; may be repeated. *: any."
        ),
    ] = None,
    trusted_network: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NETWORK",
            help="Network whose clients need no key to read, such as 192.168.1.0/24; may be repeated.",
        ),
    ] = None,
    allow_url_host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="Host from which clients may have pictures fetched; may be repeated."
        ),
    ] = None,
    allow_folder: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="Folder in which clients may name pictures; may be repeated."),
    ] = None,
    allow_command: Annotated[
        list[str] | None,
        typer.Option(metavar="PROGRAM", help="Program that channels may start; may be repeated."),
    ] = None,
    ssl_certfile: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Certificate; with it the server speaks HTTPS.")
    ] = None,
    ssl_keyfile: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Its private key.", show_default="in the certificate's file"),
    ] = None,
) -> None:
    """Read pictures for programs that ask over HTTP.

    Every option has an environment variable: PLATE_OCR_ and its name, as PLATE_OCR_PORT or
    PLATE_OCR_ALLOW_HOST (several values: separated by spaces, folders by colons); for --data it is
    PLATE_OCR_DATA_FOLDER. PLATE_OCR_PASSWORD sets the password of the person admin.
    """
    from plate_ocr.server.settings import MB, Settings, default_data_folder

    settings = Settings(
        host=host,
        port=port,
        data=data or default_data_folder(),
        database=database,
        timezone=timezone,
        keep_days=keep_days,
        keep_sightings=keep_sightings,
        keep_size=None if keep_size is None else keep_size * MB,
        keep_picture_days=keep_picture_days,
        hash_after_days=hash_after_days,
        model=model,
        detector=detector,
        regions=split_regions(region),
        min_confidence=min_confidence,
        device=device.value,
        max_upload=max_upload * MB,
        max_pixels=max_pixels,
        queue=queue,
        rate_limit=rate_limit,
        workers=workers,
        root_path=root_path.rstrip("/"),
        forwarded_allow_ips=tuple(forwarded_allow_ips or ("127.0.0.1",)),
        allow_host=tuple(allow_host or ()),
        trusted_network=tuple(trusted_network or ()),
        allow_url_host=tuple(allow_url_host or ()),
        allow_folder=tuple(allow_folder or ()),
        allow_command=tuple(allow_command or ()),
        ssl_certfile=ssl_certfile,
        ssl_keyfile=ssl_keyfile,
    )
    if (action is None) != (file is None):
        raise typer.BadParameter("backup and restore take one FILE", param_hint="ACTION")
    if action and file:
        back_up_or_restore(settings, action, file)
        return
    _check(settings)
    run(settings)


def run(settings: Settings) -> None:
    """Serve until Ctrl-C or another signal ends it.

    Raises:
        PlateOcrError: if it cannot start.
    """
    with needs_extra("server", "plate-ocr serve"):
        import uvicorn
        from uvicorn.supervisors import Multiprocess

        from plate_ocr.server.access import Access, prepare_data_folder
        from plate_ocr.server.application import create_app
        from plate_ocr.server.cameras.config import FILE, load_cameras
        from plate_ocr.server.metrics import MULTIPROCESS_VARIABLE
        from plate_ocr.server.reading import ReadingService

    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.WARNING)
    prepare_data_folder(settings.data)
    _check_password(settings, Access(settings))
    load_cameras(settings.data / FILE)
    make_app = partial(create_app, settings)
    if settings.workers == 1:
        app = make_app()
        # What is wrong with the model or a region is told here, not by a failing application.
        app.state.reading.open()
    else:
        ReadingService(settings).open()
        os.environ[MULTIPROCESS_VARIABLE] = tempfile.mkdtemp(prefix="plate-ocr-")
    config = uvicorn.Config(
        app if settings.workers == 1 else make_app,
        factory=settings.workers > 1,
        workers=settings.workers,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=True,
        root_path=settings.root_path,
        forwarded_allow_ips=[*settings.forwarded_allow_ips],
        ssl_certfile=settings.ssl_certfile,
        ssl_keyfile=settings.ssl_keyfile,
        timeout_graceful_shutdown=GRACE_S,
        timeout_worker_healthcheck=START_S,
        backlog=BACKLOG,
    )
    with _listen(settings.host, settings.port) as listening:
        scheme = "https" if settings.ssl_certfile else "http"
        name = f"[{settings.host}]" if ":" in settings.host else settings.host
        print_message(f"listening on {scheme}://{name}:{listening.getsockname()[1]}")
        if settings.workers == 1:
            uvicorn.Server(config).run(sockets=[listening])
        else:
            Multiprocess(config, [listening]).run()


def _check(settings: Settings) -> None:
    """Refuse settings that contradict each other or the system."""
    if settings.ssl_keyfile and not settings.ssl_certfile:
        raise typer.BadParameter("it needs --ssl-certfile", param_hint="--ssl-keyfile")
    if settings.ssl_certfile:
        try:
            ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
                settings.ssl_certfile, settings.ssl_keyfile
            )
        except OSError as error:  # also what ssl raises
            reason = error.strerror or error
            raise typer.BadParameter(
                f"cannot use {settings.ssl_certfile}: {reason}", param_hint="--ssl-certfile"
            ) from None
    if settings.root_path and not settings.root_path.startswith("/"):
        raise typer.BadParameter("a path such as /plates is expected", param_hint="--root-path")
    for network in settings.trusted_network:
        try:
            ip_network(network, strict=False)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--trusted-network") from None
    if settings.timezone:
        try:
            ZoneInfo(settings.timezone)
        except (OSError, ValueError, KeyError):
            raise typer.BadParameter(
                f"there is no time zone {settings.timezone!r}", param_hint="--timezone"
            ) from None
    for folder in settings.allow_folder:
        if not folder.is_dir():
            raise typer.BadParameter(f"there is no folder {folder}", param_hint="--allow-folder")


def _check_password(settings: Settings, access: Access) -> None:
    """Set the password of the first person; end the command where one is needed and not there."""
    from plate_ocr.server.access import ADMIN, MIN_PASSWORD, AccessError

    password = os.environ.pop(PASSWORD_VARIABLE, "")
    if not password:
        if settings.is_loopback or access.keys or access.people:
            return
        if not sys.stdin.isatty():
            fail(
                f"a server that others can reach needs a password: set {PASSWORD_VARIABLE}, or start it "
                "once at a terminal",
                2,
            )
        password = typer.prompt(
            f"Password for {ADMIN!r} ({MIN_PASSWORD} characters or more)",
            hide_input=True,
            confirmation_prompt=True,
        )
    try:
        access.set_person(ADMIN, password, "admin")
    except AccessError as error:
        fail(str(error), 2)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        fail(f"cannot listen on {host}, port {port}: {error.strerror}; see --host and --port", 1)
