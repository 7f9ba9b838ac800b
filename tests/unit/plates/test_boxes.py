"""Sheets of boxes and points: what is read, and that every mistake is told with its line."""

import numpy as np
import pandas as pd
import pytest

from livedead.errors import SheetError
from livedead.plates.boxes import read_boxes

IMAGES = pd.DataFrame(
    [
        ("A01", 1, 1, "day1/A01_f1.tif", 100, 120),
        ("A01", 2, 1, "day1/A01_f2.tif", 100, 120),
        ("B02", 1, 1, "day1/B02_f1.tif", 0, 0),
        ("B02", 1, 2, "day2/B02_f1.tif", 90, 120),
    ],
    columns=["well", "field", "timepoint", "path", "height", "width"],
)
HEADER = "image,y_min,x_min,y_max,x_max,state"


def read(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "boxes.csv"
    path.write_bytes(text.encode(encoding))
    return read_boxes(path, IMAGES)


def test_boxes_by_the_name_of_their_image(tmp_path):
    found = read(
        tmp_path,
        f"{HEADER}\nA01_f1.tif,0,0,100,120,live\nday1/A01_f1.tif,5.5,6,20,30,Dead\nA01_f2.tif,,,,,\n",
    )
    assert list(found) == [("A01", 1, 1), ("A01", 2, 1)]
    assert found["A01", 1, 1].places.tolist() == [[0, 0, 100, 120], [5.5, 6, 20, 30]]
    assert found["A01", 1, 1].is_dead.tolist() == [False, True]
    assert found["A01", 2, 1].places.shape == (0, 4)


def test_points_by_well_and_field(tmp_path):
    found = read(
        tmp_path, "state,Well,field,timepoint,Y_px,x_px,by\ndead,b2,1,2,89.5,0,me\nlive,A1,2,,3,4,me\n"
    )
    assert found["B02", 1, 2].places.tolist() == [[89.5, 0]]
    assert found["A01", 2, 1].is_dead.tolist() == [False]


@pytest.mark.parametrize("separator", [";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_sheets_as_excel_writes_them(tmp_path, separator, encoding):
    rows = f"{HEADER}\r\nA01_f1.tif,1_5,2,30,40_25,live\r\n".replace(",", separator).replace("_5", ",5")
    found = read(tmp_path, rows.replace("40_2,5", "40,25").replace("40_25", "40,25"), encoding)
    np.testing.assert_array_equal(found["A01", 1, 1].places, [[1.5, 2, 30, 40.25]])


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (
            "A01_f3.tif,1,1,9,9,live",
            "line 3: column 'image': the plate has no image 'A01_f3.tif' (did you mean",
        ),
        ("B02_f1.tif,1,1,9,9,live", "line 3: column 'image': 'B02_f1.tif' belongs to 2 fields of the plate"),
        (
            "A01_f1.tif,1,1,101,9,live",
            "line 3: columns 'y_min' and 'y_max': outside the image, which has 100 x",
        ),
        ("A01_f1.tif,1,-1,9,9,live", "line 3: columns 'x_min' and 'x_max': outside the image"),
        ("A01_f1.tif,9,1,9,9,live", "line 3: columns 'y_min' and 'y_max': 9 to 9; a box is at least 1 px"),
        ("A01_f1.tif,9,1,2,9,live", "line 3: columns 'y_min' and 'y_max': 9 to 2;"),
        ("A01_f1.tif,1,1,nine,9,live", "line 3: column 'y_max': 'nine'; allowed: a number, in px"),
        ("A01_f1.tif,1,1,9,,live", "line 3: column 'x_max': ''; allowed: a number"),
        (
            "A01_f1.tif,1,1,9,8,liv",
            "line 3: column 'state': 'liv' (did you mean 'live'?); allowed: live, dead",
        ),
        ("A01_f1.tif,1,1,9,8,", "line 3: column 'state': ''"),
        ("A01_f1.tif,1,1,9,9.0,dead", "line 3: the same box of the same image is in line 2 already"),
        ("A01_f1.tif,,,,,", "line 3: lists the image without cells, but it has 1 in other lines"),
    ],
)
def test_mistakes_are_told_with_their_line(tmp_path, row, said):
    with pytest.raises(SheetError) as told:
        read(tmp_path, f"{HEADER}\nA01_f1.tif,1,1,9,9,live\n{row}\n")
    assert f"boxes.csv: {said}" in str(told.value)
    assert str(told.value).count("\n") == 0


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (
            "A01_f1.tif,A02,1,1,live",
            "column 'image': 'A01_f1.tif' is A01, field 1, timepoint 1; well, field",
        ),
        (",A03,1,1,live", "the plate has no image of well A03, field 0, timepoint 1"),
        (",Z99,1,1,live", "column 'well': "),
        ("A01_f1.tif,A01,100,1,live", "column 'y_px': outside the image"),
    ],
)
def test_mistakes_of_points(tmp_path, row, said):
    image, well, *rest = row.split(",")
    text = f"image,well,field,y_px,x_px,state\n{image},{well},{'' if image else 0},{','.join(rest)}\n"
    with pytest.raises(SheetError) as told:
        read(tmp_path, text)
    assert f"boxes.csv: line 2: {said}" in str(told.value)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (
            "image,y_mn,x_min,y_max,x_max,state",
            "missing columns: y_min (did you mean 'y_mn'?); needed are image",
        ),
        ("well,y_px,x_px,state", "missing columns: field; needed"),
        ("image,y_px,x_px", "missing columns: state"),
        (f"{HEADER},y_px,x_px", "columns of boxes and of points"),
    ],
)
def test_missing_columns(tmp_path, header, said):
    with pytest.raises(SheetError, match=r"boxes\.csv: line 1: ") as told:
        read(tmp_path, f"{header}\n")
    assert said in str(told.value)


def test_commas_that_may_be_thousands_are_refused(tmp_path):
    with pytest.raises(SheetError, match="column 'y_max': '1,000'"):
        read(tmp_path, f'{HEADER}\nA01_f1.tif,1,1,"1,000",9,live\n')


def test_of_many_mistakes_some_are_told_and_the_rest_counted(tmp_path):
    with pytest.raises(SheetError) as told:
        read(tmp_path, HEADER + "\nC01.tif,1,1,9,9,live" * 30)
    assert str(told.value).count("no image 'C01.tif'") == 20
    assert str(told.value).endswith("and 10 more")
