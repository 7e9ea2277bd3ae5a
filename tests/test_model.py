"""Model files: what is in them, and what is refused."""

from __future__ import annotations

import dataclasses
import io
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper

from plate_ocr.alphabet import DIGITS, PLATE_CHARACTERS, Alphabet
from plate_ocr.errors import ModelError
from plate_ocr.model.cards import (
    METADATA_KEY,
    VERSION,
    DetectorCard,
    ModelCard,
    PlateCard,
    model_card_from,
    plate_card_from,
)
from plate_ocr.model.registry import find_model
from plate_ocr.model.sessions import CharModel, Detector, PlateModel, load_model, softmax
from plate_ocr.networks.export import save_model, to_onnx
from plate_ocr.networks.weights import load_detector_weights, load_plate_weights, load_weights, read_weights
from plate_ocr.readers.classical import CharClassifier
from plate_ocr.training.core.folder import CHECKPOINT
from plate_ocr.vision.detection import decode_detections, preprocess_photo
from plate_ocr.vision.images import Image
from plate_ocr.vision.settings import Preprocessing
from tests.conftest import LIGHT_DETECTOR, new_detector_network, new_network, new_plate_network

Opener = Callable[[Path], object]
OPENERS: dict[str, Opener] = {
    ".onnx": lambda folder: CharModel(folder / "model.onnx"),
    ".safetensors": lambda folder: load_weights(folder / "model.safetensors"),
}


def header_of(path: Path) -> tuple[dict[str, Any], bytes]:
    """The format read by hand: eight bytes of length, JSON, then the tensors' bytes."""
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def put_metadata(folder: Path, metadata: dict[str, str]) -> None:
    """Give both files of a model other metadata."""
    path = folder / "model.safetensors"
    header, tensors = header_of(path)
    header["__metadata__"] = metadata
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + tensors)
    graph = onnx.load(folder / "model.onnx")
    del graph.metadata_props[:]
    helper.set_model_props(graph, metadata)
    onnx.save(graph, folder / "model.onnx")


def change_card(folder: Path, **changes: Any) -> None:
    """Give both files of a model a changed card; an ellipsis leaves an entry out."""
    card = json.loads(header_of(folder / "model.safetensors")[0]["__metadata__"][METADATA_KEY])
    changed = {name: value for name, value in {**card, **changes}.items() if value is not ...}
    put_metadata(folder, {METADATA_KEY: json.dumps(changed)})


def test_the_weights_file_holds_weights_and_the_card_and_nothing_else(
    tiny_model: Path, digit_card: ModelCard
) -> None:
    header, tensors = header_of(tiny_model / "model.safetensors")
    assert set(header) == {"__metadata__", "hidden.weight", "hidden.bias", "output.weight", "output.bias"}
    assert set(header["__metadata__"]) == {METADATA_KEY}
    assert len(tensors) == 2 * (25 * 8 + 8 + 8 * 10 + 10)
    network = new_network(digit_card)
    for name, value in network.state_dict().items():
        start, end = header[name]["data_offsets"]
        stored = np.frombuffer(tensors[start:end], "<f2").reshape(header[name]["shape"])
        np.testing.assert_array_equal(stored, value.half().numpy())
    card = json.loads(header["__metadata__"][METADATA_KEY])
    assert set(card) == {"format", "version"} | {field.name for field in dataclasses.fields(ModelCard)}
    assert card["alphabet"] == DIGITS
    assert card["preprocessing"]["grid"] == [5, 5]
    assert card["training"] == {"trained_on": {"车牌": 3}}


@pytest.mark.parametrize("suffix", OPENERS)
def test_a_model_file_needs_no_pickle_and_tells_nothing_of_the_training_state(
    suffix: str, tiny_model: Path
) -> None:
    data = (tiny_model / f"model{suffix}").read_bytes()
    assert data[:2] not in (b"PK", b"\x80\x02", b"\x80\x04")
    for word in (b"optimizer", b"exp_avg", b"epoch", b'"lr"', b"learning_rate", str(tiny_model).encode()):
        assert word not in data


