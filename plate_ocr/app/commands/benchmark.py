"""``plate-ocr benchmark``: how long reading takes on this machine."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from time import perf_counter
from typing import Annotated, Any

import cv2
import numpy as np
import typer

from plate_ocr.app.commands.reading import device_name, open_reader
from plate_ocr.app.options import Provider, ReadDevice
from plate_ocr.errors import PlateOcrError
from plate_ocr.model.onnx_session import available_threads
from plate_ocr.readers.auto import PlateReader
from plate_ocr.vision.images import Image

TEXT = "B512TX3"
"""Text of the drawn plate."""

N_RUNS = 15
"""Number of readings for the median."""

SECONDS = 1.0
"""Duration of the throughput measurement."""

CROP, PHOTO = (260, 55), (1280, 960)
"""Width and height of the pictures, pixels."""

FOREGROUND, BACKGROUND = (20, 20, 20), (235, 235, 235)


def benchmark(
    device: ReadDevice = Provider.cpu,
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON object.")] = False,
) -> None:
    """Measure the time to read a crop and a photo on this machine.

    Both are synthetic JPEG images; decoding is included, start-up is not.
    """
    cores = available_threads()
    crop = drawn_crop()
    pictures = {"crop": crop, "photo": drawn_photo(crop)}
    read, single = (open_reader(None, None, providers=device.value, threads=n) for n in (None, 1))
    measured = {
        name: {"size": picture.shape[1::-1], **_measure(picture, cores, read, single)}
        for name, picture in pictures.items()
    }
    if as_json:
        print(json.dumps({"device": device_name(read), "cores": cores, **measured}))
        return
    print(f"device: {device_name(read)}, {cores} cores")
    for name, figures in measured.items():
        width, height = figures["size"]
        print(
            f"{name}, {width}×{height} pixels: {figures['ms']:.1f} ms, "
            f"{figures['per_second_one_core']:.1f} per second with one core, "
            f"{figures['per_second']:.1f} with all {cores}"
        )


def drawn_crop() -> Image:
    """A cropped plate: uint8 ``(55, 260, 3)``."""
    plate = np.full((110, 520, 3), BACKGROUND, np.uint8)
    cv2.rectangle(plate, (3, 3), (516, 106), FOREGROUND, 3)
    font = cv2.FontFace("sans")
    for i, char in enumerate(TEXT):
        width = cv2.getTextSize((0, 0), char, (0, 0), font, 90, 700)[2]
        cv2.putText(plate, char, (65 + 65 * i - width // 2, 88), FOREGROUND, font, 90, 700)
    return np.asarray(cv2.resize(plate, CROP, interpolation=cv2.INTER_AREA), np.uint8)


def drawn_photo(crop: Image) -> Image:
    """The rear of a car with that plate and camera noise: uint8 ``(960, 1280, 3)``."""
    width, height = PHOTO
    photo = np.full((height, width, 3), 150, np.uint8)
    photo[:400] = 200, 180, 160
    cv2.rectangle(photo, (340, 300), (940, 820), (90, 60, 40), -1)
    cv2.rectangle(photo, (420, 330), (860, 520), (60, 50, 50), -1)
    for left in (360, 820):
        cv2.rectangle(photo, (left, 560), (left + 100, 620), (200, 220, 240), -1)
    photo[680 : 680 + CROP[1], 510 : 510 + CROP[0]] = crop
    noise = np.random.default_rng(0).normal(0, 6, photo.shape)
    return np.clip(cv2.GaussianBlur(photo, (0, 0), 1) + noise, 0, 255).astype(np.uint8)


def _measure(picture: Image, cores: int, read: PlateReader, single: PlateReader) -> dict[str, Any]:
    """Median milliseconds per image, and images per second with all cores and with one.

    Raises:
        PlateOcrError: if the plate is misread: then its time means nothing.
    """
    content = bytes(cv2.imencode(".jpg", picture)[1])
    for reader in (read, single):
        texts = [plate.text for plate in reader(content).plates]
        if texts != [TEXT]:
            raise PlateOcrError(f"the drawn plate {TEXT} was read as {texts}; try: plate-ocr doctor")
    return {
        "ms": round(median(read(content).ms for _ in range(N_RUNS)), 2),
        "per_second_one_core": round(_rate(single, content, 1), 1),
        # One image per core has a higher throughput than all cores on each image.
        "per_second": round(_rate(single, content, cores), 1),
    }


def _rate(reader: PlateReader, content: bytes, threads: int) -> float:
    """Images per second with this many threads, one core each."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)

    def work(_: int) -> int:
        done = 0
        while not done or perf_counter() < end:
            reader(content)
            done += 1
        return done

    with ThreadPoolExecutor(threads) as pool:
        started = perf_counter()
        end = started + SECONDS
        done = sum(pool.map(work, range(threads)))
        taken = perf_counter() - started
    cv2.setNumThreads(before)
    return done / taken
