"""What a well's place on the plate does to its value: rows, columns, the rim."""

from typing import NamedTuple

import numpy as np

from livedead.statistics.controls import RESAMPLES, SEED


class Polished(NamedTuple):
    """A plate in parts: ``values = overall + row + column + residual``; NaN where nothing is."""

    overall: float
    row: np.ndarray
    column: np.ndarray
    residual: np.ndarray


def median_polish(values: np.ndarray, tolerance: float = 1e-6) -> Polished:
    """Split a plate into overall level, row and column effects and residuals.

    Parameters
    ----------
    values : ndarray, (rows, columns), float
        NaN where there is nothing.
    tolerance : float
        Sweeps end when none moves a median by more than this, or after 100.

    References
    ----------
    Tukey (1977), Exploratory Data Analysis, chapter 11; Brideau et al. (2003), J. Biomol. Screen.
    8:634, https://doi.org/10.1177/1087057103258285.
    """
    residual = values.astype(float).copy()
    row_effect, column_effect = np.zeros(values.shape[0]), np.zeros(values.shape[1])
    overall = 0.0
    for _ in range(100):
        rows = _medians(residual)
        residual -= rows[:, None]
        row_effect += rows
        columns = _medians(residual.T)
        residual -= columns
        column_effect += columns
        if max(np.abs(rows).max(), np.abs(columns).max()) <= tolerance:
            break
    for effect, has_any in (
        (row_effect, ~np.isnan(values).all(1)),
        (column_effect, ~np.isnan(values).all(0)),
    ):
        level = float(np.median(effect[has_any])) if has_any.any() else 0.0
        overall += level
        effect[has_any] -= level
        effect[~has_any] = np.nan
    return Polished(overall, row_effect, column_effect, residual)


def _medians(values: np.ndarray) -> np.ndarray:
    """Median of each row without NaN; 0 where nothing is left."""
    return np.array([np.median(row[~np.isnan(row)]) if (~np.isnan(row)).any() else 0.0 for row in values])


def deviations(values: np.ndarray, treatments: np.ndarray) -> np.ndarray:
    """Values minus the median of their treatment, so that treated rows or columns are no effect.

    Parameters
    ----------
    values : ndarray, (n_wells,), float
        NaN where there is nothing.
    treatments : ndarray, (n_wells,), int
        A number for each treatment. A treatment with one well tells nothing: it deviates by 0.
    """
    result = np.full(len(values), np.nan)
    for treatment in np.unique(treatments):
        chosen = (treatments == treatment) & ~np.isnan(values)
        if chosen.any():
            result[chosen] = values[chosen] - np.median(values[chosen])
    return result


def edge_effect(deviation: np.ndarray, on_rim: np.ndarray, level: float = 0.95) -> tuple[float, float, float]:
    """Mean deviation of the wells on the plate's rim minus that of the others.

    Parameters
    ----------
    deviation : ndarray, (n_wells,)
        From `deviations`.
    on_rim : ndarray, (n_wells,), bool

    Returns
    -------
    difference, low, high : float
        With a percentile bootstrap interval; NaN with fewer than three wells of either kind.
    """
    rim = deviation[on_rim & ~np.isnan(deviation)]
    inner = deviation[~on_rim & ~np.isnan(deviation)]
    if min(len(rim), len(inner)) < 3:
        return np.nan, np.nan, np.nan
    rng = np.random.default_rng(SEED)
    means = [
        values[rng.integers(0, len(values), (RESAMPLES, len(values)))].mean(1) for values in (rim, inner)
    ]
    low, high = np.percentile(means[0] - means[1], [50 * (1 - level), 50 * (1 + level)])
    return float(rim.mean() - inner.mean()), float(low), float(high)
