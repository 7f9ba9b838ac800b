import numpy as np
import pytest
from scipy.stats import median_abs_deviation

from livedead.statistics import controls

NEGATIVE = np.array([0.90, 0.94, 0.96, 0.92])
POSITIVE = np.array([0.04, 0.08, 0.06])


def test_z_prime_and_ssmd_by_hand():
    # Means 0.93 and 0.06; squared deviations 9 + 1 + 9 + 1 = 20 and 4 + 4 + 0 = 8 (x 1e-4).
    s_n, s_p = np.sqrt(20e-4 / 3), np.sqrt(8e-4 / 2)
    found = controls.separation(NEGATIVE, POSITIVE)
    assert found["z_prime"] == pytest.approx(1 - 3 * (s_n + s_p) / 0.87)
    assert found["ssmd"] == pytest.approx(0.87 / np.sqrt(s_n**2 + s_p**2))


def test_robust_z_prime_is_scipys_mad_and_ignores_one_outlier():
    mads = [median_abs_deviation(values, scale="normal") for values in (NEGATIVE, POSITIVE)]
    expected = 1 - 3 * sum(mads) / (np.median(NEGATIVE) - np.median(POSITIVE))
    found = controls.separation(NEGATIVE, POSITIVE)
    assert found["robust_z_prime"] == pytest.approx(expected)
    rng = np.random.default_rng(0)
    many = [rng.normal(m, 0.02, 40) for m in (0.9, 0.1)]
    spoilt = controls.separation(np.append(many[0], 0.0), many[1])
    clean = controls.separation(*many)
    assert abs(spoilt["robust_z_prime"] - clean["robust_z_prime"]) < 0.03
    assert clean["z_prime"] - spoilt["z_prime"] > 0.2


@pytest.mark.parametrize("n", [8, 24])
def test_bootstrap_intervals_cover_the_true_value(n):
    rng = np.random.default_rng(1)
    true = {"z_prime": 1 - 3 * 0.07 / 0.8, "robust_z_prime": 1 - 3 * 0.07 / 0.8, "ssmd": 0.8 / 0.05}
    holds = {name: [] for name in true}
    for _ in range(200):
        found = controls.separation(rng.normal(0.9, 0.04, n), rng.normal(0.1, 0.03, n))
        for name, value in true.items():
            holds[name].append(found[f"{name}_low"] <= value <= found[f"{name}_high"])
    for name, held in holds.items():
        # 90 to 95 % as documented, give or take two standard errors of 200 trials.
        assert 0.86 <= np.mean(held) <= 0.99, name


def test_an_ssmd_of_nothing_may_have_either_sign():
    rng = np.random.default_rng(2)
    found = controls.separation(rng.normal(0.5, 0.1, 10), rng.normal(0.5, 0.1, 10))
    assert found["ssmd_low"] < 0 < found["ssmd_high"]


def test_missing_and_few_wells():
    found = controls.separation(np.array([0.9, np.nan]), POSITIVE)
    assert all(np.isnan(value) for value in found.values())
    found = controls.separation(NEGATIVE[:2], POSITIVE)
    assert np.isfinite(found["z_prime"])
    assert np.isnan(found["z_prime_low"])
    assert np.isnan(controls.separation(np.array([]), POSITIVE)["ssmd"])


@pytest.mark.parametrize(
    ("negative", "positive", "expected"),
    [
        (0.95, 0.05, ""),
        (0.05, 0.95, "controls_reversed"),
        (0.1, 0.05, "negative_controls_dead"),
        (0.9, 0.8, "positive_controls_alive"),
        (float("nan"), 0.8, "positive_controls_alive"),
        (float("nan"), float("nan"), ""),
    ],
)
def test_alarm(negative, positive, expected):
    assert controls.alarm(negative, positive) == expected
