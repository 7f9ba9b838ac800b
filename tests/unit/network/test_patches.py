import numpy as np
import pytest
import torch
from conftest import randomized

from livedead.network.patches import describe_patches
from livedead.network.plan import Plan
from livedead.network.segmenter import Segmenter
from livedead.network.unet import STRIDE, Architecture
from livedead.normalization.transforms import Transform

ARCHITECTURE = Architecture(n_classes=5, alpha=0.35, decoder_widths=(16, 12, 8, 8))


def test_a_patch_is_described_by_mean_and_spread():
    entry = torch.arange(2 * 4 * 6, dtype=torch.float32).reshape(2, 4, 6) ** 2
    found = describe_patches(entry, rows=2, columns=3).numpy()
    assert found.shape == (4, 2, 3)
    for row in range(2):
        for column in range(3):
            patch = entry[:, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2].numpy().astype(float)
            expected = [*patch.mean(axis=(1, 2)), *patch.std(axis=(1, 2))]
            assert found[:, row, column] == pytest.approx(expected, rel=1e-6)


def patches_of(raw, scale, **plan):
    transform = Transform(np.ones(raw.shape[1:], np.float32), 0.0, 65535.0)
    network = randomized(ARCHITECTURE, 3).requires_grad_(False)
    segmenter = Segmenter(network, [transform], Plan(device="cpu", **plan), scale=scale)
    return segmenter.segment(raw).patches


@pytest.mark.parametrize("scale", [1.0, 0.7])
@pytest.mark.parametrize("plan", [{"force": "banded"}, {"tile_px": 96}])
def test_patches_are_the_same_whole_banded_and_tiled(scale, plan):
    raw = np.random.default_rng(0).integers(0, 65536, (1, 290, 330), dtype=np.uint16)
    whole, parts = patches_of(raw, scale), patches_of(raw, scale, **plan)
    sides = [-(-round(scale * side) // STRIDE) for side in raw.shape[1:]]
    # Blocks 1, 3 and 6 of an encoder of width 0.35 read 8, 8 and 16 channels; means and spreads of each.
    assert whole.shape == parts.shape == (sides[0] * sides[1], 2 * (8 + 8 + 16))
    # Tiles come in another order: each patch must be one of the whole field's, all of them once.
    nearest = np.abs(parts[:, None] - whole).max(axis=2)
    assert sorted(nearest.argmin(axis=1)) == list(range(len(whole)))
    assert nearest.min(axis=1).max() < 1e-3
