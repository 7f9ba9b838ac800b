import numpy as np
import pytest
from scipy.stats import ttest_1samp

from livedead.statistics.replicates import mean_of


@pytest.mark.parametrize("n", [2, 3, 8])
def test_mean_and_interval_are_those_of_scipys_t_test(n):
    values = np.random.default_rng(n).normal(0.7, 0.1, n)
    found = mean_of(np.append(values, np.nan))
    expected = ttest_1samp(values, 0).confidence_interval(0.95)
    assert found.n == n
    assert found.mean == pytest.approx(sum(values) / n)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.sd == pytest.approx(np.sqrt(((values - values.mean()) ** 2).sum() / (n - 1)))


def test_one_replicate_has_no_spread_and_none_no_mean():
    one = mean_of(np.array([np.nan, 0.25]))
    assert (one.mean, one.n) == (0.25, 1)
    assert np.isnan([one.low, one.high, one.sd]).all()
    none = mean_of(np.array([np.nan]))
    assert none.n == 0
    assert np.isnan([none.mean, none.low, none.high, none.sd]).all()


def test_the_interval_covers_the_mean_as_often_as_it_says():
    rng = np.random.default_rng(0)
    found = [mean_of(rng.normal(0.5, 0.2, 3)) for _ in range(2000)]
    covered = np.mean([one.low <= 0.5 <= one.high for one in found])
    # Three standard errors of a share of 2000.
    assert covered == pytest.approx(0.95, abs=3 * np.sqrt(0.95 * 0.05 / 2000))
