"""How far two people agree who judged the same things."""

import numpy as np
from scipy.stats import norm

from livedead.statistics.strata import Estimate


def cohens_kappa(counts: np.ndarray, level: float = 0.95) -> Estimate:
    """Agreement of two raters beyond chance: 1 is full agreement, 0 what two who guess would have.

    Parameters
    ----------
    counts : ndarray, (k, k), int
        Things by the category that each of the two gave them.
    level : float

    Returns
    -------
    Estimate
        NaN if nothing was judged, or both gave everything one category.

    References
    ----------
    Cohen (1960), Educ. Psychol. Meas. 20:37, https://doi.org/10.1177/001316446002000104; standard error:
    Fleiss, Cohen & Everitt (1969), Psychol. Bull. 72:323, https://doi.org/10.1037/h0028106.

    Examples
    --------
    >>> kappa = cohens_kappa(np.array([[20, 5], [10, 15]]))
    >>> [round(value, 3) for value in kappa]
    [0.4, 0.151, 0.649]
    """
    n = counts.sum()
    p = counts / max(n, 1)
    first, second = p.sum(1), p.sum(0)
    by_chance = first @ second
    if n == 0 or by_chance == 1:
        return Estimate(np.nan, np.nan, np.nan)
    agreed = np.trace(p)
    kappa = (agreed - by_chance) / (1 - by_chance)
    own = np.diag(p) @ (1 - (first + second) * (1 - kappa)) ** 2
    sums = (first[None, :] + second[:, None]) ** 2
    others = (1 - kappa) ** 2 * ((p * sums).sum() - np.diag(p) @ np.diag(sums))
    spread = own + others - (kappa - by_chance * (1 - kappa)) ** 2
    half = float(norm.ppf(0.5 + level / 2)) * np.sqrt(max(spread, 0.0) / n) / (1 - by_chance)
    return Estimate(float(kappa), float(max(kappa - half, -1)), float(min(kappa + half, 1)))
