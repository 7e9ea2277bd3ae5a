"""The data set that needs no data: characters rendered in fonts, distorted."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont
import torch

from plate_ocr.alphabet import Alphabet
from plate_ocr.rendering.characters import render_characters
from plate_ocr.training.characters.augment import Augmentation, augment
from plate_ocr.training.characters.dataset import CharData
from plate_ocr.vision.preprocessing import CharStack, stack_characters
from plate_ocr.vision.settings import Preprocessing


def render_dataset(
    alphabet: Alphabet,
    fonts: Iterable[PIL.ImageFont.FreeTypeFont],
    settings: Preprocessing,
    versions: int,
    seed: int,
) -> CharData:
    """Characters in fonts, each several times, every time distorted in another way.

    Args:
        alphabet: the characters.
        fonts: each is a group: a split puts all of a font on one side.
        settings: the working size.
        versions: pictures of each character and font.
        seed: of the distortions.
    """
    parts = []
    generator = torch.Generator().manual_seed(seed)
    for font in fonts:
        pictures, chars = render_characters(alphabet.characters, [font])
        stack = stack_characters(pictures, settings)
        gray = torch.from_numpy(stack.gray)[:, None].float().repeat(versions, 1, 1, 1) / 255
        distorted, wider = augment(gray, Augmentation(), generator)
        labels = np.tile(alphabet.encode(chars), versions)
        name = " ".join(part for part in font.getname() if part)
        parts.append(
            CharData(
                CharStack(
                    (distorted[:, 0].clamp(0, 1) * 255).byte().numpy(),
                    np.tile(stack.aspect, versions) * wider.numpy(),
                ),
                labels,
                np.full(len(labels), name),
                np.array([f"{alphabet[i]} in {name}" for i in labels]),
            )
        )
    return CharData.joined(parts)
