import math

import pytest

from livedead.errors import SheetError
from livedead.readers.scan import Plane, Scan, pixel_sizes, well_at


def test_what_a_name_leaves_out_is_one():
    plane = Plane.from_texts("a.tif", well="B3")
    assert (plane.field, plane.timepoint, plane.channel, plane.z) == (1, 1, "1", 1)
    assert (plane.page, plane.pages, plane.height, plane.problem) == (0, 1, 0, "")
    assert math.isnan(plane.x_um)
    plane = Plane.from_texts("a.tif", row="2", column="11", field="007", timepoint="0", z="0", page=3)
    assert (plane.well, plane.field, plane.timepoint, plane.z, plane.page) == ("B11", 7, 0, 0, 3)


@pytest.mark.parametrize(("row", "well"), [("2", "B11"), ("b", "b11"), ("27", "AA11"), ("32", "AF11")])
def test_rows_by_letters_or_number(row, well):
    assert well_at(row, "11") == well


@pytest.mark.parametrize("row", ["0", "33"])
def test_rows_that_no_plate_has(row):
    with pytest.raises(SheetError, match=f"row {row} is on no plate"):
        well_at(row, "1")


def test_a_scan_as_a_table():
    planes = [Plane("a.tif", "A01"), Plane("b.tif", "A02", 2, projected=True)]
    table = Scan(planes, "names").table()
    assert list(table.columns) == list(Plane._fields)
    assert table["path"].tolist() == ["a.tif", "b.tif"]
    assert table["projected"].dtype == bool
    assert table["field"].tolist() == [1, 2]


def test_what_all_metadata_files_say_is_taken_over():
    scan = Scan([], "metadata")
    scan.expect(
        [{"wells": ["A01"], "fields": 4, "n_wells": 96}, {"wells": ["A01", "A02"], "fields": 9}], [0.5, 0.5]
    )
    assert scan.expected == {"wells": ["A01", "A02"], "n_wells": 96, "pixel_size_um": 0.5}
    assert scan.notes == ["the export's metadata disagree on fields (4, 9), which is left aside"]


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([], {}),
        ([math.nan], {}),
        ([0.65, math.nan, 0.6504], {"pixel_size_um": 0.65}),  # one size, written with fewer digits
        ([1.3, 0.65], {"pixel_sizes_um": [0.65, 1.3]}),
    ],
)
def test_pixel_sizes_that_differ_only_in_their_digits_are_one(sizes, expected):
    assert pixel_sizes(sizes) == expected
