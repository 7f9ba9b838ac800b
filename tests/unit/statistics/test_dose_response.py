import numpy as np
import pytest
import statsmodels.api as statsmodels

from livedead.statistics import dose_response
from livedead.statistics.dose_response import ABOVE, BELOW, ESTIMATED, UNDETERMINED, fit_curve

DOSES = np.concatenate([np.zeros(8), np.repeat(100 / 10 ** (np.arange(10) / 2), 4)])


def viability(dose, ic50, slope, top, bottom):
    """Log-logistic, as in Finney; dose 0 is the top."""
    return bottom + (top - bottom) / (1 + (dose / ic50) ** slope)


def counted(rng, ic50, slope=1.2, top=0.95, bottom=0.05, n_cells=100, rho=0.0, dose=DOSES):
    n = np.maximum(rng.poisson(n_cells, dose.size), 1)
    p = viability(dose, ic50, slope, top, bottom)
    if rho:
        p = rng.beta(p * (1 / rho - 1), (1 - p) * (1 / rho - 1))
    return dose, rng.binomial(n, p), n


def test_the_curve_by_hand():
    # Half-way at the IC50 of 2; dose 0 is the top; ten times below it 1/11 of the way is gone, above left.
    dose, n_live = np.repeat([[0, 0.2, 2, 20], [990, 910, 550, 190]], 2, axis=1)
    found = fit_curve(dose, n_live, np.full(8, 1100))
    assert (found.ic50, found.slope, found.top, found.bottom) == pytest.approx((2, 1, 0.9, 0.1), rel=0.01)


def test_with_fixed_asymptotes_it_is_logistic_regression():
    """The logit of viability is then a straight line in log dose: a binomial GLM."""
    rng = np.random.default_rng(4)
    dose = np.repeat(10.0 ** np.arange(-2, 3), 6)
    dose, n_live, n = counted(rng, 1.7, 0.8, 1.0, 0.0, 80, 0.03, dose)
    glm = statsmodels.GLM(
        np.column_stack([n_live, n - n_live]),
        statsmodels.add_constant(np.log(dose)),
        family=statsmodels.families.Binomial(),
    ).fit()
    intercept, slope = glm.params
    expected = n * glm.predict()
    scale = ((n_live - expected) ** 2 / (expected * (1 - expected / n))).sum() / 28
    found = fit_curve(dose, n_live, n, top=1, bottom=0)
    assert found.slope == pytest.approx(-slope, rel=1e-3)
    assert found.ic50 == pytest.approx(np.exp(-intercept / slope), rel=2e-3)
    assert found.dispersion == pytest.approx(scale, rel=1e-3)
    # Their interval is Wald's by the delta method; for a straight line ours is nearly the same.
    gradient = np.array([-1 / slope, intercept / slope**2])
    error = np.sqrt(scale * gradient @ glm.cov_params() @ gradient)
    width = np.log(found.ic50_high / found.ic50_low)
    assert width == pytest.approx(2 * 2.048 * error, rel=0.03)  # t.ppf(0.975, 28)


def test_a_fit_is_the_least_of_the_deviance():
    """scipy's general optimizer finds no better curve."""
    from scipy.optimize import minimize
    from scipy.stats import binom

    rng = np.random.default_rng(8)
    for _ in range(5):
        dose, n_live, n = counted(rng, np.exp(rng.uniform(-2, 2)), rng.uniform(0.8, 2))
        found = fit_curve(dose, n_live, n)

        def loss(parameters, dose=dose, n_live=n_live, n=n):
            log_ic50, log_slope, top, bottom = parameters
            if not 0 < bottom < top < 1:
                return np.inf
            p = viability(dose, np.exp(log_ic50), np.exp(log_slope), top, bottom)
            return -binom.logpmf(n_live, n, p).sum()

        ours = np.array([np.log(found.ic50), np.log(found.slope), found.top, max(found.bottom, 1e-6)])
        best = minimize(loss, ours, method="Nelder-Mead", options={"maxiter": 4000, "fatol": 1e-9})
        assert loss(ours) - best.fun < 0.02
        assert found.ic50 == pytest.approx(np.exp(best.x[0]), rel=0.02)


def test_the_interval_holds_the_true_ic50():
    """1,000 plates, half of them with correlated cells."""
    rng = np.random.default_rng(20260101)
    holds = []
    for k in range(1000):
        true = np.exp(rng.uniform(np.log(0.05), np.log(10)))
        shape = rng.uniform(0.8, 2.5), rng.uniform(0.9, 0.98), rng.uniform(0.02, 0.1)
        found = fit_curve(*counted(rng, true, *shape, rho=0.02 * (k % 2)))
        low = -np.inf if np.isnan(found.ic50_low) else found.ic50_low
        high = np.inf if np.isnan(found.ic50_high) else found.ic50_high
        holds.append(low <= true <= high)
    assert 0.93 <= np.mean(holds) <= 0.97


def test_verdicts():
    rng = np.random.default_rng(6)
    assert fit_curve(*counted(rng, 1.0)).verdict == ESTIMATED
    inactive = fit_curve(*counted(rng, 1e9))
    assert inactive.verdict == ABOVE
    assert np.isnan([inactive.ic50, inactive.ic50_high]).all()
    late = fit_curve(*counted(rng, 400.0, 1.5), bottom=0.05)
    assert late.verdict == ABOVE
    assert np.isnan(late.ic50)
    assert 100 < late.ic50_low < 400
    early = fit_curve(*counted(rng, 0.001, 1.5))
    assert early.verdict == BELOW
    assert np.isnan(early.ic50)
    dose = np.array([0, 0, 1, 1])
    assert fit_curve(dose, np.array([9, 8, 2, 1]), np.full(4, 10)).verdict == UNDETERMINED
    # The top dose begins to act: where the curve would end is not known.
    dose = np.repeat([0.0, 0.01, 0.1, 1, 10], 2)
    partial = fit_curve(dose, np.array([95, 94, 95, 93, 94, 95, 94, 93, 60, 64]), np.full(10, 100))
    assert partial.verdict == UNDETERMINED
    assert not partial.ic50_high <= 10


def test_wells_without_cells_are_left_out_and_counted_so():
    dose, n_live, n = counted(np.random.default_rng(7), 1.0)
    n[3], n_live[3] = 0, 0
    found = fit_curve(dose, n_live, n)
    assert (found.n_wells, found.n_doses) == (47, 10)
    assert found == fit_curve(np.delete(dose, 3), np.delete(n_live, 3), np.delete(n, 3))
    assert dose_response.Curve(UNDETERMINED) == fit_curve(dose[:0], n[:0], n[:0])
