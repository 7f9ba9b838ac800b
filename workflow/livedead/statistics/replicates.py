"""The mean of replicates, and how far it can be trusted."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import t


@dataclass(frozen=True)
class Mean:
    """A mean of replicates; what too few of them cannot tell is NaN.

    Attributes
    ----------
    mean : float
    low, high : float
        Interval of the mean.
    sd : float
        Standard deviation of the replicates, with n - 1 degrees of freedom.
    n : int
        Replicates that have a value.
    """

    mean: float
    low: float
    high: float
    sd: float
    n: int


def mean_of(values: np.ndarray, level: float = 0.95) -> Mean:
    """Mean, Student's interval and standard deviation of independent replicates.

    Parameters
    ----------
    values : ndarray, (n,)
        One of each replicate; NaN where it is not known. Wells of one plate share a seeding and a staining:
        to speak of other plates, average them by plate first.
    level : float
        Of the interval.

    References
    ----------
    Student (1908), Biometrika 6:1, https://doi.org/10.1093/biomet/6.1.1; on the unit that is replicated
    Lord et al. (2020), J. Cell Biol. 219:e202001064, https://doi.org/10.1083/jcb.202001064.

    Examples
    --------
    >>> found = mean_of(np.array([0.2, 0.4, 0.6, np.nan]))
    >>> found.n, round(found.mean, 3), round(found.sd, 3), round(found.low, 3), round(found.high, 3)
    (3, 0.4, 0.2, -0.097, 0.897)
    """
    known = values[~np.isnan(values)]
    n = len(known)
    mean = float(known.mean()) if n else np.nan
    if n < 2:
        return Mean(mean, np.nan, np.nan, np.nan, n)
    sd = float(known.std(ddof=1))
    half = float(t.ppf(0.5 + level / 2, n - 1) * sd / np.sqrt(n))
    return Mean(mean, mean - half, mean + half, sd, n)
