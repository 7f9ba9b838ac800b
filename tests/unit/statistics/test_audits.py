import numpy as np
import pytest
from scipy.stats import beta, t

from livedead.statistics import audits
from livedead.statistics.audits import (
    AMBIGUOUS,
    DEAD,
    LIVE,
    NONE,
    SHARES,
    count_bias,
    fit_audit,
    true_viability,
)
from livedead.statistics.intervals import viability_interval


def well(live_live=0, dead_live=0, live_dead=0, dead_dead=0, **others):
    """Counts of a well; names say the reading's state first."""
    counts = np.zeros((4, 4), int)
    states = {"live": LIVE, "dead": DEAD, "ambiguous": AMBIGUOUS, "none": NONE}
    named = {"live_live": live_live, "dead_live": dead_live, "live_dead": live_dead, "dead_dead": dead_dead}
    for name, count in (named | others).items():
        read, dyed = name.split("_")
        counts[states[read], states[dyed]] = count
    return counts


GOOD = [well(90, 10, 8, 72), well(45, 5, 4, 36), well(180, 20, 2, 18), well(18, 2, 16, 144)]
"""In each well a tenth of the live and of the dead cells is misread."""


def correct(audit, n_live, n_dead, groups=None, **settings):
    return audit.correct(np.atleast_1d(n_live), np.atleast_1d(n_dead), groups, **settings)


def test_the_viability_is_that_of_rogan_and_gladen():
    # (read + specificity - 1) / (sensitivity + specificity - 1), of dead cells: here (0.3 - 0.1) / 0.8.
    found = correct(fit_audit(GOOD), 70, 30)
    assert found.viability[0] == pytest.approx(1 - (0.3 + 0.9 - 1) / (0.9 + 0.9 - 1))
    assert found.low[0] < found.viability[0] < found.high[0]


def test_a_perfect_reading_is_left_as_it_is():
    audit = fit_audit([well(live_live=5000, dead_dead=5000)] * 40)
    n_live, n = np.array([0, 3, 50, 97, 100]), np.full(5, 100)
    found = audit.correct(n_live, n - n_live)
    np.testing.assert_array_equal(found.viability, n_live / n)
    # What remains is the sample of the well's own cells.
    np.testing.assert_allclose(
        found.low[1:], beta.ppf(0.025, n_live[1:] + 0.5, 100.5 - n_live[1:]), atol=0.01
    )
    np.testing.assert_allclose(
        found.high[:4], beta.ppf(0.975, n_live[:4] + 0.5, 100.5 - n_live[:4]), atol=0.01
    )
    assert found.low[0] == 0
    assert found.high[4] == 1
    raw = viability_interval(n_live, n, n**2)
    np.testing.assert_allclose([found.low, found.high], raw, atol=0.03)


def test_lost_cells_and_specks_are_counted_back():
    # 600 live and 400 dead cells: 5 % and 20 % are lost, 3 % and 10 % of the others misread; 30 specks are
    # read as dead and 10 as live.
    n_live_found, n_dead_found = 600 * 0.95, 400 * 0.8
    live = n_live_found * 0.97 + n_dead_found * 0.1 + 10
    dead = n_live_found * 0.03 + n_dead_found * 0.9 + 30
    rates = dict(zip(SHARES, (0.03, 0.1, 0.05, 0.2, 40 / (live + dead), 0.25), strict=True))
    assert true_viability(np.array(live / (live + dead)), rates) == pytest.approx(0.6)


@pytest.mark.parametrize(("read", "expected"), [(0.05, 0.0), (0.99, 1.0)])
def test_a_reading_beyond_its_own_errors_is_all_live_or_all_dead(read, expected):
    rates = dict(zip(SHARES, (0.03, 0.1, 0.5, 0, 0, 0), strict=True))
    assert true_viability(np.array([read]), rates) == expected


def test_states_that_are_read_alike_have_no_viability():
    assert np.isnan(true_viability(np.array([0.5]), dict(zip(SHARES, (0.5, 0.5, 0, 0, 0, 0), strict=True))))


def test_the_shares_of_a_well_counted_by_hand():
    counts = well(
        50, 4, 3, 20, none_live=5, ambiguous_live=1, none_dead=7, live_none=2, dead_none=6, live_ambiguous=1
    )
    found = {
        name: (int(hits[0]), int(cells[0]))
        for name, (hits, cells) in fit_audit([counts]).everywhere.pairs.items()
    }
    assert found == {
        "live_misread": (4, 54),
        "dead_misread": (3, 23),
        "live_lost": (6, 60),
        "dead_lost": (7, 30),
        "unknown": (9, 86),
        "unknown_live": (3, 9),
    }


