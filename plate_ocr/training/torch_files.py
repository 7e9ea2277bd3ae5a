"""Checkpoints of torch, this package's and any other: what they hold, and their weights alone.

They are opened with ``weights_only=True``: a checkpoint is a pickle, and a pickle may name any function
to be called while it is read.
"""

from __future__ import annotations

import contextlib
import pickle
import pickletools
import re
import warnings
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from plate_ocr.errors import ModelError, OutputError
from plate_ocr.files import write_whole
from plate_ocr.model.cards import METADATA_KEY, Card, card_from
from plate_ocr.model.contents import Contents, Part, TensorInfo, read_file
from plate_ocr.networks.weights import network_for_card, read_any_weights

WEIGHT_KEYS = ("model", "state_dict", "model_state_dict", "network", "net", "weights")
"""Under the first of these a checkpoint with several networks is expected to keep the one to use."""

TOO_DEEP = "the lists and dictionaries of the checkpoint are nested too deep"

Keys: TypeAlias = tuple[str, ...]

BEST: Keys = ("trainer", "best")
"""Where a checkpoint of this package keeps its best weights."""


@dataclass(frozen=True)
class Stripped:
    """The weights of a checkpoint, written to files of their own.

    Attributes:
        files: that were written; the first is the ``.safetensors`` file.
        before: bytes of the checkpoint.
        after: bytes of the ``.safetensors`` file.
        left: the parts that were left behind.
        note: where the card in the header comes from, or why there is none; empty for foreign checkpoints.
    """

    files: tuple[Path, ...]
    before: int
    after: int
    left: tuple[str, ...]
    note: str = ""

    def lines(self) -> list[str]:
        """The same for people."""
        return [
            *(str(path) for path in self.files),
            f"{self.before:,} bytes before, {self.after:,} after: {self.before / self.after:.1f} to 1",
            f"left behind: {', '.join(self.left) or 'nothing'}",
            *([self.note] if self.note else []),
        ]


def checkpoint_contents(path: Path) -> Contents:
    """What a file of ``torch.save`` holds.

    Args:
        path: dictionaries and lists of tensors, nested as one likes. The tensors stay on the disk
            where the file's format allows it.

    Returns:
        A part for each dictionary of tensors, for each moment of an optimiser, and for what holds
        none. A tensor takes the bytes of the storage it is a view of, as torch saves it; a storage
        counts once, where it is met first. Numbers and text take what they take as a pickle of
        their own, and the last part is what remains.

    Raises:
        ModelError: if it cannot be read, or only by running code.
    """
    state = load_checkpoint(path)
    tree = _Tree(state)
    counted: set[int] = set()
    groups: dict[Keys, list[tuple[Keys, Tensor]]] = defaultdict(list)
    for keys, tensor in tree.tensors:
        groups[tree.part_of(keys)].append((keys, tensor))
    parts = [
        Part(
            _name(part),
            sum(_stored(tensor, counted) for _, tensor in members),
            tuple(_info(keys, tensor) for keys, tensor in members),
        )
        for part, members in groups.items()
    ]
    sizes: dict[Keys, int] = defaultdict(int)
    for keys, value in tree.values:
        sizes[tree.part_of(keys, value=True)] += _pickled(value)
    parts += [Part(_name(keys), size) for keys, size in sizes.items()]
    size = path.stat().st_size
    rest = size - sum(part.bytes for part in parts)
    parts.append(Part("names and archive", rest))
    if not _is_run(state):
        return Contents(path, "torch checkpoint", size, tuple(parts))
    facts = {"version": state["version"]}
    if isinstance(history := state["trainer"].get("history"), list):
        facts["epochs"] = len(history)
    return Contents(path, "plate-ocr checkpoint", size, tuple(parts), None, facts)


