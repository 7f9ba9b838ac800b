"""Confidence of cells against probabilities worked out by hand: the sigmoid of mean log odds."""

import numpy as np
import pandas as pd
import pytest
from drawn_fields import CLASSES, drawn
from scipy.special import expit

from livedead.cells.confidence import LogOdds, calibrate, expected_counts
from livedead.cells.counting import count_field
from livedead.cells.measures import measure_cells
from livedead.cells.rules import CountingRules
from livedead.network.calibration import Calibration, encode_log_odds

ROW = {"plate": "p", "well": "A01", "field": 1, "timepoint": 1, "status": "ok"}
NONE = np.array([], np.int64)
CALIBRATION = Calibration(slope=0.5, offset=-0.25)
FIELD = drawn("LL.DD.LD ......LD")
# In raster order: two pixels of the live cell, two of the dead one, and two rows of one that is both.
OF_PIXELS = encode_log_odds(np.array([4.0, 2.0, -1.0, -6.0, 3.0, -2.0, 0.5, -0.5]))
# Means 3, -3.5 and 0.25; logits 1.25, -2 and -0.125.
P_LIVE = expit([1.25, -2.0, -0.125])


def measured(**rules):
    rules = CountingRules(**{"min_area_um2": 0, **rules})
    return measure_cells(FIELD, CLASSES, rules, 1.0, log_odds=LogOdds(OF_PIXELS, CALIBRATION))


def test_confidence_is_the_probability_of_the_state_that_was_called():
    found = measured()
    assert found["state"].tolist() == ["live", "dead", "ambiguous"]
    expected = [P_LIVE[0], 1 - P_LIVE[1], np.nan]
    np.testing.assert_allclose(found["confidence"], expected, atol=5e-5)
    # The rules call the state, and the probability that they are right may be less than a half.
    found = measured(dead_fraction=0.6)
    assert found["state"].tolist() == ["live", "dead", "live"]
    np.testing.assert_allclose(found["confidence"], [*expected[:2], P_LIVE[2]], atol=5e-5)
    assert found["confidence"][2] < 0.5


def test_nothing_else_of_a_cell_depends_on_its_log_odds():
    without = measure_cells(FIELD, CLASSES, CountingRules(min_area_um2=0), 1.0)
    assert without["confidence"].isna().all()
    pd.testing.assert_frame_equal(
        measured().drop(columns="confidence"), without.drop(columns="confidence"), check_exact=True
    )


def test_parts_of_a_clump_are_judged_by_their_own_pixels():
    clump = drawn("LLLLDD")
    of_pixels = encode_log_odds(np.array([1.0, 3.0, 5.0, 1.0, -4.0, -2.0]))
    rules = CountingRules(min_area_um2=0, cell_area_um2=2)
    found = measure_cells(clump, CLASSES, rules, 1.0, log_odds=LogOdds(of_pixels, CALIBRATION))
    assert found["state"].tolist() == ["live", "live", "dead"]
    logits = 0.5 * np.array([2.0, 3.0, -3.0]) - 0.25
    np.testing.assert_allclose(found["confidence"], expit(logits * [1, 1, -1]), atol=5e-5)


def test_expected_counts_of_a_field_are_sums_of_probabilities():
    def counted(log_odds, field=FIELD, **rules):
        rules = CountingRules(min_area_um2=0, **rules)
        return count_field(ROW, field, NONE, NONE, CLASSES, rules, 1.0, log_odds=log_odds).row

    known = counted(LogOdds(OF_PIXELS, CALIBRATION))
    # The ambiguous cell is in neither, as it is in no viability.
    assert known["n_live_expected"] == pytest.approx(P_LIVE[:2].sum(), abs=0.006)
    assert known["n_dead_expected"] == pytest.approx(2 - P_LIVE[:2].sum(), abs=0.006)
    assert known["viability_expected"] == pytest.approx(P_LIVE[:2].sum() / 2, abs=0.003)
    more = counted(LogOdds(OF_PIXELS, CALIBRATION), dead_fraction=0.6)
    assert more["n_live_expected"] == pytest.approx(P_LIVE.sum(), abs=0.006)
    empty = counted(LogOdds(np.empty(0, np.int8), CALIBRATION), drawn("..."))
    assert (empty["n_live_expected"], empty["n_dead_expected"]) == (0, 0)
    assert np.isnan(empty["viability_expected"])
    unknown = counted(None)
    assert not {"n_live_expected", "n_dead_expected", "viability_expected"} & set(unknown)
    assert {name: known[name] for name in unknown} == unknown


def test_expected_counts_sum_to_the_cells_that_were_decided():
    rng = np.random.default_rng(0)
    cells = pd.DataFrame({"state": rng.choice(["live", "dead", "ambiguous"], 999)})
    cells["confidence"] = rng.uniform(0.5, 1, 999).round(4)
    cells.loc[cells["state"] == "ambiguous", "confidence"] = np.nan
    found = expected_counts(cells)
    n_decided = (cells["state"] != "ambiguous").sum()
    assert found["n_live_expected"] + found["n_dead_expected"] == pytest.approx(n_decided, abs=0.011)


def test_only_found_cells_of_known_state_calibrate():
    rng = np.random.default_rng(1)
    cells = pd.DataFrame({"log_odds": rng.normal(0, 2, 200)})
    cells["true"] = np.where(rng.uniform(size=200) < expit(cells["log_odds"]), "live", "dead")
    known = calibrate(cells)
    others = pd.DataFrame({"true": ["none", "live", "dead"], "log_odds": [9.0, np.nan, np.nan]})
    assert calibrate(pd.concat([cells, others])) == known
    assert known.n_live + known.n_dead == 200
    assert calibrate(others) is None
