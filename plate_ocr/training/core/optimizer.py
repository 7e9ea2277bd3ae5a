"""AdamW over a network's groups, with a scaled loss in half precision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from plate_ocr.training.core.config import TrainSettings


class Optimizer:
    """AdamW in the configured precision.

    Args:
        groups: parts of the network with individual learning rates.
        lrs: peak learning rate of each.
        settings: weight decay, precision and gradient clipping.
        device: of the network.
    """

    def __init__(
        self,
        groups: Sequence[nn.Module],
        lrs: Sequence[float],
        settings: TrainSettings,
        device: torch.device,
    ) -> None:
        self._lrs, self._clip = lrs, settings.grad_clip
        self._precision, self._device = settings.precision, device
        self._adamw = torch.optim.AdamW(
            [{"params": [*g.parameters()], "lr": lr} for g, lr in zip(groups, lrs, strict=True)],
            weight_decay=settings.weight_decay,
            fused=True,
        )
        self._scaler = torch.amp.GradScaler(device.type, enabled=settings.precision == "fp16")

    def begin(self, factor: float) -> None:
        """Clear the gradients, and set the learning rates to ``factor`` times their peaks."""
        for group, lr in zip(self._adamw.param_groups, self._lrs, strict=True):
            group["lr"] = lr * factor
        self._adamw.zero_grad()

    def autocast(self) -> AbstractContextManager[object]:
        """The precision of the forward pass."""
        if self._precision == "fp32":
            return nullcontext()
        dtype = torch.float16 if self._precision == "fp16" else torch.bfloat16
        return torch.autocast(self._device.type, dtype)

    def backward(self, loss: Tensor) -> None:
        """Add the gradients of a loss."""
        scaled = self._scaler.scale(loss) if self._scaler.is_enabled() else loss
        scaled.backward()  # type: ignore[no-untyped-call]

    def step(self) -> None:
        """Update the weights."""
        if self._scaler.is_enabled():
            self._scaler.unscale_(self._adamw)
        if self._clip:
            weights = [weight for group in self._adamw.param_groups for weight in group["params"]]
            nn.utils.clip_grad_norm_(weights, self._clip)
        if self._scaler.is_enabled():
            self._scaler.step(self._adamw)
            self._scaler.update()
        else:
            self._adamw.step()

    def state(self) -> dict[str, Any]:
        """The state to save."""
        return {"optimizer": self._adamw.state_dict(), "scaler": self._scaler.state_dict()}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Restore a :meth:`state`."""
        self._adamw.load_state_dict(state["optimizer"])
        self._scaler.load_state_dict(state["scaler"])
