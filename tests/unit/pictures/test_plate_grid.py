import numpy as np
import pandas as pd
import pytest

from livedead.pictures import figures, plate_grid


def axes():
    return figures.new_figure(80, 60).subplots()


@pytest.mark.parametrize(("pitch_mm", "n_named"), [(5, 12), (2, 6), (1, 3), (0.3, 2)])
def test_narrow_wells_are_named_less_often(pitch_mm, n_named):
    drawn = axes()
    plate_grid.draw_grid(drawn, 96, pitch_mm)
    assert drawn.get_xticklabels()[0].get_text() == "1"
    assert len(drawn.get_xticklabels()) == n_named


def test_a_value_stands_where_its_well_lies():
    picture = plate_grid.draw_values(axes(), pd.Series({"B03": 5.0, "H12": 7.0}), 96, 4)
    grid = np.ma.filled(picture.get_array(), np.nan)
    assert (grid[1, 2], grid[7, 11]) == (5, 7)
    assert np.isnan(grid).sum() == 94


def test_no_well_has_no_place():
    assert [place.tolist() for place in plate_grid.places([])] == [[], []]
