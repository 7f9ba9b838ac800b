"""What the encoder sees in each patch of a field: the light, the sharpness and the structures there.

A patch is one place of the grid of `livedead.network.unet.STRIDE`. Its description does not depend on how the
field is cut into windows.
"""

import torch
from torch import Tensor

from livedead.network.unet import SKIPS

LAYERS = SKIPS[:3]
"""Expansions whose inputs describe a patch; those of deeper ones tell strange fields apart less sharply."""


def describe_patches(entry: Tensor, rows: int, columns: int) -> Tensor:
    """Mean and standard deviation of each channel in each patch, (2 C, rows, columns) float32.

    Parameters
    ----------
    entry : Tensor, (C, h, w)
        What enters a block of the encoder; h and w are multiples of `rows` and `columns`.
    """
    channels, height, width = entry.shape
    # Channels last, as a CPU computes them: an eighth of the time of a sum over planes.
    pixels = entry.float().permute(1, 2, 0)
    patches = pixels.reshape(rows, height // rows, columns, width // columns, channels)
    mean, mean_square = (_mean(values) for values in (patches, patches.square()))
    spread = (mean_square - mean.square()).clamp_min(0).sqrt()
    return torch.cat([mean, spread], dim=2).permute(2, 0, 1)


def _mean(patches: Tensor) -> Tensor:
    """Means of (rows, h, columns, w, C) over h and w."""
    return patches.mean(dim=3).mean(dim=1)
