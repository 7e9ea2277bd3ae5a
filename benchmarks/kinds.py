"""How many rendered plates of each kind are read right, and what is misread, a row a layout.

``python -m benchmarks.kinds [MODEL [REGION...]]``, by default ``plates`` and the kinds of China, Hong Kong
and Macau, and those of any country: with marks, of few characters, stacked, of three lines. The plates are
distorted as in training, and no training has seen them. O read as 0 and I as 1 are right but in China.
"""

from __future__ import annotations

import sys
from collections import Counter

import cv2
import numpy as np

from benchmarks import EXACT, fonts_folder
from plate_ocr.readers.auto import PlateReader
from plate_ocr.rendering.plates import PlateGenerator
from plate_ocr.text import edit_alignment, fold_lookalikes

REGIONS = ("cn", "hk", "mo", "any")
N_PLATES = 200
"""Of each layout."""
SEED = 22
N_MISTAKES = 4
"""The commonest are named."""


def mistakes(text: str, target: str) -> list[str]:
    """What was misread, passed over and too many, as ``皖→陕``, ``1→`` and ``→1``."""
    named = [
        f"{target[j] if j is not None else ''}→{text[i] if i is not None else ''}"
        for i, j in edit_alignment(text, target)
    ]
    return [name for name in named if name[0] != name[-1] or len(name) < 3]


def main() -> None:
    """Print a table."""
    cv2.setNumThreads(1)
    model, *regions = sys.argv[1:] or ["plates"]
    reader = PlateReader(model, input="plate", threads=1)
    print("| region | kind | plates | read right | commonest mistakes |\n|---|---|---|---|---|")
    for name in regions or REGIONS:
        generator = PlateGenerator(fonts_folder(), [name], not_plates=0)
        (region,) = generator.regions
        for number, layout in enumerate(region.layouts):
            right, wrong = 0, Counter[str]()
            for i in range(N_PLATES):
                plate = generator.draw_layout(np.random.default_rng((SEED, number, i)), region, layout)
                text, target = reader(plate.image).text, plate.text
                if name not in EXACT:
                    text, target = fold_lookalikes(text), fold_lookalikes(target)
                right += text == target
                if text:
                    wrong.update(mistakes(text, target))
            common = ", ".join(f"{count}× {one}" for one, count in wrong.most_common(N_MISTAKES))
            kind = layout.name or number + 1
            print(f"| {name} | {kind} | {N_PLATES} | {right / N_PLATES:.1%} | {common} |", flush=True)


if __name__ == "__main__":
    main()