def test_the_card_survives_the_files(tiny_model: Path, digit_card: ModelCard) -> None:
    assert CharModel(tiny_model).card == digit_card
    assert model_card_from({METADATA_KEY: digit_card.to_json()}, tiny_model) == digit_card


def test_both_files_have_the_same_card(tiny_model: Path) -> None:
    metadata = header_of(tiny_model / "model.safetensors")[0]["__metadata__"]
    props = {prop.key: prop.value for prop in onnx.load(tiny_model / "model.onnx").metadata_props}
    assert props == metadata


@pytest.mark.parametrize("count", [1, 7])
def test_onnx_computes_what_torch_does(
    count: int, tiny_model: Path, digit_card: ModelCard, rng: np.random.Generator
) -> None:
    ratios = rng.random((count, 25)).astype(np.float32)
    with torch.no_grad():
        logits = new_network(digit_card)(torch.from_numpy(ratios)).numpy()
    session = onnxruntime.InferenceSession(tiny_model / "model.onnx", providers=["CPUExecutionProvider"])
    found = np.asarray(session.run(["logits"], {"ratios": ratios})[0])
    np.testing.assert_allclose(found, logits, atol=1e-5)
    expected = np.exp(logits / 1.7) / np.exp(logits / 1.7).sum(1, keepdims=True)
    np.testing.assert_allclose(CharModel(tiny_model).probabilities(ratios), expected, atol=1e-5)


def test_no_rows_have_no_probabilities(tiny_model: Path) -> None:
    assert CharModel(tiny_model).probabilities(np.empty((0, 25), np.float32)).shape == (0, 10)


def test_softmax_bears_large_logits() -> None:
    logits = np.array([[1000, 1000, -1000], [-5000, 0, -5000]], np.float32)
    np.testing.assert_allclose(softmax(logits), np.array([[0.5, 0.5, 0], [0, 1, 0]]))


@pytest.mark.parametrize("name", ["", "model.onnx", "model.safetensors"])
def test_a_model_is_named_by_its_folder_or_either_file(name: str, tiny_model: Path) -> None:
    assert CharModel(tiny_model / name).path == tiny_model / "model.onnx"
    assert CharModel(str(tiny_model / name)).path == tiny_model / "model.onnx"


def test_a_model_for_reading_needs_only_its_onnx_file(tiny_model: Path) -> None:
    (tiny_model / "model.safetensors").unlink()
    assert CharClassifier(tiny_model / "model.onnx").alphabet == DIGITS


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere", r"no model '.*nowhere'.*digits.*\.onnx file or the folder of a training run"),
        ("no/such.onnx", r"no model '.*such\.onnx'"),
        ("empty folder", r"no model '.*empty folder"),
        ("last.ckpt", r"last\.ckpt is no model: an \.onnx file"),
        ("n" * 300, r"no model|too long"),
        ("a\0b", r"no model"),
    ],
)
def test_what_is_no_model_is_refused(name: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "empty folder").mkdir()
    (tmp_path / "last.ckpt").write_bytes(b"PK")
    with pytest.raises(ModelError, match=message) as caught:
        CharModel(f"{tmp_path}/{name}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", [".onnx", ".safetensors"])
def test_a_stopped_run_is_no_model_yet_and_how_to_go_on_is_told(suffix: str, tmp_path: Path) -> None:
    (tmp_path / CHECKPOINT).write_bytes(b"PK")
    with pytest.raises(ModelError, match=f"there is no model yet; .*train --resume {tmp_path}, or take its"):
        find_model(tmp_path, suffix)


def test_a_folder_called_like_a_shipped_model_does_not_stand_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plate_ocr.model.registry._FOLDERS", ())
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits").mkdir()
    with pytest.raises(ModelError, match="'digits' is missing from this installation"):
        CharModel("digits")


