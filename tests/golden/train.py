"""Train the small models that the readings are recorded with: ``python -m tests.golden.train plates -o RUN``.

They learn from rendered pictures of a few regions, drawn with the fonts that packages bring. How
``tests/golden/models`` were made stands in ``tests/golden/README.md``.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from plate_ocr.alphabet import DIGITS, LETTERS, Alphabet
from plate_ocr.app.progress import LogCallback
from plate_ocr.model.cards import DetectorCard, PlateCard
from plate_ocr.training.core.run import run
from plate_ocr.training.detector.config import DetectorRunConfig
from plate_ocr.training.detector.run import open_detector
from plate_ocr.training.plates.config import PlateRunConfig
from plate_ocr.training.plates.run import open_plates

REGIONS = ("eu", "br", "uz", "vn", "gb")
LR = 4e-3
PLATES = PlateCard(
    Alphabet(DIGITS + LETTERS), finder=(6, 10, 12), channels=(10, 14, 18, 22), transformer=32, layers=1
)
DETECTOR = DetectorCard(channels=(8, 12, 16, 24, 32), features=24)


def main() -> None:
    """Train one of the two."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", choices=("plates", "detector"))
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--samples-per-epoch", type=int, default=65536)
    parser.add_argument("--repeats", type=int, default=4)
    parser.add_argument("--workers", type=int, default=2)
    given = vars(parser.parse_args())
    model, out = given.pop("model"), given.pop("out")
    if model == "plates":
        plates = PlateRunConfig(regions=REGIONS, lr=LR, **given)
        run(plates, partial(open_plates, plates, card=PLATES), out, LogCallback())
    else:
        detector = DetectorRunConfig(regions=REGIONS, lr=LR, **given)
        run(detector, partial(open_detector, detector, card=DETECTOR), out, LogCallback())


if __name__ == "__main__":
    main()
