"""Settings, fields under uneven illumination, and what is measured of them."""

import numpy as np
import pandas as pd
import pytest

from livedead.normalization.histograms import histogram
from livedead.normalization.quality import measure_quality
from livedead.normalization.settings import NormalizationSettings
from livedead.normalization.transforms import Transform
from livedead.wells.flags import flag_fields


@pytest.fixture
def settings() -> NormalizationSettings:
    return NormalizationSettings(
        low_percentile=1, high_percentile=99, min_range=10, flat_fields=8, smooth_px=8, floor=0.2, seed=0
    )


@pytest.fixture
def vignetting() -> np.ndarray:
    """A paraboloid that falls to a half in the corners."""
    y, x = np.mgrid[0:128, 0:128] / 127 - 0.5
    return 1 - (y**2 + x**2)


@pytest.fixture
def fields(vignetting):
    """Makes fields of even brightness 8000 under vignetting, each with its own dark squares."""

    def made(n):
        rng = np.random.default_rng(0)
        for _ in range(n):
            field = np.full((128, 128), 8000.0)
            for y, x in rng.integers(0, 112, (6, 2)):
                field[y : y + 16, x : x + 16] = 4000
            yield rng.poisson(field * vignetting).astype(np.uint16)

    return made


@pytest.fixture
def measured(settings):
    """Measures the quality of a field that needs no correction."""

    def of(plane, bit_depth=16):
        flat = Transform(np.ones(plane.shape, np.float32), 0, 1)
        return measure_quality(plane, histogram(plane, flat.gain), flat, bit_depth, settings)

    return of


@pytest.fixture
def flagged():
    """Gives the flags of the last field of a plate."""

    def of(rows, **thresholds):
        names = ["focus", "range", "saturated_fraction", "dark_fraction", "illumination_residual", "drift"]
        ends = {"focus": "min", "range": "min"}
        none = dict.fromkeys(f"{ends.get(name, 'max')}_{name}" for name in names)
        place = {"well": "A01", "timepoint": 1, "channel": "bf"}
        table = pd.DataFrame([{**place, "field": k, **row} for k, row in enumerate(rows)])
        flags = flag_fields(table, {**none, **thresholds})["qc_flags"].iloc[-1]
        return flags.split(";") if flags else []

    return of
