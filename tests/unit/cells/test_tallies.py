import pandas as pd
import pytest

from livedead.cells.tallies import (
    check_cells,
    check_counts,
    check_same_fields,
    check_wells,
    main_count,
    tells_viability,
)
from livedead.errors import CountError
from livedead.tables import COUNTS, EXPECTED

CELLS = pd.DataFrame(
    {"well": ["A01", "A01", "A02"], "field": 1, "state": ["live", "dead", "dead"], "confidence": None}
)


def counted(*rows):
    return pd.DataFrame(rows, columns=["well", *COUNTS]).assign(**dict.fromkeys(EXPECTED))


def test_cells_sum_to_their_fields():
    # A03 has no cells, A04 failed.
    fields = counted(("A01", 1, 1, 0, 2), ("A02", 0, 1, 0, 1), ("A03", 0, 0, 0, 0), ("A04", *[None] * 4))
    check_cells(CELLS, fields, "cells and fields", ["well"])
    with pytest.raises(CountError, match="A02"):
        check_cells(CELLS[:2], fields, "cells and fields", ["well"])
    with pytest.raises(CountError, match="A04"):
        stray = pd.DataFrame([{"well": "A04", "field": 1, "state": "live", "confidence": None}])
        check_cells(pd.concat([CELLS, stray]), fields, "cells and fields", ["well"])


@pytest.mark.parametrize(
    ("sums", "message"),
    [
        (counted(("A01", 1, 1, 0, 2)), r"do not agree in 1 place.*A02"),
        (counted(("A01", 2, 1, 0, 3), ("A02", 0, 1, 0, 1)), r"A01.*'n_live': 1.*'n_live': 2"),
        (counted(("A01", 1, 1, 0, 3), ("A02", 0, 1, 0, 1)), "do not sum to the total in .*A01"),
    ],
)
def test_counts_that_do_not_add_up(sums, message):
    parts = counted(("A01", 1, 1, 0, 2), ("A02", 0, 1, 0, 1))
    with pytest.raises(CountError, match=message):
        check_counts(parts, sums, ["well"], "cells and fields")


def test_every_imaged_well_has_its_row():
    key = {"plate": "p", "timepoint": 1}
    fields = counted(("A01", 1, 1, 0, 2), ("A01", 2, 0, 0, 2), ("A02", 0, 0, 0, 0))
    fields = fields.assign(**key, status="ok")
    wells = counted(("A01", 3, 1, 0, 4), ("A02", 0, 0, 0, 0)).assign(**key)
    check_wells(fields, wells, "fields and wells")
    # A well without a cell changes no sum, yet its row must be there.
    with pytest.raises(CountError, match=r"1 well\(s\) have no row, first .*A02"):
        check_wells(fields, wells[:1], "fields and wells")
    with pytest.raises(CountError, match=r"1 well\(s\) have no row, first .*H12"):
        check_wells(fields, wells, "fields and wells", mapped=["A01", "H12"])
    with pytest.raises(CountError, match="A01"):
        check_wells(fields[1:], wells, "fields and wells")


def test_two_tables_of_one_plate_list_the_same_fields():
    fields = pd.DataFrame({"plate": "p", "well": ["A01", "A01", "B01"], "field": [1, 2, 1], "timepoint": 1})
    check_same_fields(fields, fields[::-1], "both")
    with pytest.raises(CountError, match=r"^both do not list the same fields: 1 in one only, first .*'B01'"):
        check_same_fields(fields, fields[:2], "both")
    with pytest.raises(CountError, match="2 in one only"):
        check_same_fields(fields[:2], fields[1:], "both")


NA = None


@pytest.mark.parametrize(
    ("states", "fields"),
    [
        (["dead", "dead", "dead"], [("A01", NA, 2, NA, NA), ("A02", NA, 1, NA, NA), ("A03", NA, 0, NA, NA)]),
        (["live", "live", "live"], [("A01", 2, NA, NA, NA), ("A02", 1, NA, NA, NA), ("A03", 0, NA, NA, NA)]),
        (["unknown"] * 3, [("A01", NA, NA, NA, 2), ("A02", NA, NA, NA, 1), ("A03", NA, NA, NA, 0)]),
    ],
)
def test_what_is_told_must_agree_and_nothing_else_be_there(states, fields):
    cells = CELLS.assign(state=states)
    fields = counted(*fields, ("A04", *[NA] * 4))
    check_cells(cells, fields, "cells and fields", ["well"])
    # A cell too few or too many, of the wrong state, in a failed field, or of no field.
    other = "live" if states[0] != "live" else "dead"
    for wrong in (
        cells[1:],
        pd.concat([cells, cells[:1]]),
        cells.assign(state=[other, *states[1:]]),
        pd.concat([cells, cells[:1].assign(state=other)]),
        pd.concat([cells, cells[:1].assign(well="A04")]),
        pd.concat([cells, cells[:1].assign(well="A05")]),
    ):
        with pytest.raises(CountError, match=r"do not agree in 1 place"):
            check_cells(wrong, fields, "cells and fields", ["well"])