def test_the_summary_by_hand():
    row = (
        fit_audit([well(90, 10, 8, 72, none_dead=20), well(10, 0, 2, 8, ambiguous_live=5)]).summary().iloc[0]
    )
    assert (row["n_wells"], row["n_live"], row["n_dead"]) == (2, 110, 90)
    assert row["sensitivity"] == pytest.approx(80 / 90)
    assert row["specificity"] == pytest.approx(100 / 110)
    assert row["sensitivity_low"] < row["sensitivity"] < row["sensitivity_high"]
    assert row["total_bias"] == pytest.approx(205 / 225 - 1)
    assert row["live_bias"] == pytest.approx(110 / 115 - 1)
    assert row["dead_bias"] == pytest.approx(90 / 110 - 1)
    assert row["reason"].startswith("2 audited wells with 110 live and 90 dead cells; needed are 4 with 10")


def test_the_bias_of_a_count_by_hand():
    # Ratio 0.8; residuals 90 - 80 and 70 - 80: their standard error is sqrt(2 / 1 * 200) / 160.
    bias, low, high = count_bias(np.array([90, 70]), np.array([100, 100]))
    error = t.ppf(0.975, 1) * 20 / 160
    assert (bias, low, high) == pytest.approx((-0.2, 0.8 * np.exp(-error) - 1, 0.8 * np.exp(error) - 1))


@pytest.mark.parametrize(("read", "dyed"), [([0, 0], [5, 5]), ([5, 5], [0, 0])])
def test_a_count_of_nothing_has_no_bias(read, dyed):
    assert np.isnan(count_bias(np.array(read), np.array(dyed))).all()


def test_one_well_has_a_bias_without_an_interval():
    bias, low, high = count_bias(np.array([9]), np.array([10]))
    assert bias == pytest.approx(-0.1)
    assert np.isnan([low, high]).all()


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        (GOOD[:3], "3 audited wells with 350 live and 140 dead cells; needed are 4 with 10 of each"),
        ([well(90, 10, 1, 1)] * 4, "4 audited wells with 400 live and 8 dead cells"),
        ([well(90, 10, none_dead=50)] * 4, "4 audited wells with 400 live and 0 dead cells"),
        ([well(50, 50, 50, 50)] * 8, "sensitivity + specificity - 1 is 0.00, and not above 0 in"),
        (np.zeros((0, 4, 4), int), "0 audited wells"),
    ],
)
def test_too_little_knowledge_is_refused_in_words(counts, reason):
    found = correct(fit_audit(counts), 70, 30)
    assert np.isnan([found.viability[0], found.low[0], found.high[0]]).all()
    assert reason in found.reason[0]


def test_a_well_without_read_cells_is_refused():
    found = fit_audit(GOOD).correct(np.array([0, 70]), np.array([0, 30]))
    assert list(found.reason) == ["no cells were read as live or dead", ""]
    assert list(np.isnan(found.viability)) == [True, False]


def test_a_treatment_is_corrected_by_its_own_wells_if_they_are_enough():
    bad = [well(80, 20, 12, 28)] * 4
    audit = fit_audit(GOOD + bad, ["a"] * 4 + ["b"] * 4)
    found = audit.correct(np.full(2, 70), np.full(2, 30), ["a", "b"])
    assert found.viability[0] == pytest.approx((0.7 - 0.1) / 0.8)
    assert found.viability[1] == pytest.approx((0.7 - 0.3) / (1 - 0.2 - 0.3))
    assert list(audit.summary()["treatment"]) == ["", "a", "b"]


def test_a_treatment_is_not_judged_by_a_few_others():
    audit = fit_audit(GOOD + GOOD, ["a"] * 4 + ["b"] * 4)
    found = correct(audit, 70, 30, ["c"])
    assert np.isnan(found.viability[0])
    assert found.reason[0] == (
        "this treatment has no audited wells; to speak for it there are 2 audited treatments "
        "with 740 live and 600 dead cells; needed are 4 with 10 of each"
    )
    assert (
        "this treatment has 1 audited wells" in correct(fit_audit(GOOD[:1], ["a"]), 70, 30, ["a"]).reason[0]
    )


