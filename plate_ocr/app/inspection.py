"""Every step of reading a plate as a picture."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from plate_ocr.files import write_whole
from plate_ocr.reader import LineReading, PlateReader
from plate_ocr.vision.drawing import (
    BLUE,
    GREEN,
    RED,
    blank,
    contact_sheet,
    draw_text,
    enlarge,
    to_color,
    to_png,
)
from plate_ocr.vision.images import Image, ImageSource, read_image, to_gray

SCALE = 4
"""Pixels of a drawing for each pixel of a straightened line."""
