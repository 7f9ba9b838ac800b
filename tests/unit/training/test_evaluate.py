import json
import math

import numpy as np
import pandas as pd
import pytest

from livedead.cells.rules import CountingRules
from livedead.errors import ConfigError
from livedead.network.calibration import Calibration, encode_log_odds
from livedead.network.classes import Classes
from livedead.network.segmenter import Segmentation
from livedead.training import evaluate

NUMBERS = Classes(background=(0,), live=(1,), dead=(2,), boundary=(3,))


def segmented(class_map, log_odds=None):
    """A segmentation whose log odds are 2 at live pixels and -1 at dead ones, unless they are given."""
    if log_odds is None:
        log_odds = np.where(class_map == 1, 2.0, -1.0)[np.isin(class_map, NUMBERS.nuclei)]
    nothing = np.empty(0, np.int64)
    return Segmentation(class_map, nothing, nothing.astype(np.uint8), encode_log_odds(log_odds))


def judge(found, truth, instances=None):
    symbols = {".": 0, "L": 1, "D": 2, "b": 3}
    maps = [np.array([[symbols[mark] for mark in row] for row in text.split()]) for text in (found, truth)]
    if instances is not None:
        instances = np.array([[int(mark) for mark in row] for row in instances.split()])
    rules = CountingRules(min_area_um2=2)
    return evaluate.judge_cells(segmented(maps[0]), maps[1], NUMBERS, rules, 1.0, instances)


def test_cells_are_judged_by_hand():
    found = judge(
        """
        LLLD..DD...LL
        LLLD..D......
        ..........bbb
        LL.....D..bb.
        """,
        """
        LLLL..LL...L.
        LLLL..LL.....
        .........DD..
        ....DD...DD..
        """,
    )
    # A live cell with 2 of 8 px dead; a live one seen dead with 3 of 4 px; one whose speck of truth
    # is too small; a dead one seen as boundary at best; a dead one that is missed. Of the network's
    # own, the live pair below left meets no cell; the dead pixel beside is too small.
    expected = [
        ("live", "live", 0.75),
        ("live", "dead", 0.0),
        ("dead", "missed", None),
        ("dead", "missed", None),
        ("none", "live", 1.0),
    ]
    rows = [
        (row.true, row.found, None if math.isnan(row.live_share) else row.live_share)
        for row in found.itertuples()
    ]
    assert sorted(map(str, rows)) == sorted(map(str, expected))


def test_given_cells_are_judged_each_though_they_touch():
    found = judge("LLLDDD LLLDDD", "LLDDDD LLDDDD", "112223 112223")
    # Of the middle one 2 px are live and 4 dead; of the right one both are dead.
    assert found["true"].tolist() == ["live", "dead", "dead"]
    assert found["found"].tolist() == ["live", "dead", "dead"]
    assert found["live_share"].tolist() == pytest.approx([1, 1 / 3, 0])
    assert found["area_um2"].tolist() == [4, 6, 2]


def test_a_network_that_saw_every_well_cannot_be_judged():
    with pytest.raises(ConfigError, match="cross_validation"):
        evaluate.read_unseen(None, [], None, NUMBERS, CountingRules(), [1.0])


def test_wells_are_sums_of_fields_beside_their_controls():
    rows = [("A01", 1, 3, 1, 4, 2, 2, 4), ("A01", 2, 1, 3, 5, 2, 2, 4), ("A02", 1, *[0] * 6)]
    counts = ["n_live", "n_dead", "n_total", "true_live", "true_dead", "true_total"]
    fields = pd.DataFrame(rows, columns=["well", "field", *counts]).assign(plate="p", timepoint=1)
    maps = [pd.DataFrame({"plate": "p", "well": ["A01", "A02"], "control": ["negative", ""]})]
    wells = evaluate.sum_wells(fields, maps)
    assert wells["n_total"].tolist() == [9, 0]
    assert wells["viability"].tolist()[0] == 0.5
    assert wells["true_viability"].isna().tolist() == [False, True]
    assert wells["control"].tolist() == ["negative", ""]
    without = evaluate.sum_wells(fields, [pd.DataFrame({"plate": "p", "well": ["A01"]})])
    assert without["control"].tolist() == ["", ""]


