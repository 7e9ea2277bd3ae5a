"""``plate-ocr serve``: its options, what it refuses, and a whole process."""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import typer.main

from plate_ocr.app.cli import command_line
from plate_ocr.app.commands import serve as command
from plate_ocr.server.access import SCRYPT, Access
from plate_ocr.server.settings import MB, Settings
from plate_ocr.vision.images import read_image
from tests.app.conftest import Run, run
from tests.server.conftest import PLATE, ROOT, URL

__all__ = ["run"]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """The settings of servers that would have been started."""
    found: list[Settings] = []
    monkeypatch.setattr(command, "run", found.append)
    return found


def options() -> dict[str, Any]:
    (only,) = typer.main.get_command(command_line("serve")).commands.values()  # type: ignore[attr-defined]
    return {option.name: option for option in only.params if option.param_type_name == "option"}


def test_the_documented_configuration_is_one(run: Run, started: list[Settings], tmp_path: Path) -> None:
    page = (ROOT / "docs" / "server.md").read_text(encoding="utf-8")
    (tmp_path / "serve.toml").write_text(re.findall(r"```toml\n(host.*?)```", page, re.DOTALL)[0])
    assert run("serve", "--config", tmp_path / "serve.toml")[0] == 0
    assert started[0].regions == ("de", "at")


def test_every_setting_has_an_option_and_a_variable() -> None:
    named = {field.name.replace("regions", "region") for field in fields(Settings)}
    assert options().keys() == named | {"config"}
    for name, option in options().items():
        assert option.envvar == "PLATE_OCR_" + {"data": "DATA_FOLDER"}.get(name, name.upper())


def test_the_defaults_are_those_of_the_settings(
    run: Run, started: list[Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("PLATE_OCR_")]:
        monkeypatch.delenv(name)
    assert run("serve")[0] == 0
    assert started == [Settings()]


def test_options_go_before_variables_and_these_before_the_file(
    run: Run, started: list[Settings], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = tmp_path / "serve.toml"
    config.write_text('port = 1\nqueue = 1\nmax_upload = 1\nallow_host = ["a", "b"]\nregion = ["us", "de"]\n')
    monkeypatch.setenv("PLATE_OCR_QUEUE", "2")
    monkeypatch.setenv("PLATE_OCR_PORT", "2")
    monkeypatch.setenv("PLATE_OCR_TRUSTED_NETWORK", "10.0.0.0/8 192.0.2.0/24")
    monkeypatch.setenv("PLATE_OCR_DATA_FOLDER", str(tmp_path))
    assert run("serve", "--config", config, "--port", 3)[0] == 0
    (settings,) = started
    assert (settings.port, settings.queue, settings.max_upload) == (3, 2, MB)
    assert (settings.allow_host, settings.regions) == (("a", "b"), ("us", "de"))
    assert (settings.trusted_network, settings.data) == (("10.0.0.0/8", "192.0.2.0/24"), tmp_path)
    monkeypatch.setenv("PLATE_OCR_CONFIG", str(config))
    run("serve", "--queue", 5)
    assert (started[1].queue, started[1].max_upload) == (5, MB)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("ports = 1", "there is no option 'ports'"),
        ("port = [1]", "port: one value is expected"),
        ('allow_host = "a"', "allow_host: a list is expected"),
        ('port = "x"', "'x' is not a valid int"),
        ("port", "cannot read"),
    ],
)
def test_mistakes_in_a_configuration_are_told(run: Run, tmp_path: Path, text: str, error: str) -> None:
    (tmp_path / "serve.toml").write_text(text)
    code, _, err = run("serve", "--config", tmp_path / "serve.toml")
    assert code == 2
    assert error in " ".join(err.split())


