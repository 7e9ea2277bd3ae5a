"""Connected components: isolates the white pixels of one character."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

MAX_NEIGHBOUR_AREA = 0.15
"""Maximum area, relative to the main component, of a component beside it that touches the picture's edge
and counts as part of a neighbouring character."""


@dataclass(frozen=True)
class Components:
    """The connected components of a stack of binary pictures, found in one pass.

    Attributes:
        labels: int32 ``(N * (H + 1), W)``: the pictures below each other with a black line after
            each; 0 is the background, ``i + 1`` the pixels of component ``i``.
        boxes: float64 ``(K, 4)``: left, top, right, bottom of each component in ``labels``.
        area: float64 ``(K,)``: pixels.
        center: float64 ``(K, 2)``: x and y of the centroid within its picture, -0.5..0.5.
        owner: int64 ``(K,)``: index of the picture of each component.
        shape: ``(N, H, W)``.
    """

    labels: NDArray[np.int32]
    boxes: NDArray[np.float64]
    area: NDArray[np.float64]
    center: NDArray[np.float64]
    owner: NDArray[np.int64]
    shape: tuple[int, int, int]


@dataclass(frozen=True)
class Isolated:
    """The characters in the middle of a stack of pictures.

    Attributes:
        binary: uint8 ``(N, H, W)``: only the character's own pixels white.
        boxes: float64 ``(N, 4)``: left, top, right, bottom of each character in its picture.
        found: bool ``(N,)``: False if a picture has no character; its box is then the whole picture.
    """

    binary: NDArray[np.uint8]
    boxes: NDArray[np.float64]
    found: NDArray[np.bool_]


def connected_components(binary: NDArray[np.uint8]) -> Components:
    """Label the 8-connected white components of a stack of pictures.

    Args:
        binary: uint8 ``(N, H, W)``, 0 or 255, glyphs white.
    """
    count, height, width = binary.shape
    cell = height + 1
    sheet = np.zeros((count, cell, width), np.uint8)
    sheet[:, :height] = binary
    # Block-based labelling (Grana et al., 2010): nearly twice as fast as OpenCV's default on glyphs.
    _, labels, stats, centroids = cv2.connectedComponentsWithStatsWithAlgorithm(
        sheet.reshape(count * cell, width), 8, cv2.CV_32S, cv2.CCL_GRANA
    )
    left, top, wide, high, area = stats[1:].T.astype(np.float64)
    owner = (stats[1:, cv2.CC_STAT_TOP] // cell).astype(np.int64)
    x, y = centroids[1:].T
    center = np.stack([(x + 0.5) / width - 0.5, (y - owner * cell + 0.5) / height - 0.5], axis=1)
    boxes = np.stack([left, top, left + wide, top + high], axis=1)
    return Components(np.asarray(labels, np.int32), boxes, area, center, owner, (count, height, width))


def isolate(
    components: Components, reach: NDArray[np.float64] | float = 0.0, *, min_area: float = 0.01
) -> Isolated:
    """Keep the component nearest the centre of each picture, and the parts that belong to it.

    Around a loosely cut character stand pieces of its neighbours, of the frame and of rivets.
    The main component has the best ratio of size to squared distance from the centre. Others stay
    if their middle lies within the main one's sides, widened by ``reach``.

    Args:
        components: of a stack of N pictures.
        reach: how far beyond the main component's sides others may lie, in pixels; one number
            or float64 ``(N,)``. 0 suits letters and digits; Chinese characters have parts side by side.
        min_area: minimum area of a part of a character, as a share of the picture.

    Returns:
        The cleaned pictures and the boxes of their characters.
    """
    count, height, width = components.shape
    owner, boxes = components.owner, components.boxes
    big = components.area >= min_area * height * width
    x, y = components.center.T
    # Distances down the picture count less: a character fills its picture's height.
    score = np.where(big, components.area, 0) / (0.05 + x * x + 0.3 * y * y)
    best = np.zeros(count)
    np.maximum.at(best, owner, score)
    main = np.zeros(count, np.int64)
    is_main = big & (score == best[owner])
    main[owner[is_main]] = np.flatnonzero(is_main)
    found = best > 0

    if len(owner):
        allowed = np.broadcast_to(np.asarray(reach, np.float64), (count,))[owner]
        middle = (boxes[:, 0] + boxes[:, 2]) / 2
        left, right = boxes[main[owner], 0], boxes[main[owner], 2]
        keep = big & (middle >= left - allowed) & (middle <= right + allowed)
        beside = (middle < left) | (middle > right)
        cut_off = (boxes[:, 0] == 0) | (boxes[:, 2] == width)
        keep &= ~(beside & cut_off & (components.area < MAX_NEIGHBOUR_AREA * components.area[main[owner]]))
    else:
        keep = np.zeros(0, np.bool_)
    table = np.zeros(len(owner) + 1, np.uint8)
    table[1:][keep] = 255

    tight = np.tile(np.array([np.inf, np.inf, -np.inf, -np.inf]), (count, 1))
    for side in range(4):
        extreme = np.minimum if side < 2 else np.maximum
        extreme.at(tight[:, side], owner[keep], boxes[keep, side])
    tight[:, [1, 3]] -= (np.arange(count) * (height + 1))[:, None]
    tight[~found] = [0, 0, width, height]
    sheet = table[components.labels].reshape(count, height + 1, width)
    return Isolated(sheet[:, :height], tight, found)