def test_a_count_that_fields_do_not_tell_is_no_zero_in_their_well():
    fields = counted(("A01", NA, 2, NA, NA), ("A01", NA, 1, NA, NA))
    check_counts(fields, counted(("A01", NA, 3, NA, NA)), ["well"], "fields and wells")
    for well in (("A01", 0, 3, NA, NA), ("A01", NA, 3, NA, 3), ("A01", NA, 2, NA, NA), ("A01", *[NA] * 4)):
        with pytest.raises(CountError, match=r"do not agree in 1 place"):
            check_counts(fields, counted(well), ["well"], "fields and wells")
    # Nor can it be told of a well, if one of its fields does not.
    mixed = pd.concat([fields, counted(("A01", 1, 1, 0, 2))])
    with pytest.raises(CountError, match="do not agree"):
        check_counts(mixed, counted(("A01", 1, 4, 0, 5)), ["well"], "fields and wells")


@pytest.mark.parametrize(
    ("rows", "main", "has_viability"),
    [
        ([("A01", 1, 1, 0, 2), ("A02", *[NA] * 4)], "n_total", True),
        ([("A01", NA, 1, NA, NA), ("A02", *[NA] * 4)], "n_dead", False),
        ([("A01", 0, NA, NA, NA)], "n_live", False),
        ([("A01", NA, NA, NA, 0)], "n_total", False),
        ([("A01", *[NA] * 4)], "n_total", True),
    ],
)
def test_what_a_table_tells(rows, main, has_viability):
    assert main_count(counted(*rows)) == main
    assert tells_viability(counted(*rows)) == has_viability


def test_a_well_may_be_off_by_what_rounding_takes_from_each_of_its_fields():
    # Each of 300 fields has a cell of 0.9949, of which it keeps 0.99: 298.47 of the cells, 297 of the fields.
    cells = pd.DataFrame({"well": "A01", "field": range(300), "state": "live", "confidence": 0.9949})
    well = counted(("A01", 300, 0, 0, 300))
    well[EXPECTED] = [[297.0, 3.0]]
    check_cells(cells, well, "cells and wells", ["well"])
    with pytest.raises(CountError, match="cells and fields: expected counts do not agree"):
        check_cells(cells.assign(field=1), well, "cells and fields", ["well"])


def test_expected_counts_sum_within_what_six_digits_lose():
    cells = CELLS.assign(confidence=[0.9, 0.6, 0.8])
    fields = counted(("A01", 1, 1, 0, 2), ("A02", 0, 1, 0, 1), ("A03", 0, 0, 0, 0))
    # By hand: 0.9 + (1 - 0.6) live in A01, 1 - 0.8 in A02.
    fields[EXPECTED] = [[1.304, 0.696], [0.2, 0.8], [0, 0]]
    check_cells(cells, fields, "cells and fields", ["well"])
    for lost in (cells.assign(confidence=[0.9, 0.6, 0.7]), cells.assign(confidence=[0.9, None, 0.8])):
        with pytest.raises(CountError, match="expected counts do not agree in 1 place"):
            check_cells(lost, fields, "cells and fields", ["well"])
    large = counted(*[("A01", 40_000, 0, 0, 40_000)] * 3)
    large[EXPECTED] = 39_999.9, 0.1
    well = counted(("A01", 120_000, 0, 0, 120_000))
    well[EXPECTED] = float(f"{3 * 39_999.9:.6g}"), 0.3
    check_counts(large, well, ["well"], "fields and wells")
    well[EXPECTED] = 119_990, 0.3
    with pytest.raises(CountError, match="fields and wells: expected counts do not agree"):
        check_counts(large, well, ["well"], "fields and wells")
