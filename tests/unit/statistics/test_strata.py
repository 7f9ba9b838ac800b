import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom
from statsmodels.stats.proportion import proportion_confint

from livedead.statistics.strata import divide, estimate_share

PRACTICALLY_ENDLESS = 10**9


@pytest.mark.parametrize(("hits", "n"), [(0, 40), (1, 100), (7, 100), (50, 100), (30, 30)])
def test_one_stratum_has_the_interval_of_wilson(hits, n):
    found = estimate_share([PRACTICALLY_ENDLESS], [n], [hits])
    assert found.share == hits / n
    assert found[1:] == pytest.approx(proportion_confint(hits, n, method="wilson"), abs=1e-6)
    assert (found.low == 0) == (hits == 0)


@pytest.mark.parametrize(
    ("weights", "n", "hits"), [((0.8, 0.2), (60, 40), (3, 12)), ((0.5, 0.5), (90, 30), (0, 1))]
)
def test_the_ends_of_two_strata_are_where_the_score_is_196(weights, n, hits):
    """The likelihood is searched on a grid of the first share, as the second follows from both."""
    sizes = [int(weight * PRACTICALLY_ENDLESS) for weight in weights]
    found = estimate_share(sizes, n, hits)
    assert found.share == pytest.approx(sum(w * k / m for w, k, m in zip(weights, hits, n, strict=True)))
    for end in found[1:]:
        if end < 1e-6:
            continue
        first = np.linspace(0, min(1, end / weights[0]), 400_001)
        second = (end - weights[0] * first) / weights[1]
        first, second = first[second <= 1], second[second <= 1]
        likelihood = binom.logpmf(hits[0], n[0], first) + binom.logpmf(hits[1], n[1], second)
        best = np.argmax(likelihood)
        shares = np.array([first[best], second[best]])
        error = np.sqrt((np.square(weights) * shares * (1 - shares) / n).sum())
        assert abs(end - found.share) / error == pytest.approx(1.96, abs=0.002)


def test_strata_that_were_judged_in_full_leave_no_doubt():
    found = estimate_share([4, 12], [4, 12], [1, 3])
    assert found == pytest.approx((0.25, 0.25, 0.25), abs=1e-4)


def test_a_finite_plate_is_known_better_than_an_endless_one():
    endless, half = (estimate_share([size], [100], [10]) for size in (PRACTICALLY_ENDLESS, 200))
    narrower = (half.high - half.low) / (endless.high - endless.low)
    # The standard error is that of 100 of 200 without replacement, by the factor sqrt(100 / 199).
    assert narrower == pytest.approx(np.sqrt(100 / 199), abs=0.02)


def test_a_stratum_without_a_judged_cell_may_have_any_share():
    known, unknown = estimate_share([900], [50], [5]), estimate_share([900, 100], [50, 0], [5, 0])
    assert unknown.share == known.share
    assert unknown.low == pytest.approx(0.9 * known.low)
    assert unknown.high == pytest.approx(0.9 * known.high + 0.1)
    assert all(map(np.isnan, estimate_share([5, 5], [0, 0], [0, 0])))


@given(st.lists(st.integers(0, 300), max_size=6), st.integers(0, 500))
def test_all_places_are_given_away_and_no_group_gives_more_than_it_has(sizes, n):
    drawn = divide(sizes, n)
    assert sum(drawn) == min(n, sum(sizes))
    assert all(0 <= k <= size for k, size in zip(drawn, sizes, strict=True))
    # Who has cells left was given as many as anybody, but for the rest of the division.
    unfilled = [k for k, size in zip(drawn, sizes, strict=True) if k < size]
    assert not unfilled or min(unfilled) >= max(drawn) - 1


@pytest.mark.parametrize("rates", [(0.01, 0.01, 0.01, 0.01), (0.2, 0.01, 0.3, 0.02), (0.02, 0.02, 0.4, 0.4)])
def test_the_interval_holds_the_truth_of_19_in_20_plates(rates):
    rng = np.random.default_rng(4)
    sizes, judged, held = np.array([2700, 2700, 300, 300]), [50] * 4, []
    for _ in range(400):
        wrong = rng.binomial(sizes, rates)
        found = estimate_share(sizes, judged, rng.hypergeometric(wrong, sizes - wrong, judged))
        held.append(found.low <= wrong.sum() / sizes.sum() <= found.high)
    assert 0.92 <= np.mean(held) <= 0.985