def cut_in_half(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def cut_the_last_byte(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[:40] = bytes(reversed(data[:40]))
    path.write_bytes(data)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def as_text(path: Path) -> None:
    path.write_text("not a model\n" * 20)


def as_pickle(path: Path) -> None:
    path.write_bytes(pickle.dumps({"weights": [1.0, 2.0]}))


def as_torch_checkpoint(path: Path) -> None:
    buffer = io.BytesIO()
    torch.save({"weights": torch.zeros(3)}, buffer)
    path.write_bytes(buffer.getvalue())


@pytest.mark.parametrize("suffix", OPENERS)
@pytest.mark.parametrize(
    "spoil", [cut_in_half, cut_the_last_byte, damage, empty, as_text, as_pickle, as_torch_checkpoint]
)
def test_a_file_that_is_not_whole_is_refused(
    spoil: Callable[[Path], None], suffix: str, tiny_model: Path
) -> None:
    path = tiny_model / f"model{suffix}"
    spoil(path)
    with pytest.raises(ModelError) as caught:
        OPENERS[suffix](tiny_model)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("suffix", OPENERS)
def test_a_pickle_is_never_run(suffix: str, tiny_model: Path, tmp_path: Path) -> None:
    (tiny_model / f"model{suffix}").write_bytes(pickle.dumps(Bomb(tmp_path / "exploded")))
    with pytest.raises(ModelError):
        OPENERS[suffix](tiny_model)
    assert not (tmp_path / "exploded").exists()


def test_a_pickle_is_called_one(tiny_model: Path) -> None:
    as_pickle(tiny_model / "model.onnx")
    with pytest.raises(ModelError, match=r"is a pickle or a torch checkpoint.*can run code.*model\.onnx"):
        CharModel(tiny_model)


@pytest.mark.parametrize("suffix", OPENERS)
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"format": "plate-ocr plate model"},
            r"'plate-ocr plate model'.*'plate-ocr character model' is expected",
        ),
        (
            {"version": VERSION + 1, "format": "plate-ocr new model", "unheard": 1},
            rf"needs a newer plate-ocr: it has format version {VERSION + 1}, this one reads up to {VERSION}",
        ),
        ({"alphabet": "0012"}, r"damaged.*0 more than once"),
        ({"alphabet": 7}, r"damaged"),
        ({"hidden": "many"}, r"damaged|hidden"),
        ({"preprocessing": None}, r"damaged"),
        ({"preprocessing": {"grid": [5, 5], "colour": 1}}, r"damaged.*colour"),
        ({"preprocessing": {"grid": [5]}}, r"damaged|grid"),
        ({"preprocessing": {"grid": [5, 5], "height": "tall"}}, r"damaged|height"),
        ({"temperature": None}, r"damaged|temperature"),
        ({"temperature": 0}, r"damaged|temperature"),
        ({"min_confidence": "high"}, r"damaged|min_confidence"),
        ({"version": "new"}, r"damaged.*version = 'new'"),
        ({"version": True}, r"damaged.*version = True"),
        ({"version": 0}, r"damaged.*version = 0"),
        ({"unheard": 1}, r"damaged.*unheard"),
    ],
)
def test_a_header_that_cannot_be_right_is_refused(
    changes: dict[str, Any], message: str, suffix: str, tiny_model: Path
) -> None:
    change_card(tiny_model, **changes)
    with pytest.raises(ModelError, match=message) as caught:
        OPENERS[suffix](tiny_model)
    assert f"model{suffix}" in str(caught.value)


