import pytest

from livedead import sheets
from livedead.errors import SheetError

HEADER = "plate\traw\tpixel_size_um\n"


def write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("separator", ["\t", ",", ";"])
def test_what_excel_leaves_is_harmless(tmp_path, separator):
    text = f"\ufeffwell{separator}drug\r\nA1{separator} caffe\u0301 \r\n\r\nB2{separator}b\r\n"
    table = sheets.read_sheet(write(tmp_path / "map.csv", text))
    assert list(table.columns) == ["well", "drug"]
    assert list(table["drug"]) == ["caffé", "b"]
    assert list(table.index) == [2, 4]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("a\ta\n1\t2\n", "names of their own"),
        ("a\tb\n1\n", "line 2: 1 values for 2 columns"),
    ],
)
def test_broken_sheets(tmp_path, text, message):
    with pytest.raises(SheetError, match=message):
        sheets.read_sheet(write(tmp_path / "sheet.tsv", text))


def test_not_utf8_names_the_file(tmp_path):
    path = tmp_path / "sheet.tsv"
    path.write_bytes(b"well\tdrug\nA1\t\xff\xfe\n")
    with pytest.raises(SheetError, match=r"sheet\.tsv.*UTF-8"):
        sheets.read_sheet(path)


def test_plates_have_types_and_defaults(tmp_path):
    text = "plate\traw\twells\tpixel_size_um\tdyed_wells\n007\tmy raw\t384\t0.65\tA1-A3\n1E5\tx\t\t2\t\n"
    table = sheets.read_plates(write(tmp_path / "plates.tsv", text))
    assert list(table.index) == ["007", "1E5"]
    assert table.at["007", "raw"] == "my raw"
    assert table.at["007", "wells"] == 384
    assert table.at["007", "dyed_wells"] == ["A01", "A02", "A03"]
    assert table.at["1E5", "wells"] == 96
    assert table.at["1E5", "bit_depth"] == 16


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("a b\tx\t1", "plate"),
        ("a\t\t1", "raw"),
        ("a\tx\t0,65", "pixel_size_um"),
        ("a\tx\t-1", "pixel_size_um"),
        ("a\tx\tnan", "pixel_size_um"),
    ],
)
def test_errors_name_file_line_and_column(tmp_path, row, column):
    path = write(tmp_path / "plates.tsv", HEADER + "ok\tx\t1\n" + row + "\n")
    with pytest.raises(SheetError, match=rf"plates\.tsv: line 3, column '{column}'"):
        sheets.read_plates(path)


def test_unknown_and_missing_columns(tmp_path):
    with pytest.raises(SheetError, match=r"pixel_size_um; unknown: pixelsize"):
        sheets.read_plates(write(tmp_path / "p.tsv", "plate\traw\tpixelsize\na\tb\t1\n"))


def test_a_plate_twice(tmp_path):
    with pytest.raises(SheetError, match="'a' twice"):
        sheets.read_plates(write(tmp_path / "p.tsv", HEADER + "a\tx\t1\na\ty\t1\n"))


def test_plate_map_errors_name_the_file(tmp_path):
    path = write(tmp_path / "map.tsv", "well\tdrug\nI09\tx\n")
    with pytest.raises(SheetError, match=r"map\.tsv: line 2, column 'well': well 'I09' is not on a 96-well"):
        sheets.read_plate_map(path, 96)
