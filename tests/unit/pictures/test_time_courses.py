import numpy as np
import pandas as pd
import pytest

from livedead.pictures import figures, time_courses
from livedead.plates.plate_maps import MapColumns
from livedead.wells.analysis import follow_wells

N_LIVE = {"A01": (95, 93, 90), "A02": (80, 60, 30), "A03": (80, 40, 10)}
"""Of 100 cells in each well, at timepoints 1, 2 and 3."""


def wells(timepoints=(1, 2, 3), hours=(0.0, 2.0, 12.0)):
    rows = [
        {
            "plate": "p", "well": well, "timepoint": t, "hours": hours[t - 1],
            "treatment": "none" if well == "A01" else "x",
            "dose_um": "0" if well == "A01" else "5", "n_live": n[t - 1], "n_dead": 100 - n[t - 1],
        }
        for well, n in N_LIVE.items() for t in timepoints
    ]  # fmt: skip
    return pd.DataFrame(rows).astype({"n_live": "Int64", "n_dead": "Int64"})


def draw(table):
    return time_courses.draw(follow_wells(table, MapColumns()), table, MapColumns(), "p")


def test_each_treatment_has_its_wells_their_pool_and_half_time():
    none, treated = draw(wells()).axes
    assert (none.get_title(), treated.get_title()) == ("none", "x")
    lines = [line for line in treated.lines if len(line.get_xdata()) == 3]
    assert all(line.get_xdata().tolist() == [0, 2, 12] for line in lines)
    np.testing.assert_allclose(
        [line.get_ydata() for line in lines], [[0.8, 0.6, 0.3], [0.8, 0.4, 0.1], [0.8, 0.5, 0.2]]
    )
    assert lines[2].get_linewidth() > lines[0].get_linewidth()
    # 160 of 200 cells live at first, 100 of 200 after 2 h.
    (half,) = [line for line in treated.lines if line.get_marker() == "D"]
    assert half.get_xydata().tolist() == [[2, 0.5]]
    assert not [line for line in none.lines if line.get_marker() == "D"]
    assert treated.get_xlabel() == "time, h"


def test_where_no_time_is_known_timepoints_are_counted():
    _, treated = draw(wells(hours=(np.nan,) * 3)).axes
    assert treated.lines[0].get_xdata().tolist() == [1, 2, 3]
    assert treated.get_xlabel() == "timepoint"


@pytest.mark.parametrize("timepoints", [(1,), ()])
def test_a_plate_without_a_course_says_so(timepoints):
    text = figures.svg(draw(wells().query("timepoint in @timepoints"))).decode()
    assert "p: viability is known at fewer than two timepoints" in text