FIRST_VERSION: list[tuple[str, Callable[[Path], Any], dict[str, Any]]] = [
    (
        "tiny.safetensors",
        lambda path: read_weights(path)[0],
        {
            "alphabet": Alphabet("AÄ皖"), "preprocessing": Preprocessing(reach=0.6), "hidden": 4,
            "temperature": 0.75, "min_confidence": 0.25, "training": {"seed": 1},
            "accuracy": {"rendered": 0.5},
        },
    ),
    (
        "characters.onnx",
        lambda path: CharModel(path).card,
        {
            "alphabet": Alphabet("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"), "hidden": 64,
            "preprocessing": Preprocessing(grid=(16, 12), reach=0.6), "min_confidence": 0.262,
        },
    ),
    (
        "plates.onnx",
        lambda path: PlateModel(path).card,
        {
            "finder": (6, 10, 12), "channels": (10, 14, 18, 22), "transformer": 32, "layers": 1, "height": 64,
            "width": 256, "min_confidence": 0.237, "min_plate_confidence": 0.78, "region": "",
        },
    ),
    (
        "detector.onnx",
        lambda path: Detector(path).card,
        {
            "longest": 640, "channels": (8, 12, 16, 24, 32), "features": 24, "blocks": (2, 2, 2),
            "context": 0, "light": False, "min_score": 0.5,
        },
    ),
]  # fmt: skip
"""Stored models, what reads their cards, and what these say."""


STORED = Path(__file__).parent / "golden" / "models"


@pytest.mark.parametrize(("name", "read", "says"), FIRST_VERSION, ids=lambda value: str(value)[:9])
def test_models_of_the_first_format_version_are_read_for_ever(
    name: str, read: Callable[[Path], Any], says: dict[str, Any]
) -> None:
    path = STORED / name
    assert b'"version": 1, ' in path.read_bytes().replace(b"\\", b"")
    card = read(path)
    assert {entry: getattr(card, entry) for entry in says} == says


@pytest.mark.parametrize("suffix", OPENERS)
@pytest.mark.parametrize("text", ["", "{", "[]", "3", "{}", '{"version": 1}', "null"])
def test_a_header_that_is_no_card_is_refused(text: str, suffix: str, tiny_model: Path) -> None:
    put_metadata(tiny_model, {METADATA_KEY: text})
    with pytest.raises(ModelError, match="header is damaged"):
        OPENERS[suffix](tiny_model)


@pytest.mark.parametrize("suffix", OPENERS)
def test_a_file_of_another_program_is_refused(suffix: str, tiny_model: Path) -> None:
    put_metadata(tiny_model, {"made_by": "somebody"})
    with pytest.raises(ModelError, match="not made by plate-ocr"):
        OPENERS[suffix](tiny_model)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"alphabet": "0123456"}, "25 values to 10 classes.* 25 to 7"),
        ({"preprocessing": {"grid": [4, 4]}}, "25 values to 10 classes.* 16 to 10"),
    ],
)
def test_a_network_of_other_sizes_than_the_header_says_is_refused(
    changes: dict[str, Any], expected: str, tiny_model: Path
) -> None:
    change_card(tiny_model, **changes)
    with pytest.raises(ModelError, match=expected):
        CharModel(tiny_model)
    with pytest.raises(ModelError, match=r"do not fit the sizes in the header: .* instead of ") as caught:
        load_weights(tiny_model)
    assert "\n" not in str(caught.value)


def test_other_hidden_units_than_the_header_says_are_refused(tiny_model: Path) -> None:
    change_card(tiny_model, hidden=9)
    with pytest.raises(ModelError, match="do not fit the sizes in the header"):
        load_weights(tiny_model)


def test_a_network_of_another_kind_is_refused(tiny_model: Path, digit_card: ModelCard) -> None:
    graph = helper.make_graph(
        [helper.make_node("ReduceMean", ["x"], ["y"], keepdims=0)],
        "mean",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 25])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {METADATA_KEY: digit_card.to_json()})
    onnx.save(model, tiny_model / "model.onnx")
    with pytest.raises(ModelError, match=r"model\.onnx"):
        CharModel(tiny_model)


@pytest.mark.parametrize("grid", [(5, 5), (12, 9)])
def test_any_sizes_can_be_saved_and_read(grid: tuple[int, int], tmp_path: Path) -> None:
    card = ModelCard(Alphabet("A皖9"), Preprocessing(grid=grid, reach=0.3), hidden=5)
    save_model(new_network(card), card, tmp_path / "model")
    assert CharModel(tmp_path).card == card
    row = np.full((1, grid[0] * grid[1]), 0.5, np.float32)
    assert CharModel(tmp_path).probabilities(row).sum() == pytest.approx(1)


