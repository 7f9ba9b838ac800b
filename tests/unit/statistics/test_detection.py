"""Detection, by hand and against a maximum matching of another library."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from livedead.statistics.detection import detection, detection_by_well, pair_cells


def test_a_centre_on_the_side_of_a_box_is_inside():
    assert pair_cells(np.array([[2.0, 2, 4, 6]]), np.array([[4.0, 6.0]])).tolist() == [0]
    assert pair_cells(np.array([[2.0, 2, 4, 6]]), np.array([[4.1, 6.0]])).tolist() == [-1]


def test_two_cells_in_one_box_are_one_and_the_nearer_is_taken():
    assert pair_cells(np.array([[0.0, 0, 10, 10]]), np.array([[1.0, 1], [5, 6], [9, 9]])).tolist() == [1]


def test_more_pairs_are_better_than_near_ones():
    # The second centre is in the middle of the first box, but the second box has no other.
    boxes = np.array([[0.0, 0, 10, 10], [4, 4, 30, 30]])
    assert pair_cells(boxes, np.array([[0.5, 0.5], [5, 5]])).tolist() == [0, 1]


@pytest.mark.parametrize("n", [(0, 0), (0, 3), (3, 0)])
def test_without_cells_there_are_no_pairs(n):
    found = pair_cells(np.ones((n[0], 4)), np.ones((n[1], 2)) * 9)
    assert found.tolist() == [-1] * n[0]


@pytest.mark.parametrize("seed", range(8))
def test_there_are_as_many_pairs_as_there_can_be(seed):
    rng = np.random.default_rng(seed)
    corners, centres = rng.uniform(0, 60, (25, 2)), rng.uniform(0, 80, (30, 2))
    boxes = np.hstack([corners, corners + rng.uniform(5, 25, (25, 2))])
    inside = (boxes[:, None, :2] <= centres).all(axis=2) & (centres <= boxes[:, None, 2:]).all(axis=2)
    paired = pair_cells(boxes, centres)
    chosen = paired[paired >= 0]
    assert len(set(chosen)) == len(chosen)
    assert inside[np.flatnonzero(paired >= 0), chosen].all()
    assert len(chosen) == (maximum_bipartite_matching(csr_array(inside), perm_type="column") >= 0).sum()


def table(rows):
    return pd.DataFrame(rows, columns=["well", "true", "found"]).assign(plate="p")


def test_figures_by_hand():
    cells = table(
        [("A01", "live", "live")] * 6
        + [("A01", "live", "dead"), ("A01", "dead", "dead"), ("A01", "dead", "ambiguous")]
        + [("A01", "live", "missed")] * 3
        + [("A02", "none", "live"), ("A02", "dead", "dead")]
    )
    told = detection(cells)
    # 13 drawn, 11 found, 10 of both; of these 8 in their state: 6 of 7 live ones, 2 of 3 dead ones.
    assert (told["n_drawn"], told["n_found"]) == (13, 11)
    expected = {
        "detection_precision": 10 / 11,
        "detection_recall": 10 / 13,
        "detection_f1": 20 / 24,
        "state_of_detected": 8 / 10,
        "state_of_detected_live": 6 / 7,
        "state_of_detected_dead": 2 / 3,
    }
    assert {name: told[name] for name in expected} == pytest.approx(expected)
    wells = detection_by_well(cells).set_index("well")
    assert wells["count_error"].to_dict() == pytest.approx({"p/A01": 9 / 12 - 1, "p/A02": 1.0})
    assert wells.loc["p/A02", ["n_drawn", "n_found"]].tolist() == [1, 2]


def test_what_is_not_known_is_missing():
    told = detection(table([("A01", "none", "live")]))
    assert told["detection_precision"] == 0 and told["n_drawn"] == 0
    assert np.isnan(
        [told["detection_recall"], told["state_of_detected"], told["state_of_detected_dead"]]
    ).all()
