import numpy as np
import pytest
from scipy.stats import binomtest

from livedead import statistics


@pytest.mark.parametrize(("n_live", "n"), [(0, 5), (5, 5), (3, 7), (90, 100), (1, 1)])
def test_wilson_is_scipys(n_live, n):
    low, high = statistics.wilson_interval(np.array([n_live]), np.array([n]))
    expected = binomtest(n_live, n).proportion_ci(0.95, "wilson")
    assert low[0] == pytest.approx(expected.low, abs=1e-12)
    assert high[0] == pytest.approx(expected.high, abs=1e-12)


def test_without_cells_there_is_no_interval():
    low, high = statistics.wilson_interval(np.array([0.0]), np.array([0.0]))
    assert np.isnan([low[0], high[0]]).all()


def test_dispersion_divides_the_number_of_cells():
    low, high = statistics.wilson_interval(np.array([40.0]), np.array([80.0]), dispersion=4)
    expected = binomtest(10, 20).proportion_ci(0.95, "wilson")
    assert (low[0], high[0]) == pytest.approx((expected.low, expected.high), abs=1e-12)


def simulated(rng, rho, n_wells=300, n_fields=4, n_cells=50):
    """Beta-binomial fields: variance (1 + (n_cells - 1) rho) times the binomial's."""
    p = rng.uniform(0.2, 0.8, n_wells).repeat(n_fields)
    if rho:
        p = rng.beta(p * (1 / rho - 1), (1 - p) * (1 / rho - 1))
    wells = np.arange(n_wells).repeat(n_fields)
    return rng.binomial(n_cells, p), np.full(wells.size, n_cells), wells


@pytest.mark.parametrize("rho", [0, 0.02, 0.1])
def test_overdispersion_is_recovered(rho):
    found = statistics.overdispersion(*simulated(np.random.default_rng(3), rho))
    assert found == pytest.approx(1 + 49 * rho, rel=0.12)


def test_overdispersion_is_at_least_one_and_needs_two_fields():
    assert statistics.overdispersion(np.array([5, 5]), np.array([10, 10]), np.array([1, 1])) == 1
    assert statistics.overdispersion(np.array([5, 9]), np.array([10, 10]), np.array([1, 2])) == 1
