"""A page with the plates that a detector missed in photos, and what it took for one."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from plate_ocr.app.evaluation import MAX_SHOWN, PAGE, picture_cell
from plate_ocr.metrics import SearchedPhoto
from plate_ocr.vision.drawing import BLUE, GREEN, RED, to_color, to_png
from plate_ocr.vision.images import read_image

PICTURE_SIDE = 720
"""The longer one of photos on the page at most, pixels."""


def detections_page(searched: Sequence[SearchedPhoto]) -> str:
    """A page of HTML with the photos in which plates were missed, or something else was found.

    Args:
        searched: all photos.
    """
    wrong = [photo for photo in searched if len(photo.missed) or len(photo.extra)]
    wrong.sort(key=lambda photo: -len(photo.missed))
    return PAGE.format(
        title=f"{len(wrong):,} of {len(searched):,} photos with mistakes",
        legend="Those with missed plates first. Green: plates that were found, where they were; red: missed "
        "ones, as they are labelled; blue: found where no plate is labelled, which may be a missing label.",
        columns="photo<th>plates<th>missed<th>extra",
        rows="\n".join(map(_row, wrong[:MAX_SHOWN])),
    )


def _row(photo: SearchedPhoto) -> str:
    picture = to_color(read_image(photo.name))
    scale = min(1.0, PICTURE_SIDE / max(picture.shape[:2]))
    size = [max(1, round(side * scale)) for side in picture.shape[1::-1]]
    drawn = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    found = photo.found[[match for match in photo.matches if match is not None]]
    for plates, color in ((found, GREEN), (photo.missed, RED), (photo.extra, BLUE)):
        cv2.polylines(drawn, list(np.rint(plates * scale).astype(np.int32)), True, color, 2)
    return (
        f"<tr>{picture_cell(to_png(drawn), photo.name)}"
        f"<td>{len(photo.labelled)}<td>{len(photo.missed)}<td>{len(photo.extra)}"
    )
