"""Clients of other plate readers, as they are published, against a server in a process of its own.

``make clients`` installs them and runs these tests: PLATE_OCR_CLIENTS names the folder of their virtual
environment, which also has ``node_modules``, and PLATE_OCR_HOME_ASSISTANT that of Home Assistant's.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import which
from typing import Any

import httpx
import pytest

from plate_ocr.server.notify.discovery import camera_configs, service_configs
from tests.server.conftest import PLATE, SCENE
from tests.server.doors.conftest import TEXT
from tests.server.notify.brokers import Subscriber, broker
from tests.server.notify.receivers import wait_for
from tests.server.test_serve import server

__all__ = ["broker"]

pytestmark = pytest.mark.slow

FOLDER = Path(os.environ.get("PLATE_OCR_CLIENTS", ""))


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that runs."""
    require("PLATE_OCR_CLIENTS" in os.environ, "PLATE_OCR_CLIENTS names no folder of clients: make clients")
    with server(tmp_path_factory.mktemp("server")) as (_, address):
        yield address


@pytest.fixture(scope="module")
def alpr(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The program ``plate-ocr-alpr``, of this source."""
    path = tmp_path_factory.mktemp("bin") / "plate-ocr-alpr"
    path.write_text(f"#!{sys.executable}\nfrom plate_ocr.app.cli import alpr\nalpr()\n")
    path.chmod(0o755)
    return str(path)


def require(there: bool, reason: str) -> None:
    """Skip a test where something is not installed."""
    if not there:
        pytest.skip(reason)


def python(package: str, program: str, *arguments: object) -> Any:
    """What a program prints as JSON that uses a package of the clients' environment."""
    interpreter = FOLDER / "bin" / "python"
    found = subprocess.run([interpreter, "-c", f"import {package}"], check=False, capture_output=True)
    require(found.returncode == 0, f"{package} is not installed in {FOLDER}: make clients")
    return output([interpreter, "-c", program], *arguments)


def output(command: list[str | Path], *arguments: object, input: str | None = None) -> Any:
    """What a command prints as JSON."""
    done = subprocess.run(
        [*command, *map(str, arguments)], check=False, capture_output=True, text=True, timeout=60, input=input
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


PYZM = """
import json, sys, cv2
from pyzm.ml.backends.alpr import AlprBackend
from pyzm.models.config import ModelConfig
picture, binary, settings = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
backend = AlprBackend(ModelConfig(alpr_key="secret", **settings))
found = backend.detect(cv2.imread(picture))
stats = backend._service._stats() if settings["alpr_service"] == "plate_recognizer" else {}
plates = [[one.label, one.confidence, one.bbox.x1, one.bbox.x2] for one in found]
print(json.dumps({"found": plates, "stats": stats}))
"""

PYZM_SERVICES: dict[str, dict[str, Any]] = {
    "cloud": {
        "alpr_service": "plate_recognizer",
        "alpr_url": "{address}/v1",
        "options": {
            "alpr_api_type": "cloud",
            "platerec_stats": "yes",
            "platerec_regions": ["cn", "it"],
            "platerec_config": {"mode": "fast"},
        },
    },
    "local": {
        "alpr_service": "plate_recognizer",
        "alpr_url": "{address}/v1/plate-reader/",
        "options": {"alpr_api_type": "local"},
    },
    "open_alpr": {
        "alpr_service": "open_alpr",
        "alpr_url": "{address}/v2/recognize",
        "options": {"openalpr_country": "eu", "openalpr_recognize_vehicle": 1},
    },
    "command": {
        "alpr_service": "open_alpr_cmdline",
        "options": {"openalpr_cmdline_binary": "{alpr}", "openalpr_cmdline_params": "-c eu"},
    },
}


@pytest.mark.parametrize("service", PYZM_SERVICES)
def test_pyzm(address: str, alpr: str, service: str) -> None:
    settings = json.dumps(PYZM_SERVICES[service]).replace("{address}", address).replace("{alpr}", alpr)
    answer = python("pyzm.ml.backends.alpr", PYZM, PLATE, alpr, settings)
    ((label, confidence, left, right),) = answer["found"]
    assert label == f"alpr:{TEXT.lower() if 'plate_recognizer' in settings else TEXT}"
    assert confidence > 0.5
    assert left < right
    if service == "cloud":
        assert answer["stats"]["usage"]["calls"] >= 1
        assert answer["stats"]["total_calls"] == 1_000_000


OBJECTS = """
import json, sys, {package}.core as core
port, picture, model = int(sys.argv[1]), open(sys.argv[2], "rb").read(), sys.argv[3]
client = core.{name}("127.0.0.1", port, min_confidence=0.2, custom_model=model)
print(json.dumps(client.detect(picture)))
"""


@pytest.mark.parametrize(("model", "label"), [("license-plate", "DayPlate"), ("", "license_plate")])
@pytest.mark.parametrize(
    ("package", "name"), [("deepstack", "DeepstackObject"), ("codeprojectai", "CodeProjectAIObject")]
)
def test_object_detectors(address: str, package: str, name: str, model: str, label: str) -> None:
    program = OBJECTS.format(package=package, name=name)
    found = python(f"{package}.core", program, address.rpartition(":")[2], SCENE, model)
    assert [one["label"] for one in found] == [label]
    assert found[0]["confidence"] > 0.2


HA_ALPR = """
import json, sys, haalpr
client = haalpr.HAAlpr(binary=sys.argv[1], country="eu")
print(json.dumps(client.recognize_byte(open(sys.argv[2], "rb").read())))
"""


def test_ha_alpr(address: str, alpr: str) -> None:
    (plate,) = python("haalpr", HA_ALPR, alpr, PLATE)
    assert plate[TEXT] > 50


MCP = """
import asyncio, base64, json, sys
from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client

async def main(address, picture):
    async with streamablehttp_client(address) as (read, write, _), ClientSession(read, write) as session:
        about = await session.initialize()
        await session.send_ping()
        tools = await session.list_tools()
        text = base64.b64encode(open(picture, "rb").read()).decode()
        good = await session.call_tool("recognize_plate", {"image_base64": text})
        bad = await session.call_tool("recognize_plate", {})
        return {
            "name": about.serverInfo.name,
            "tools": [tool.name for tool in tools.tools],
            "good": good.content[0].text,
            "errors": [good.isError, bad.isError],
        }

print(json.dumps(asyncio.run(main(*sys.argv[1:]))))
"""


@pytest.mark.parametrize("slash", ["", "/"])
def test_mcp(address: str, slash: str) -> None:
    answer = python("mcp", MCP, f"{address}/mcp{slash}", PLATE)
    assert answer["name"] == "plate-ocr"
    assert answer["tools"] == ["recognize_plate", "detect_and_recognize_plate", "list_models"]
    assert json.loads(answer["good"])[0]["plate"] == TEXT
    assert answer["errors"] == [False, True]


def test_node_red(address: str) -> None:
    node = which("node")
    require(node is not None, "node is not installed")
    folder = FOLDER / "node_modules" / "node-red-contrib-plate-recognizer"
    require(folder.is_dir(), f"{folder} is not there: make clients")
    answer = output([str(node), Path(__file__).with_name("node_red.js")], folder, address, PLATE)
    (result,) = answer["read"]["results"]
    assert (result["plate"], answer["read"]["camera_id"], answer["failed"]) == (TEXT.lower(), "cam1", None)
    assert (result["region"]["code"], answer["read"]["status"]) == ("cn", 201)
    assert answer["used"]["usage"]["calls"] >= 1


def test_anpr2mqtt(address: str, broker: tuple[str, int], tmp_path: Path) -> None:
    program = FOLDER / "bin" / "anpr2mqtt"
    require(program.exists(), f"anpr2mqtt is not installed in {FOLDER}: make clients")
    host, port = broker
    settings = {"host": host, "port": port, "topic": "anpr2mqtt-test", "discovery": "", "frigate": True}
    channel = {"name": "frigate", "kind": "mqtt", "settings": settings}
    httpx.post(f"{address}/api/v1/channels", json=channel).raise_for_status()
    options = {
        "mqtt.host": host, "mqtt.port": port, "mqtt.user": "x", "mqtt.pass": "y", "mqtt.topic_root": "anpr",
        "frigate.enabled": "true", "frigate.url": address, "tracker.data_dir": tmp_path,
        "events": json.dumps([{"camera": "gate", "watch_path": str(tmp_path)}]),
    }  # fmt: skip
    words = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    subscriber = Subscriber(broker, "anpr/#")
    with subprocess.Popen([program, *words], stdout=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        try:
            assert process.stdout
            assert any("Frigate listener started" in line for line in process.stdout)
            url = f"{address}/api/v1/read?store=1&camera=gate"
            httpx.post(url, content=SCENE.read_bytes(), timeout=60).raise_for_status()
            (kept,) = httpx.get(f"{address}/api/v1/sightings?camera=gate").json()["sightings"]
            # It tells an empty state first.
            wait_for(lambda: kept["text"] in states(subscriber))
            wait_for(lambda: "anpr/anpr/cameras/gate/image" in subscriber.topics())
        finally:
            process.terminate()
            subscriber.close()


def states(subscriber: Subscriber) -> list[str | None]:
    """The plates that anpr2mqtt has published of a camera."""
    topic = "anpr/anpr/cameras/gate/state"
    return [json.loads(data)["target"] for name, data, _ in subscriber.messages if name == topic]


DISCOVERY = """
import importlib, json, sys
checked = []
for path, config in json.load(sys.stdin).items():
    component = importlib.import_module("homeassistant.components.mqtt." + path.partition("/")[0])
    component.DISCOVERY_SCHEMA(config)
    component.PLATFORM_SCHEMA_MODERN(config)  # which takes no unknown key
    checked.append(path)
print(json.dumps(checked))
"""


def test_discovery_is_what_home_assistant_takes() -> None:
    folder = os.environ.get("PLATE_OCR_HOME_ASSISTANT")
    require(bool(folder), "PLATE_OCR_HOME_ASSISTANT names no environment of Home Assistant: make clients")
    configs = (
        service_configs("plates") | camera_configs("plates", "front gate") | camera_configs("plates", "")
    )
    interpreter = Path(str(folder), "bin", "python")
    assert output([interpreter, "-c", DISCOVERY], input=json.dumps(configs)) == list(configs)
