"""Thresholds from histograms: against scikit-image, brute force, and populations of known parameters."""

import numpy as np
import pytest
from skimage.filters import threshold_otsu

from livedead.dyes.thresholds import (
    BIN,
    N_BINS,
    choose_threshold,
    histogram,
    nearness,
    otsu,
    valley,
)


def populations(*sizes_means_sds, seed=0):
    """Signals whose square roots are normal."""
    rng = np.random.default_rng(seed)
    roots = [rng.normal(mean, sd, size) for size, mean, sd in sizes_means_sds]
    return np.maximum(np.concatenate(roots), 0) ** 2


def test_a_histogram_counts_square_roots_and_nothing_is_lost():
    signals = np.array([-50.0, 0, 1, 4, 4, 1e9], np.float32)
    counts = histogram(signals)
    assert counts.shape == (N_BINS,) and counts.sum() == signals.size
    # -50 and 0 are none; 1e9 is above the last bin.
    assert [counts[round(root / BIN)] for root in (0, 1, 2)] == [2, 1, 2]
    assert counts[-1] == 1


def near_by_hand(signals, threshold):
    """Signals from 0.8 to 1.25 times the threshold for one in the smaller population."""
    near = ((signals >= 0.8 * threshold) & (signals < 1.25 * threshold)).sum()
    return near / min((signals >= threshold).sum(), (signals < threshold).sum())


@pytest.mark.parametrize(("share", "mean", "sd"), [(0.5, 40, 3), (0.1, 60, 8), (0.02, 30, 2), (0.4, 14, 3)])
def test_otsus_threshold_parts_what_that_of_scikit_image_parts(share, mean, sd):
    signals = populations((20000, 8, 1.5), (int(20000 * share), mean, sd))
    # scikit-image gives the first of equal thresholds, and has as many bins within the range of values.
    expected = threshold_otsu(np.sqrt(signals), nbins=round(np.ptp(np.sqrt(signals)) / BIN))
    above = (signals > expected**2).sum()
    assert (signals > otsu(histogram(signals))).sum() == pytest.approx(above, rel=0.01)


def test_between_two_levels_otsus_threshold_is_in_the_middle():
    # Square roots 10 and 50: every threshold between parts the same.
    signals = np.r_[np.full(70, 100.0), np.full(30, 2500.0)]
    assert np.sqrt(otsu(histogram(signals))) == pytest.approx(30, abs=BIN)


@pytest.mark.parametrize(("n_first", "n_second", "sd"), [(5000, 5000, 4), (9000, 300, 2.5), (300, 9000, 5)])
def test_the_valley_is_where_the_fewest_signals_are_near(n_first, n_second, sd):
    signals = populations((n_first, 12, 2), (n_second, 50, sd))
    found = valley(histogram(signals), otsu(histogram(signals)))
    tried = np.arange(12, 50, 0.25) ** 2
    fewest = min(near_by_hand(signals, threshold) for threshold in tried)
    n_smaller = min(n_first, n_second)
    assert near_by_hand(signals, found) <= fewest + 0.01 + 3 / n_smaller
    # At least five standard deviations of the wider population lie on either side.
    assert 12 + 2.5 * 2 < np.sqrt(found) < 50 - 2.5 * sd


def test_the_valley_of_one_population_is_the_threshold_it_was_given():
    assert valley(histogram(np.full(9, 400.0)), 100.0) == 100.0
    assert valley(histogram(np.full(9, 400.0)), 900.0) == 900.0


@pytest.mark.parametrize("threshold", [100.0, 400.0, 900.0])
def test_nearness_by_hand(threshold):
    signals = np.random.default_rng(1).uniform(0, 2000, 100_000)
    # A bin of square roots is 2 % of a threshold of 25 counts wide, and less of a higher one.
    assert nearness(histogram(signals), threshold) == pytest.approx(
        near_by_hand(signals, threshold), rel=0.03
    )


def test_with_one_population_alone_nothing_is_near():
    assert np.isnan(nearness(histogram(np.full(5, 10.0)), 100.0))
    assert np.isnan(nearness(histogram(np.empty(0)), 100.0))


def of_one_kind():
    rng = np.random.default_rng(7)
    return {
        "normal": rng.normal(1000, 150, 20_000),
        "broad normal": np.maximum(rng.normal(1000, 330, 20_000), 0),
        "uniform": rng.uniform(0, 4000, 20_000),
        "log-normal": rng.lognormal(6, 0.35, 20_000),
        "broad log-normal": rng.lognormal(6, 0.7, 20_000),
        "exponential": rng.exponential(800, 20_000),
    }


