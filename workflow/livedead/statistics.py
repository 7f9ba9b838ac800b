"""Statistics of counts: viability with an interval that respects how cells cluster."""

import numpy as np
from scipy.stats import norm

INTERVAL_METHOD = "Wilson on the effective number of cells (plate overdispersion)"


def overdispersion(n_live: np.ndarray, n_decided: np.ndarray, wells: np.ndarray) -> float:
    """How much more fields of one well differ than independent cells would, at least 1.

    Pearson's chi-square of fields against their well's viability over its degrees of freedom,
    pooled over the plate: two fields of one well say almost nothing, hundreds of fields do.

    Parameters
    ----------
    n_live, n_decided : ndarray, (n_fields,)
        Live cells, and live plus dead cells, of each field.
    wells : ndarray, (n_fields,)
        The group each field belongs to.

    References
    ----------
    McCullagh & Nelder (1989), Generalized Linear Models, section 4.5.
    """
    chi_square, freedom = 0.0, 0
    for well in np.unique(wells):
        chosen = (wells == well) & (n_decided > 0)
        total = n_decided[chosen].sum()
        if chosen.sum() < 2 or total == 0:
            continue
        p = n_live[chosen].sum() / total
        if 0 < p < 1:
            expected = n_decided[chosen] * p
            chi_square += float((((n_live[chosen] - expected) ** 2) / (expected * (1 - p))).sum())
            freedom += int(chosen.sum()) - 1
    return max(1.0, chi_square / freedom) if freedom else 1.0


def wilson_interval(
    n_live: np.ndarray, n_decided: np.ndarray, dispersion: float = 1.0, level: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Interval of viability; NaN where no cell was decided.

    Parameters
    ----------
    n_live, n_decided : ndarray
        Live cells, and live plus dead cells.
    dispersion : float
        From `overdispersion`; divides the number of cells.

    References
    ----------
    Wilson (1927), J. Am. Stat. Assoc. 22:209, https://doi.org/10.2307/2276774.
    """
    z = norm.ppf(0.5 + level / 2)
    n = np.where(n_decided > 0, n_decided, np.nan) / dispersion
    p = n_live / np.where(n_decided > 0, n_decided, np.nan)
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return np.clip(centre - half, 0, 1), np.clip(centre + half, 0, 1)
