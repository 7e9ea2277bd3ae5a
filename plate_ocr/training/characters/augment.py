"""Changing characters while training, a whole batch at once, so that a model meets other lettering.

Everything happens on grey pictures before they are binarised: blur followed by another threshold
changes the stroke, exactly as a bad camera does.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

LATE_FRACTION = 0.3
"""Last fraction of the training, with weaker augmentation."""


@dataclass(frozen=True)
class Augmentation:
    """How strongly characters are changed; each value is the bound of a uniform distribution.

    Attributes:
        mildness: how much rarer strong changes are than weak ones; 1: as frequent.
        late_mildness: the same in the last :data:`LATE_FRACTION` of the training, where the network adapts to
            pictures as they are (Ge et al., *YOLOX*, 2021).
        shift: displacement, as a part of the picture.
        margin: how much the character may shrink within its picture (a loose cut).
        loose: how much wider than the character was cut the picture may be, as a part of its width.
        slant: shear along the line of text, as a part of the height.
        turn: rotation, radians.
        stretch: change of width against height.
        stroke: how far strokes grow or shrink, pixels of the working size.
        blur: standard deviation of a Gaussian blur, pixels of the working size.
        noise: standard deviation of grey noise, as a part of the contrast.
        threshold: displacement of the binarisation threshold, as a part of the contrast.
        neighbour: probability that a piece of another character stands on one side of it; on either.
        frame: probability that a line of the plate's frame stands above or below it.
        side: the same on its left or right.
        negatives: fraction of pictures replaced by pictures without a character.
        inverted: fraction of pictures with inverted polarity. The network is trained to be uncertain about
            these and about negatives (outlier exposure: Hendrycks et al., *Deep Anomaly Detection with
            Outlier Exposure*, 2019).
    """

    mildness: float = 2.0
    late_mildness: float = 10.0
    shift: float = 0.06
    margin: float = 0.35
    loose: float = 0.6
    slant: float = 0.22
    turn: float = 0.06
    stretch: float = 0.15
    stroke: float = 1.0
    blur: float = 1.6
    noise: float = 0.06
    threshold: float = 0.14
    neighbour: float = 0.25
    frame: float = 0.15
    side: float = 0.0
    negatives: float = 0.05
    inverted: float = 0.1

    def at(self, progress: float) -> Augmentation:
        """How strongly characters are changed when so much of a training, 0..1, is done."""
        return (
            self if progress < 1 - LATE_FRACTION else dataclasses.replace(self, mildness=self.late_mildness)
        )


def augment(gray: Tensor, settings: Augmentation, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Change grey pictures of characters.

    Args:
        gray: float32 ``[batch, 1, height, width]``, 0..1, glyphs bright on dark.
        settings: how strongly.
        generator: source of randomness, on the device of ``gray``.

    Returns:
        float32 ``[batch, 1, height, width]``, about 0..1, and float32 ``[batch]``: how much wider, for its
        height, a picture is now than before.
    """
    n, s = len(gray), settings

    def random() -> Tensor:
        return torch.rand(n, generator=generator, device=gray.device)

    # Each picture is changed as a whole by between nothing and all that is allowed.
    strength = random() ** s.mildness

    def uniform(low: float, high: float) -> Tensor:
        return (random() * (high - low) + low) * strength

    def chance(probability: float) -> Tensor:
        return (random() < 2 * probability * strength)[:, None, None, None]

    def sample(pictures: Tensor, affine: Tensor) -> Tensor:
        grid = F.affine_grid(affine, list(pictures.shape), align_corners=False)
        return F.grid_sample(pictures, grid, align_corners=False)

    zoom = 1 / (1 - uniform(0, s.margin))
    turn = uniform(-s.turn, s.turn)
    wider = 1 + uniform(0, s.loose)
    affine = torch.zeros(n, 2, 3, device=gray.device)
    affine[:, 0, 0] = wider * zoom * torch.exp(uniform(-s.stretch, s.stretch)) * torch.cos(turn)
    affine[:, 0, 1] = zoom * (uniform(-s.slant, s.slant) - torch.sin(turn))
    affine[:, 1, 0] = zoom * torch.sin(turn)
    affine[:, 1, 1] = zoom * torch.cos(turn)
    # The grid spans -1..1: twice the displacement.
    affine[:, 0, 2] = 2 * uniform(-s.shift, s.shift)
    affine[:, 1, 2] = 2 * uniform(-s.shift, s.shift)
    changed = sample(gray, affine)

    for side in (-1, 1):
        beside = affine.clone()
        beside[:, 0, 2] += side * (1.5 + 0.6 * random())
        drawn = torch.maximum(changed, sample(gray.roll(side, 0), beside))
        changed = torch.where(chance(s.neighbour), drawn, changed)

    grow = uniform(-s.stroke, s.stroke)[:, None, None, None]
    thick, thin = F.max_pool2d(changed, 3, 1, 1), -F.max_pool2d(-changed, 3, 1, 1)
    changed = changed + torch.where(grow > 0, grow * (thick - changed), -grow * (thin - changed))

    for axis, probability, inwards in ((2, s.frame, 0.0), (3, s.side, 0.2)):
        if not probability:
            continue
        size = gray.shape[axis]
        places = torch.arange(size, device=gray.device).reshape([-1, 1] if axis == 2 else [1, -1])
        thickness = (0.075 * size * random())[:, None, None, None]
        first = (random() < 0.5)[:, None, None, None]
        begin = inwards * size * random()[:, None, None, None] if inwards else 0.0
        low = (places >= begin) & (places < begin + thickness)
        high = (places < size - begin) & (places >= size - begin - thickness)
        line = torch.where(first, low, high).float()
        changed = torch.where(chance(probability), torch.maximum(changed, line.expand_as(changed)), changed)

    changed = _blur(changed, uniform(0, s.blur))
    noise = torch.randn(changed.shape, generator=generator, device=gray.device)
    return changed + noise * uniform(0, s.noise)[:, None, None, None], wider


def make_negatives(gray: Tensor, generator: torch.Generator) -> Tensor:
    """Pictures that look like something but are no character.

    In turn: halves of two characters side by side, halves of two above each other, smooth noise.

    Args:
        gray: float32 ``[batch, 1, height, width]``, 0..1, glyphs bright on dark.
        generator: source of randomness, on the device of ``gray``.

    Returns:
        float32 ``[batch, 1, height, width]``, 0..1.
    """
    n, _, height, width = gray.shape
    other = gray.roll(1, 0)
    beside = torch.cat([gray[..., width // 2 :], other[..., : width // 2]], 3)
    above = torch.cat([gray[:, :, height // 2 :], other[:, :, : height // 2]], 2)
    noise = torch.rand(gray.shape, generator=generator, device=gray.device)
    sigma = torch.rand(n, generator=generator, device=gray.device) * 4
    smooth = _blur(noise, sigma)
    low, high = smooth.amin((1, 2, 3), keepdim=True), smooth.amax((1, 2, 3), keepdim=True)
    smooth = (smooth - low) / (high - low)
    variant = torch.arange(n, device=gray.device)[:, None, None, None] % 3
    return torch.where(variant == 0, beside, torch.where(variant == 1, above, smooth))


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
