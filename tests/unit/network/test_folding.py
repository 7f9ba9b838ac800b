import copy

import numpy as np
import pytest
import torch
from conftest import randomized

from livedead.network.folding import folded
from livedead.network.unet import Architecture, StrideConv


@pytest.mark.parametrize("kernel", [3, 4])
@pytest.mark.parametrize("stride_padding", ["correct", "even"])
@pytest.mark.parametrize("n_classes", [1, 5])
def test_the_folded_network_differs_by_rounding_only(kernel, stride_padding, n_classes):
    network = randomized(
        Architecture(
            n_classes=n_classes,
            alpha=0.35,
            decoder_widths=(16, 12, 8, 8),
            kernel=kernel,
            stride_padding=stride_padding,
        )
    ).double()
    x = torch.from_numpy(np.random.default_rng(0).uniform(-1, 1, (2, 1, 96, 64)))
    with torch.no_grad():
        expected, found = network(x), folded(copy.deepcopy(network))(x)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)
    slow = (torch.nn.BatchNorm2d, torch.nn.ConvTranspose2d, StrideConv)
    kept = [part for part in folded(network).modules() if isinstance(part, slow)]
    assert len(kept) == 4, "the transposed convolutions of the blocks, which are as fast as any"
