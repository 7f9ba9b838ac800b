import math

import pandas as pd
import pytest

from livedead.errors import SheetError
from livedead.plates.doses import read_doses


def wells(*doses, plate=None):
    table = pd.DataFrame({"well": [f"A{k:02d}" for k in range(1, len(doses) + 1)], "dose": doses})
    return table if plate is None else table.assign(plate=plate)


@pytest.mark.parametrize(
    ("written", "doses"),
    [
        (["0", "0,1", "1", ""], [0, 0.1, 1, math.nan]),
        (["0,5", "1,000", "1,5E-3"], [0.5, 1, 0.0015]),  # where 0,5 is a half, 1,000 is one
        (["0,125", "10"], [0.125, 10]),  # thousands never begin with 0
        (["1.5", "1e-3", ".5"], [1.5, 0.001, 0.5]),
        (["1.000", "2"], [1, 2]),  # a point is always decimal, as in every other tool
    ],
)
def test_decimal_commas_where_there_is_one_reading(written, doses):
    assert read_doses(wells(*written), "dose").tolist() == pytest.approx(doses, nan_ok=True)


def test_doses_of_two_readings():
    with pytest.raises(SheetError, match=r"^well A02, column 'dose': '1,000' may be 1000 or 1\.000, and"):
        read_doses(wells("0", "1,000", "10,000"), "dose")


def test_each_plate_has_its_own_decimal_mark():
    table = pd.concat([wells("0,1", "1,000", plate="de"), wells("0.1", "1000", plate="us")])
    assert read_doses(table, "dose").tolist() == [0.1, 1, 0.1, 1000]
    with pytest.raises(SheetError, match=r"^plate us, well A02, column 'dose': '1,000'; allowed"):
        read_doses(table.replace("1000", "1,000"), "dose")


@pytest.mark.parametrize(
    "dose", ["0,5", "10 uM", "-1", "nan", "inf", "1.000,5", "1_0", "１", "1e-999", "1,000,000", "0x1"]
)
def test_doses_are_finite_numbers(dose):
    table = wells("", "1.5e-3", dose)
    assert read_doses(table[:2], "dose").tolist() == pytest.approx([math.nan, 0.0015], nan_ok=True)
    with pytest.raises(SheetError, match=f"^well A03, column 'dose': {dose!r}; allowed"):
        read_doses(table, "dose")


def test_a_map_without_doses():
    assert read_doses(wells("1", "2"), "conc").isna().tolist() == [True, True]
