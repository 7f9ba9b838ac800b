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
    patches = entry.float().reshape(channels, rows, height // rows, columns, width // columns)
    spread, mean = torch.std_mean(patches, dim=(2, 4), correction=0)
    return torch.cat([mean, spread])
