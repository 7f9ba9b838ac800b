"""When half of the cells of a well are dead; single cells are not tracked."""

import numpy as np

REACHED = "reached"
NOT_REACHED = "not reached"
BEFORE = "before first timepoint"
TOO_FEW = "fewer than two timepoints"
NO_TIME = "time not known"


def half_time(time: np.ndarray, viability: np.ndarray, threshold: float = 0.5) -> tuple[float, str]:
    """First time at which viability falls to `threshold`, by linear interpolation (LT50).

    Parameters
    ----------
    time : ndarray, (n,)
        Increasing; a timepoint whose time is not known (NaN) is skipped, unless half are dead there first.
    viability : ndarray, (n,)
        0 to 1; timepoints without a value (NaN) are skipped.
    threshold : float

    Returns
    -------
    time : float
        NaN unless the verdict is `REACHED`.
    verdict : str
        `REACHED`, `NOT_REACHED`, `BEFORE`, `TOO_FEW` or `NO_TIME`.

    Examples
    --------
    >>> half_time(np.array([0.0, 2.0, 4.0]), np.array([0.9, 0.6, 0.2]))
    (2.5, 'reached')
    """
    known = ~np.isnan(viability)
    time, viability = time[known], viability[known]
    below = np.flatnonzero(viability <= threshold)
    if below.size and np.isnan(time[below[0]]):
        return np.nan, NO_TIME
    timed = ~np.isnan(time)
    time, viability = time[timed], viability[timed]
    if len(time) < 2:
        return np.nan, TOO_FEW
    below = np.flatnonzero(viability <= threshold)
    if not below.size:
        return np.nan, NOT_REACHED
    k = int(below[0])
    if k == 0:
        return (float(time[0]), REACHED) if viability[0] == threshold else (np.nan, BEFORE)
    fall = (viability[k - 1] - threshold) / (viability[k - 1] - viability[k])
    return float(time[k - 1] + fall * (time[k] - time[k - 1])), REACHED