def test_a_treatment_is_judged_by_many_others_however_often_each_is_audited():
    audit = fit_audit([*GOOD, *[GOOD[0]] * 6], ["a", "b", "c", "d"] + ["a"] * 6)
    once = fit_audit(GOOD, ["a", "b", "c", "d"])
    for one, other in zip(correct(audit, 70, 30, ["e"])[:3], correct(once, 70, 30, ["e"])[:3], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


def test_a_treatment_that_is_read_badly_is_not_corrected_by_others():
    chance = [well(50, 50, 50, 50)] * 4
    audit = fit_audit([*chance, *GOOD, *GOOD], ["bad"] * 4 + ["good"] * 4 + ["a", "b", "c", "d"])
    found = audit.correct(np.full(2, 70), np.full(2, 30), ["bad", "good"])
    assert "no better than by chance: sensitivity + specificity - 1 is 0.00" in found.reason[0]
    assert found.reason[1] == ""


def test_the_corrected_rises_with_the_read_and_stays_between_0_and_1():
    n_live = np.arange(0, 61)
    found = fit_audit(GOOD).correct(n_live, 60 - n_live)
    for values in found[:3]:
        assert (np.diff(values) >= 0).all()
        assert ((values >= 0) & (values <= 1)).all()
    assert (found.low <= found.viability).all()
    assert (found.viability <= found.high).all()
    assert found.viability[0] == found.low[0] == 0
    assert found.viability[-1] == found.high[-1] == 1


def test_less_knowledge_widens_the_interval():
    def width(audit, n, **settings):
        found = correct(audit, 7 * n, 3 * n, **settings)
        return found.high[0] - found.low[0]

    audit = fit_audit(GOOD)
    assert width(audit, 10) > width(audit, 40) > width(audit, 1000)
    assert width(audit, 1000) > width(fit_audit(GOOD * 4), 1000)
    assert width(audit, 40, design_effect=4.0) == pytest.approx(width(audit, 10))


def test_equal_counts_give_equal_numbers_in_any_company(monkeypatch):
    audit = fit_audit(GOOD)
    n_live, n_dead = np.array([70, 12, 30]), np.array([30, 8, 90])
    together = audit.correct(n_live, n_dead)
    monkeypatch.setattr(audits, "_WELLS_AT_ONCE", 2)
    for one, other in zip(together[:3], audit.correct(n_live, n_dead)[:3], strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.fixture
def benchmark(repository, monkeypatch):
    monkeypatch.syspath_prepend(str(repository / "tests/benchmarks"))
    import audit

    return audit


@pytest.mark.parametrize("name", ["as usual", "controls audited", "specks", "new of 8 treatments"])
def test_the_interval_holds_the_truth_as_often_as_it_says(benchmark, name):
    # 420 wells that share 60 audits: a standard error of about 0.013.
    row = benchmark.coverage(benchmark.SCENARIOS[name], ["random effects"], 60).iloc[0]
    assert 0.92 <= row["coverage"] <= 0.99
    assert row["refused"] == 0


def test_worms_of_two_treatments_are_refused_or_covered(benchmark):
    """As in BBBC010: 15 worms a well; the few of the other state are mostly misread, by either treatment."""
    rng = np.random.default_rng(0)
    held = []
    for _ in range(30):
        audited, undyed = (np.arange(n) % 2 for n in (16, 10))
        p = np.where(undyed == 0, rng.beta(9, 1, 10), rng.beta(1, 9, 10))
        live_error, dead_error = np.array([0.03, 0.7]), np.array([0.6, 0.05])

        def read(viability, treatment, live_error=live_error, dead_error=dead_error):
            live = rng.binomial(15, viability)
            as_dead = rng.binomial(live, live_error[treatment])
            as_live = rng.binomial(15 - live, dead_error[treatment])
            return [well(n - d, d, a, 15 - n - a) for n, d, a in zip(live, as_dead, as_live, strict=True)]

        counts = read(np.where(audited == 0, rng.beta(9, 1, 16), rng.beta(1, 9, 16)), audited)
        seen = np.array(read(p, undyed)).sum(2)
        found = fit_audit(counts, audited.astype(str)).correct(
            seen[:, LIVE], seen[:, DEAD], undyed.astype(str)
        )
        known = ~np.isnan(found.low)
        held.extend(((found.low <= p) & (p <= found.high))[known])
    assert len(held) >= 30
    assert np.mean(held) >= 0.93
