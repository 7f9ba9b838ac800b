import pandas as pd
import pytest

from livedead.cells.tallies import check_cells, check_counts, check_same_fields, check_wells
from livedead.errors import CountError
from livedead.tables import COUNTS

CELLS = pd.DataFrame({"well": ["A01", "A01", "A02"], "state": ["live", "dead", "dead"]})


def counted(*rows):
    return pd.DataFrame(rows, columns=["well", *COUNTS])


def test_cells_sum_to_their_fields():
    # A03 has no cells, A04 failed.
    fields = counted(("A01", 1, 1, 0, 2), ("A02", 0, 1, 0, 1), ("A03", 0, 0, 0, 0), ("A04", *[None] * 4))
    check_cells(CELLS, fields, "cells and fields", ["well"])
    with pytest.raises(CountError, match="A02"):
        check_cells(CELLS[:2], fields, "cells and fields", ["well"])
    with pytest.raises(CountError, match="A04"):
        stray = pd.DataFrame([{"well": "A04", "state": "live"}])
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