def test_the_onnx_bytes_are_a_checked_graph_with_a_free_batch_size(digit_card: ModelCard) -> None:
    model = onnx.load_from_string(to_onnx(new_network(digit_card), {"a": "b"}))
    onnx.checker.check_model(model, full_check=True)
    dimensions = [d.dim_param or d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim]
    assert dimensions == ["batch", 25]


def test_a_plate_model_comes_back_with_its_card(tiny_plate_model: Path, plate_card: PlateCard) -> None:
    assert PlateModel(tiny_plate_model).card == plate_card
    card, network = load_plate_weights(tiny_plate_model)
    assert card == plate_card
    for name, value in new_plate_network(plate_card).state_dict().items():
        assert torch.equal(network.state_dict()[name], value)


def test_a_card_without_a_region_does_not_mention_it(plate_card: PlateCard) -> None:
    bare = dataclasses.replace(plate_card, regions=(), region_temperature=1.0)
    assert not [name for name in json.loads(bare.to_json()) if "region" in name]
    for card in (bare, plate_card, dataclasses.replace(plate_card, region="br")):
        assert plate_card_from({METADATA_KEY: card.to_json()}, Path("some.onnx")) == card


@pytest.mark.parametrize("count", [1, 5])
def test_the_plate_network_computes_the_same_in_onnx(
    count: int, tmp_path: Path, plate_card: PlateCard, rng: np.random.Generator
) -> None:
    pictures = rng.integers(0, 256, (count, 64, 256)).astype(np.uint8)
    inputs = pictures[:, None].astype(np.float32) / 255
    network = new_plate_network(plate_card)
    # A finder that looks somewhere else in each picture.
    network.finder.output.weight.data.normal_(0, 0.5, generator=torch.Generator().manual_seed(0))
    save_model(network, plate_card, tmp_path / "model")
    with torch.no_grad():
        logits, points, regions, views = (output.numpy() for output in network(torch.from_numpy(inputs)))
    assert count == 1 or np.ptp(points, axis=0).max() > 0.02
    for name, given, *expected in (("model", views, logits, regions), ("model.finder", inputs, points)):
        session = onnxruntime.InferenceSession(tmp_path / f"{name}.onnx", providers=["CPUExecutionProvider"])
        found = session.run(None, {session.get_inputs()[0].name: given})
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-4)
    model = PlateModel(tmp_path)
    probabilities, corners, countries = model(pictures)  # corners of the text, then of the plate
    np.testing.assert_allclose(corners, points, atol=1e-5)
    for one, other in zip((probabilities, countries), model.read(pictures, corners[:, :4]), strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_allclose(countries, softmax(regions / np.float32(1.25)), atol=0.02)
    np.testing.assert_allclose(probabilities, softmax(logits / np.float32(1.5)), atol=0.02)
    assert [part.shape for part in model(pictures[:0])] == [(0, 64, 4), (0, 8, 2), (0, 2)]


def test_no_plate_network_asks_for_grid_sampling(tiny_plate_model: Path) -> None:
    for name in ("model.onnx", "model.finder.onnx"):
        kinds = {node.op_type for node in onnx.load(tiny_plate_model / name).graph.node}
        assert "Conv" in kinds
        assert "GridSample" not in kinds


def test_the_two_files_of_a_plate_model_belong_together(
    tiny_plate_model: Path, plate_card: PlateCard, tmp_path: Path
) -> None:
    finder = tiny_plate_model / "model.finder.onnx"
    with pytest.raises(ModelError, match=r"only finds the text in a crop; give the \.onnx file beside it"):
        load_model(finder)
    other = dataclasses.replace(plate_card, temperature=1.25)
    save_model(new_plate_network(other), other, tmp_path / "other")
    finder.write_bytes((tmp_path / "other.finder.onnx").read_bytes())
    with pytest.raises(ModelError, match=r"model\.finder\.onnx belongs to another model than .*model\.onnx"):
        load_model(tiny_plate_model)
    finder.unlink()
    with pytest.raises(ModelError, match=r"model\.finder\.onnx is missing, the other half of .*copy both"):
        load_model(tiny_plate_model)


def test_a_stored_plate_model_of_one_file_still_reads(rng: np.random.Generator) -> None:
    model = PlateModel(STORED / "plates.onnx", threads=1)
    assert model.finder is None
    pictures = rng.integers(0, 256, (3, 64, 256), np.uint8)
    probabilities, points, regions = model(pictures)
    assert points.shape == (3, 8, 2)
    assert regions.shape == (3, 0)
    np.testing.assert_allclose(probabilities.sum(-1), 1, atol=1e-5)
    assert [part.shape[0] for part in model(pictures[:0])] == [0, 0, 0]
    model.close()
    assert model.closed


def test_either_kind_of_model_is_told_from_the_other(tiny_model: Path, tiny_plate_model: Path) -> None:
    assert isinstance(load_model(tiny_model), CharModel)
    assert isinstance(load_model(tiny_plate_model), PlateModel)
    opens: Opener
    for opens in (CharModel, CharClassifier, load_weights):
        with pytest.raises(ModelError, match=r"holds a 'plate-ocr plate model'.* such as chars"):
            opens(tiny_plate_model)
    for opens in (PlateModel, load_plate_weights):
        with pytest.raises(ModelError, match=r"holds a 'plate-ocr character model'.* such as plates"):
            opens(tiny_model)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "a bicycle"}, "holds a 'a bicycle'"),
        ({"version": VERSION + 1}, "reads up to"),
        ({"alphabet": "0A"}, "1×32×128 to 64×4 and 2, its header says 1×32×128 to 64×3 and 2"),
        ({"width": 192}, "its header says 1×32×96 to 48×4 and 2"),
        ({"finder": [4, 5]}, "damaged.*finder"),
        ({"finder": None}, "damaged"),
        ({"unknown_class": 1}, "damaged.*unknown_class = 1"),
        ({"channels": [4, 5, 6]}, "damaged.*channels"),
        ({"channels": None}, "damaged"),
        ({"transformer": 0}, "damaged.*transformer"),
        ({"min_plate_confidence": "high"}, "damaged.*min_plate_confidence"),
        ({"temperature": 0}, "damaged.*temperature"),
        ({"region": "atlantis"}, "damaged.*region = 'atlantis', none of ae, al, am, any, ar, at"),
        ({"region": None}, "damaged.*region = None"),
        ({"region": ["br"]}, "damaged"),
        ({"regions": ["br", "br"]}, "damaged.*regions = "),
        ({"regions": ["br", 2]}, "damaged.*regions = "),
        ({"regions": ["br"]}, "to 64×4 and 2, its header says 1×32×128 to 64×4 and 1"),
        ({"region_temperature": 0}, "damaged.*region_temperature"),
        ({"unheard": 1}, "damaged.*unheard"),
    ],
)
def test_a_plate_header_that_cannot_be_right_is_refused(
    changes: dict[str, Any], message: str, tiny_plate_model: Path
) -> None:
    change_card(tiny_plate_model, **changes)
    with pytest.raises(ModelError, match=message):
        load_model(tiny_plate_model) if "format" in changes else PlateModel(tiny_plate_model)


