"""The card of a character model as a page."""

from __future__ import annotations

from collections.abc import Mapping

from plate_ocr.model.cards import ModelCard


def card_page(card: ModelCard, sizes: Mapping[str, int], tests: Mapping[str, Mapping[str, float]]) -> str:
    """The model card as a page for people (Mitchell et al., *Model Cards for Model Reporting*, 2019)."""
    rows, columns = card.preprocessing.grid
    learnt = [f"- {count:,} pictures of `{name}`" for name, count in card.training["learnt_from"].items()]
    if card.training["rendered"]:
        learnt.append(f"- {card.training['rendered']:,} characters rendered from fonts")
    figures = [
        f"| {name} | {values['count']:,.0f} | {values['accuracy']:.2%} | {values['top_3']:.2%} "
        f"| {values['calibration_error']:.2%} |"
        for name, values in tests.items()
    ]
    return "\n".join(
        [
            f"# Reads {len(card.alphabet)} characters",
            "",
            f"`{card.alphabet.characters}`",
            "",
            f"{rows}×{columns} white-pixel ratios → {card.hidden} hidden units → "
            f"{len(card.alphabet)} one-hot outputs; {sizes['model.safetensors']:,} bytes of weights. "
            f"Confidence below {card.min_confidence} means unknown.",
            "",
            f"It learnt from {card.training['drawn']:,} distorted pictures"
            f"{_times(card.training['passes'])}, drawn with seed {card.training['seed']} from:",
            "",
            *learnt,
            "",
            "Measured on pictures of the same sources from which no weights were learnt and by which no "
            "epoch was chosen; unknown counts as wrong:",
            "",
            "| source | pictures | accuracy | top 3 | calibration error |",
            "|---|---|---|---|---|",
            *figures,
            "",
        ]
    )


def _times(passes: int) -> str:
    return "" if passes == 1 else f", {passes} times from each"
