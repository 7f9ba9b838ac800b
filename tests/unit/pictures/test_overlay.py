import io

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from livedead.pictures import overlay
from livedead.tables import COUNTS


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
    field = np.zeros((64, 64), np.float32)
    ringed, bare = (overlay.draw([("A01", field, table)]) for table in (cells, cells[:0]))
    assert coloured(bare) == 0
    assert coloured(ringed) > 1000
    grey = imread(io.BytesIO(bare))[200:300, 200:300, :3]
    assert grey.min() == pytest.approx(0.5, abs=0.01), "the field itself is there"
    # A plate without a usable field is a picture that says so, without axes and rings.
    nothing = overlay.draw([])
    assert nothing.startswith(b"\x89PNG")
    assert coloured(nothing) == 0
    assert imread(io.BytesIO(nothing))[..., :3].min() < 0.2
