import copy

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from livedead import stores
from livedead.network.windows import (
    HALO_PX,
    overlap,
    padded,
    padded_shape,
    padded_window,
    relative,
    windows,
)


def stitched(predict, field, core_px, halo_px=HALO_PX):
    """The field put together from tiles of `predict`, which takes and gives arrays."""
    output = np.full((field.shape[0], *field.shape[1:]), np.nan)
    shape = field.shape[1:]
    for window, inner, core in windows(shape, core_px, halo_px):
        output[:, *core] = predict(field[:, *window])[:, *inner]
    return output


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 5), st.integers(0, 4))
def test_tiles_of_a_known_predictor_give_the_field_back(rows, columns, core, halo):
    field = np.random.default_rng(0).normal(size=(2, 32 * rows, 32 * columns))
    tiled = stitched(lambda window: window + 1, field, 32 * core, 32 * halo)
    np.testing.assert_array_equal(tiled, field + 1)


@given(st.integers(1, 400), st.integers(1, 400), st.integers(1, 5))
def test_cores_cover_every_pixel_once(height, width, core):
    shape = (-(-height // 32) * 32, -(-width // 32) * 32)
    seen = np.zeros(shape, int)
    for window, inner, place in windows(shape, 32 * core, 288):
        seen[place] += 1
        for cut, own, whole in zip(window, inner, place, strict=True):
            assert cut.start % 32 == 0
            assert cut.start + own.start == whole.start
            assert own.stop - own.start == whole.stop - whole.start
    assert (seen == 1).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (31, 33), (64, 64)])
def test_padding_reflects_as_numpy_does(shape):
    field = np.random.default_rng(0).normal(size=(1, *shape))
    found = padded(field)
    assert found.shape[1:] == padded_shape(field.shape)
    assert found.shape[1] % 32 == found.shape[2] % 32 == 0
    assert found.shape[1] - shape[0] < 32
    np.testing.assert_array_equal(found[:, : shape[0], : shape[1]], field)
    if shape[0] == 31:
        np.testing.assert_array_equal(found[:, 31, :33], field[:, 29])


def test_halo_from_the_measured_receptive_field():
    # Measured on a real network (NETWORK.md): 277 px on the low side, 246 on the high side.
    assert HALO_PX == 288


def test_no_pixel_beyond_the_halo_matters(small_network):
    """Independent of the formula: the gradient of a core's output, and of the row below, on the input."""
    network = copy.deepcopy(small_network).double()
    x = torch.zeros(1, 1, 32 * 21, 32, dtype=torch.float64, requires_grad=True)
    core = slice(32 * 10, 32 * 11)
    (network(x)[:, :, core.start : core.stop + 1] ** 2).sum().backward()
    rows = np.flatnonzero(x.grad.abs().amax(dim=(0, 1, 3)).numpy())
    assert rows.min() >= core.start - HALO_PX
    assert rows.max() < core.stop + HALO_PX
    # A halo of 192 would not do.
    assert rows.min() < core.start - 192


def test_windows_of_a_field_on_disk_are_those_in_memory(tmp_path):
    field = np.random.default_rng(0).normal(size=(45, 70)).astype(np.float32)
    path = tmp_path / "normalization.h5"
    stores.write_normalization(path, {"light": {"gain": field, "black": 1.0}}, pd.DataFrame({"field": [1]}))
    (on_disk,) = (channel["gain"] for channel in stores.read_normalization(path, in_memory=3149)[0].values())
    assert not isinstance(on_disk, np.ndarray)
    whole = np.pad(field, ((0, 19), (0, 26)), mode="reflect")
    for window in (
        (slice(0, 64), slice(0, 96)),
        (slice(0, 32), slice(32, 64)),
        (slice(32, 64), slice(64, 96)),
    ):
        np.testing.assert_array_equal(padded_window(on_disk, window), whole[window])
    (in_memory,) = stores.read_normalization(path, in_memory=3150)[0].values()
    np.testing.assert_array_equal(in_memory["gain"], field)


def test_rectangles_that_meet_and_that_do_not():
    one, other = (slice(0, 10), slice(5, 9)), (slice(6, 20), slice(0, 7))
    shared = overlap(one, other)
    assert shared == overlap(other, one) == (slice(6, 10), slice(5, 7))
    assert relative(shared, one) == (slice(6, 10), slice(0, 2))
    assert relative(shared, other) == (slice(0, 4), slice(5, 7))
    # Side by side, they share an edge but no pixel.
    assert overlap(one, (slice(10, 12), slice(5, 9))) is None
