import re

import numpy as np
import pandas as pd
import pytest

from livedead.pictures import dose_response, figures
from livedead.plates.plate_maps import MapColumns
from livedead.tables import DOSE_RESPONSE

COLUMNS = MapColumns()
CURVE = {"ic50": 2.0, "ic50_low": 1.0, "ic50_high": 4.0, "slope": 1.0, "top": 0.9, "bottom": 0.1}


def curves(timepoints=(1,), verdict="estimated", agent="x$y$", **values):
    rows = [
        {
            "plate": "p", "agent": agent, "cell_line": "HeLa", "timepoint": t, "dose_unit": "uM",
            "verdict": verdict, "n_wells": 4, "n_doses": 3, **CURVE, **values,
        }
        for t in timepoints
    ]  # fmt: skip
    return DOSE_RESPONSE.rows(rows)


def wells(timepoints=(1,), agent="x$y$"):
    """A control and three doses, each of 100 cells."""
    rows = [
        {
            "plate": "p", "well": f"A{k + 1:02d}", "timepoint": t, "treatment": agent if dose else "none",
            "cell_line": "HeLa", "dose_um": str(dose), "control": "" if dose else "negative",
            "n_live": n_live, "n_dead": 100 - n_live, "viability": n_live / 100,
            "viability_low": n_live / 100 - 0.05, "viability_high": n_live / 100 + 0.02,
        }
        for t in timepoints for k, (dose, n_live) in enumerate([(0, 90), (0.2, 83), (2, 50), (200, 11)])
    ]  # fmt: skip
    return pd.DataFrame(rows).assign(hours=np.nan).astype({"n_live": "Int64", "n_dead": "Int64"})


def draw(found=None, table=None):
    given = wells() if table is None else table
    return dose_response.draw(curves() if found is None else found, given, COLUMNS, "p")


def test_every_well_is_a_point_with_its_interval_and_controls_stand_apart():
    (axes,) = draw().axes
    points, _, (bars,) = axes.containers[0]
    assert points.get_xydata().tolist() == [[0.02, 0.9], [0.2, 0.83], [2, 0.5], [200, 0.11]]
    ends = np.array([segment[:, 1] for segment in bars.get_segments()])
    np.testing.assert_allclose(ends, [[0.85, 0.92], [0.78, 0.85], [0.45, 0.52], [0.06, 0.13]])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "0.2", "2", "200"]


def test_the_curve_is_that_of_the_table_and_its_ic50_is_marked():
    (axes,) = draw().axes
    curve, ic50, *_ = [line for line in axes.lines if line.get_color() == "#D55E00"]
    dose, viability = curve.get_data()
    np.testing.assert_allclose(viability, 0.1 + 0.8 / (1 + dose / 2))
    assert ic50.get_xdata()[0] == 2
    (band,) = axes.patches
    assert (band.get_x(), band.get_width()) == (1, 3)
    assert axes.get_title() == "x$y$, HeLa, timepoint 1\nIC50 2 uM (1 to 4)"
    assert axes.get_xlabel() == "dose, uM"


def test_a_curve_that_the_doses_do_not_determine_is_dashed_and_says_so():
    (axes,) = draw(curves(verdict="under-determined", ic50_low=np.nan)).axes
    assert next(line for line in axes.lines if line.get_color() == "#D55E00").get_linestyle() == "--"
    assert not axes.patches
    assert axes.get_title().endswith("IC50 under-determined")


def test_without_an_ic50_only_points_are_drawn():
    (axes,) = draw(curves(verdict="above top dose", ic50=np.nan, slope=np.nan)).axes
    assert not [line for line in axes.lines if line.get_color() == "#D55E00"]


def test_an_interval_whose_end_was_rounded_past_the_value_is_drawn():
    table = wells().assign(viability_high=lambda rows: rows["viability"] - 1e-7)
    (axes,) = draw(table=table).axes
    assert axes.containers[0].has_yerr


def test_a_single_well_is_drawn():
    (axes,) = draw(curves(ic50=np.nan), wells().query("dose_um == '2'")).axes
    assert axes.containers[0][0].get_xydata().tolist() == [[2, 0.5]]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "2"]


def test_of_many_timepoints_the_first_the_middle_and_the_last_are_drawn():
    times = (0, 3, 5, 8, 9)
    titles = [axes.get_title() for axes in draw(curves(times), wells(times)).axes]
    assert [int(re.search(r"timepoint (\d+)", title)[1]) for title in titles] == [0, 5, 9]


@pytest.mark.parametrize("plate", ["p", "other"])
def test_a_plate_without_doses_says_so(plate):
    empty = curves() if plate == "other" else curves()[:0]
    text = figures.svg(dose_response.draw(empty, wells(), COLUMNS, plate)).decode()
    assert f"{plate}: no dose, or no viability, is known" in text