def test_comparison_with_a_truth_written_by_hand():
    fields = pd.DataFrame(
        {
            "well": ["A01", "A01", "A02"],
            "field": [1, 2, 1],
            "status": ["ok", "failed", "ok"],
            "n_live": [3, None, 0],
            "n_dead": [1, None, 2],
            "n_total": [4, None, 2],
        }
    )
    truth = pd.DataFrame(
        [("A01", 1, "live")] * 3 + [("A01", 2, "dead")] * 9 + [("A02", 1, "dead"), ("A02", 1, "live")],
        columns=["well", "field", "state"],
    )
    wells, errors = evaluate.compare_counts(fields, truth)
    assert list(wells["true_total"]) == [3, 2]
    assert errors["total_relative_error"] == pytest.approx(6 / 5 - 1)
    assert errors["viability_mean_absolute_error"] == pytest.approx((0.25 + 0.5) / 2)


@pytest.mark.parametrize(
    ("unknown", "total", "live", "dead"),
    [
        ([], 0.1, -0.2, 0.7),
        (["n_total"], None, -0.2, 0.7),
        (["n_live", "n_dead"], 0.1, None, None),
        (["n_live", "n_total"], None, None, 0.7),
        (["n_dead", "n_total"], None, -0.2, None),
    ],
)
def test_what_a_reading_does_not_know_has_no_error(unknown, total, live, dead):
    """Of 20 live and 10 dead cells in truth, 16 and 17 were counted; 18 live and 1 dead are in A01."""
    fields = pd.DataFrame(
        {
            "well": ["A01", "A01", "A02"],
            "field": [1, 2, 1],
            "status": "ok",
            "n_live": [7, 8, 1],
            "n_dead": [2, 3, 12],
            "n_total": [9, 11, 13],
        }
    ).astype(dict.fromkeys(["n_live", "n_dead", "n_total"], "Int64"))
    fields.loc[1, unknown] = pd.NA
    cells = [("A01", 1, "live")] * 9 + [("A01", 2, "live")] * 9 + [("A01", 2, "dead")]
    cells += [("A02", 1, "live")] * 2 + [("A02", 1, "dead")] * 9
    wells, errors = evaluate.compare_counts(fields, pd.DataFrame(cells, columns=["well", "field", "state"]))
    assert wells.set_index("well").loc["A01", unknown].isna().all()
    assert list(wells["true_total"]) == [19, 11]
    found = [errors[f"{name}_relative_error"] for name in ("total", "live", "dead")]
    assert [error is None for error in found] == [error is None for error in (total, live, dead)]
    assert [e for e in found if e is not None] == pytest.approx(
        [e for e in (total, live, dead) if e is not None]
    )
    if {"n_live", "n_dead"} & set(unknown):
        assert wells["viability"].isna().tolist() == [True, False]
    else:
        off = [abs(15 / 20 - 18 / 19), abs(1 / 13 - 2 / 11)]
        assert errors["viability_mean_absolute_error"] == pytest.approx(sum(off) / 2)
        assert errors["viability_largest_error"] == pytest.approx(max(off))
    # A01 alone is mostly alive: 4 dead cells too many of 19.
    expected = None if "n_dead" in unknown else 4 / 19
    assert errors["false_dead_in_live_wells"] == (expected and pytest.approx(expected))
    json.dumps(errors, allow_nan=False)


TRUTH = np.zeros((12, 20), np.uint8)
TRUTH[2:6, 3:7], TRUTH[2:6, 7:9], TRUTH[9, 15] = 1, 2, 1
DRAWN = np.zeros((12, 20), np.int32)
DRAWN[2:6, 3:7], DRAWN[2:6, 7:9], DRAWN[9, 15] = 1, 2, 4
RULES = CountingRules(min_area_um2=2)


def test_true_cells_are_those_that_were_drawn_each_in_its_box():
    # The third cell has no pixel: it lies behind others.
    boxes, is_dead = evaluate.drawn_cells(TRUTH, NUMBERS, RULES, 1.0, DRAWN)
    assert boxes.tolist() == [[2, 3, 6, 7], [2, 7, 6, 9], [9, 15, 10, 16]]
    assert is_dead.tolist() == [False, True, False]
    given = np.array([[1, 1, 8, 8], [1, 6, 8, 10], [1, 1, 2, 2], [8, 14, 11, 17]])
    boxes, _ = evaluate.drawn_cells(TRUTH, NUMBERS, RULES, 1.0, DRAWN, given)
    assert boxes.tolist() == given[[0, 1, 3]].tolist()