def test_weights_of_another_plate_network_are_refused(tiny_plate_model: Path) -> None:
    change_card(tiny_plate_model, layers=3)
    with pytest.raises(ModelError, match=r"do not fit the sizes.*transformer\.layers\.2\..* is missing"):
        load_plate_weights(tiny_plate_model)


def test_a_class_of_unknown_characters_comes_back(tmp_path: Path, plate_card: PlateCard) -> None:
    assert "unknown_class" not in plate_card.to_json()
    card = dataclasses.replace(plate_card, alphabet=Alphabet("0A皖", unknown=True))
    save_model(new_plate_network(card), card, tmp_path / "model")
    loaded, network = load_plate_weights(tmp_path)
    model = PlateModel(tmp_path)
    assert loaded == model.card == card
    assert network.output.out_features == 5
    assert model(np.zeros((1, card.height, card.width), np.uint8))[0].shape == (1, card.steps, 5)


def test_saving_a_plate_network_twice_gives_the_same_bytes(plate_card: PlateCard) -> None:
    network = new_plate_network(plate_card)
    data = to_onnx(network, {"a": "b"})
    assert data == to_onnx(network, {"a": "b"})
    model = onnx.load_from_string(data)
    onnx.checker.check_model(model, full_check=True)
    assert (model.ir_version, model.opset_import[0].version) == (8, 17)
    assert b"/home" not in data


