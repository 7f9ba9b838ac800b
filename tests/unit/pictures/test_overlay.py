import io

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from livedead.pictures import overlay


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
    assert list(overlay.choose_wells(wells)["well"]) == chosen


def test_what_stands_over_a_field():
    assert overlay.title("A01", 2, 10, 0.456) == "A01, timepoint 2: viability 0.46"
    assert overlay.title("A01", 2, 0, np.nan) == "A01, timepoint 2: no cells"
    assert overlay.title("A01", 2, 3, np.nan) == "A01, timepoint 2: ambiguous cells only"


def coloured(picture):
    """Pixels of a PNG that are not grey."""
    colours = imread(io.BytesIO(picture))[..., :3]
    return int((np.ptp(colours, axis=-1) > 0.2).sum())


def test_a_field_without_cells_is_drawn_without_rings():
    cells = pd.DataFrame({"state": ["live", "dead"] * 20, "x_px": np.arange(40), "y_px": np.arange(40)})
    field = np.zeros((64, 64), np.float32)
    ringed, bare = (overlay.draw([("A01", field, table)]) for table in (cells, cells[:0]))
    # What is left of colour is the legend.
    legend = coloured(overlay.draw([("A01", field, cells[:0])] * 2))
    assert coloured(bare) == legend
    assert coloured(ringed) > 5 * legend
    grey = imread(io.BytesIO(bare))[200:300, 200:300, :3]
    assert grey.min() == pytest.approx(0.5, abs=0.01), "the field itself is there"
    # A plate without a usable field is a picture that says so, without axes and rings.
    nothing = overlay.draw([])
    assert nothing.startswith(b"\x89PNG")
    assert coloured(nothing) == 0
    assert imread(io.BytesIO(nothing))[..., :3].min() < 0.2
