import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch.nn.functional import interpolate

from livedead.network.resampling import ResampledGrid, grid_of
from livedead.network.windows import padded_shape, whole, windows

CPU = torch.device("cpu")
SCALES = [0.5, 0.625, 0.7, 1 / 1.3, 1.25, 1.4, 1.9, 2.0]


def picture(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32))


def read(grid, values, window=None):
    """A window of the resampled field, padded, or all of it."""
    return grid.read(lambda cut: values[:, *cut], window or whole(grid.shape))


def resampled(values, scale):
    grid = ResampledGrid(tuple(values.shape[1:]), scale, CPU)
    height, width = grid.shape
    return read(grid, values)[:, :height, :width]


@pytest.mark.parametrize(
    ("shape", "scale"), [((96, 130), 0.5), ((80, 64), 0.625), ((40, 68), 1.25), ((33, 50), 2.0)]
)
def test_fields_are_resampled_as_pillow_and_pytorch_do_it(shape, scale):
    values = picture(2, *shape)
    size = [round(side * scale) for side in shape]
    found = resampled(values, scale)
    by_torch = interpolate(values.double()[None], size, mode="bicubic", antialias=True)[0]
    torch.testing.assert_close(found.double(), by_torch, rtol=0, atol=2e-6)
    for plane, expected in zip(found.numpy(), values.numpy(), strict=True):
        by_pillow = Image.fromarray(expected).resize(size[::-1], Image.Resampling.BICUBIC)
        np.testing.assert_allclose(plane, np.asarray(by_pillow), rtol=0, atol=2e-6)


@pytest.mark.parametrize("scale", SCALES)
def test_the_new_pixels_lie_where_the_formula_says(scale):
    """A wave of 20 px, far coarser than either grid, is known at any point."""
    side = 151

    def wave(at):
        return np.cos(2 * np.pi * at / 20).astype(np.float32)

    grid = ResampledGrid((side, side), scale, CPU)
    assert grid.shape == (int(np.ceil(side * scale)),) * 2
    found = resampled(torch.from_numpy(wave(np.arange(side)))[None, :, None].expand(1, side, side), scale)
    expected = wave((np.arange(grid.shape[0]) + 0.5) / scale - 0.5)
    inside = slice(4, int(scale * side) - 4)
    np.testing.assert_allclose(found[0, inside, 5], expected[inside], atol=0.02)


def test_what_is_finer_than_the_new_pixels_does_not_fold_over():
    """A wave of 2.6 px, on pixels twice as large, would come out as one of 8.7 px if samples were picked."""
    wave = np.cos(2 * np.pi * np.arange(160) / 2.6).astype(np.float32)
    found = resampled(torch.from_numpy(wave)[None, None].expand(1, 40, 160), 0.5)
    assert found[0, 5, 4:-4].abs().max() < 0.1
    assert np.abs(wave[8:-8:2]).max() > 0.9


@pytest.mark.parametrize("scale", SCALES)
def test_an_even_field_stays_even(scale):
    even = resampled(torch.full((1, 37, 50), -0.3), scale)
    torch.testing.assert_close(even, torch.full_like(even, -0.3), rtol=0, atol=1e-6)


@settings(deadline=None, max_examples=60, derandomize=True)
@given(st.integers(1, 150), st.integers(1, 150), st.sampled_from(SCALES), st.data())
def test_a_window_is_that_of_the_whole_resampled_and_padded_field_to_the_last_bit(height, width, scale, data):
    values = picture(2, height, width, seed=height)
    grid = ResampledGrid((height, width), scale, CPU)
    unpadded = resampled(values, scale).numpy()
    pads = [(0, -side % 32) for side in grid.shape]
    expected = np.pad(unpadded, [(0, 0), *pads], mode="reflect")
    sides = padded_shape(grid.shape)
    starts = [data.draw(st.integers(0, side - 1)) for side in sides]
    window = tuple(
        slice(start, data.draw(st.integers(start + 1, side)))
        for start, side in zip(starts, sides, strict=True)
    )
    found = read(grid, values, window)
    assert found.dtype == torch.float32
    np.testing.assert_array_equal(found.numpy(), expected[:, *window])


@pytest.mark.parametrize("scale", [0.5, 0.625, 1.25, 2.0])
def test_logits_come_back_as_pytorch_does_it(scale):
    shape = (80, 64)
    grid = ResampledGrid(shape, scale, CPU)
    height, width = grid.shape
    logits = picture(5, *padded_shape(grid.shape))
    part, found = grid.give_back(logits, whole(grid.shape), whole(grid.shape))
    assert part == (slice(0, 80), slice(0, 64))
    expected = interpolate(logits[None, :, :height, :width], shape, mode="bilinear", align_corners=False)
    torch.testing.assert_close(found, expected[0], rtol=0, atol=2e-6)


@settings(deadline=None, max_examples=60, derandomize=True)
@given(
    st.integers(1, 200),
    st.integers(1, 200),
    st.sampled_from(SCALES),
    st.sampled_from(["bands", "tiles"]),
    st.integers(1, 3),
)
def test_the_parts_of_cores_tile_the_plates_field_to_the_last_bit(height, width, scale, of, n_cells):
    grid = ResampledGrid((height, width), scale, CPU)
    shape = padded_shape(grid.shape)
    logits = picture(3, *shape, seed=width)
    _, expected = grid.give_back(logits, whole(grid.shape), whole(grid.shape))
    found, n_times = torch.full((3, height, width), torch.nan), np.zeros((height, width), int)
    cut = ((window, core) for window, _, core in windows(shape, 32 * n_cells, 32))
    for window, core in cut if of == "tiles" else ((whole(shape), core) for core in grid.bands()):
        part, back = grid.give_back(logits[:, *window], window, core)
        found[:, *part] = back
        n_times[part] += 1
    assert (n_times == 1).all()
    assert torch.equal(found, expected)


def test_a_plate_of_the_networks_pixel_size_keeps_its_own_pixels():
    grid = grid_of((40, 50), 1.0, CPU)
    values = picture(1, 64, 64)
    window = (slice(0, 64), slice(32, 64))
    assert torch.equal(read(grid, values, window), values[:, *window])
    part, logits = grid.give_back(values[:, *window], window, (slice(0, 32), slice(32, 64)))
    assert part == (slice(0, 32), slice(32, 64))
    assert torch.equal(logits, values[:, :32, 32:])


def test_a_plate_without_a_field_that_can_be_read_has_a_grid_without_pixels():
    assert grid_of((0, 0), 0.5, CPU).shape == (0, 0)