def test_the_shipped_plate_model_is_small_and_describes_itself(shipped_plates: Path) -> None:
    assert shipped_plates.stat().st_size <= 6_000_000
    card = PlateModel(shipped_plates).card
    assert PLATE_CHARACTERS.startswith(card.alphabet.characters)
    assert card.accuracy
    assert card.training


def test_a_detector_comes_back_with_its_card(tiny_detector: Path, detector_card: DetectorCard) -> None:
    assert Detector(tiny_detector).card == detector_card
    card, network = load_detector_weights(tiny_detector)
    assert card == detector_card
    assert not network.training
    for name, value in new_detector_network(detector_card).state_dict().items():
        assert torch.equal(network.state_dict()[name], value)


@pytest.mark.parametrize("size", [(32, 32), (64, 160), (256, 352)])
def test_the_detector_computes_the_same_in_onnx(
    size: tuple[int, int], tiny_detector: Path, detector_card: DetectorCard, rng: np.random.Generator
) -> None:
    inputs = rng.random((2, 1, *size)).astype(np.float32)
    with torch.no_grad():
        answers = new_detector_network(detector_card)(torch.from_numpy(inputs)).numpy()
    session = onnxruntime.InferenceSession(tiny_detector / "model.onnx", providers=["CPUExecutionProvider"])
    found = np.asarray(session.run(["answers"], {"pictures": inputs})[0])
    assert np.ptp(answers[:, 0]) > 0.01
    np.testing.assert_allclose(found, answers, atol=1e-4)


