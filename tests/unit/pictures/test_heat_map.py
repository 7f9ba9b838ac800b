import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import EllipseCollection
from matplotlib.colors import to_rgb, to_rgba
from matplotlib.patches import Rectangle

from livedead.pictures import figures, heat_map
from livedead.plates.geometry import FORMATS
from livedead.tables import COUNTS

N_TOTAL = [100, 25, 400, 0, np.nan]
VIABILITY = [1.0, 0.0, 0.5, np.nan, np.nan]


def plate(n_wells=96, **columns):
    """The figure of a plate whose first wells have these columns."""
    n_columns = max(map(len, columns.values()))
    wells = pd.DataFrame(
        {"plate": "p", "well": [f"A{k + 1:02d}" for k in range(n_columns)], "timepoint": 1, "hours": np.nan}
    )
    known = dict.fromkeys([*COUNTS, "viability"], np.nan)
    return heat_map.draw(wells.assign(area_mm2=0.5, **known).assign(**columns), n_wells)


def told(**columns):
    counts = dict.fromkeys(COUNTS, N_TOTAL)
    return plate(**{**counts, "viability": VIABILITY, **columns})


def circles(figure):
    """Places, areas and colours of the circles of wells."""
    (found,) = [part for part in figure.axes[0].collections if isinstance(part, EllipseCollection)]
    return found.get_offsets(), np.pi / 4 * found.get_widths() * found.get_heights(), found.get_facecolors()


def frames(figure):
    """Left side and line of each frame."""
    patches = [patch for patch in figure.axes[0].patches if isinstance(patch, Rectangle)]
    return [(round(patch.get_x() + 0.46), patch.get_linestyle()) for patch in patches]


def test_areas_of_circles_are_as_the_numbers_of_cells_per_area():
    places, areas, _ = circles(told())
    assert places.tolist() == [[0, 0], [1, 0], [2, 0]]
    np.testing.assert_allclose(areas / areas[1], [100 / 25, 1, 400 / 25])
    # A well of which only half as much was imaged has twice as many per area.
    _, areas, _ = circles(told(area_mm2=[0.25, 0.5, 0.5, 0.5, 0.5]))
    np.testing.assert_allclose(areas / areas[1], [200 / 25, 1, 400 / 25])


def test_colours_go_from_dead_to_live():
    _, _, colours = circles(told())
    np.testing.assert_allclose(colours[0][:3], to_rgb("#0072B2"), atol=0.01)
    np.testing.assert_allclose(colours[1][:3], to_rgb("#D55E00"), atol=0.01)
    assert colours[2][:3].min() > 0.8


def test_cells_without_viability_are_grey_and_a_reading_without_it_has_one_colour():
    _, _, colours = circles(told(viability=[np.nan, 0.5, 0.5, np.nan, np.nan]))
    np.testing.assert_allclose(colours[0], to_rgba(figures.NO_RESULT))
    alone = plate(n_dead=[5, 20])
    _, areas, colours = circles(alone)
    assert areas[1] / areas[0] == pytest.approx(4)
    assert len({tuple(colour) for colour in colours}) == 1
    assert "viability" not in figures.svg(alone).decode()
    assert "dead cells per mm²" in figures.svg(alone).decode()


def test_wells_without_result_are_crossed_and_those_without_cells_dotted():
    lines = told().axes[0].lines
    crosses = [line for line in lines if len(line.get_xdata()) == 2]
    dots = [line for line in lines if line.get_marker() == "."]
    assert [np.mean(line.get_xdata()) for line in crosses] == [4, 4]
    assert dots[0].get_xdata().tolist() == [3]


def test_controls_are_framed_by_kind():
    kinds = ["negative", "", "positive", "negative", ""]
    assert [x for x, line in frames(told(control=kinds)) if line == "-"] == [0, 3]
    assert [x for x, line in frames(told(control=kinds)) if line != "-"] == [2]
    assert frames(told()) == []


@pytest.mark.parametrize("n_wells", FORMATS)
def test_rows_and_columns_of_every_plate_are_named(n_wells):
    text = figures.svg(plate(n_wells, n_total=[3])).decode()
    named = re.findall(r"<text[^>]*>([^<]*)</text>", text)
    rows, columns = FORMATS[n_wells]
    assert {str(k + 1) for k in range(columns)} <= set(named)
    assert {"A", {32: "AF", 16: "P", 8: "H"}.get(rows, "A")} <= set(named)
    assert "p, timepoint 1" in named


def test_a_plate_without_a_result_is_drawn():
    figure = plate(n_total=[np.nan, np.nan])
    assert circles(figure)[0].size == 0
    assert figures.png(figure).startswith(b"\x89PNG")
