"""Resampling with replacement, and the interval of what the resamples give.

References
----------
Davison & Hinkley (1997), Bootstrap Methods and their Application, chapters 2 and 5.
"""

import numpy as np

RESAMPLES = 2000
SEED = 0
"""Resampling is part of the result: equal tables give equal intervals."""


def resampled(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draws with replacement, (RESAMPLES, n, ...), of n values."""
    return values[rng.integers(0, len(values), (RESAMPLES, len(values)))]


def percentile_interval(samples: np.ndarray, level: float) -> tuple[float, float]:
    """The middle share `level` of the samples."""
    low, high = np.percentile(samples, [50 * (1 - level), 50 * (1 + level)])
    return float(low), float(high)
