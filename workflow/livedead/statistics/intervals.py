"""Viability and its interval, where the cells of one field are not independent."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, t

METHODS = {
    "fields": "wilson_icc_fields",
    "replicates": "wilson_icc_replicates",
    "none": "wilson_independent_cells",
}
"""Source of the correlation -> name of the interval in the well table."""

MIN_FREEDOM = 3
"""With fewer degrees of freedom the correlation is not estimated; cells are taken as independent."""


@dataclass(frozen=True)
class Correlation:
    """How much more two cells of one cluster (a field) agree than any two cells of the well.

    Attributes
    ----------
    icc : float
        Intraclass correlation, 0 to 1.
    freedom : int
        Degrees of freedom of the estimate; 0 if it could not be estimated.
    source : str
        A key of `METHODS`.
    """

    icc: float = 0.0
    freedom: int = 0
    source: str = "none"


def intraclass_correlation(n_live: np.ndarray, n_decided: np.ndarray, groups: np.ndarray) -> Correlation:
    """Correlation of the states of two cells of one cluster, pooled over all groups.

    A group has k clusters; cluster j has m_j cells, X_j of them live; the group has N cells, a
    share p of them live, q = 1 - p. At correlation rho, the expectation of
    ``sum_j m_j (X_j / m_j - p)²`` is ``p q ((k - 1) + rho c)`` with
    ``c = sum_j (m_j - 1)(1 - m_j / N)``. Its sums over all groups are equated with those observed
    (method of moments), with ``p q`` corrected for bias. Two clusters of one well say almost
    nothing about rho; the hundreds on a plate do.

    Parameters
    ----------
    n_live, n_decided : ndarray, (n_clusters,)
        Live cells, and live plus dead cells, of each cluster.
    groups : ndarray, (n_clusters,)
        The group (well) that a cluster (field) belongs to.

    Returns
    -------
    Correlation
        With `icc` at least 0 and ``source="fields"``; ``Correlation()`` with fewer than
        `MIN_FREEDOM` degrees of freedom. Groups that are all live or all dead contribute none.

    References
    ----------
    Donner (1986), Int. Stat. Rev. 54:67, https://doi.org/10.2307/1403259; Ridout, Demétrio &
    Firth (1999), Biometrics 55:137, https://doi.org/10.1111/j.0006-341X.1999.00137.x.
    """
    filled = n_decided > 0
    m, x = n_decided[filled].astype(float), n_live[filled].astype(float)
    _, group = np.unique(groups[filled], return_inverse=True)
    if not m.size:
        return Correlation()
    total = np.bincount(group, m)
    share = np.bincount(group, x) / total
    clusters = np.bincount(group)
    spread = np.bincount(group, m * (x / m - share[group]) ** 2)
    weight = np.bincount(group, (m - 1) * (1 - m / total[group]))
    squares = np.bincount(group, m**2)
    chosen = (clusters > 1) & (share > 0) & (share < 1)
    freedom = int((clusters - 1)[chosen].sum())
    if freedom < MIN_FREEDOM:
        return Correlation()
    icc = 0.0
    # The bias of p q depends weakly on rho: three rounds converge to 1e-4, relatively.
    for _ in range(3):
        effect = design_effect(total, squares, icc)
        pq = share * (1 - share) / np.maximum(1 - effect / total, 0.5)
        surplus = (spread - pq * (clusters - 1))[chosen].sum()
        scale = (pq * weight)[chosen].sum()
        icc = float(np.clip(surplus / scale, 0, 1)) if scale > 0 else 0.0
    return Correlation(icc, freedom, "fields")


def design_effect(total: np.ndarray, squares: np.ndarray, icc: float) -> np.ndarray:
    """Variance of a share relative to that of as many independent cells (Kish 1965, Survey Sampling).

    Parameters
    ----------
    total, squares : ndarray
        Cells of each group, and the sum of the squares of its clusters' cells.
    icc : float
        From `intraclass_correlation`.
    """
    return 1 + icc * (squares / np.maximum(total, 1) - 1)


def viability_interval(
    n_live: np.ndarray,
    n_decided: np.ndarray,
    squares: np.ndarray,
    correlation: Correlation = Correlation(),
    level: float = 0.95,
) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's interval on the effective number of cells; NaN where no cell was decided.

    Parameters
    ----------
    n_live, n_decided : ndarray, (n_wells,)
        Live cells, and live plus dead cells.
    squares : ndarray, (n_wells,)
        Sum of the squares of the decided cells of each of the well's fields.
    correlation : Correlation
        The plate's. As it is an estimate, Student's t with its degrees of freedom replaces the
        normal quantile.
    level : float

    Returns
    -------
    low, high : ndarray, (n_wells,)

    References
    ----------
    Wilson (1927), J. Am. Stat. Assoc. 22:209, https://doi.org/10.2307/2276774; on effective
    sample sizes Korn & Graubard (1998), Survey Methodology 24:193.

    Examples
    --------
    Two wells of 90 live and 10 dead cells in two fields: of 50 cells each, and of 99 and 1.

    >>> n_live, n_decided = np.array([90, 90]), np.array([100, 100])
    >>> squares = np.array([50**2 + 50**2, 99**2 + 1**2])
    >>> np.round(viability_interval(n_live, n_decided, squares), 3)
    array([[0.826, 0.826],
           [0.945, 0.945]])
    >>> np.round(viability_interval(n_live, n_decided, squares, Correlation(0.05, 94, "fields")), 3)
    array([[0.738, 0.675],
           [0.966, 0.975]])
    """
    tail = 0.5 + level / 2
    z = t.ppf(tail, correlation.freedom) if correlation.freedom else norm.ppf(tail)
    decided = np.where(n_decided > 0, n_decided, np.nan)
    n = decided / design_effect(decided, squares, correlation.icc)
    p = n_live / decided
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return np.clip(centre - half, 0, 1), np.clip(centre + half, 0, 1)
