"""Changing characters while training, a whole batch at once, so that a model meets other lettering.

Everything happens on grey pictures before they are binarised: blur followed by another threshold
changes the stroke, exactly as a bad camera does.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Augmentation:
    """How strongly characters are changed; each value is the bound of a uniform distribution.

    Attributes:
        shift: displacement, as a part of the picture.
        margin: how much the character may shrink within its picture (a loose cut).
        slant: shear along the line of text, as a part of the height.
        turn: rotation, radians.
        stretch: change of width against height.
        stroke: how far strokes grow or shrink, pixels of the working size.
        blur: standard deviation of a Gaussian blur, pixels of the working size.
        noise: standard deviation of grey noise, as a part of the contrast.
        threshold: displacement of the binarisation threshold, as a part of the contrast.
        neighbour: probability that a piece of another character stands beside it.
        frame: probability that a piece of the plate's frame stands above, below or beside it.
    """

    shift: float = 0.06
    margin: float = 0.35
    slant: float = 0.22
    turn: float = 0.06
    stretch: float = 0.15
    stroke: float = 1.0
    blur: float = 1.6
    noise: float = 0.06
    threshold: float = 0.14
    neighbour: float = 0.3
    frame: float = 0.15


def augment(gray: Tensor, settings: Augmentation, generator: torch.Generator) -> Tensor:
    """Grey pictures to changed grey pictures and thresholds.

    Args:
        gray: float32 ``[batch, 1, height, width]``, 0..1, glyphs bright on dark.
        settings: how strongly.
        generator: source of randomness, on the device of ``gray``.

    Returns:
        float32 ``[batch, 1, height, width]``, 0..1; each picture's binarisation threshold has
        been moved by adding to it, so that Otsu's 0.5 stays the reader's own.
    """
    n = len(gray)
    device = gray.device

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return torch.rand(n, *shape, generator=generator, device=device) * (high - low) + low

    s = settings
    zoom = 1 / (1 - uniform(0, s.margin))
    stretch = torch.exp(uniform(-s.stretch, s.stretch))
    turn = uniform(-s.turn, s.turn)
    slant = uniform(-s.slant, s.slant)
    theta = torch.zeros(n, 2, 3, device=device)
    theta[:, 0, 0] = zoom * stretch * torch.cos(turn)
    theta[:, 0, 1] = zoom * (slant - torch.sin(turn))
    theta[:, 1, 0] = zoom * torch.sin(turn)
    theta[:, 1, 1] = zoom * torch.cos(turn)
    theta[:, :, 2] = uniform(-2 * s.shift, 2 * s.shift, 2)
    moved = F.grid_sample(gray, F.affine_grid(theta, list(gray.shape), align_corners=False), align_corners=False)
    # A neighbour is another picture of the batch, moved by a bit more than a character's width.
    side = torch.sign(uniform(-1, 1))
    beside = theta.clone()
    beside[:, 0, 2] += side * uniform(1.5, 2.1)
    other = gray.roll(1, 0)
    piece = F.grid_sample(other, F.affine_grid(beside, list(gray.shape), align_corners=False), align_corners=False)
    moved = torch.where((uniform(0, 1) < s.neighbour)[:, None, None, None], torch.maximum(moved, piece), moved)
    # Strokes: a blend with the dilated or eroded picture.
    grow = uniform(-s.stroke, s.stroke)[:, None, None, None]
    thick, thin = F.max_pool2d(moved, 3, 1, 1), -F.max_pool2d(-moved, 3, 1, 1)
    moved = torch.where(grow > 0, moved + grow * (thick - moved), moved - grow * (thin - moved))
    # A frame: bright lines near the edges.
    rows = torch.arange(gray.shape[2], device=device)[None, None, :, None]
    line = uniform(0, 3)[:, None, None, None]
    at_top = (uniform(0, 1) < 0.5)[:, None, None, None]
    bar = torch.where(at_top, rows < line, rows >= gray.shape[2] - line).float()
    framed = (uniform(0, 1) < s.frame)[:, None, None, None]
    moved = torch.where(framed, torch.maximum(moved, bar.expand_as(moved)), moved)
    # Blur: between the picture and two fixed Gaussians.
    moved = _blur(moved, uniform(0, s.blur))
    moved = moved + torch.randn(moved.shape, generator=generator, device=device) * uniform(0, s.noise)[:, None, None, None]
    return moved


def _blur(pictures: Tensor, sigma: Tensor) -> Tensor:
    """Gaussian blur with one standard deviation a picture, separable, as grouped convolutions."""
    radius = 4
    places = torch.arange(-radius, radius + 1, device=pictures.device, dtype=pictures.dtype)
    kernel = torch.exp(-0.5 * (places / sigma.clamp(min=0.05)[:, None]) ** 2)
    kernel = kernel / kernel.sum(1, keepdim=True)
    n, _, height, width = pictures.shape
    flat = pictures.reshape(1, n, height, width)
    flat = F.conv2d(F.pad(flat, (radius, radius, 0, 0), mode="replicate"), kernel[:, None, None, :], groups=n)
    flat = F.conv2d(F.pad(flat, (0, 0, radius, radius), mode="replicate"), kernel[:, None, :, None], groups=n)
    return flat.reshape(n, 1, height, width)
