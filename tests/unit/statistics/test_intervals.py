import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest, t

from livedead.statistics import intervals
from livedead.statistics.intervals import Correlation


@pytest.mark.parametrize(("n_live", "n"), [(0, 5), (5, 5), (3, 7), (90, 100), (1, 1)])
def test_independent_cells_have_scipys_wilson_interval(n_live, n):
    low, high = intervals.viability_interval(np.array([n_live]), np.array([n]), np.array([n**2]))
    expected = binomtest(n_live, n).proportion_ci(0.95, "wilson")
    assert low[0] == pytest.approx(expected.low, abs=1e-12)
    assert high[0] == pytest.approx(expected.high, abs=1e-12)


def test_without_cells_there_is_no_interval():
    zero = np.array([0.0])
    low, high = intervals.viability_interval(zero, zero, zero)
    assert np.isnan([low[0], high[0]]).all()


def test_correlation_divides_the_number_of_cells():
    # Four fields of 20 cells, correlation 3 / 19: each counts as 20 / (1 + 19 * 3 / 19) = 5 cells.
    # Many degrees of freedom: Student's t is the normal distribution.
    low, high = intervals.viability_interval(
        np.array([40.0]), np.array([80.0]), np.array([4 * 20.0**2]), Correlation(3 / 19, 10**9, "fields")
    )
    expected = binomtest(10, 20).proportion_ci(0.95, "wilson")
    assert (low[0], high[0]) == pytest.approx((expected.low, expected.high), abs=1e-7)


def test_few_degrees_of_freedom_widen_it():
    z = t.ppf(0.975, 5)
    low, high = intervals.viability_interval(
        np.array([8.0]), np.array([10.0]), np.array([100.0]), Correlation(0, 5, "fields")
    )
    # Wilson's ends are the roots of (p - 0.8)² = z² p (1 - p) / n.
    for end in (low[0], high[0]):
        assert (end - 0.8) ** 2 == pytest.approx(z**2 * end * (1 - end) / 10)


def simulated(rng, rho, n_wells, fields=(1, 9), cells=(10, 1000)):
    """Wells whose fields are beta-binomial with correlation rho; their expected viabilities."""
    n_fields = rng.integers(fields[0], fields[1] + 1, n_wells)
    total = np.exp(rng.uniform(np.log(cells[0]), np.log(cells[1]), n_wells)).round().astype(int)
    expected = rng.uniform(0.03, 0.97, n_wells)
    well = np.arange(n_wells).repeat(n_fields)
    n_decided = np.concatenate(
        [rng.multinomial(n, rng.dirichlet(np.full(k, 5.0))) for n, k in zip(total, n_fields, strict=True)]
    )
    p = expected[well]
    if rho:
        p = rng.beta(p * (1 / rho - 1), (1 - p) * (1 / rho - 1))
    return rng.binomial(n_decided, p), n_decided, well, expected


@pytest.mark.parametrize("rho", [0, 0.02, 0.1])
def test_the_correlation_is_recovered(rho):
    n_live, n_decided, well, _ = simulated(np.random.default_rng(3), rho, 20_000)
    found = intervals.intraclass_correlation(n_live, n_decided, well)
    assert found.icc == pytest.approx(rho, rel=0.03, abs=0.0004)
    assert found.source == "fields"


def test_a_correlation_needs_several_fields():
    one = np.ones(6, int)
    assert intervals.intraclass_correlation(5 * one, 10 * one, np.arange(6)) == Correlation()
    assert intervals.intraclass_correlation(0 * one, 10 * one, one) == Correlation()
    assert intervals.intraclass_correlation(0 * one, 0 * one, one) == Correlation()
    # Alike fields scatter less than chance: no negative correlation.
    assert intervals.intraclass_correlation(5 * one, 10 * one, one) == Correlation(0.0, 5, "fields")


def covered(n_plates, n_wells, rhos):
    rng = np.random.default_rng(20260101)
    tables = []
    for rho in rhos:
        for _ in range(n_plates):
            n_live, n_decided, well, expected = simulated(rng, rho, n_wells)
            correlation = intervals.intraclass_correlation(n_live, n_decided, well)
            total = np.bincount(well, n_decided)
            low, high = intervals.viability_interval(
                np.bincount(well, n_live), total, np.bincount(well, n_decided**2.0), correlation
            )
            holds = (low <= expected) & (expected <= high)
            n_fields = np.bincount(well)
            tables.append(pd.DataFrame({"rho": rho, "holds": holds, "n": total, "n_fields": n_fields}))
    return pd.concat(tables)


def test_the_interval_is_calibrated():
    """95 % of wells, with and without correlation, few and many fields, few and many cells."""
    table = covered(n_plates=60, n_wells=96, rhos=(0, 0.005, 0.02, 0.05, 0.1))
    assert len(table) >= 4000
    assert 0.93 <= table["holds"].mean() <= 0.97
    cells = pd.cut(table["n"], [9, 30, 100, 300, 1000])
    fields = pd.cut(table["n_fields"], [0, 1, 3, 9])
    for part in (table["rho"], cells, fields):
        share = table.groupby(part, observed=True)["holds"].mean()
        assert share.between(0.93, 0.97).all(), share


def test_the_interval_is_calibrated_on_small_plates():
    assert 0.93 <= covered(n_plates=200, n_wells=12, rhos=(0, 0.02, 0.1))["holds"].mean() <= 0.97
