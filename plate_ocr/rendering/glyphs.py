"""Fonts of rendered plates: drawn glyphs, font files, stroke fonts, characters cut out of photos.

Every glyph is a mask: uint8 ``(HEIGHT, W)``, 255 on the character, which fills the picture's height.
A glyph depends on its key alone, so that caching never changes a plate.
"""

from __future__ import annotations

import difflib
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import PIL.ImageFont

from plate_ocr.alphabet import CYRILLIC, DIGITS, LETTERS
from plate_ocr.errors import DataError
from plate_ocr.rendering.families import FAMILIES, N_STYLES, font_style
from plate_ocr.rendering.fonts import bundled_fonts, draw_text_mask, has_glyph
from plate_ocr.rendering.marks import joined, marked, plain_letters
from plate_ocr.rendering.masks import HEIGHT, resized
from plate_ocr.rendering.scripts import N_STYLES as N_SCRIPT_STYLES
from plate_ocr.rendering.scripts import OF_SCRIPTS, draw_script, faces_for
from plate_ocr.rendering.sprites import N_COARSE, coarse, cut_out, read_gray
from plate_ocr.rendering.strokes import draw_character
from plate_ocr.rendering.unknown import N_FORMS, draw_in_font, draw_unknown, usual_width
from plate_ocr.vision.images import Image

STRIP_HEIGHT = 24
"""Height of small texts (a state's name, a dealer's address), pixels."""

STRIP_FONTS = 4
"""Number of fonts that a small text is written in."""

CHINESE_FONT = "wqy-microhei.ttc"

_GA36 = {
    "ga36": ("140_",),
    "ga36-two": ("220_", "220_up_"),
    "ga36-two-down": ("220_", "220_down_"),
    "ga36-green": ("green_",),
}
_SPRITES = {"sprites-binary": "easypr", "sprites-grey": "zhengpeng"}
_STROKE_FONTS = {**{name: (name,) for name in FAMILIES}, "stroke-font": tuple(FAMILIES)}


