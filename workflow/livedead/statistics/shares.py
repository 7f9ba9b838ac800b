"""A share of cells that differs from well to well, such as the share of dead cells that is read as live."""

from typing import Any, NamedTuple, Self

import numpy as np
from scipy.special import betaincinv, betaln, expit, logit
from scipy.stats import halfnorm, qmc

SPREADS = 0.7 * halfnorm.ppf((np.arange(12) + 0.5) / 12)
"""Coefficients of variation of a rare share between wells, equally likely before the data: half-normal.

The scale is one of simulation (tests/benchmarks/audit.py): it serves wells that differ by 0 to 1 best."""

N_DRAWS = 512
_PAIRS = qmc.Sobol(2, scramble=False).random(N_DRAWS) + 0.5 / N_DRAWS
"""Evenly spread quantiles: of the posterior, and of a well's share given mean and spread."""


class Share(NamedTuple):
    """What counts of several wells say about a share.

    Attributes
    ----------
    pooled : float
        Share of all cells together; NaN without cells.
    low, high : float
        95 % interval of the mean over wells like these.
    spread : float
        Coefficient of variation between wells, of the share or of its complement, whichever is rare.
    of_a_well : ndarray, (N_DRAWS,)
        Evenly likely values in a further well, ascending.
    """

    pooled: float
    low: float
    high: float
    spread: float
    of_a_well: np.ndarray

    @classmethod
    def fit(cls, hits: np.ndarray, cells: np.ndarray, weights: np.ndarray) -> Self:
        """Posterior of a beta-binomial model, by quadrature.

        Well w has `hits` of `cells`, binomial with a share of its own, which is drawn from the beta
        distribution of `beta_parameters`. Before the data, its mean has Jeffreys' Beta(1/2, 1/2), and its
        spread is one of `SPREADS`.

        Parameters
        ----------
        hits, cells : ndarray, (n_wells,)
            Wells without cells say nothing.
        weights : ndarray, (n_wells,)
            How many independent wells a well stands for; exponents of the likelihood.

        References
        ----------
        Williams (1975), Biometrics 31:949, https://doi.org/10.2307/2529820 (beta-binomial); Young-Xu & Chan
        (2008), BMC Med. Res. Methodol. 8:58, https://doi.org/10.1186/1471-2288-8-58 (pooling shares by it).
        """
        filled = cells > 0
        hits, cells, weights = (values[filled].astype(float) for values in (hits, cells, weights))
        all_hits, all_cells = weights @ hits, weights @ cells
        centre, density = logit((all_hits + 0.5) / (all_cells + 1)), all_hits + 0.5
        scale = min(np.sqrt(1 / density + 1 / (all_cells - all_hits + 0.5)), 2.0)
        # Steps of the logit grow from a fraction of the standard error to the far tails.
        steps = np.linspace(-1, 1, 61) * np.arcsinh(7 / scale)
        mean = expit(centre + scale * np.sinh(steps))
        a, b = beta_parameters(mean, SPREADS[:, None])
        prior = 0.5 * np.log(mean * (1 - mean)) + np.log(np.cosh(steps))
        k, n = hits[:, None, None], cells[:, None, None]
        # Large parameters belong to wells that are nearly alike: their terms cancel to 1e-8.
        likelihood = np.tensordot(weights, betaln(a + k, b + n - k) - betaln(a, b), 1)
        posterior = np.exp(prior + likelihood - (prior + likelihood).max())
        posterior /= posterior.sum()
        low, high = np.interp([0.025, 0.975], _midpoints(posterior.sum(0)), mean)
        chosen = np.minimum(np.searchsorted(posterior.cumsum(), _PAIRS[:, 0]), posterior.size - 1)
        draws = betaincinv(a.ravel()[chosen], b.ravel()[chosen], _PAIRS[:, 1])
        pooled = all_hits / all_cells if all_cells else float("nan")
        return cls(pooled, low, high, float(posterior.sum(1) @ SPREADS), np.sort(draws))

    def at(self, quantiles: np.ndarray) -> np.ndarray:
        """Quantiles of the share of a further well; `quantiles` between 0 and 1."""
        return self.of_a_well[(quantiles * len(self.of_a_well)).astype(int)]


def beta_parameters(mean: Any, spread: Any) -> tuple[Any, Any]:
    """Parameters of the beta distribution of a share between wells.

    Its standard deviation is about ``spread * mean`` where the share is rare, about ``spread * (1 - mean)``
    where its complement is: one scale serves shares near 0.01 and near 0.2.
    """
    return 1 / (spread**2 * (1 - mean)), 1 / (spread**2 * mean)


def _midpoints(weights: np.ndarray) -> np.ndarray:
    """Cumulative weight in the middle of each."""
    return weights.cumsum() - weights / 2
