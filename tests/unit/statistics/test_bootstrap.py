import numpy as np
import pytest

from livedead.statistics import bootstrap


def test_resamples_are_draws_with_replacement_of_whole_rows():
    rows = np.array([[1, 10], [2, 20], [3, 30]])
    drawn = bootstrap.resampled(rows, np.random.default_rng(0))
    assert drawn.shape == (bootstrap.RESAMPLES, 3, 2)
    assert (drawn[..., 1] == 10 * drawn[..., 0]).all()
    # Of three draws of three, 6 of 27 hold each once.
    once = (np.sort(drawn[..., 0]) == [1, 2, 3]).all(axis=1).mean()
    assert once == pytest.approx(6 / 27, abs=3 * np.sqrt(6 / 27 * 21 / 27 / bootstrap.RESAMPLES))


def test_the_interval_is_the_middle_share():
    assert bootstrap.percentile_interval(np.arange(101.0), 0.9) == pytest.approx((5, 95))