class Glyphs:
    """Glyphs of fonts by name.

    Names are ``ga36``, ``ga36-two``, ``ga36-two-down``, ``ga36-green`` (drawn), ``sprites-binary`` and
    ``sprites-grey`` (cut out), those of :data:`~plate_ocr.rendering.families.FAMILIES` and ``stroke-font``
    (strokes), ``font`` (any of the fonts) and fonts' file names without weight and ending.

    Args:
        data: the folder with ``glyphs``, ``fonts`` and ``chars``; without it there are strokes and the
            fonts that come with Matplotlib and Pillow, and no Chinese characters.

    Raises:
        DataError: if the folder is given and has no fonts.
    """

    def __init__(self, data: Path | None) -> None:
        self.data = data
        self._glyphs: dict[tuple[str, str, int], _Packed | None] = {}
        self._strips: dict[tuple[str, int], Image] = {}
        self._script_faces: dict[str, list[PIL.ImageFont.FreeTypeFont]] = {}
        self._sprites: dict[tuple[str, str], list[_Packed]] = {}
        self._usual_widths: dict[tuple[str, int], int] = {}
        self._plain = sorted(bundled_fonts(), key=lambda face: [name or "" for name in face.getname()])
        self._fonts: dict[str, PIL.ImageFont.FreeTypeFont] = {}
        self._chinese: PIL.ImageFont.FreeTypeFont | None = None
        if data is not None:
            paths = sorted((data / "fonts").glob("*.[ot]t[fc]"))
            if not paths:
                raise DataError(f"there are no fonts in {data / 'fonts'}")
            for path in paths:
                face = PIL.ImageFont.truetype(str(path), HEIGHT)
                if path.name == CHINESE_FONT:
                    self._chinese = face
                else:
                    weighted = path.stem.endswith(("Bold", "Regular"))
                    self._fonts[path.stem.split("_")[0] if weighted else path.stem] = face
        self._names = sorted(self._fonts)
        fonts = [*self._fonts.values(), *self._plain]
        upright = [face for face in fonts if not (face.getname()[1] or "").endswith(("Oblique", "Italic"))]
        self._cyrillic = [face for face in upright if all(has_glyph(face, char) for char in "ЖӨ")]
        scripts = sorted((data / "fonts-scripts").glob("*.ttf")) if data is not None else []
        self._scripts = [PIL.ImageFont.truetype(str(path), HEIGHT) for path in scripts]
        self._scripts += [*upright, *([self._chinese] if self._chinese else [])]
        self._strip_fonts = [face.font_variant(size=STRIP_HEIGHT + 8) for face in fonts]
        self._chinese_strips = self._chinese and self._chinese.font_variant(size=STRIP_HEIGHT + 8)

    def check(self, font: str) -> None:
        """Check the name of a font.

        Raises:
            DataError: if it is unknown; names one that is like it, or all.
        """
        special = sorted({*_GA36, *_SPRITES, *_STROKE_FONTS, "font"})
        if font in special or font in self._fonts:
            return
        if alike := difflib.get_close_matches(font.lower(), [*special, *self._names], 1, 0.75):
            own = "" if self.data else "; for your own fonts set PLATE_OCR_DATA"
            raise DataError(f"there is no font {font!r}: is {alike[0]!r} meant?{own}")
        # Without the folder, others stand in for a font that is like none of these.
        if self.data is not None:
            names = ", ".join([*special, *self._names])
            raise DataError(f"there is no font {font!r}: expected one of {names}")

    def is_replaced(self, font: str) -> bool:
        """Whether others stand in for a font, since there is no folder."""
        return self.data is None and font not in {*_STROKE_FONTS, "font"}

    def missing(self, chars: str) -> str:
        """The characters that no font can draw."""
        return "".join(c for c in chars if self.glyph("ga36", c, 0, 0) is None)

    def glyph(self, font: str, char: str, style: int, number: int) -> Image | None:
        """A character's mask.

        Args:
            font: its name.
            char: the character.
            style: selects a font file or stroke font if the name stands for several; one per plate.
            number: selects one of the cut-out characters.

        Returns:
            uint8 ``(HEIGHT, W)``; None if nothing can draw it.
        """
        if char in OF_SCRIPTS or (font == "east-asian" and max(char) > "\u2e80"):
            # Japan's plates have characters of China's in the lettering of their others.
            return self._drawn("script", char, style % N_SCRIPT_STYLES)
        if font in _SPRITES:
            # On plates of before 2013 an O looks like a 0; no photo of one is at hand.
            sprites = self._cut_out(_SPRITES[font], "0" if char == "O" else char)
            few = 0 if char.isascii() else N_COARSE
            if sprites or few:
                number %= max(len(sprites), few)
                return sprites[number].mask() if number < len(sprites) else self._coarse(char, number)
        font, style = self._selected(font, style)
        return self._drawn(font, char, style)

    def _selected(self, font: str, style: int) -> tuple[str, int]:
        """The drawn font and its style that a name and a plate's style select."""
        font = "ga36" if font in _SPRITES else font
        if font in _STROKE_FONTS:
            families = _STROKE_FONTS[font]
            return families[style % len(families)], style // len(families) % N_STYLES
        if font in _GA36 or font in self._fonts:
            return font, 0
        names = self._names or [str(i) for i in range(len(self._plain))]
        return names[style % len(names)], 0

    def _kept(self, key: tuple[str, str, int], make: Callable[[], Image | None]) -> Image | None:
        """A mask, made once."""
        if key not in self._glyphs:
            made = make()
            self._glyphs[key] = None if made is None else _Packed.of(made)
        packed = self._glyphs[key]
        return None if packed is None else packed.mask()

    def _drawn(self, font: str, char: str, style: int) -> Image | None:
        return self._kept((font, char, style), lambda: self._make(font, char, style))

    def _coarse(self, char: str, number: int) -> Image | None:
        def make() -> Image | None:
            glyph = self._drawn("ga36", char, 0)
            return None if glyph is None else coarse(glyph, (ord(char), number))

        return self._kept(("coarse", char, number), make)

    def _cut_out(self, source: str, char: str) -> list[_Packed]:
        key = (source, char)
        if key not in self._sprites:
            template = self._of_ga36("ga36", char)
            folder = self.data / "chars" / source / char if self.data is not None else None
            masks = [] if folder is None or template is None else cut_out(folder, template)
            self._sprites[key] = [_Packed.of(mask) for mask in masks]
        return self._sprites[key]

    def unknown(self, number: int, font: str = "font", style: int = 0) -> Image:
        """The mask of a character that is in no alphabet.

        Args:
            number: which of :data:`~plate_ocr.rendering.unknown.N_FORMS` forms, and on from the first again.
            font: of the plate's other characters, whose width of strokes most forms have.
            style: as of :meth:`glyph`.

        Returns:
            uint8 ``(HEIGHT, W)``.
        """
        number %= N_FORMS
        font, style = self._selected(font, style)

        def letter(char: str) -> Image:
            return _certain(self._drawn(font, char, style))

        own = draw_in_font(number, letter, font_style(font, style) if font in FAMILIES else None)
        if own is not None:
            # Not kept: in all styles there are more than a hundred thousand.
            return own
        if (font, style) not in self._usual_widths:
            self._usual_widths[font, style] = usual_width(letter("H"))
        thick = self._usual_widths[font, style]
        key = ("unknown", str(thick), number)
        return _certain(self._kept(key, lambda: draw_unknown(number, self._scripts, thick)))

    def width(self, font: str, style: int) -> float:
        """Typical width of a character as a part of its height."""
        glyph = self.glyph(font if font not in _SPRITES else "ga36", "8", style, 0)
        return 0.5 if glyph is None else glyph.shape[1] / HEIGHT

    def strip(self, text: str, style: int) -> Image:
        """A small text in one line.

        Returns:
            uint8 ``(STRIP_HEIGHT, W)``.
        """
        # Each text uses a few fixed fonts, so that its pictures can be cached.
        style = (sum(map(ord, text)) + style % STRIP_FONTS) % len(self._strip_fonts)
        key = (text, style)
        if key not in self._strips:
            face = self._strip_fonts[style]
            if self._chinese_strips is not None and max(text) > "\u2e80":
                face = self._chinese_strips
            elif max(text) > "\u0590":
                # Combining marks have no picture of their own.
                letters = [char for char in text if char.isalpha()]
                able = [one for one in self._scripts if all(has_glyph(one, char) for char in letters)]
                able = able or [face]
                face = able[style % len(able)].font_variant(size=STRIP_HEIGHT + 8)
            glyph = draw_text_mask(text, face, None)
            if glyph is None:
                glyph = np.zeros((4, 4), np.uint8)
            width = max(2, round(glyph.shape[1] * STRIP_HEIGHT / glyph.shape[0]))
            self._strips[key] = resized(glyph, width, STRIP_HEIGHT)
        return self._strips[key]

    def _make(self, font: str, char: str, style: int) -> Image | None:
        if (plain := plain_letters(char)) != char and plain.isascii():
            return self._marked(font, char, plain, style)
        glyph: Image | None = None
        if font == "script":
            if char not in self._script_faces:
                self._script_faces[char] = faces_for(char, self._scripts)
            glyph = draw_script(char, self._script_faces[char], style)
        elif font in FAMILIES:
            glyph = draw_character(char, font_style(font, style))
        elif font in _GA36:
            glyph = self._of_ga36(font, char)
        elif not char.isascii():
            glyph = self._of_ga36("ga36", char)
        else:
            face = self._fonts[font] if self._fonts else self._plain[int(font)]
            glyph = draw_text_mask(char, face, "H")
        if glyph is None and font != "script":
            glyph = self._fallback(font, char, style)
        if glyph is None:
            return None
        return resized(glyph, max(3, round(glyph.shape[1] * HEIGHT / glyph.shape[0])))

    def _marked(self, font: str, char: str, plain: str, style: int) -> Image | None:
        """A letter with a mark, or two in one."""
        letters = [self._make(font, letter, style) for letter in plain]
        if len(letters) == 2 and letters[0] is not None and letters[1] is not None:
            return joined(letters[0], letters[1])
        # In some fonts the mark takes more of the height than in others.
        share = 0.74 + 0.04 * ((style + len(font)) % 4)
        return None if letters[0] is None else marked(letters[0], char, share)

    def _fallback(self, font: str, char: str, style: int) -> Image | None:
        """A glyph from elsewhere for what a font lacks: I and O on Chinese plates, Cyrillic, rare signs."""
        if char in LETTERS + DIGITS:
            return draw_character(char, font_style("ga36-strokes", 0))
        if char in CYRILLIC:
            face = self._cyrillic[(style + sum(map(ord, font))) % len(self._cyrillic)]
            return draw_text_mask(char, face, "H")
        if self._chinese is None:
            return None
        glyph = draw_text_mask(char, self._chinese, None)
        # Plates have thicker strokes than texts.
        return None if glyph is None else np.asarray(cv2.dilate(glyph, np.ones((3, 3))), np.uint8)

    def _of_ga36(self, font: str, char: str) -> Image | None:
        if self.data is None:
            return None
        for prefix in (*_GA36[font], "140_"):
            path = self.data / "glyphs" / "ga36" / f"{prefix}{char}.jpg"
            gray = read_gray(path) if path.is_file() else None
            if gray is not None:
                # All glyphs of a height share one cell; the "1" stands alone in its middle.
                return np.asarray(255 - gray, np.uint8)
        return None


def _certain(mask: Image | None) -> Image:
    if mask is None:
        raise AssertionError("every font has letters, or another stands in")
    return mask


@cache
def glyphs_of(data: Path | None) -> Glyphs:
    """The glyphs of a folder; each process makes them once.

    Raises:
        DataError: as of :class:`Glyphs`.
    """
    return Glyphs(data)


@dataclass(frozen=True)
class _Packed:
    """A compressed mask ``(HEIGHT, width)``: there are thousands, each seldom used."""

    data: bytes
    width: int

    @classmethod
    def of(cls, mask: Image) -> _Packed:
        return cls(zlib.compress(mask.tobytes()), mask.shape[1])

    def mask(self) -> Image:
        return np.frombuffer(zlib.decompress(self.data), np.uint8).reshape(HEIGHT, self.width)
