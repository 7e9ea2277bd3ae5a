"""Texts that are not plates: on signs, shops and stickers, and in overlays of cameras."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator

from plate_ocr.rendering.canvas import blend
from plate_ocr.rendering.decorations import WORDS
from plate_ocr.rendering.glyphs import Glyphs
from plate_ocr.rendering.masks import HEIGHT
from plate_ocr.vision.images import Image

SIGNS = (
    "OPEN", "EXIT", "STOP", "TAXI", "SALE 50%", "HOTEL", "BANK", "24H", "P", "BUS 47", "CAFE", "MARKET",
    "FOR SALE", "PHARMACY", "MAX 2.1m", "KEEP CLEAR", "No. 118", "www.shop.com", "PARKING", "LEVEL 3", "A47",
    "B12", "ONE WAY", "SPEED LIMIT", "30", "50", "NO PARKING", "TOW AWAY ZONE", "PUSH", "RENT A CAR", "PIZZA",
    "SUPERMERCADO", "FARMACIA", "AUTOSCUOLA", "BABY ON BOARD", "DANGER", "Diesel", "95 E10",
    "CENTRAL STATION", "47 AIRPORT", "NOT IN SERVICE", "POLICE", "AMBULANCE", "TURBO", "4x4", "HYBRID",
    "2.0 TDI", "XDRIVE 30d", "GTI", "V8", "QUATTRO", "LONG VEHICLE", "HOW AM I DRIVING?",
    "SCHOOL", "KM 118", "LOADING", "Zone",
)  # fmt: skip
"""Texts on signs, shops, buses and cars."""

PLACES = (
    "NORTH GATE", "Main Street", "Parking B2", "ENTRY", "LOBBY", "Hauptstr. 12", "Av. Paulista", "Lane 2",
    "BACK YARD", "Ring Road East", "Camera 01", "IPC", "CH04", "Front door", "DASHCAM", "REC", "HD 1080P",
)  # fmt: skip
"""Names of places in overlays of cameras."""


def text_mask(rng: Generator, glyphs: Glyphs, text: str) -> Image:
    """A text in a random font: uint8 ``(64, W)``, 255 on the strokes."""
    style = int(rng.random() * 65536)
    return set_text(glyphs, text, "font", style, gap=2 + int(rng.random() * 12), space=24)


def set_text(glyphs: Glyphs, text: str, font: str, style: int, gap: int, space: int) -> Image:
    """A text with a gap after each glyph, uint8 ``(HEIGHT, W)``; what the font lacks is a space."""
    drawn = [None if char == " " else glyphs.glyph(font, char, style, 0) for char in text]
    blank: Image = np.zeros((HEIGHT, space), np.uint8)
    return np.concatenate([blank if one is None else np.pad(one, ((0, 0), (0, gap))) for one in drawn], 1)


def number(rng: Generator, digits: int) -> str:
    """A random number with ``digits`` digits."""
    return str(int(rng.random() * 10**digits)).zfill(digits)


def sign_text(rng: Generator) -> str:
    """The text of a sign: a word, a name, a telephone number, a price."""
    choice = rng.random()
    if choice < 0.45:
        return SIGNS[int(rng.random() * len(SIGNS))]
    if choice < 0.65:
        return WORDS[int(rng.random() * len(WORDS))]
    if choice < 0.85:
        forms = ("0{3} {3} {3}", "({3}) {3}-{4}", "+{2} {3} {4}", "Tel {2}-{4}", "1-800-{3}-{4}", "{5}-{4}")
        return _filled(rng, forms[int(rng.random() * len(forms))])
    prices = ("{1}.{2}", "{2}%", "$ {2}.{2}", "{1}.{3} E", "{2} t", "{1}.{1} m", "{2}-{2} h", "R$ {2},{2}")
    return _filled(rng, prices[int(rng.random() * len(prices))])


def camera_text(rng: Generator) -> str:
    """The text of an overlay: a time, a date, the camera's name, a place, a speed."""
    choice = rng.random()
    hour, minute, second = (f"{int(rng.random() * n):02}" for n in (24, 60, 60))
    day, month, year = (f"{low + int(rng.random() * n):02}" for low, n in ((1, 28), (1, 12), (2008, 20)))
    time = f"{hour}:{minute}" if rng.random() < 0.3 else f"{hour}:{minute}:{second}"
    dates = (
        f"{year}-{month}-{day}",
        f"{day}/{month}/{year}",
        f"{month}-{day}-{year}",
        f"{day}.{month}.{year}",
    )
    date = dates[int(rng.random() * 4)]
    if choice < 0.25:
        return time
    if choice < 0.4:
        return date
    if choice < 0.6:
        return f"{date} {time}"
    if choice < 0.8:
        return PLACES[int(rng.random() * len(PLACES))]
    form = (
        "CAM {1}", "Camera{2}", "CH{2}", "192.168.{1}.{2}", "{3} km/h", "V={3} KM/H", "ID {6}", "#{5}",
        "GATE{1}", "N{2}.{5} E{2}.{5}", "{2}C", "LANE {1}", "FPS {2}", "Cam-{2} {3}", "{4}",
        "{2}.{1} MPH", "S/N {6}",
    )  # fmt: skip
    return _filled(rng, form[int(rng.random() * len(form))])


def _filled(rng: Generator, form: str) -> str:
    """A form in which each ``{n}`` is replaced by a number of ``n`` digits."""
    for digits in range(1, 7):
        while (mark := f"{{{digits}}}") in form:
            form = form.replace(mark, number(rng, digits), 1)
    return form


def draw_sign(rng: Generator, glyphs: Glyphs) -> Image:
    """A flat sign of one to three lines, with or without an edge: uint8 ``(H, W)``, 24 to 120 pixels high."""
    lines = 1 + int(rng.random() ** 1.5 * 3)
    masks = [text_mask(rng, glyphs, sign_text(rng)) for _ in range(lines)]
    high = 20 + int(rng.random() * 14)
    sizes = [(max(4, mask.shape[1] * high // HEIGHT), high) for mask in masks]
    small = [
        cv2.resize(mask, size, interpolation=cv2.INTER_AREA) for mask, size in zip(masks, sizes, strict=True)
    ]
    pad = 2 + int(rng.random() * 14)
    width = max(wide for wide, _ in sizes) + 2 * pad
    background = float(rng.random() * 255)
    foreground = (background + 90 + 75 * float(rng.random())) % 256
    step = round(high * (1.1 + 0.5 * float(rng.random())))
    sign = np.full((step * lines + 2 * pad - (step - high), width), background, np.float32)
    if rng.random() < 0.4:
        thick = 1 + int(rng.random() * 3)
        cv2.rectangle(sign, (thick, thick), (width - 1 - thick, sign.shape[0] - 1 - thick), foreground, thick)
    for i, mask in enumerate(small):
        x = (width - mask.shape[1]) // 2 if rng.random() < 0.7 else pad
        blend(sign, mask * np.float32(1 / 255), x, pad + i * step, foreground)
    if rng.random() < 0.12:
        # A bus's lamps.
        sign[::3] = sign[:, ::3] = min(background, 40.0)
    return np.asarray(np.clip(sign, 0, 255), np.uint8)