@pytest.mark.parametrize("name", of_one_kind())
@pytest.mark.parametrize("n", [20_000, 500])
def test_signals_of_one_kind_are_not_parted(name, n):
    found = choose_threshold("auto", histogram(of_one_kind()[name][:n]), {}, 30.0, of_cells=True)
    assert (found.verdict, found.holds) == ("not separated", False)


@pytest.mark.parametrize("n_stained", [100, 200, 2000, 10_000, 18_000])
def test_two_kinds_are_parted_down_to_one_in_two_hundred(n_stained):
    sizes = 20_000 - n_stained, n_stained
    signals = populations((sizes[0], 8, 2), (sizes[1], 60, 8))
    found = choose_threshold("auto", histogram(signals), {}, 30.0, of_cells=True)
    assert (found.method, found.verdict) == ("otsu", "separated")
    # The two are 5 standard deviations of their sum apart.
    assert (signals > found.counts).sum() == pytest.approx(sizes[1], abs=2)


def test_where_few_cells_are_unstained_a_plate_is_flagged_or_read_right():
    signals = populations((200, 8, 2), (19_800, 60, 8))
    plate, controls = histogram(signals), {"negative": histogram(signals[:200])}
    controls["positive"] = histogram(signals[200:])
    # Otsu's threshold, by definition, parts the wider of two kinds if the other is a hundredth of it.
    assert not choose_threshold("otsu", plate, controls, 30.0, of_cells=True).holds
    found = choose_threshold("auto", plate, controls, 30.0, of_cells=True)
    assert (found.method, found.verdict) == ("controls", "separated")
    assert (signals <= found.counts).sum() == pytest.approx(200, abs=2)


@pytest.mark.parametrize(
    "signals", [np.empty(0), np.zeros(500), np.full(500, 9.0), populations((500, 3, 0.5))]
)
def test_nothing_over_the_noise_is_stained_and_the_noise_is_the_threshold(signals):
    # Fields that were not in the sample may hold stained cells: they are over this threshold.
    found = choose_threshold("auto", histogram(signals), {}, 30.0, of_cells=True)
    assert (found.counts, found.verdict, found.holds) == (30.0, "none stained", True)


def test_cells_that_are_all_stained_alike_are_not_called_unstained():
    found = choose_threshold("auto", histogram(np.full(5, 2500.0)), {}, 30.0, of_cells=True)
    assert (found.verdict, found.holds) == ("not separated", False)


def test_controls_weigh_the_same_however_many_wells_they_are():
    negative, positive = populations((9000, 8, 2)), populations((90, 30, 8))
    both = {"negative": histogram(negative), "positive": histogram(positive)}
    found = choose_threshold("controls", both["negative"] + both["positive"], both, 30.0, of_cells=False)
    # 90 signals, each a hundred times: one more or less is 100.
    evenly = np.sqrt(np.r_[np.resize(negative, 9000), np.resize(positive, 9000)])
    expected = threshold_otsu(evenly, nbins=round(np.ptp(evenly) / BIN))
    above = (evenly > expected).sum()
    assert (evenly > np.sqrt(found.counts)).sum() == pytest.approx(above, abs=200)
    assert found.method == "controls"


def test_controls_are_used_by_themselves_if_both_are_there():
    plate = histogram(populations((900, 8, 2), (900, 60, 8)))
    negative, nothing = histogram(populations((90, 8, 2))), histogram(np.empty(0))
    for controls, expected in (
        ({"negative": negative, "positive": negative}, "controls"),
        ({"negative": negative, "positive": nothing}, "otsu"),
        ({"negative": negative}, "otsu"),
        ({}, "otsu"),
    ):
        assert choose_threshold("auto", plate, controls, 30.0, of_cells=True).method == expected


def test_controls_that_are_not_there_are_not_made_up():
    signals = populations((900, 8, 2), (900, 60, 8))
    for controls in ({}, {"negative": histogram(np.empty(0))}):
        found = choose_threshold("controls", histogram(signals), controls, 30.0, of_cells=True)
        assert found.method != "controls"
        assert (signals > found.counts).sum() == 900


@pytest.mark.parametrize("of_cells", [True, False])
def test_sigma_and_a_number_are_taken_as_they_are(of_cells):
    counts = histogram(populations((900, 8, 2)))
    for method, expected in (("sigma", (30.0, "sigma")), (512, (512.0, "fixed")), (7.5, (7.5, "fixed"))):
        found = choose_threshold(method, counts, {}, 30.0, of_cells)
        assert (found.counts, found.method) == expected
        assert (found.verdict, found.holds) == ("given", True)


def test_pixels_are_parted_even_where_the_rims_of_nuclei_fill_the_valley():
    signals = populations((20_000, 8, 2), (4000, 40, 15))
    assert choose_threshold("auto", histogram(signals), {}, 30.0, of_cells=False).verdict == "separated"
