"""Texts in pictures of cars that are no plates: makers' names, country signs, clocks of cameras."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator

from plate_ocr.rendering.canvas import Canvas, blend
from plate_ocr.rendering.glyphs import Glyphs
from plate_ocr.rendering.overlays import add_overlay
from plate_ocr.rendering.signs import set_text, sign_text
from plate_ocr.vision.images import Image

NAMES = (
    "TOYOTA", "HONDA", "NISSAN", "MAZDA", "SUBARU", "SUZUKI", "MITSUBISHI", "LEXUS", "HYUNDAI", "KIA", "FORD",
    "CHEVROLET", "DODGE", "JEEP", "GMC", "BUICK", "CADILLAC", "CHRYSLER", "TESLA", "RAM", "LINCOLN", "ACURA",
    "INFINITI", "PORSCHE", "AUDI", "BMW", "OPEL", "SKODA", "SEAT", "CUPRA", "FIAT", "LANCIA", "ALFA ROMEO",
    "PEUGEOT", "CITROEN", "RENAULT", "DACIA", "VOLVO", "SAAB", "MINI", "ROVER", "LAND ROVER", "LADA",
    "UAZ", "GAZ", "KAMAZ", "TATA", "MARUTI", "PROTON", "PERODUA", "BYD", "CHERY", "GEELY", "HAVAL",
    "MG", "JAC", "FOTON", "SCANIA", "MAN", "IVECO", "DAF", "HINO", "ISUZU", "FUSO", "YAMAHA", "KAWASAKI",
    "DUCATI", "VESPA", "Passat", "Polo", "Golf", "Civic", "Corolla", "Camry", "Focus", "Fiesta", "Astra",
    "Corsa", "Octavia", "Fabia", "Felicia", "Clio", "Megane", "Logan", "Sandero", "Uno", "Palio", "Gol",
    "Accord", "Elantra", "Sonata", "Sportage", "RAV4", "Tucson", "Explorer", "MUSTANG", "CAMARO", "RANGER",
    "TUNDRA", "TACOMA", "SILVERADO", "SIERRA", "TRANSIT", "SPRINTER", "DUSTER", "OUTBACK", "FLASH", "SPORT",
    "RALLYE", "TURBO", "DIESEL", "HYBRID", "LIMITED", "4x4", "4WD", "AWD", "GTI", "TDI", "2.0 TDI", "V6",
    "GLX", "LTZ", "CDI", "XLT", "SE", "GT", "S line", "1.6", "320d", "A4", "C 200", "Q5", "X5", "ELECTRIC",
    "TAXI", "POLICE", "POLIZEI", "SCHOOL BUS", "AMBULANCE", "EXPRESS", "CARGO", "LOGISTICS", "RENT", "SALE",
)  # fmt: skip
"""On the bodies of cars, as they are written there."""

COUNTRIES = (
    "SK", "CZ", "D", "A", "H", "PL", "F", "I", "E", "P", "GB", "IRL", "NL", "B", "L", "CH", "FL", "SLO", "HR",
    "BIH", "SRB", "MNE", "MK", "AL", "GR", "BG", "RO", "MD", "UA", "BY", "RUS", "LT", "LV", "EST", "FIN", "S",
    "N", "DK", "IS", "TR", "MC", "AND", "CDN", "MEX", "USA", "RA", "BR", "AUS", "NZ", "ZA",
)  # fmt: skip
"""On oval signs."""


def add_car_text(rng: Generator, scene: Image, glyphs: Glyphs) -> None:
    """Put a text that is no plate into a picture.

    Args:
        rng: random generator.
        scene: uint8 ``(H, W)``; it is changed.
        glyphs: the fonts.
    """
    choice = rng.random()
    if choice < 0.2:
        add_overlay(rng, glyphs, scene, ())
    elif choice < 0.32:
        add_country_sign(rng, scene, glyphs)
    elif choice < 0.4:
        add_emblem(rng, scene)
    else:
        _add_name(rng, scene, glyphs)
        if rng.random() < 0.25:
            _add_name(rng, scene, glyphs)


def _add_name(rng: Generator, scene: Image, glyphs: Glyphs) -> None:
    """Letters glued to, painted on or pressed into a car: less high than those of plates, or cut off."""
    height, width = scene.shape
    text = NAMES[int(rng.random() * len(NAMES))] if rng.random() < 0.8 else sign_text(rng)
    mask = _word(rng, glyphs, text)
    high = max(4, round(height * (0.14 + 0.36 * float(rng.random()))))
    wide = max(4, round(mask.shape[1] * high / mask.shape[0] * (0.8 + 1.2 * float(rng.random()) ** 2)))
    # Up to half of the text lies beyond an edge.
    x = round((width - wide) * float(rng.random()) + (rng.random() < 0.3) * float(rng.normal(0, 0.4)) * wide)
    y = round((height - high) * float(rng.random()))
    lean, tilt = (0.35 * float(rng.random()) if rng.random() < 0.3 else 0.0), float(rng.normal(0, 0.04))
    place = [[1.0, -lean, x + lean * high / 2], [tilt, 1.0, y - tilt * wide / 2]]
    letters = _scaled(mask, wide, high, place, scene)
    base = float(scene.mean())
    step = (25 + 140 * float(rng.random())) * (1 if rng.random() < 0.3 + 0.5 * (base < 128) else -1)
    lit = scene.astype(np.float32)
    if rng.random() < 0.35:
        # Pressed or of chrome: light on one side, shadow on the other.
        edge = letters - np.roll(letters, (1, 1), (0, 1))
        lit += edge * step
        letters *= float(rng.random()) * 0.5
    blend(lit, letters, 0, 0, base + step)
    scene[:] = np.clip(lit, 0, 255).astype(np.uint8)


def add_country_sign(rng: Generator, scene: Image, glyphs: Glyphs) -> None:
    """A white oval with the letters of a country."""
    height, width = scene.shape
    high = height * (0.2 + 0.35 * float(rng.random()))
    middle = (round(width * float(rng.random())), round(height * (0.1 + 0.8 * float(rng.random()))))
    axes = (max(3, round(high * (0.7 + 0.3 * float(rng.random())))), max(2, round(high * 0.55)))
    light, dark = 170 + 85 * float(rng.random()), 70 * float(rng.random())
    cv2.ellipse(scene, middle, axes, 0, 0, 360, light, -1, cv2.LINE_AA)
    if rng.random() < 0.6:
        cv2.ellipse(scene, middle, axes, 0, 0, 360, dark, 1, cv2.LINE_AA)
    mask = _word(rng, glyphs, COUNTRIES[int(rng.random() * len(COUNTRIES))])
    tall = max(3, round(axes[1] * 1.05))
    wide = max(3, min(round(axes[0] * 1.5), round(mask.shape[1] * tall / mask.shape[0])))
    place = [[1.0, 0.0, middle[0] - wide / 2], [0.0, 1.0, middle[1] - tall / 2]]
    lit = scene.astype(np.float32)
    blend(lit, _scaled(mask, wide, tall, place, scene), 0, 0, dark)
    scene[:] = lit.astype(np.uint8)


def add_emblem(rng: Generator, scene: Image) -> None:
    """A maker's emblem: rings, two angles, a star, a cross in a ring."""
    height, width = scene.shape
    reach = max(3, round(height * (0.1 + 0.25 * float(rng.random()))))
    x, y = round(width * float(rng.random())), round(height * (0.2 + 0.6 * float(rng.random())))
    level, thick = float(rng.random() * 255), max(1, reach // 5)
    choice = int(rng.random() * 4)
    if choice == 0:
        for i in range(int(rng.random() * 4) + 1):
            cv2.circle(scene, (x + round(1.5 * i * reach), y), reach, level, thick, cv2.LINE_AA)
    elif choice == 1:
        for dy in (0, 2 * thick + 1):
            low, high = y + reach // 2 + dy, y - reach // 2 + dy
            points = np.array([(x - reach, low), (x, high), (x + reach, low)], np.int32)
            cv2.polylines(scene, [points], False, level, thick + 1, cv2.LINE_AA)
    else:
        cv2.circle(scene, (x, y), reach, level, thick, cv2.LINE_AA)
        arms = 3 + int(rng.random() * 3)
        for angle in 2 * np.pi * (np.arange(arms) / arms + 0.25 * (choice == 2)):
            end = (round(x + reach * np.cos(angle)), round(y + reach * np.sin(angle)))
            cv2.line(scene, (x, y), end, level, thick, cv2.LINE_AA)


def _word(rng: Generator, glyphs: Glyphs, text: str) -> Image:
    """A text in one font: uint8 ``(HEIGHT, W)``."""
    drawn = text.isupper() and text.isalpha() and rng.random() < 0.5
    style, gap = int(rng.random() * 4096), 3 + int(rng.random() ** 2 * 40)
    return set_text(glyphs, text, "stroke-font" if drawn else "font", style, gap, 24 + gap)[:, :-gap]


def _scaled(mask: Image, width: int, height: int, place: list[list[float]], scene: Image) -> Canvas:
    """A mask in a size and a place, the affine map to the scene: float32 of the scene's size, 0 to 1."""
    small = cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA)
    return cv2.warpAffine(small, np.array(place), scene.shape[::-1]).astype(np.float32) / np.float32(255)
