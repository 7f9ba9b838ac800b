import numpy as np
import pytest
from statsmodels.stats.inter_rater import cohens_kappa as reference

from livedead.statistics.raters import cohens_kappa


@pytest.mark.parametrize(
    "counts",
    [[[20, 5], [10, 15]], [[40, 2, 0, 1], [3, 38, 1, 0], [0, 1, 5, 2], [0, 0, 1, 6]], [[9, 1], [1, 0]]],
)
def test_kappa_and_its_interval_are_those_of_statsmodels(counts):
    expected = reference(np.array(counts))
    ends = expected.kappa_low, min(expected.kappa_upp, 1)
    assert cohens_kappa(np.array(counts)) == pytest.approx((expected.kappa, *ends))


def test_two_who_always_agree_have_kappa_1():
    assert cohens_kappa(np.diag([30, 20, 0, 4])) == pytest.approx((1, 1, 1))


@pytest.mark.parametrize("counts", [np.zeros((4, 4), int), np.diag([50, 0, 0, 0])])
def test_what_cannot_be_known_is_not_a_number(counts):
    assert all(map(np.isnan, cohens_kappa(counts)))
