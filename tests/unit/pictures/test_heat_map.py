import io

import numpy as np
import pandas as pd
import pytest
from matplotlib import colormaps
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from livedead.pictures import heat_map
from livedead.tables import COUNTS


def drawn(**columns):
    """Pixels of a plate whose first row of wells has these columns, and no other result."""
    wells = pd.DataFrame({"plate": "p", "well": [f"A{k:02d}" for k in range(1, 13)], "timepoint": 1})
    wells = wells.assign(area_mm2=0.5, **dict.fromkeys([*COUNTS, "viability"], np.nan)).assign(**columns)
    return imread(io.BytesIO(heat_map.draw(wells, 96)))[..., :3]


def coloured(picture, colour):
    """Share of its pixels that have a colour."""
    return np.isclose(picture, np.array(colour), atol=0.01).all(axis=-1).mean()


def grey(picture):
    return coloured(picture, to_rgb(heat_map.NO_RESULT))


def test_a_plate_without_a_result_is_grey_and_crossed():
    assert grey(drawn()) > 0.2


@pytest.mark.parametrize("told", ["n_live", "n_dead", "n_total"])
def test_a_plate_without_viability_shows_the_density_that_it_tells(told):
    both = drawn(**dict.fromkeys(COUNTS, 5), viability=0.5)
    alone = drawn(**{told: [0, 60, *[np.nan] * 10]})
    assert alone.shape[1] == pytest.approx(both.shape[1] / 2, abs=1)
    darkest, brightest = (to_rgb(colormaps["viridis"](end)) for end in (0.0, 1.0))
    # Two wells of the 96 are coloured, from none to most; the colour bar has more of both ends.
    assert min(coloured(alone, end) for end in (darkest, brightest)) > 0.5 * grey(alone) / 94
