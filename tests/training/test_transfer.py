"""What fine-tuning takes over from a saved model."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from plate_ocr.alphabet import Alphabet
from plate_ocr.errors import ModelError
from plate_ocr.model.cards import ModelCard
from plate_ocr.networks.export import save_model
from plate_ocr.networks.mlp import BPNetwork, network_for
from plate_ocr.networks.weights import load_weights
from plate_ocr.training.characters.transfer import transfer
from plate_ocr.vision.settings import Preprocessing

CARD = ModelCard(Alphabet("0AB1"), Preprocessing(), hidden=8)
RATIOS = torch.rand(5, 25, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A saved network of four characters and eight hidden units."""
    torch.manual_seed(1)
    save_model(network_for(CARD), CARD, tmp_path / "source")
    return tmp_path / "source.safetensors"


def fine(source: Path, **changes: object) -> tuple[BPNetwork, BPNetwork, BPNetwork, list[str]]:
    """Source, network before and network after a transfer, and what was said."""
    card = dataclasses.replace(CARD, **changes)  # type: ignore[arg-type]
    torch.manual_seed(2)
    network, before = network_for(card), network_for(card)
    before.load_state_dict(network.state_dict())
    said = transfer(source, network, card).lines()
    return load_weights(source), before, network, said


def test_the_same_sizes_give_the_same_network(source: Path) -> None:
    theirs, _, network, said = fine(source)
    assert torch.equal(network(RATIOS), theirs(RATIOS))
    assert said == [
        f"from {source}:",
        "hidden layer: 8 of 8 units taken over",
        "output: 4 of 4 characters taken over",
    ]


def test_output_rows_are_matched_by_character(source: Path) -> None:
    theirs, before, network, said = fine(source, alphabet=Alphabet("ÄB0Ö"))
    there, here = theirs(RATIOS), network(RATIOS)
    assert torch.equal(here[:, [1, 2]], there[:, [2, 0]])
    assert torch.equal(network.output.weight[[0, 3]], before.output.weight[[0, 3]])
    assert said[2] == "output: 2 of 4 characters taken over; new: Ä, Ö; not needed: A, 1"


def test_alphabets_may_have_nothing_in_common(source: Path) -> None:
    theirs, before, network, said = fine(source, alphabet=Alphabet("XY"))
    assert torch.equal(network.hidden.weight, theirs.hidden.weight)
    assert torch.equal(network.output.weight, before.output.weight)
    assert said[2] == "output: 0 of 2 characters taken over; new: X, Y; not needed: 0, A, B, 1"


def test_a_wider_network_answers_as_the_source_does(source: Path) -> None:
    theirs, before, network, said = fine(source, hidden=12)
    assert torch.allclose(network(RATIOS), theirs(RATIOS), atol=1e-6)
    assert torch.equal(network.hidden.weight[8:], before.hidden.weight[8:])
    assert said[1] == "hidden layer: 8 of 12 units taken over; there are no more there, the other 4 are new"


def test_a_narrower_network_keeps_the_units_that_weigh_most(source: Path) -> None:
    theirs = load_weights(source)
    with torch.no_grad():
        theirs.output.weight[:, [2, 5]] = 0
    save_model(theirs, CARD, source)
    _, _, network, said = fine(source, hidden=6)
    assert torch.allclose(network(RATIOS), theirs(RATIOS), atol=1e-6)
    assert said[1] == "hidden layer: 6 of 6 units taken over, those that weigh most of 8"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (Preprocessing(grid=(4, 6)), "its grid is (5, 5) instead of (4, 6)"),
        # The row vector is as long but means something else.
        (
            Preprocessing(reach=0.6, overlap=0.0),
            "its overlap is 0.5 instead of 0.0; its reach is 0.0 instead of 0.6",
        ),
    ],
)
def test_another_preprocessing_takes_over_nothing(source: Path, settings: Preprocessing, says: str) -> None:
    _, before, network, said = fine(source, preprocessing=settings)
    for name, value in network.state_dict().items():
        assert torch.equal(value, before.state_dict()[name])
    assert said[0] == f"from {source}: nothing taken over"
    assert says in said[1]


def test_groups_are_the_layers_from_the_top() -> None:
    network = BPNetwork()
    top, bottom = network.groups()
    assert top is network.output
    assert bottom is network.hidden


def test_strict_loading_names_each_difference(source: Path) -> None:
    assert isinstance(load_weights(source, CARD), BPNetwork)
    other = ModelCard(Alphabet("0AÄ"), Preprocessing(reach=0.6), hidden=9)
    with pytest.raises(ModelError) as refused:
        load_weights(source, other)
    assert str(refused.value) == (
        f"{source} is another model than expected: its alphabet lacks Ä; its alphabet has B, 1 too many; "
        "its reach is 0.0 instead of 0.6; it has 8 hidden units instead of 9"
    )
    with pytest.raises(ModelError, match="has another order: 0AB1 instead of 01AB"):
        load_weights(source, dataclasses.replace(CARD, alphabet=Alphabet("01AB")))


def test_weights_of_other_shapes_are_named(source: Path) -> None:
    network = BPNetwork(25, 9, 4)
    network.output.bias = None  # type: ignore[assignment]
    network.register_buffer("extra", torch.ones(2))
    import safetensors.torch

    from plate_ocr.model.cards import METADATA_KEY

    safetensors.torch.save_file(network.state_dict(), source, {METADATA_KEY: CARD.to_json()})
    says = (
        f"{source}: the weights do not fit the sizes in the header: "
        "output.bias is missing; extra is not known; hidden.weight is 9×25 instead of 8×25; "
        "hidden.bias is 9 instead of 8; output.weight is 4×9 instead of 4×8"
    )
    for use in (load_weights, lambda path: transfer(path, network_for(CARD), CARD)):
        with pytest.raises(ModelError) as refused:
            use(source)
        assert str(refused.value) == says


def test_wrong_sources_and_cards_are_refused(source: Path, tmp_path: Path) -> None:
    network = network_for(CARD)
    with pytest.raises(ModelError, match="there is no model"):
        transfer(tmp_path / "nothing.safetensors", network, CARD)
    source.write_bytes(source.read_bytes()[:-10])
    with pytest.raises(ModelError, match="not a whole"):
        transfer(source, network, CARD)
    with pytest.raises(ModelError, match="card is not that of the network"):
        transfer(source, network, dataclasses.replace(CARD, hidden=9))
