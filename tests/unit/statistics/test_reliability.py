import numpy as np
import pytest
from scipy.stats import binomtest

from livedead.statistics.reliability import expected_calibration_error, reliability


def test_bins_by_hand():
    confidence = np.array([0.52, 0.58, np.nan, 0.9, 0.96, 0.98, 1.0])
    is_right = np.array([True, False, False, True, True, False, True])
    bins = reliability(confidence, is_right)
    assert bins["n"].tolist() == [2, 4]
    assert bins["confidence"].tolist() == pytest.approx([0.55, 0.96])
    assert bins["right"].tolist() == [0.5, 0.75]
    assert expected_calibration_error(bins) == pytest.approx((2 * 0.05 + 4 * 0.21) / 6)


def test_intervals_are_those_of_scipy():
    rng = np.random.default_rng(0)
    confidence = rng.uniform(size=500)
    is_right = rng.uniform(size=500) < confidence
    for row in reliability(confidence, is_right).itertuples():
        expected = binomtest(round(row.right * row.n), row.n).proportion_ci(method="wilson")
        assert (row.low, row.high) == pytest.approx(tuple(expected))


def test_cells_that_are_right_as_often_as_they_say_have_no_error_but_chance():
    rng = np.random.default_rng(1)
    confidence = rng.uniform(0.5, 1, 100_000)
    honest = reliability(confidence, rng.uniform(size=100_000) < confidence)
    assert expected_calibration_error(honest) < 0.005
    boastful = reliability(confidence, rng.uniform(size=100_000) < confidence - 0.1)
    assert expected_calibration_error(boastful) == pytest.approx(0.1, abs=0.005)


def test_cells_of_unknown_confidence_have_no_error():
    bins = reliability(np.array([np.nan, np.nan]), np.array([True, False]))
    assert bins.empty
    assert np.isnan(expected_calibration_error(bins))
