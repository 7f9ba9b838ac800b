import numpy as np
import torch

from livedead.normalization.transforms import Transform, normalize


def test_numpy_and_torch_normalize_bit_for_bit_alike():
    rng = np.random.default_rng(0)
    field = rng.integers(0, 65536, (50, 60)).astype(np.float32)
    gain = rng.uniform(0.8, 3, (50, 60)).astype(np.float32)
    transform = Transform(gain, 383.0, 31_111.0)
    offset = rng.uniform(-300, 300, (50, 60)).astype(np.float32)
    black, scale = transform.levels(None)
    ours = normalize(field, gain, black, scale, offset)
    theirs = normalize(*map(torch.from_numpy, (field, gain)), black, scale, torch.from_numpy(offset))
    assert ours.dtype == np.float32
    np.testing.assert_array_equal(ours, theirs.numpy())
    assert ours.min() == -1
    assert ours.max() == 1


def test_black_becomes_minus_one_and_white_one():
    transform = Transform(np.ones((1, 3), np.float32), 100.0, 300.0)
    counts = np.array([[100, 200, 300]], np.float32)
    found = normalize(counts, transform.gain, *transform.levels(None))
    np.testing.assert_allclose(found, [[-1, 0, 1]], atol=1e-6)
