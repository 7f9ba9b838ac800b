"""Whether probabilities can be believed: of ten cells of confidence 0.9, nine should be right."""

import numpy as np
import pandas as pd

from livedead.statistics.intervals import viability_interval

N_BINS = 10


def reliability(confidence: np.ndarray, is_right: np.ndarray, n_bins: int = N_BINS) -> pd.DataFrame:
    """Cells in bins of equal width by their confidence, and how many of each are right.

    Parameters
    ----------
    confidence : ndarray, (n_cells,)
        0 to 1; cells of unknown confidence, NaN, are left out.
    is_right : ndarray, (n_cells,), bool
    n_bins : int

    Returns
    -------
    DataFrame
        A bin that is not empty: mean ``confidence``, share ``right`` with Wilson's 95 % interval, ``low``
        and ``high``, as of independent cells, and ``n`` cells.

    Examples
    --------
    >>> bins = reliability(np.array([0.55, 0.96, 0.98]), np.array([False, True, True]))
    >>> bins[["confidence", "right", "n"]]
       confidence  right  n
    0        0.55    0.0  1
    1        0.97    1.0  2
    """
    known = ~np.isnan(confidence)
    cells = pd.DataFrame({"confidence": confidence[known], "right": is_right[known].astype(float)})
    number = np.minimum((cells["confidence"] * n_bins).astype(int), n_bins - 1)
    groups = cells.groupby(number)
    bins = groups.mean().assign(n=groups.size()).reset_index(drop=True)
    n = bins["n"].to_numpy(float)
    bins["low"], bins["high"] = viability_interval(bins["right"].to_numpy() * n, n, n)
    return bins


def expected_calibration_error(bins: pd.DataFrame) -> float:
    """Mean distance of confidence from the share that is right, weighted by the cells of each bin.

    Parameters
    ----------
    bins : DataFrame
        From `reliability`; NaN without any.

    References
    ----------
    Guo et al. (2017), On calibration of modern neural networks, https://arxiv.org/abs/1706.04599.
    """
    if bins.empty:
        return float("nan")
    return float(np.average((bins["confidence"] - bins["right"]).abs(), weights=bins["n"]))