def strip_checkpoint(path: Path, out: Path | None = None) -> Stripped:
    """Write the weights of a checkpoint to a ``.safetensors`` file.

    A checkpoint of this package gives its best weights, with a card in the header and an ``.onnx``
    file to read with when its run folder tells what the weights are for. Of any other checkpoint the
    dictionary of floating-point tensors that is no optimiser's is taken; of several the one under
    the first of :data:`WEIGHT_KEYS`, or all when none is named so.

    Args:
        path: of ``torch.save``.
        out: a ``.safetensors`` file, which may exist; by default the checkpoint's name with that
            suffix, which may not.

    Raises:
        ModelError: if the checkpoint cannot be read, is of a newer version or holds no weights.
        OutputError: if ``out`` cannot be written.
    """
    state = load_checkpoint(path)
    target = path.with_suffix(".safetensors") if out is None else out
    if target.suffix != ".safetensors":
        raise OutputError(f"{target} does not end in .safetensors")
    if out is None and target.exists():
        raise OutputError(f"{target} is there already; name another file with -o")
    tree = _Tree(state)
    card, note = None, ""
    if _is_run(state):
        chosen, card, note = _best_weights(path, tree, state)
        root: Keys = BEST
    else:
        root, chosen = _weights(tree, path)
    weights = {_name(keys[len(root) :]): tensor for keys, tensor in chosen}
    files: tuple[Path, ...] = (target,)
    if card is None:
        _save(weights, target, path)
    else:
        from plate_ocr.networks.export import save_model

        network = network_for_card(card)
        network.load_state_dict(weights)
        files = save_model(network, card, target)
    taken = {keys for keys, _ in chosen}
    left = [tree.part_of(keys) for keys, _ in tree.tensors if keys not in taken]
    left += [tree.part_of(keys, value=True) for keys, _ in tree.values]
    names = tuple(dict.fromkeys(_name(keys) for keys in left))
    return Stripped(files, path.stat().st_size, target.stat().st_size, names, note)


def load_checkpoint(path: Path) -> Any:
    """Open a file of ``torch.save`` without running code of it.

    Args:
        path: the file.

    Returns:
        What was saved, with tensors on the CPU, mapped into memory where the file is a zip archive.

    Raises:
        ModelError: if it cannot be read, or only by running code: then the type that asks for it is named.
    """
    return read_file(path, "a whole checkpoint of torch.save", _load)


def _load(path: Path) -> Any:
    with path.open("rb") as file:
        archive = file.read(2) == b"PK"
    try:
        with warnings.catch_warnings():
            # Pickles of other protocols are warned of, and then refused or read all the same.
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True, mmap=archive)
    except pickle.UnpicklingError as error:
        if name := _needs_code(str(error), path):
            raise ModelError(
                f"{path} is refused: it names {name}, code that would have to run to open the file; only "
                f"tensors, numbers, text, lists and dictionaries are read, as "
                f"torch.save(network.state_dict(), FILE) writes them"
            ) from None
        raise ValueError("it is damaged, or something else") from None
    except Exception as error:  # torch.load raises nearly anything on damaged files
        if "TorchScript" in str(error):
            raise ModelError(
                f"{path} is refused: it is a TorchScript archive, which is code to run"
            ) from None
        raise ValueError("it is cut short, or something else") from None


def _needs_code(message: str, path: Path) -> str | None:
    """The type that torch refused, or the first that a pickle of another protocol names."""
    if found := re.search(r"GLOBAL ([\w.]+)", message) or re.search(
        r"<(?:class|function) '?([\w.]+)", message
    ):
        return found[1]
    text: list[str] = []
    try:
        for operation, argument, _ in pickletools.genops(path.read_bytes()):
            if operation.name == "GLOBAL":
                return str(argument).replace(" ", ".")
            if operation.name == "STACK_GLOBAL":
                return ".".join(text[-2:])
            if isinstance(argument, str):
                text.append(argument)
    except ValueError:
        pass
    return None


class _Tree:
    """The tensors and other values of nested dictionaries and lists, each by its keys.

    Attributes:
        tensors: in order.
        values: what holds no tensor, as far up as possible.
    """

    def __init__(self, state: Any) -> None:
        self.tensors: list[tuple[Keys, Tensor]] = []
        self.values: list[tuple[Keys, Any]] = []
        self._optimizers: set[Keys] = set()
        self._seen: dict[int, bool] = {}
        try:
            if not self._walk(state, ()):
                self.values = [(("values",), state)]
        except RecursionError:
            raise ModelError(TOO_DEEP) from None
        parents = {keys[:-1] for keys, _ in self.tensors}
        inner = {keys[:i] for keys in parents for i in range(len(keys))}
        self._groups = parents - inner

    def part_of(self, keys: Keys, *, value: bool = False) -> Keys:
        """Keys of the part that a tensor or value belongs to."""
        for length in range(len(keys)):
            if keys[:length] in self._optimizers:
                # state.17.exp_avg belongs to exp_avg, whatever parameter it is of.
                return (*keys[:length], keys[-1])
        return keys[:-1] if not value and keys[:-1] in self._groups else keys

    def is_weight_group(self, part: Keys) -> bool:
        """Whether a part is a dictionary of tensors that is no optimiser's."""
        return part in self._groups and not any(part[:i] in self._optimizers for i in range(len(part) + 1))

    def _walk(self, value: Any, keys: Keys) -> bool:
        """Note what is in a value; whether there are tensors."""
        if isinstance(value, Tensor):
            self.tensors.append((keys, value))
            return True
        children: Iterator[tuple[Any, Any]]
        if isinstance(value, Mapping):
            children = iter(value.items())
            if {"state", "param_groups"} <= value.keys():
                self._optimizers.add(keys)
        elif isinstance(value, (list, tuple)):
            children = enumerate(value)
        else:
            return False
        # A list can hold itself, or one list many times over.
        if id(value) in self._seen:
            return self._seen[id(value)]
        self._seen[id(value)] = False
        plain = []
        for key, child in children:
            if self._walk(child, (*keys, str(key))):
                self._seen[id(value)] = True
            else:
                plain.append(((*keys, str(key)), child))
        if self._seen[id(value)]:
            self.values += plain
        return self._seen[id(value)]


