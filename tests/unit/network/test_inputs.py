import h5py
import numpy as np
import pytest
import torch

from livedead.network.inputs import Inputs
from livedead.normalization.transforms import Transform

SHAPE = (45, 70)
WINDOWS = [(slice(0, 64), slice(0, 96)), (slice(0, 32), slice(32, 64)), (slice(32, 64), slice(64, 96))]
KEY = ("B02", 1, 3)


def plate():
    """A brightfield channel, and a fluorescent one whose black and white hold for a field."""
    rng = np.random.default_rng(0)
    gains = rng.uniform(0.5, 2, (2, *SHAPE)).astype(np.float32)
    offset = rng.normal(0, 50, SHAPE).astype(np.float32)
    counts = rng.integers(0, 65536, (2, *SHAPE), dtype=np.uint16)
    transforms = [
        Transform(gains[0], 100.0, 60_000.0),
        Transform(gains[1], 0.0, 1.0, offset, local={KEY: (500.0, 30_500.0)}),
    ]
    return counts, transforms


def expected():
    """By the formula at the head of `livedead.normalization`, in float64, then padded by NumPy."""
    counts, (light, dye) = plate()
    first = (counts[0] * light.gain.astype(float) - 100) * (2 / 59_900) - 1
    second = (counts[1] * dye.gain.astype(float) + dye.offset - 500) * (2 / 30_000) - 1
    return np.pad(np.stack([first, second]).clip(-1, 1), ((0, 0), (0, 19), (0, 26)), mode="reflect")


@pytest.mark.parametrize("window", WINDOWS)
def test_windows_are_normalized_and_padded(window):
    counts, transforms = plate()
    inputs = Inputs(transforms, torch.device("cpu"))
    found = inputs.window(inputs.field(counts, KEY), window)
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found.numpy(), expected()[:, *window], atol=1e-5)


@pytest.mark.parametrize("window", WINDOWS)
def test_a_flat_field_on_disk_gives_the_same(tmp_path, window):
    counts, (light, dye) = plate()
    in_memory = Inputs([light, dye], torch.device("cpu"))
    with h5py.File(tmp_path / "plate.h5", "w") as file:
        gain, offset = (
            file.create_dataset("gain", data=dye.gain),
            file.create_dataset("offset", data=dye.offset),
        )
        on_disk = Inputs([light, Transform(gain, 0.0, 1.0, offset, dye.local)], torch.device("cpu"))
        found = on_disk.window(on_disk.field(counts, KEY), window)
    assert torch.equal(found, in_memory.window(in_memory.field(counts, KEY), window))