def test_without_drawn_cells_they_are_components_of_an_area_that_counts():
    boxes, is_dead = evaluate.drawn_cells(TRUTH, NUMBERS, RULES, 1.0)
    assert boxes.tolist() == [[2, 3, 6, 9]]
    assert is_dead.tolist() == [False]


def test_drawn_cells_are_counted_ones_by_the_centre_in_the_box():
    counted = pd.DataFrame(
        {"y_px": [3.5, 3.5, 3.5], "x_px": [4.5, 8.4, 8.6], "state": ["dead", "dead", "live"]}
    )
    boxes, is_dead = evaluate.drawn_cells(TRUTH, NUMBERS, RULES, 1.0, DRAWN)
    found = evaluate.detect_cells(boxes, is_dead, counted)
    # The centre of a pixel lies half a pixel from its side: 8.6 is outside of the box that ends at 9.
    rows = [("live", "dead"), ("dead", "dead"), ("live", "missed"), ("none", "live")]
    assert list(zip(found["true"], found["found"], strict=True)) == rows
    assert found[["y_px", "x_px"]].to_numpy().tolist() == [[3.5, 4.5], [3.5, 7.5], [9, 15], [3.5, 8.6]]


def test_log_odds_of_a_cell_are_the_mean_over_its_pixels_that_were_read():
    found = judge("LL.DD.b. LLD...b.", "LLLLL.LL DDDLL.LL", "11122033 11122033")
    # Of the first, four live pixels and a dead one; of the second two dead; the third is but outline.
    np.testing.assert_allclose(found["log_odds"], [(4 * 2 - 1) / 5, -1, np.nan])


def read_wells(n_wells, n_cells, seed, slope=0.5, offset=0.4):
    """Cells of wells whose states are drawn with the probabilities of a known calibration."""
    rng = np.random.default_rng(seed)
    n = n_wells * n_cells
    log_odds = rng.normal(0, 4, n)
    p_live = 1 / (1 + np.exp(-(slope * log_odds + offset)))
    return pd.DataFrame(
        {
            "plate": "p",
            "well": np.repeat([f"A{k:02}" for k in range(n_wells)], n_cells),
            "true": np.where(rng.uniform(size=n) < p_live, "live", "dead"),
            "found": np.where(log_odds > 0, "live", "dead"),
            "log_odds": log_odds,
            "p_found": np.where(log_odds > 0, p_live, 1 - p_live),
        }
    )


def test_confidence_comes_near_the_probability_that_the_state_is_right():
    cells = read_wells(20, 500, seed=0)
    found = evaluate.cross_fitted_confidence(cells)
    assert np.abs(found - cells["p_found"]).max() < 0.03


def test_no_cell_is_judged_by_a_calibration_that_knew_it():
    cells = read_wells(8, 60, seed=1)
    before = evaluate.cross_fitted_confidence(cells)
    other = cells["true"].map({"live": "dead", "dead": "live"})
    in_well = cells["well"] == "A03"
    after = evaluate.cross_fitted_confidence(cells.assign(true=cells["true"].where(~in_well, other)))
    np.testing.assert_array_equal(after[in_well], before[in_well])
    assert (after[~in_well] != before[~in_well]).any()


def test_what_is_missed_or_has_no_other_wells_has_no_confidence():
    cells = read_wells(2, 200, seed=2)
    cells.loc[5, ["found", "log_odds"]] = "missed", np.nan
    cells.loc[7, "true"] = "none"
    found = evaluate.cross_fitted_confidence(cells)
    assert np.flatnonzero(np.isnan(found)).tolist() == [5]
    assert np.isnan(evaluate.cross_fitted_confidence(cells[:200])).all()
    calibration = evaluate.calibrate(cells)
    assert isinstance(calibration, Calibration)
    assert calibration.n_live + calibration.n_dead == 398