def _weights(tree: _Tree, path: Path) -> tuple[Keys, list[tuple[Keys, Tensor]]]:
    """Where the weights of a foreign checkpoint lie, and the weights."""
    groups = list(
        dict.fromkeys(
            tree.part_of(keys)
            for keys, tensor in tree.tensors
            # Random states are dictionaries or lists of tensors too, of bytes.
            if tensor.is_floating_point() and tree.is_weight_group(tree.part_of(keys))
        )
    )
    if not groups:
        raise ModelError(f"{path} holds no dictionary of weights")
    if len(groups) == 1:
        return groups[0], [(k, t) for k, t in tree.tensors if tree.part_of(k) == groups[0]]
    for key in WEIGHT_KEYS:
        if any(group[0] == key for group in groups):
            return (key,), [(k, t) for k, t in tree.tensors if k[0] == key]
    return (), [(k, t) for k, t in tree.tensors if tree.part_of(k) in groups]


def _is_run(state: Any) -> bool:
    return (
        isinstance(state, dict)
        and isinstance(state.get("version"), int)
        and isinstance(state.get("trainer"), dict)
        and isinstance(state["trainer"].get("best"), dict)
    )


def _best_weights(
    path: Path, tree: _Tree, state: dict[str, Any]
) -> tuple[list[tuple[Keys, Tensor]], Card, str]:
    """The best weights of a run, their card, and where that came from."""
    from plate_ocr.training.core.checkpoint import CHECKPOINT_VERSION

    if state["version"] != CHECKPOINT_VERSION:
        raise ModelError(
            f"{path} has version {state['version']}, this plate-ocr reads version {CHECKPOINT_VERSION}"
        )
    chosen = [(keys, tensor) for keys, tensor in tree.tensors if keys[: len(BEST)] == BEST]
    best = {_name(keys[len(BEST) :]): tensor for keys, tensor in chosen}
    model = path.parent / "model.safetensors"
    with contextlib.suppress(ModelError):  # there is none yet, or it is of something else
        card, weights = read_any_weights(model)
        kept = {name: best[name].to(weights[name].dtype) for name in best if name in weights}
        if weights.keys() == best.keys() and all(torch.equal(weights[name], kept[name]) for name in best):
            return chosen, card, f"the card is that of {model}, which has the same weights"
    card = card_from({METADATA_KEY: state["card"]}, path)
    return chosen, card, "the card is that of the checkpoint; nothing is measured yet"


def _save(weights: Mapping[str, Tensor], target: Path, path: Path) -> None:
    for name, tensor in weights.items():
        if tensor.layout != torch.strided or tensor.is_quantized:
            raise ModelError(f"{path}: {name} is sparse or quantised, which a .safetensors file cannot hold")
    # Copies: what shares its memory with another tensor is refused, and a view drags its storage along.
    plain = {name: tensor.clone(memory_format=torch.contiguous_format) for name, tensor in weights.items()}
    try:
        write_whole(target, safetensors.torch.save(plain))
    except (SafetensorError, KeyError) as error:
        raise ModelError(f"{path}: a .safetensors file cannot hold its weights ({error})") from None


def _stored(tensor: Tensor, counted: set[int]) -> int:
    """Bytes of the storage under a tensor unless it was counted before."""
    if tensor.layout != torch.strided:
        return int(tensor._nnz()) * tensor.element_size()
    storage = tensor.untyped_storage()
    if storage.data_ptr() in counted:
        return 0
    counted.add(storage.data_ptr())
    return storage.nbytes()


def _pickled(value: Any) -> int:
    try:
        return len(pickle.dumps(value, 2))
    except RecursionError:
        raise ModelError(TOO_DEEP) from None


def _info(keys: Keys, tensor: Tensor) -> TensorInfo:
    format = str(tensor.dtype).removeprefix("torch.")
    return TensorInfo(_name(keys), format, tuple(tensor.shape), tensor.numel() * tensor.element_size())


def _name(keys: Keys) -> str:
    return ".".join(keys) or "weights"
