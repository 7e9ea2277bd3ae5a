"""The shipped character models on another country's characters, of which they never saw any."""

from __future__ import annotations

from collections import Counter

from benchmarks import data_folder, labelled_characters
from plate_ocr.readers.classical import CharClassifier
from plate_ocr.text import fold_lookalikes


def main() -> None:
    """Print a table; unknown counts as wrong."""
    pictures, labels = labelled_characters(data_folder() / "chars" / "uk")
    print("| model | UK characters | right, O=0 and I=1 | commonest mistakes |")
    print("|---|---|---|---|")
    for name in ("digits", "chars"):
        classifier = CharClassifier(name)
        known = [i for i, label in enumerate(labels) if label in classifier.alphabet]
        read = classifier.classify([pictures[i] for i in known])
        wrong: Counter[str] = Counter()
        for i, reading in zip(known, read, strict=True):
            text = reading.char or "?"
            if fold_lookalikes(text) != fold_lookalikes(labels[i]):
                wrong[f"{labels[i]} as {text}"] += 1
        mistakes = ", ".join(f"{count}× {which}" for which, count in wrong.most_common(4))
        share = 1 - wrong.total() / len(known)
        print(f"| {name} | {len(known)} | {share:.2%} | {mistakes} |")


if __name__ == "__main__":
    main()
