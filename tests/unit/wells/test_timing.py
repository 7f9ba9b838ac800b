import math

import pandas as pd
import pytest

from livedead.wells.timing import contradicted_hours, hours_of_timepoints, hours_of_wells, timepoint_name

UNKNOWN = math.nan


def fields(*rows):
    return pd.DataFrame(rows, columns=["well", "timepoint", "hours"])


def wells(**hours):
    """A plate of two wells, the second imaged half an hour after the first, at timepoints of these hours."""
    return pd.DataFrame(
        [
            {"well": well, "timepoint": int(timepoint[1:]), "hours": told + later}
            for timepoint, told in hours.items()
            for well, later in (("A01", 0.0), ("A02", 0.5))
        ]
    )


def test_a_well_was_imaged_when_its_first_field_was():
    table = fields(("A01", 1, 0.2), ("A01", 1, 0.1), ("A02", 1, UNKNOWN), ("A01", 2, 6.0))
    found = hours_of_wells(table, None)
    assert found["A01", 1] == 0.1
    assert math.isnan(found["A02", 1])
    # The export tells times, so nothing is filled, not even where it lost one.
    pd.testing.assert_series_equal(hours_of_wells(table, 4.0), found)


def test_where_the_export_tells_no_time_the_configuration_does():
    # Timepoint 3 was lost, timepoint 4 is three steps after the first.
    table = fields(*(("A01", timepoint, UNKNOWN) for timepoint in (1, 2, 4)))
    assert hours_of_wells(table, 1.5).tolist() == [0, 1.5, 4.5]
    assert hours_of_wells(table, None).isna().all()
    zero_based = fields(("A01", 0, UNKNOWN), ("A01", 1, UNKNOWN))
    assert hours_of_wells(zero_based, 1.5).tolist() == [0, 1.5]


def test_the_time_of_a_timepoint_is_the_median_of_its_wells():
    assert hours_of_timepoints(wells(t1=0, t2=6, t4=UNKNOWN)).to_dict() == {1: 0.25, 2: 6.25}


@pytest.mark.parametrize(
    ("hours", "per_timepoint", "told"),
    [
        ({"t1": 0, "t2": 6, "t4": 18}, 6.0, ""),
        ({"t1": 0, "t2": 6.5, "t4": 18}, 6.0, ""),  # within a tenth
        ({"t1": 0, "t2": 6, "t4": 18}, None, ""),
        ({"t1": 0, "t2": UNKNOWN}, 6.0, ""),
        ({"t1": 0}, 6.0, ""),
        ({"t1": 0, "t2": 6, "t4": 14}, 6.0, "TIMES: from timepoint 1 to 4, 14 h passed by the export and 18"),
        ({"t1": 2, "t2": 3}, 2.0, "TIMES: from timepoint 1 to 2, 1 h passed by the export and 2 h by"),
    ],
)  # fmt: skip
def test_a_contradiction_of_more_than_a_tenth_is_told(hours, per_timepoint, told):
    found = contradicted_hours(wells(**hours), per_timepoint)
    assert len(found) == bool(told)
    assert "".join(found).startswith(told)


def test_a_timepoint_is_named_with_its_hours_where_they_are_known():
    table = wells(t1=0, t2=12.258, t3=UNKNOWN, t4=150)
    assert [timepoint_name(k, table) for k in (1, 2, 3, 4)] == [
        "timepoint 1 (0.25 h)",
        "timepoint 2 (12.5 h)",
        "timepoint 3",
        "timepoint 4 (150 h)",
    ]
