"""What log odds are worth, from cells of known state in wells that were not trained on."""

import numpy as np
import pytest
from scipy.optimize import minimize

from livedead.cells.rules import CountingRules
from livedead.network.calibration import encode_log_odds
from livedead.network.classes import Classes
from livedead.network.segmenter import Segmentation
from livedead.training.experience import Reading, measure_experience

CLASSES = Classes(background=(0,), live=(1,), dead=(2,))
RULES = CountingRules(min_area_um2=0)
SIDE = 10
"""Cells of a field: `SIDE` squared, of one pixel each."""


def reading(well, log_odds, is_live):
    """A field whose cells have these log odds and states."""
    found, truth = np.zeros((2, 2 * SIDE, 2 * SIDE), np.uint8)
    found[::2, ::2] = np.where(log_odds > 0, 1, 2).reshape(SIDE, SIDE)
    truth[::2, ::2] = np.where(is_live, 1, 2).reshape(SIDE, SIDE)
    nothing = np.empty(0, np.int64)
    return Reading(well, Segmentation(found, nothing, nothing, encode_log_odds(log_odds)), truth)


def drawn(seed, mistaken):
    """Log odds in steps that are stored exactly, and states, some of which the network mistakes."""
    rng = np.random.default_rng(seed)
    log_odds = rng.choice([-1, 1], SIDE**2) * rng.integers(1, 64, SIDE**2) / 8
    is_live = log_odds > 0
    wrong = rng.choice(SIDE**2, mistaken, replace=False)
    is_live[wrong] = ~is_live[wrong]
    return log_odds, is_live


def measure(readings, unseen):
    return measure_experience(readings, unseen, CLASSES, RULES, 0.65).calibration


def test_cells_of_wells_that_were_not_trained_on_calibrate():
    fields = [("p/A01", drawn(0, 9)), ("p/A02", drawn(1, 0)), ("p/A03", drawn(2, 12))]
    found = measure([reading(well, *cells) for well, cells in fields], ["p/A01", "p/A03"])
    log_odds, is_live = (np.concatenate(parts) for parts in zip(fields[0][1], fields[2][1], strict=True))
    assert (found.n_live, found.n_dead) == (is_live.sum(), (~is_live).sum())
    target = np.where(is_live, (is_live.sum() + 1) / (is_live.sum() + 2), 1 / ((~is_live).sum() + 2))

    def loss(weights):
        z = weights[0] * log_odds + weights[1]
        return (np.logaddexp(0, z) - target * z).sum()

    expected = minimize(loss, [0.1, 0.0], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12}).x
    assert (found.slope, found.offset) == pytest.approx(tuple(expected), rel=1e-4, abs=1e-5)


def test_training_wells_and_fields_without_labels_calibrate_nothing():
    cells = reading("p/A01", *drawn(0, 9))
    assert measure([cells], []) is None
    assert measure([cells._replace(truth=None)], ["p/A01"]) is None


def test_drawn_cells_count_as_they_are_drawn():
    log_odds, is_live = drawn(3, 5)
    # One drawn cell for each pixel of the upper half of the field, and none below.
    instances = np.zeros((2 * SIDE, 2 * SIDE), int)
    instances[:SIDE:2, ::2] = 1 + np.arange(SIDE**2 // 2).reshape(SIDE // 2, SIDE)
    found = measure([reading("p/A01", log_odds, is_live)._replace(instances=instances)], ["p/A01"])
    upper = is_live[: SIDE**2 // 2]
    assert (found.n_live, found.n_dead) == (upper.sum(), (~upper).sum())
