import pandas as pd
import pytest

from livedead.errors import LivedeadError
from livedead.wells.verification import choose_wells, compare_wells, replace_wells

WELLS = ["A01", "A02", "A10", "B01"]


def test_a_sample_is_of_usable_wells_in_plate_order():
    table = pd.DataFrame({"well": WELLS * 2, "n_fields_used": [2, 0, 1, 2, 2, 0, 0, 2]})
    assert choose_wells(table, 9, seed=0) == ["A01", "A10", "B01"]
    assert choose_wells(table.assign(n_fields_used=0), 2, seed=0) == []
    ones = {tuple(choose_wells(table, 1, seed)) for seed in range(30)}
    assert ones == {("A01",), ("A10",), ("B01",)}
    assert choose_wells(table, 2, seed=5) == choose_wells(table, 2, seed=5)


def test_rows_are_replaced_at_their_place():
    table = pd.DataFrame({"well": ["A01", "A02", "A02", "A10", "B01"], "n": [1, 2, 3, 4, 5]})
    anew = pd.DataFrame({"well": ["A02", "A02", "A02", "B01"], "n": [20, 30, 40, 50]})
    found = replace_wells(table, anew, ["A02", "B01"])
    assert found["n"].tolist() == [1, 20, 30, 40, 4, 50]
    assert found.index.tolist() == list(range(6))


@pytest.mark.parametrize(
    ("before", "after"), [([], []), (["A01"], []), ([], ["A01"]), (["A01", "B01"], ["A01"])]
)
def test_wells_without_rows_are_replaced_too(before, after):
    table, anew = (pd.DataFrame({"well": pd.Series(names, dtype=object)}) for names in (before, after))
    expected = [well for well in before if well != "A01"]
    assert replace_wells(table, anew, ["A01"])["well"].tolist() == after + expected


def rows(*values):
    names = ["well", "timepoint", "n_live", "status", "row_sha256"]
    # Only the columns of the result are compared; those that are not listed here are missing in both.
    return pd.DataFrame(values, columns=names)


def test_equal_hashes_are_equal_wells():
    stored = rows(("A01", 1, 3, "ok", "a"), ("A01", 2, 4, "ok", "b"), ("A02", 1, 5, "ok", "c"))
    assert compare_wells(stored, stored, ["A01"], "wells.csv") == (
        "well A01 timepoint 1: row_sha256 a in the table, a anew\n"
        "well A01 timepoint 2: row_sha256 b in the table, b anew"
    )
    assert compare_wells(stored, stored, [], "wells.csv") == "no well has a field that can be used"


def test_what_differs_is_named():
    stored = rows(("A01", 1, 3, "ok", "a"), ("A02", 1, 5, "ok", "c"), ("A02", 2, 6, "ok", "d"))
    anew = rows(("A01", 1, 3, "ok", "a"), ("A02", 1, 7, "ok", "e"))
    with pytest.raises(LivedeadError) as error:
        compare_wells(stored, anew, ["A01", "A02"], "wells.csv")
    assert str(error.value).splitlines() == [
        "wells.csv: well A02 is not what its raw images give",
        "well A01 timepoint 1: row_sha256 a in the table, a anew",
        "well A02 timepoint 1: row_sha256 c in the table, e anew",
        "  n_live: 5 in the table, 7 anew",
        "well A02 timepoint 2: row_sha256 d in the table, None anew",
    ]
    with pytest.raises(LivedeadError, match="well A02 is not"):
        compare_wells(stored[:2], rows(*stored.itertuples(index=False)), ["A02"], "wells.csv")
