import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from livedead.tables import QUALITY


def test_quality_measures_what_its_name_says(measured):
    rng = np.random.default_rng(0)
    sharp = rng.integers(1000, 9000, (256, 256)).astype(np.uint16)
    blurred = gaussian_filter(sharp, 2)
    assert measured(sharp)["focus"] > 5 * measured(blurred)["focus"]
    half = sharp.copy()
    half[:64] = 4095
    assert measured(np.minimum(half, 4095), 12)["saturated_fraction"] > 0.25
    assert measured(half)["saturated_fraction"] == 0
    dark = np.full((256, 256), 1000, np.uint16)
    dark[:64] = 499
    assert measured(dark)["dark_fraction"] == 0.25
    ramp = np.tile(np.linspace(1000, 2000, 256), (256, 1)).astype(np.uint16)
    # Medians of 8 even steps of a ramp of 1000 to 2000: 1062.5 to 1937.5 about 1500.
    assert measured(ramp)["illumination_residual"] == pytest.approx((1937.5 - 1062.5) / 1500, abs=0.01)
    assert measured(ramp)["median_counts"] == pytest.approx(1500, abs=4)


def test_flags_compare_a_field_with_its_plate(measured, flagged):
    rng = np.random.default_rng(0)
    usual = [measured(rng.integers(1000, 9000, (64, 64)).astype(np.uint16)) for _ in range(4)]
    limits = {"min_focus": 0.2, "max_saturated_fraction": 0.05, "max_dark_fraction": 0.3, "max_drift": 0.5}
    blurred = gaussian_filter(rng.integers(1000, 9000, (64, 64)).astype(np.uint16), 2)
    assert flagged(usual, **limits) == []
    assert flagged([*usual, measured(blurred)], **limits) == ["out_of_focus"]
    bright = measured(rng.integers(20_000, 65_535, (64, 64)).astype(np.uint16))
    assert flagged([*usual, bright], **limits) == ["drift"]
    failed = dict.fromkeys(QUALITY, np.nan)
    assert flagged([*usual, failed], **limits, min_range=10) == []
