import numpy as np
import pandas as pd
import pytest
from drawn_fields import CLASSES, drawn

from livedead.cells.counting import count_field, join_cells
from livedead.cells.rules import CountingRules
from livedead.tables import FIELD_KEY


def test_unstable_pixels_decided_the_other_way():
    row = {"plate": "p", "well": "A01", "field": 1, "timepoint": 1}
    rules = CountingRules(min_area_um2=4)
    class_map = np.zeros((12, 12), np.uint8)
    class_map[1:4, 1:4] = 1
    class_map[1:4, 5:8] = 2
    class_map[8:10, 2:4] = 2
    # A bridge between the first two, and one pixel of the smallest cell.
    bridge, corner = np.array([2 * 12 + 4]), np.array([8 * 12 + 2])
    none = np.array([], np.int64)

    def counted(unstable, runners_up):
        return count_field(row, class_map, unstable, runners_up, CLASSES, rules, 1.0).row

    stable = counted(none, none.astype(np.uint8))
    assert (stable["n_unstable_px"], stable["n_total_alt"]) == (0, stable["n_total"]) == (0, 3)
    assert stable["viability_alt"] == pytest.approx(1 / 3)
    joined = counted(bridge, np.array([1], np.uint8))
    assert (joined["n_total"], joined["n_total_alt"], joined["viability_alt"]) == (3, 2, 0.5)
    smaller = counted(np.append(bridge, corner), np.array([0, 0], np.uint8))
    assert (smaller["n_unstable_px"], smaller["n_total_alt"], smaller["viability_alt"]) == (2, 2, 0.5)


def test_a_field_has_its_row_and_its_cells_have_its_key():
    row = {"plate": "p", "well": "A01", "field": 3, "timepoint": 2, "status": "ok"}
    none = np.array([], np.int64)
    rules = CountingRules(min_area_um2=0, edge_rule="counting_frame")
    # One live cell, a tie, one dead cell, and one at the lower edge that is left to the next field.
    field = drawn("LL.LD. ...... DD.... ....L.")
    counted, cells, labels, _ = count_field(row, field, none, none, CLASSES, rules, 1.0)
    assert {name: counted[name] for name in row} == row
    assert [counted[f"n_{state}"] for state in ("live", "dead", "ambiguous", "total")] == [1, 1, 1, 3]
    # The frame leaves out the last row and column, of 4 x 6 px.
    assert counted["area_mm2"] == pytest.approx(3 * 5 / 1e6)
    assert counted["edge_rule"] == "counting_frame"
    assert cells[FIELD_KEY].to_numpy().tolist() == [["p", "A01", 3, 2]] * 3
    # In the order of their first pixels; the cell at the lower edge has no number.
    assert labels.tolist() == [[1, 1, 0, 2, 2, 0], [0] * 6, [3, 3, 0, 0, 0, 0], [0] * 6]


def test_a_field_without_cells_changes_no_type_of_the_joined_table():
    cells = pd.DataFrame({"cell": [1], "touches_edge": [True]})
    joined = join_cells([pd.DataFrame(columns=["cell", "touches_edge"]), cells, cells])
    pd.testing.assert_frame_equal(joined, pd.concat([cells, cells], ignore_index=True))
    assert list(join_cells([pd.DataFrame(columns=["cell"])])) == ["cell"]
