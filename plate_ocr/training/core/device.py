"""Device, precision and processes of a training."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn

from plate_ocr.errors import DeviceError
from plate_ocr.training.core.config import Precision

MIN_WEIGHTS_FOR_BF16 = 100_000
"""Minimum number of weights for which bfloat16 training is faster on a processor that supports it."""


def pick_precision(device: torch.device, network: nn.Module) -> Precision:
    """The fastest precision of a device: 16 bits on GPUs and, for networks that are large enough, on
    processors with bfloat16 instructions.
    """
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported() else "fp16"
    known: Callable[[], bool] = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    large = sum(weight.numel() for weight in network.parameters()) >= MIN_WEIGHTS_FOR_BF16
    return "bf16" if device.type == "cpu" and large and known() else "fp32"


def join_processes(device: torch.device) -> torch.device:
    """Join the processes started by ``torchrun`` to one training; otherwise do nothing.

    Returns:
        This process's own device: if it is CUDA, the device of its local rank.

    Raises:
        DeviceError: if the processes do not find each other.
    """
    if "RANK" not in os.environ or dist.is_initialized():
        return device
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    try:
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    except (RuntimeError, ValueError) as error:
        raise DeviceError(f"the processes of this training cannot connect to each other ({error})") from None
    return device


def is_first_process() -> bool:
    """Whether this process saves and reports."""
    return not dist.is_initialized() or dist.get_rank() == 0


def pick_device(name: str) -> torch.device:
    """The training device.

    Args:
        name: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.

    Raises:
        DeviceError: if the wanted one is not there.
    """
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device(next(name for name in ("cuda", "mps", "cpu") if there[name]))
    if not there[name]:
        built = {"cuda": torch.version.cuda is not None, "mps": torch.backends.mps.is_built()}[name]
        reason = "no GPU is visible" if built else "this PyTorch was built without it"
        raise DeviceError(f"{name.upper()} is not available ({reason}); use --device cpu or auto")
    return torch.device(name)


def to_device(rows: Tensor, device: torch.device) -> Tensor:
    """Copy rows to a device."""
    # Copies from pinned memory are asynchronous.
    if device.type == "cuda" and rows.device.type == "cpu":
        return rows.pin_memory().to(device, non_blocking=True)
    return rows.to(device)


def weight_format(channels_last: bool) -> torch.memory_format:
    """Memory format of a network's weights; pictures may be channels-last independently."""
    # DistributedDataParallel of torch 2.13 corrupts memory on a CPU where weights are channels-last.
    return torch.channels_last if channels_last and not dist.is_initialized() else torch.preserve_format


def cpu_copy(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A copy of a network's weights on the CPU."""
    return {name: value.detach().cpu().clone() for name, value in weights.items()}


@dataclass(frozen=True)
class ProcessGroup:
    """The rows of a batch that belong to this process, and communication between processes."""

    rank: int
    count: int

    @classmethod
    def joined(cls) -> ProcessGroup:
        """The group joined by :func:`join_processes`; otherwise this process alone."""
        return cls(dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else ALONE

    @classmethod
    def on_machine(cls) -> ProcessGroup:
        """The processes of the group on this machine."""
        if not dist.is_initialized():
            return ALONE
        return cls(int(os.environ["LOCAL_RANK"]), int(os.environ["LOCAL_WORLD_SIZE"]))

    def of(self, rows: Tensor) -> Tensor:
        """This process's rows of a batch."""
        return rows if self.count == 1 else rows[self.rank :: self.count]

    def sum(self, value: float, device: torch.device) -> float:
        """The sum of all processes' values."""
        if self.count == 1:
            return value
        total = torch.tensor(value, dtype=torch.float64, device=device)
        dist.all_reduce(total)
        return float(total)

    def same_everywhere(self, value: float, device: torch.device) -> float:
        """The first process's value."""
        if self.count == 1:
            return value
        total = torch.tensor(value, dtype=torch.float64, device=device)
        dist.broadcast(total, 0)
        return float(total)


ALONE = ProcessGroup(0, 1)
"""A single process."""
