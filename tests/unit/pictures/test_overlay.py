import io

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from livedead.pictures import overlay
from livedead.tables import COUNTS

BRIGHTFIELD = {"input": "brightfield"}


@pytest.mark.parametrize(
    ("viabilities", "used", "chosen"),
    [
        ([0.5, 0.9, 0.1, 0.7, np.nan], 1, ["A02", "A01", "A03"]),
        ([0.5, 0.9], 1, ["A02", "A01"]),
        # Without a cell there is still a field to look at.
        ([np.nan] * 5, 1, ["A01", "A03", "A05"]),
        ([np.nan], 1, ["A01"]),
        ([np.nan] * 5, 0, []),
    ],
)
def test_wells_are_chosen_from_most_to_least_viable(viabilities, used, chosen):
    names = [f"A{k:02d}" for k in range(1, len(viabilities) + 1)]
    wells = pd.DataFrame({"well": names, "viability": viabilities, "n_fields_used": used})
    wells = wells.assign(**dict.fromkeys(COUNTS, 1 if used else np.nan))
    assert list(overlay.choose_wells(wells)["well"]) == chosen


@pytest.mark.parametrize("told", ["n_live", "n_dead", "n_total"])
def test_wells_without_viability_are_chosen_from_most_to_fewest_cells(told):
    wells = pd.DataFrame({"well": ["A01", "A02", "A03", "A04"], "n_fields_used": [1, 1, 1, 0]})
    wells = wells.assign(**dict.fromkeys([*COUNTS, "viability"], np.nan)).assign(**{told: [5, 9, 0, None]})
    assert list(overlay.choose_wells(wells)["well"]) == ["A02", "A01", "A03"]


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"n_live": 4, "n_dead": 5, "n_ambiguous": 1, "n_total": 10, "viability": 0.444}, "viability 0.44"),
        ({"n_live": 0, "n_dead": 0, "n_ambiguous": 0, "n_total": 0}, "no cells"),
        ({"n_live": 0, "n_dead": 0, "n_ambiguous": 3, "n_total": 3}, "ambiguous cells only"),
        ({"n_total": 7}, "7 cells"),
        ({"n_live": 7}, "7 live cells"),
        ({"n_dead": 0}, "no dead cells"),
    ],
)
def test_what_stands_over_a_field(told, words):
    row = pd.Series({**dict.fromkeys([*COUNTS, "viability"], pd.NA), "well": "A01", "timepoint": 2, **told})
    assert overlay.title(row) == f"A01, timepoint 2: {words}"


def coloured(picture):
    """Pixels of a PNG that are not grey."""
    colours = imread(io.BytesIO(picture))[..., :3]
    return int((np.ptp(colours, axis=-1) > 0.2).sum())


def test_a_field_without_cells_is_drawn_without_rings():
    cells = pd.DataFrame({"state": ["live", "unknown"] * 20, "x_px": np.arange(40), "y_px": np.arange(40)})
    field = np.zeros((1, 64, 64), np.float32)
    ringed, bare = (overlay.draw([("A01", field, table)], BRIGHTFIELD) for table in (cells, cells[:0]))
    assert coloured(bare) == 0
    assert coloured(ringed) > 1000
    grey = imread(io.BytesIO(bare))[200:300, 200:300, :3]
    assert grey.min() == pytest.approx(0.5, abs=0.01), "the field itself is there"
    # A plate without a usable field is a picture that says so, without axes and rings.
    nothing = overlay.draw([], BRIGHTFIELD)
    assert nothing.startswith(b"\x89PNG")
    assert coloured(nothing) == 0
    assert imread(io.BytesIO(nothing))[..., :3].min() < 0.2


def test_dyes_are_drawn_in_light_of_their_own():
    """Four nuclei on a dark background: one of no dye, of the first, of a quarter of the second, of both."""
    planes = np.full((2, 8, 8), -0.6, np.float32)
    planes[:, 0, :4] = [[-0.6, 1, -0.6, 1], [-0.6, -0.6, -0.2, 1]]
    black, white, dim_magenta = [0, 0, 0], [1, 1, 1], [0.5, 0, 0.5]
    both = overlay.composed(planes, ["total", "dead"])
    np.testing.assert_allclose(both[0, :4], [black, white, dim_magenta, white], atol=1e-3)
    # One dye alone is grey, whichever it is; the input of a network is drawn as it is.
    for what, grey in (("dead", 0.5), ("input", 0.4)):
        alone = overlay.composed(planes[1:], [what])
        np.testing.assert_allclose(alone[0, 2], [grey] * 3, atol=1e-3)
