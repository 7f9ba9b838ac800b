"""Cells of two readings, field by field, with what only one of them found."""

import numpy as np
import pandas as pd
import pytest

from livedead.tables import AUDIT_CELLS
from livedead.wells.audited_cells import match_fields

SHAPE = 100, 120
RADIUS = 5


def of_field(well, *cells, field=1):
    rows = [(state, y, x) for state, y, x in cells]
    table = pd.DataFrame(rows, columns=["state", "y_px", "x_px"]).astype({"y_px": float, "x_px": float})
    return table.assign(plate="p", well=well, field=field, timepoint=1, area_px=np.pi * RADIUS**2)


def fields(*places):
    return pd.DataFrame(
        [("p", well, field, 1) for well, field in places], columns=["plate", "well", "field", "timepoint"]
    )


def matched(read, dyed, *places):
    tables = [pd.concat(of_fields, ignore_index=True) for of_fields in (read, dyed)]
    return match_fields(fields(*(places or [("A01", 1)])), *tables, SHAPE)


def states(table):
    return list(zip(table["read"], table["dyed"], strict=True))


def test_cells_are_paired_and_those_of_one_reading_have_no_partner():
    read = of_field("A01", ("live", 30, 30), ("dead", 50, 50), ("live", 70, 90))
    dyed = of_field("A01", ("live", 31, 31), ("live", 50, 52), ("dead", 20, 80))
    table = matched([read], [dyed])
    assert states(table) == [("live", "live"), ("dead", "live"), ("live", "none"), ("none", "dead")]
    assert table["dyed_y_px"].tolist()[:2] == [31, 50]
    assert table["y_px"].isna().tolist() == [False, False, False, True]
    assert table["dyed_x_px"].isna().tolist() == [False, False, True, False]
    assert list(table.columns) == list(AUDIT_CELLS.columns)


def test_cells_of_other_fields_and_wells_are_never_paired():
    read = [of_field("A01", ("live", 30, 30)), of_field("A01", field=2), of_field("B01", ("dead", 30, 30))]
    dyed = [of_field("A01"), of_field("A01", ("live", 30, 30), field=2), of_field("B01", ("dead", 30, 30))]
    table = matched(read, dyed, ("A01", 1), ("A01", 2), ("B01", 1))
    assert states(table) == [("live", "none"), ("none", "live"), ("dead", "dead")]
    assert table["well"].tolist() == ["A01", "A01", "B01"]


def test_fields_that_take_no_part_have_no_row():
    cells = [of_field("A01", ("live", 30, 30)), of_field("A02", ("live", 30, 30))]
    assert matched(cells, cells, ("A02", 1))["well"].tolist() == ["A02"]


@pytest.mark.parametrize("edge", ["top", "left", "bottom", "right"])
def test_cells_within_a_cell_of_the_edge_take_no_part_whichever_reading_cut_them(edge):
    """With radius 5, the middle of a cell must be 10 px inside: its centre lies half a pixel further on."""
    at = {"top": (9, 60), "left": (50, 9), "bottom": (90, 60), "right": (50, 110)}[edge]
    inner = {"top": (10, 60), "left": (50, 10), "bottom": (89, 60), "right": (50, 109)}[edge]
    for place, n in ((at, 0), (inner, 1)):
        cell = of_field("A01", ("live", *place))
        assert len(matched([cell], [cell])) == n
        assert len(matched([cell], [of_field("A01")])) == n
        assert len(matched([of_field("A01")], [cell])) == n


def test_a_pair_across_the_margin_is_in_or_out_as_a_whole():
    outer, inner = of_field("A01", ("live", 50, 8)), of_field("A01", ("live", 50, 12))
    assert states(matched([outer], [inner])) == [("live", "live")]
    assert states(matched([outer], [of_field("A01", ("live", 50, 10))])) == []


def test_an_audit_without_a_cell_is_an_empty_table():
    assert AUDIT_CELLS.conform(matched([of_field("A01")], [of_field("A01")])).empty
