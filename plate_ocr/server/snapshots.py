"""Sightings of a picture: what was read in it, with a crop of each plate and the scene."""

from __future__ import annotations

import io
import time

import cv2
import numpy as np

from plate_ocr.readers.results import Reading
from plate_ocr.server.store.sightings import READ_HERE, NewSighting
from plate_ocr.vision import drawing
from plate_ocr.vision.geometry import rectify
from plate_ocr.vision.image_files import open_image, without_padding
from plate_ocr.vision.images import Image, read_image

QUALITY = 90
"""Of JPEG files."""

MAX_SCENE = 1920
"""Width or height of a scene, pixels, at most: larger ones are scaled down."""

CROP_MARGIN = (0.05, 0.15)
"""Of a crop round a plate, as parts of its width and height."""


def sightings_of(
    reading: Reading,
    picture: Image | None,
    *,
    camera: str = "",
    at: float | None = None,
    region: str | None = None,
    origin: str = READ_HERE,
    model: str | None = None,
) -> list[NewSighting]:
    """A sighting of each plate of a reading.

    Args:
        reading: of the picture.
        picture: uint8 ``(H, W)`` or ``(H, W, 3)`` BGR; None: not at hand.
        camera: its name; empty: none.
        at: when it was taken, seconds since 1970, UTC; None: now.
        region: where its plates are from, a code.
        origin: who read it.
        model: with which model.
    """
    at = time.time() if at is None else at
    scene = None if picture is None or not reading.plates else to_jpeg(picture)
    return [
        NewSighting(
            plate,
            (reading.width, reading.height),
            camera,
            at,
            at,
            at,
            crop=None if picture is None else crop_of(picture, plate.corners),
            scene=scene,
            region=region,
            origin=origin,
            model=model,
        )
        for plate in reading.plates
    ]


def decode(contents: bytes, max_pixels: int) -> Image | None:
    """A picture; None where it cannot be read or has more pixels, which is known before it is decoded."""
    try:
        with open_image(without_padding(contents)) as picture:
            width, height = picture.size
        return read_image(io.BytesIO(contents)) if width * height <= max_pixels else None
    except Exception:  # decoders raise nearly anything
        return None


def crop_of(picture: Image, corners: tuple[tuple[float, float], ...]) -> bytes:
    """A JPEG file of a plate, cut out and turned upright."""
    crop = rectify(picture, np.array(corners, np.float64), CROP_MARGIN).picture
    return to_jpeg(crop)


def to_jpeg(picture: Image) -> bytes:
    """A JPEG file of a picture, uint8 ``(H, W)`` or ``(H, W, 3)`` BGR, scaled down to :data:`MAX_SCENE`."""
    scale = MAX_SCENE / max(picture.shape[:2])
    if scale < 1:
        height, width = (max(1, round(scale * side)) for side in picture.shape[:2])
        picture = np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    return drawing.to_jpeg(picture, QUALITY)
