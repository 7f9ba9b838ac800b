"""Fields and their cells in one OME-Zarr, read back by zarr."""

import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import zarr

from livedead.cells.counting import CountedField
from livedead.labels.zarr_fields import write_wells

NUMBERS = np.array([[0, 1, 1, 0], [2, 0, 0, 3], [2, 0, 4, 3]], np.int32)
STATES = ["dead", "live", "ambiguous", "unknown"]
VALUES = np.array([[0, 2, 2, 0], [1, 0, 0, 3], [1, 0, 4, 3]], np.uint8)


class Pictures:
    """Two timepoints of B03: field 2 is larger than what was counted of it; A01 has no size."""

    channels = ("bf", "dead")
    timepoints = (4, 5)
    images = SimpleNamespace(hours={("B03", 2, 4): 1.5, ("B03", 2, 5): math.nan})

    def shapes(self, well):
        return {2: (4, 4)} if well == "B03" else {}

    def field(self, key, shape):
        return np.stack([np.full(shape, 10 * key[2] + c, np.uint16) for c in range(2)])


@pytest.fixture
def well(tmp_path):
    row = {"plate": "p", "well": "B03", "field": 2, "timepoint": 5}
    cells = pd.DataFrame({"cell": [1, 2, 3, 4], "state": STATES})
    counted = [CountedField(row, cells, NUMBERS, (NUMBERS > 0).astype(np.uint8))]
    write_wells(tmp_path, Pictures(), ["A01", "B03"], counted, 0.5)
    assert [path.name for path in tmp_path.iterdir()] == ["B"], "a well without images is none"
    return zarr.open_group(tmp_path / "B/03", mode="r")


def test_pixels_lie_by_time_and_channel(well):
    np.testing.assert_array_equal(well["2/0"][:, :, 0, 0], [[40, 41], [50, 51]])
    assert well.attrs["ome"]["well"]["images"] == [{"path": "2"}]
    assert well["2"].attrs["livedead"] == {"timepoints": [4, 5], "hours": [1.5, None]}


def test_labels_are_the_cells_of_their_timepoint(well):
    numbers, states = (well[f"2/labels/{name}/0"][:] for name in ("cells", "states"))
    np.testing.assert_array_equal(numbers[1, :3], NUMBERS)
    np.testing.assert_array_equal(states[1, :3], VALUES)


def test_what_was_not_counted_has_a_value_of_its_own(well):
    numbers, states = (well[f"2/labels/{name}/0"][:] for name in ("cells", "states"))
    assert not numbers[0].any()
    assert not numbers[1, 3].any()
    assert (states[0] == 255).all()
    assert (states[1, 3] == 255).all()


def test_every_value_has_its_name(well):
    found = well["2/labels/states"].attrs["ome"]["image-label"]["properties"]
    assert {entry["label-value"]: entry["name"] for entry in found} == {
        1: "live",
        2: "dead",
        3: "ambiguous",
        4: "unknown",
        255: "not counted",
    }
