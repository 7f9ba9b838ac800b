import numpy as np
import pytest
from scipy.integrate import trapezoid
from scipy.stats import beta, betabinom

from livedead.statistics.shares import SPREADS, Share, beta_parameters


def fit(hits, cells, weights=None):
    hits, cells = np.asarray(hits), np.asarray(cells)
    return Share.fit(hits, cells, np.ones(len(hits)) if weights is None else np.asarray(weights))


@pytest.mark.parametrize(("k", "n"), [(3, 40), (0, 25), (30, 30), (20, 40)])
def test_wells_of_one_cell_say_nothing_of_the_spread(k, n):
    # A cell of a well of its own is a draw from the mean share, so the posterior is that of n draws.
    share = fit(np.arange(n) < k, np.ones(n, int))
    assert share.pooled == k / n
    assert (share.low, share.high) == pytest.approx(beta(k + 0.5, n - k + 0.5).ppf([0.025, 0.975]), abs=0.004)
    assert share.of_a_well.mean() == pytest.approx((k + 0.5) / (n + 1), abs=0.01)


def test_a_further_well_is_that_of_a_posterior_on_a_fine_grid():
    hits, cells = np.array([2, 9, 4, 30]), np.array([40, 60, 50, 200])
    mean = np.linspace(0.0005, 0.9995, 2000)[:, None]
    a, b = beta_parameters(mean, SPREADS)
    posterior = (mean * (1 - mean)) ** -0.5
    for k, n in zip(hits, cells, strict=True):
        posterior = posterior * betabinom.pmf(k, n, a, b)
    posterior /= trapezoid(posterior, mean, axis=0).sum()
    share = fit(hits, cells)
    for quantile in (0.025, 0.25, 0.5, 0.75, 0.975):
        below = beta.cdf(share.at(np.array([quantile])), a, b)
        assert trapezoid(posterior * below, mean, axis=0).sum() == pytest.approx(quantile, abs=0.01)
    assert share.spread == pytest.approx((trapezoid(posterior, mean, axis=0) * SPREADS).sum(), rel=0.01)


@pytest.mark.parametrize(("mean", "spread"), [(0.05, 0.5), (0.9, 0.3)])
def test_mean_and_spread_of_many_wells_are_recovered(mean, spread):
    rng = np.random.default_rng(1)
    of_wells = rng.beta(*beta_parameters(mean, spread), 150)
    share = fit(rng.binomial(400, of_wells), np.full(150, 400))
    assert share.low < mean < share.high
    assert share.spread == pytest.approx(spread, abs=0.07)
    assert np.quantile(of_wells, [0.1, 0.9]) == pytest.approx(share.at(np.array([0.1, 0.9])), rel=0.2)


def test_the_spread_is_a_coefficient_of_variation_of_what_is_rare():
    for mean, spread in ((0.01, 0.5), (0.002, 0.2)):
        rare = beta(*beta_parameters(mean, spread))
        assert rare.mean() == pytest.approx(mean)
        assert rare.std() / mean == pytest.approx(spread, rel=0.02)
        assert beta(*beta_parameters(1 - mean, spread)).std() == pytest.approx(rare.std())


def test_two_half_wells_are_one():
    whole = fit([5, 20], [50, 80])
    halves = fit([5, 5, 20], [50, 50, 80], [0.5, 0.5, 1])
    for one, other in zip(whole, halves, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9)


def test_without_cells_nothing_is_known():
    share = fit([0, 0], [0, 0])
    assert np.isnan(share.pooled)
    # Jeffreys' prior, seen by a well that differs from the mean.
    assert share.low < 0.01
    assert share.high > 0.99
    assert np.quantile(share.of_a_well, [0.05, 0.95]) == pytest.approx([0, 1], abs=0.02)


def test_more_wells_and_more_cells_say_more():
    widths = [
        np.ptp(fit([n // 10] * k, [n] * k).at(np.array([0.025, 0.975])))
        for k, n in ((4, 20), (4, 200), (16, 200))
    ]
    assert widths[0] > widths[1] > widths[2]
