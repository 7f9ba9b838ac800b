import json

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit

from livedead.network.calibration import Calibration, decode_log_odds, encode_log_odds


def drawn(slope, offset, n_cells, seed):
    """Log odds, and states drawn with the probability that a calibration of these values gives them."""
    rng = np.random.default_rng(seed)
    log_odds = rng.normal(0, 4, n_cells)
    return log_odds, rng.uniform(size=n_cells) < expit(slope * log_odds + offset)


def test_log_odds_come_back_to_half_a_step_and_stay_within_a_byte():
    log_odds = np.array([-900.0, -15.0, -1.26, 0.0, 0.0624, 3.99, 15.8, 1e9])
    back = decode_log_odds(encode_log_odds(log_odds))
    np.testing.assert_allclose(back, log_odds.clip(-15.875, 15.875), rtol=0, atol=1 / 16)
    assert encode_log_odds(log_odds).dtype == np.int8


def test_sums_of_stored_log_odds_are_the_same_in_any_order():
    stored = np.random.default_rng(0).integers(-127, 128, 100_001).astype(np.int8)
    decoded = decode_log_odds(stored)
    assert decoded.sum() == sum(decoded.tolist()) == int(stored.sum(dtype=np.int64)) / 8


@pytest.mark.parametrize(("slope", "offset"), [(0.4, 0.0), (1.0, -1.5), (2.5, 0.7)])
def test_a_calibration_is_found_again_from_the_states_that_it_gives(slope, offset):
    found = Calibration.fit(*drawn(slope, offset, 200_000, seed=1))
    assert found.slope == pytest.approx(slope, rel=0.03)
    assert found.offset == pytest.approx(offset, abs=0.03)


def test_the_fit_is_the_greatest_likelihood_of_platts_targets():
    log_odds, is_live = drawn(0.8, 0.3, 300, seed=2)
    n_live, n_dead = is_live.sum(), (~is_live).sum()
    target = np.where(is_live, (n_live + 1) / (n_live + 2), 1 / (n_dead + 2))

    def loss(weights):
        z = weights[0] * log_odds + weights[1]
        return (np.logaddexp(0, z) - target * z).sum()

    expected = minimize(loss, [0.1, 0.0], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12}).x
    found = Calibration.fit(log_odds, is_live)
    np.testing.assert_allclose([found.slope, found.offset], expected, rtol=1e-5)


def test_cells_without_a_single_mistake_leave_room_for_one():
    log_odds = np.repeat([-12.0, 12.0], [40, 400])
    found = Calibration.fit(log_odds, log_odds > 0)
    # Two groups of equal log odds are fitted exactly: (n + 1) / (n + 2) of the live, 1 / (n + 2) of the dead.
    np.testing.assert_allclose(found.p_live(np.array([-12.0, 12.0])), [1 / 42, 401 / 402], rtol=1e-6)


@pytest.mark.parametrize("n_dead", [0, 19])
def test_too_few_cells_of_a_state_give_no_calibration(n_dead):
    log_odds = np.linspace(-1, 5, 500)
    assert Calibration.fit(log_odds, np.arange(500) >= n_dead) is None


def test_log_odds_that_say_nothing_give_the_share_of_live_cells():
    """Also where they point the wrong way, and where all are equal."""
    is_live = np.arange(300) % 3 > 0
    share = (200 * 201 / 202 + 100 * 1 / 102) / 300
    for log_odds in (np.where(is_live, -2.0, 2.0), np.zeros(300), np.full(300, 15.875)):
        found = Calibration.fit(log_odds, is_live)
        np.testing.assert_allclose(found.p_live(log_odds), share, rtol=1e-9)


def test_surer_log_odds_are_never_less_probable():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        log_odds, is_live = rng.normal(0, 8, 120), rng.uniform(size=120) < 0.5
        p_live = Calibration.fit(log_odds, is_live).p_live(np.linspace(-16, 16, 99))
        assert (np.diff(p_live) >= 0).all()
        assert ((p_live > 0) & (p_live < 1)).all()


def test_a_calibration_travels_as_json():
    found = Calibration(slope=0.123456789, offset=-2 / 3, n_live=40, n_dead=50)
    back = Calibration.from_dict(json.loads(json.dumps(found.as_dict())))
    assert (back.n_live, back.n_dead) == (40, 50)
    assert back.slope == 0.123457
    assert back.offset == -0.666667


@pytest.mark.parametrize(
    "values",
    [{"slope": -1, "offset": 0}, {"slope": np.nan, "offset": 0}, {"slope": 1}, {"slope": "1", "offset": 0}],
)
def test_another_record_is_refused(values):
    with pytest.raises((ValueError, TypeError)):
        Calibration.from_dict(values)
