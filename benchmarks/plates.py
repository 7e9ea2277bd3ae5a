"""Whole plates, read classically with ``chars``: crops of real plates, none of them learnt from."""

from __future__ import annotations

import time

from benchmarks import FOLD, data_folder, labelled_plates
from plate_ocr import PlateReader


def main() -> None:
    """Print a table. Chinese plates count when every character is right, others with O=0 and I=1."""
    reader = PlateReader(threads=1)
    print("| plates | crops | right | last six right | ms a crop |")
    print("|---|---|---|---|---|")
    for name in ("cn", "us", "br", "eu", "uz"):
        right = tails = count = 0
        started = time.perf_counter()
        for path, label in labelled_plates(data_folder() / "plates" / name):
            found = reader(path).plates
            text = found[0].text if found else ""
            wanted = label
            if name != "cn":
                text, wanted = text.translate(FOLD), label.translate(FOLD)
            count += 1
            right += text == wanted
            tails += text[-6:] == wanted[-6:]
        ms = 1000 * (time.perf_counter() - started) / count
        print(f"| {name} | {count} | {right / count:.1%} | {tails / count:.1%} | {ms:.0f} |", flush=True)


if __name__ == "__main__":
    main()
