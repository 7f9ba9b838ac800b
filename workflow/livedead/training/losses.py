"""What training minimizes: a loss on pixels, and one on whole cells."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from livedead.cells.labels import label_cells
from livedead.network.classes import Classes


def class_weights(counts: np.ndarray) -> np.ndarray:
    """Weights that fall with the square root of a class's frequency, 1 on average over pixels.

    Parameters
    ----------
    counts : ndarray, (n_classes,)
        Pixels of each class. A class without any has weight 0.
    """
    raw = 1 / np.sqrt(np.maximum(counts, 1) / counts.sum())
    raw[counts == 0] = 0
    return raw * counts.sum() / (raw * counts).sum()


def segmentation_loss(logits: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """Weighted cross-entropy plus one minus the mean soft Dice of all classes but the first.

    Parameters
    ----------
    logits : Tensor, (N, K, H, W)
    target : Tensor, (N, H, W), int64
    weights : Tensor, (K,)

    References
    ----------
    Milletari et al. (2016), V-Net, https://arxiv.org/abs/1606.04797 (the Dice term).
    """
    entropy = F.cross_entropy(logits, target, weights)
    probability = logits.softmax(dim=1)[:, 1:]
    truth = F.one_hot(target, logits.shape[1]).movedim(-1, 1)[:, 1:].to(probability)
    overlap = (probability * truth).sum(dim=(0, 2, 3))
    total = probability.sum(dim=(0, 2, 3)) + truth.sum(dim=(0, 2, 3))
    return entropy + 1 - ((2 * overlap + 1) / (total + 1)).mean()


class WholeCells(NamedTuple):
    """The cells of a batch, each a connected component of one state.

    Attributes
    ----------
    pixels : ndarray, (P,), int64
        Flat positions of their pixels in the batch.
    owner : ndarray, (P,), int64
        The cell, from 0, that each of these pixels belongs to.
    area_px, is_dead : ndarray, (n_cells,), float32
    """

    pixels: np.ndarray
    owner: np.ndarray
    area_px: np.ndarray
    is_dead: np.ndarray


def whole_cells(target: np.ndarray, classes: Classes) -> WholeCells:
    """Find the cells in a batch of class maps, (N, H, W) uint8."""
    labels, n_cells, n_live = np.zeros(target.shape, np.int64), 0, 0
    for state in ("live", "dead"):
        n_live = n_cells
        for own, class_map in zip(labels, target, strict=True):
            found = label_cells(class_map, classes.only(state))
            own[found > 0] = found[found > 0] + n_cells
            n_cells += int(found.max())
    pixels = np.flatnonzero(labels)
    owner = labels.ravel()[pixels] - 1
    area_px = np.bincount(owner, minlength=n_cells).astype(np.float32)
    return WholeCells(pixels, owner, area_px, (np.arange(n_cells) >= n_live).astype(np.float32))


def cell_loss(logits: Tensor, cells: WholeCells, classes: Classes, dead_weight: float = 1.0) -> Tensor:
    """Cross-entropy of whole cells: one decision for each, live or dead, as in counting.

    A cell has the mean log-odds of its pixels of being dead. So a cell that is half right has a
    gradient on all of its pixels, and a small cell counts as much as a large one. Cells cut by the
    tile's edge count less: all cells below the median area are weighted by area over median area.

    Parameters
    ----------
    logits : Tensor, (N, K, H, W)
    cells : WholeCells
    classes : Classes
    dead_weight : float
        Weight of dead cells relative to live ones.
    """
    if not len(cells.area_px):
        return logits.new_zeros(())
    pixels, owner, area, is_dead = (torch.from_numpy(part).to(logits.device) for part in cells)
    dead, live = (logits[:, list(classes.of(state))].logsumexp(dim=1) for state in ("dead", "live"))
    odds = logits.new_zeros(len(area)).index_add(0, owner, (dead - live).flatten()[pixels]) / area
    entropy = F.binary_cross_entropy_with_logits(
        odds, is_dead, reduction="none", pos_weight=logits.new_tensor(dead_weight)
    )
    weight = (area / float(np.median(cells.area_px))).clamp(max=1)
    return (entropy * weight).sum() / weight.sum()
