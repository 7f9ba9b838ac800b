"""Signals: against SciPy, brute force, and backgrounds of known level and noise."""

import numpy as np
import pytest
from scipy import ndimage

from livedead.dyes.signals import box_means, corrected, field_background

SHAPES = [(64, 64), (129, 70), (31, 38), (5, 300), (300, 2), (1, 50), (50, 1), (1, 1)]
BINOMIAL = np.outer((1, 2, 1), (1, 2, 1)) / 16


@pytest.mark.parametrize("shape", SHAPES)
def test_counts_are_flattened_and_smoothed(shape):
    rng = np.random.default_rng(0)
    plane = rng.integers(0, 65536, shape).astype(np.uint16)
    gain = rng.uniform(0.5, 3, shape).astype(np.float32)
    offset = rng.uniform(-200, 200, shape).astype(np.float32)
    found = corrected(plane, gain, offset)
    expected = ndimage.convolve(plane.astype(float), BINOMIAL, mode="nearest") * gain + offset
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=0.1)


@pytest.mark.parametrize(("level", "sigma"), [(200, 15), (5, 2), (30_000, 400)])
@pytest.mark.parametrize("covered", [0, 0.3, 0.6, 0.8])
def test_the_background_is_found_under_cells(level, sigma, covered):
    rng = np.random.default_rng(3)
    counts = rng.normal(level, sigma, (512, 512)).astype(np.float32)
    # Bright stripes, as wide as cells, over a share of the field.
    stripes = np.arange(512) % 20 < 20 * covered
    counts[:, stripes] += rng.uniform(20, 60, (512, stripes.sum())).astype(np.float32) * sigma
    found, spread = field_background(counts)
    # Over 40 seeds the level is 0.14 sigma too low without cells, as it is looked for in the darker half, and
    # within 0.02 with cells; its standard deviation is at most 0.08 sigma.
    assert found == pytest.approx(level, abs=0.3 * sigma)
    assert spread == pytest.approx(sigma, rel=0.25)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("level", [0, 300, 65535])
def test_a_background_without_noise_is_its_level(shape, level):
    assert field_background(np.full(shape, level, np.float32)) == (level, 0.0)


def test_one_bright_cell_does_not_move_a_background_without_noise():
    counts = np.full((200, 200), 100, np.float32)
    counts[50:120, 50:120] = 4000
    assert field_background(counts) == (100, 0)


def mean_of_box(signal, y, x, side):
    """Edge pixels repeated beyond the edge."""
    half = side // 2
    padded = np.pad(signal.astype(float), half, mode="edge")
    return padded[y : y + side, x : x + side].mean()


@pytest.mark.parametrize("box_px", [5, 9, 13, 21])
def test_the_mean_of_a_box_is_that_of_all_its_pixels(box_px):
    # As smooth as nuclei, 1 / 0.72 times as wide as the box.
    signal = ndimage.gaussian_filter(np.random.default_rng(1).normal(0, 1, (90, 110)), box_px / 0.72 / 3)
    signal = (signal / signal.std()).astype(np.float32)
    pixels = np.arange(0, signal.size, 7)
    found = box_means(signal, pixels, box_px)
    expected = np.array([mean_of_box(signal, *divmod(pixel, 110), box_px) for pixel in pixels])
    assert found.shape == pixels.shape
    # Pixels themselves differ from their boxes by 0.14 to 0.18 standard deviations.
    assert np.abs(signal.ravel()[pixels] - expected).mean() > 0.13
    assert np.abs(found - expected).mean() < 0.065


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("box_px", [5, 9, 45])
def test_the_mean_over_an_even_field_is_its_value_however_small_the_field(shape, box_px):
    signal = np.full(shape, 7.5, np.float32)
    np.testing.assert_allclose(box_means(signal, np.arange(signal.size), box_px), 7.5, rtol=1e-6)


@pytest.mark.parametrize("box_px", [5, 9, 17])
def test_the_mean_over_a_slope_is_the_pixel_itself(box_px):
    rows, columns = np.mgrid[0:80, 0:80]
    signal = (3.0 * rows - 2.0 * columns).astype(np.float32)
    inner = np.flatnonzero((np.minimum(rows, columns) >= box_px) & (np.maximum(rows, columns) < 80 - box_px))
    np.testing.assert_allclose(box_means(signal, inner, box_px), signal.ravel()[inner], atol=1e-3)
