"""How a well's position on the plate changes its value: rows, columns, the plate edge."""

from typing import NamedTuple

import numpy as np

from livedead.statistics.bootstrap import SEED, percentile_interval, resampled


class Polished(NamedTuple):
    """A plate in parts: ``values = overall + row + column + residual``; NaN where there is no well."""

    overall: float
    row: np.ndarray
    column: np.ndarray
    residual: np.ndarray


def median_polish(values: np.ndarray, tolerance: float = 1e-6) -> Polished:
    """Split a plate into an overall level, row effects, column effects and residuals.

    Parameters
    ----------
    values : ndarray, (rows, columns), float
        NaN where there is no value.
    tolerance : float
        Sweeps end when none moves a median by more than this, or after 100 sweeps.

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
    """Median of each row without NaN; 0 for a row of NaN."""
    return np.array([np.median(row[~np.isnan(row)]) if (~np.isnan(row)).any() else 0.0 for row in values])


def deviations(values: np.ndarray, treatments: np.ndarray) -> np.ndarray:
    """Values minus the median of their treatment, so that treatments are no effect of position.

    Parameters
    ----------
    values : ndarray, (n_wells,), float
        NaN where there is no value.
    treatments : ndarray, (n_wells,), int
        A number for each treatment. A treatment of one well carries no information: it deviates by 0.
    """
    result = np.full(len(values), np.nan)
    for treatment in np.unique(treatments):
        chosen = (treatments == treatment) & ~np.isnan(values)
        if chosen.any():
            result[chosen] = values[chosen] - np.median(values[chosen])
    return result


def edge_effect(
    deviation: np.ndarray, on_edge: np.ndarray, level: float = 0.95
) -> tuple[float, float, float]:
    """Mean deviation of the wells on the plate edge minus that of the inner wells.

    Parameters
    ----------
    deviation : ndarray, (n_wells,)
        From `deviations`.
    on_edge : ndarray, (n_wells,), bool
    level : float
        Of the interval.

    Returns
    -------
    difference, low, high : float
        With a percentile bootstrap interval; NaN with fewer than three wells of either kind.
    """
    edge = deviation[on_edge & ~np.isnan(deviation)]
    inner = deviation[~on_edge & ~np.isnan(deviation)]
    if min(len(edge), len(inner)) < 3:
        return np.nan, np.nan, np.nan
    rng = np.random.default_rng(SEED)
    of_edge, of_inner = (resampled(values, rng).mean(1) for values in (edge, inner))
    return float(edge.mean() - inner.mean()), *percentile_interval(of_edge - of_inner, level)
