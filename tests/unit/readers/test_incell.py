import math

import pytest

from livedead.readers import incell
from livedead.readers.folder import RawFolder


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("A - 01(fld 1 wv DAPI - DAPI).tif", ("A01", 1, "DAPI - DAPI", 1, 1)),
        ("x/P - 24(fld 012 wv Green - dsRed z 3 time 2 - 120 ms).tif", ("P24", 12, "Green - dsRed", 2, 3)),
        ("AF - 48(fld 3).tif", ("AF48", 3, "1", 1, 1)),
    ],
)
def test_names_of_in_cell_analyzer(path, expected):
    (plane,) = incell.scan(RawFolder(None, [path, "notes.txt", "A - 01.tif"])).planes
    assert (plane.well, plane.field, plane.channel, plane.timepoint, plane.z) == expected


def test_times_of_names_are_in_milliseconds():
    names = ["A - 01(fld 1 time 1 - 0 ms).tif", "A - 01(fld 1 time 2 - 5400000 ms).tif"]
    assert [plane.hours for plane in incell.scan(RawFolder(None, names)).planes] == [0, 1.5]
    (plane,) = incell.scan(RawFolder(None, ["A - 01(fld 1 time 1).tif"])).planes
    assert math.isnan(plane.hours)