def test_a_light_detector_comes_back_and_computes_the_same_in_onnx(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    network = new_detector_network(LIGHT_DETECTOR)
    save_model(network, LIGHT_DETECTOR, tmp_path / "model")
    assert Detector(tmp_path).card == load_detector_weights(tmp_path)[0] == LIGHT_DETECTOR
    inputs = rng.random((2, 1, 64, 160)).astype(np.float32)
    with torch.no_grad():
        answers = network(torch.from_numpy(inputs)).numpy()
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    found = np.asarray(session.run(["answers"], {"pictures": inputs})[0])
    assert np.ptp(answers[:, 0]) > 0.01
    np.testing.assert_allclose(found, answers, atol=1e-4)


def test_a_detectors_file_of_an_earlier_version_says_nothing_of_blocks(
    tiny_detector: Path, detector_card: DetectorCard
) -> None:
    change_card(tiny_detector, blocks=..., context=..., light=...)
    assert Detector(tiny_detector).card == detector_card
    assert load_detector_weights(tiny_detector)[0] == detector_card


def test_a_detector_looks_at_photos_of_any_size(
    tiny_detector: Path, detector_card: DetectorCard, rng: np.random.Generator
) -> None:
    model = Detector(tiny_detector)
    photo = rng.integers(0, 256, (150, 300)).astype(np.uint8)
    picture, scale = preprocess_photo(photo, detector_card.longest)
    with torch.no_grad():
        inputs = torch.from_numpy(picture[None, None].astype(np.float32) / 255)
        expected = decode_detections(new_detector_network(detector_card)(inputs)[0].numpy(), scale, 0.001)

    def scores(*scales: int, min_score: float = 0.001, photo: Image = photo) -> list[float]:
        found = model.detect(photo, scales=scales, min_score=min_score)
        assert all(np.isfinite(place.corners).all() for place in found)
        return [place.score for place in found]

    whole, small = scores(detector_card.longest), scores(32)
    assert len(whole) == len(expected) > len(small) > 0
    np.testing.assert_allclose(whole, [place.score for place in expected], atol=1e-4)
    assert scores(32, detector_card.longest) == sorted(whole + small, reverse=True)
    least = whole[len(whole) // 2]
    assert scores(detector_card.longest, min_score=least - 1e-6) == [s for s in whole if s >= least]
    assert scores(32, photo=np.zeros((1, 1), np.uint8))


def test_a_detector_is_told_from_the_other_kinds(
    tiny_model: Path, tiny_plate_model: Path, tiny_detector: Path
) -> None:
    for opens in (Detector, load_detector_weights):
        for folder, kind in ((tiny_model, "character"), (tiny_plate_model, "plate")):
            with pytest.raises(ModelError, match=rf"holds a 'plate-ocr {kind} model'.* such as detector"):
                opens(folder)
    others: list[Opener] = [CharModel, CharClassifier, load_weights, PlateModel, load_plate_weights]
    for other in others:
        with pytest.raises(ModelError, match=r"holds a 'plate-ocr detector model'"):
            other(tiny_detector)
    with pytest.raises(ModelError, match="only finds plates; plates, chars and digits read"):
        load_model(tiny_detector)


@pytest.mark.parametrize("opens", [Detector, load_detector_weights])
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "a bicycle"}, "holds a 'a bicycle'"),
        ({"version": VERSION + 1}, "reads up to"),
        ({"longest": 100}, "damaged.*longest"),
        ({"longest": 0}, "damaged.*longest"),
        ({"longest": "640"}, "damaged.*longest"),
        ({"channels": [4, 5, 6]}, "damaged.*channels"),
        ({"channels": [4, 5, 6, 7, 0]}, "damaged.*channels"),
        ({"channels": None}, "damaged"),
        ({"features": 0}, "damaged.*features"),
        ({"blocks": [1, 1]}, "damaged.*blocks"),
        ({"blocks": [1, 1, 0]}, "damaged.*blocks"),
        ({"context": -1}, "damaged.*context"),
        ({"context": 1.5}, "damaged.*context"),
        ({"light": 1}, "damaged.*light"),
        ({"min_score": 0}, "damaged.*min_score"),
        ({"min_score": 1}, "damaged.*min_score"),
        ({"min_score": "high"}, "damaged.*min_score"),
        ({"unheard": 1}, "damaged.*unheard"),
    ],
)
def test_a_detectors_header_that_cannot_be_right_is_refused(
    changes: dict[str, Any], message: str, opens: Opener, tiny_detector: Path
) -> None:
    change_card(tiny_detector, **changes)
    with pytest.raises(ModelError, match=message) as caught:
        opens(tiny_detector)
    assert "\n" not in str(caught.value)


def test_weights_of_another_detector_are_refused(tiny_detector: Path) -> None:
    change_card(tiny_detector, features=33)
    with pytest.raises(ModelError, match=r"do not fit the sizes in the header: .* instead of "):
        load_detector_weights(tiny_detector)


def test_a_network_that_does_not_locate_is_refused(tiny_detector: Path, digit_card: ModelCard) -> None:
    card = header_of(tiny_detector / "model.safetensors")[0]["__metadata__"]
    data = to_onnx(new_network(digit_card), card)
    (tiny_detector / "model.onnx").write_bytes(data)
    with pytest.raises(ModelError, match=r"model\.onnx.* 1 to 9 are expected"):
        Detector(tiny_detector)


def test_the_shipped_detector_is_small(shipped_detector: Path) -> None:
    assert shipped_detector.stat().st_size <= 6_000_000
    assert Detector(shipped_detector).card.longest <= 1280