@pytest.mark.parametrize(
    ("code", "error", "arguments"),
    [
        (2, "it needs --ssl-certfile", ("--ssl-keyfile", "no.pem")),
        (2, "cannot use no.pem", ("--ssl-certfile", "no.pem")),
        (2, "a path such as /plates", ("--root-path", "plates")),
        (2, "'x' does not appear to be", ("--trusted-network", "x")),
        (2, "there is no time zone 'Mars/Olympus'", ("--timezone", "Mars/Olympus")),
        (2, "there is no folder nowhere", ("--allow-folder", "nowhere")),
        (2, "needs a password: set PLATE_OCR_PASSWORD", ("--host", "0.0.0.0")),
        (1, "there is no model 'nowhere'", ("--model", "nowhere")),
        (1, "there is no model 'nowhere'; give detector", ("--detector", "nowhere")),
        (1, "atlantis", ("--region", "atlantis")),
        (1, "cannot listen on 192.0.2.1", ("--host", "192.0.2.1", "--port", 0)),
    ],
)
def test_what_cannot_start_says_why(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    code: int,
    error: str,
    arguments: tuple[object, ...],
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    monkeypatch.setitem(SCRYPT, "n", 16)
    if "192.0.2.1" in arguments:
        monkeypatch.setenv(command.PASSWORD_VARIABLE, "correct horse")
    got, _, err = run("serve", "--port", 0, "--data", tmp_path, *arguments)
    assert got == code
    assert error in " ".join(err.split())


def test_a_mistake_in_the_file_of_cameras_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "cameras.toml").write_text('[gate]\nkind = "strom"')
    code, _, err = run("serve", "--port", 0, "--data", tmp_path)
    assert code == 1
    assert "cameras.toml: [gate] kind: should be 'stream'" in err


def test_the_password_of_the_environment_is_that_of_admin(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(SCRYPT, "n", 16)
    monkeypatch.setenv(command.PASSWORD_VARIABLE, "correct horse")
    settings = Settings(data=tmp_path, host="0.0.0.0")
    command._check_password(settings, Access(settings))
    assert command.PASSWORD_VARIABLE not in os.environ
    (person,) = Access(settings).people
    assert (person.name, person.role) == ("admin", "admin")
    # There is one now: nothing is asked.
    command._check_password(settings, Access(settings))


@contextmanager
def server(folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server in a process of its own, and its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "plate_ocr", "serve", "--port", "0", "--data", str(folder), *arguments],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr
        found = re.search(r"listening on (\S+)", line := process.stderr.readline())
        assert found, line
        yield process, found[1]
    finally:
        process.terminate()
        process.wait(20)
        if process.stderr:
            process.stderr.close()


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_whole_server_reads_and_ends(tmp_path: Path, workers: str) -> None:
    with server(tmp_path / "data", "--workers", workers, "--root-path", "/plates") as (process, address):
        events = urllib.request.urlopen(f"{address}/api/v1/events", timeout=60)
        request = urllib.request.Request(f"{address}/api/v1/read?store=1", PLATE.read_bytes())
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert [plate["text"] for plate in json.load(answer)["plates"]] == ["皖A512T3"]
        # Whichever process kept it.
        assert next(line for line in events if line.startswith(b"event: sighting"))
        with urllib.request.urlopen(f"{address}/metrics", timeout=30) as answer:
            assert b'path="/api/v1/read",status="200"} 1.0' in answer.read()
        with urllib.request.urlopen(f"{address}/docs", timeout=30) as answer:
            assert b"url: '/plates/openapi.json'" in answer.read()
        process.send_signal(signal.SIGTERM)
        with events:  # for which it would wait, and say so
            assert events.read().endswith(b"\n\n")
        assert process.wait(20) in (0, -signal.SIGTERM)
        assert process.stderr
        assert process.stderr.read() == ""
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_the_commands_of_the_documentation_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pages = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/server.md"))
    commands = re.findall(r"^\$ (curl .*)$", "".join(pages), re.MULTILINE)
    assert len(commands) == 7
    monkeypatch.setenv(command.PASSWORD_VARIABLE, "PASSWORD")
    with server(tmp_path / "data") as (_, address):
        for shown in commands:
            text = shown.replace(URL, address).replace("@data/", f"@{ROOT}/data/")
            words = shlex.split(text, comments=True)
            words[1:1] = ["-u", "admin:PASSWORD", "-w", " %{http_code}"]
            out = subprocess.run(words, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
            assert out.endswith((" 200", " 201")), out
    assert read_image(tmp_path / "marked.jpg").size


def test_a_port_that_is_taken_is_told(run: Run, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, _, err = run("serve", "--port", port, "--data", tmp_path)
    assert code == 1
    assert f"cannot listen on 127.0.0.1, port {port}" in err
