import math

import pandas as pd
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
        ("a\tx{y}\t1", "raw"),
        ("a\tx\t0,65", "pixel_size_um"),
        ("a\tx\t-1", "pixel_size_um"),
        ("a\tx\tnan", "pixel_size_um"),
        ("a\tx\t1\t96²", "wells"),
    ],
)
def test_errors_name_file_line_and_column(tmp_path, row, column):
    header = HEADER if row.count("\t") == 2 else HEADER.replace("\n", "\twells\n")
    filler = "\t" * (row.count("\t") - 2)
    path = write(tmp_path / "plates.tsv", header + f"ok\tx\t1{filler}\n" + row + "\n")
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


GRIDS = """\ufeffdrug,1,2,3,,
A,DMSO,stauro,,,
B,DMSO,,digitonin,,
,,,,,
dose_um,,,,,
,1,2,3,,
A,0,0.1,,,
""".replace("\n", "\r\n")


def test_grids_as_excel_keeps_them(tmp_path):
    table = sheets.read_plate_map(write(tmp_path / "map.csv", GRIDS), 96)
    assert table.to_dict("list") == {
        "well": ["A01", "A02", "B01", "B03"],
        "drug": ["DMSO", "stauro", "DMSO", "digitonin"],
        "dose_um": ["0", "0.1", "", ""],
    }


@pytest.mark.parametrize("separator", ["\t", ";"])
def test_a_nameless_grid_from_some_column_on(tmp_path, separator):
    text = ",5,6\nC,0.5,x\nD,,y\n".replace(",", separator)
    table = sheets.read_plate_map(write(tmp_path / "map.csv", text), 96)
    assert table.to_dict("list") == {"well": ["C05", "C06", "D06"], "value": ["0.5", "x", "y"]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (",1,2\nI,x,y\n", r"map\.csv: line 2, column 1: 'x': well 'I1' is not on a 96-well plate"),
        ("a,1,2\nA,x,y\n\na,1,2\nA,x,y\n", r"line 4: a grid named 'a'; each of several"),
        (",1,2\nA,x,y\n\n,1,2\nA,x,y\n", r"line 1: a grid named ''"),
        ("a,1,2\nA,x,y\nA,x,y\n", r"line 3: row 'A' is in this grid already"),
        ("a,1,2\nA,x,y,z\n", r"line 2, column 4: 'z': no column number above it"),
        ("a,1,2\nA,x,y\n7,8,9\n", r"line 3: '7, 8, 9' is neither"),
    ],
)
def test_broken_grids(tmp_path, text, message):
    with pytest.raises(SheetError, match=message):
        sheets.read_plate_map(write(tmp_path / "map.csv", text), 96)


def test_a_list_of_numbered_wells_is_no_grid(tmp_path):
    table = sheets.read_plate_map(write(tmp_path / "map.csv", "well,1,2\nA1,x,y\n"), 96)
    assert list(table.columns) == ["well", "1", "2"]


def test_utf16_empty_columns_and_invisible_marks(tmp_path):
    path = tmp_path / "map.txt"
    path.write_bytes("well\tdrug\t\r\n\u200bA1\tx\t\r\n".encode("utf-16"))
    table = sheets.read_plate_map(path, 96)
    assert table.to_dict("list") == {"well": ["A01"], "drug": ["x"]}


@pytest.mark.parametrize(
    "text",
    [
        "well;drug, name;dose\nA1;x;0,5\n",  # a European Excel, whose header has a comma
        '"drug, name";well;dose\nx;A1;0,5\n',
        "sep=;\r\nwell;drug, name;dose\r\nA1;x;0,5\r\n",
        'well,"drug, name",dose\nA1,x,"0,5"\n',
        "well\tdrug, name\tdose\nA1\tx\t0,5\n",
        "well;drug,\u00a0name;dose\nA1\u00a0;x;\u202f0,5\n",
    ],
)
def test_separators_as_spreadsheets_choose_them(tmp_path, text):
    table = sheets.read_plate_map(write(tmp_path / "map.csv", text), 96)
    assert table[["well", "drug, name", "dose"]].to_numpy().tolist() == [["A01", "x", "0,5"]]


def test_the_first_line_of_excel_is_no_name_of_a_grid(tmp_path):
    table = sheets.read_plate_map(write(tmp_path / "map.csv", "sep=;\n;1;2\nA;0,5;y\n"), 96)
    assert table.to_dict("list") == {"well": ["A01", "A02"], "value": ["0,5", "y"]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('well,drug\nA1,x\nA2,"y\nA3,z\nA4,z\n', "line 3: unexpected end of data; is a quotation mark not"),
        ('well,drug\nA1,"two\nlines"\nI9,x\n', "line 4, column 'well': well 'I9'"),
        ("well,dose\nA1,1\nA2,#N/A\n", "line 3, column 2: '#N/A' is an error of a spreadsheet"),
        (",1,2\nA,x,#REF!\n", "line 2, column 3: '#REF!' is an error of a spreadsheet"),
        (
            "well,control\nA1,negative\nA2,Neg\n",
            "line 3, column 'control': 'Neg'; allowed: negative, positive",
        ),
        ("well,drug,dose\nA1,x\n", r"line 2: 2 values .* need their separators"),
        ("well,drug\n", "no well in it"),
        ("drug,1.0,2.0\nA,x,y\n", "neither a column 'well', nor a grid of column numbers"),
    ],
)
def test_mistakes_in_plate_maps_name_their_line(tmp_path, text, message):
    with pytest.raises(SheetError, match=rf"map\.csv: {message}"):
        sheets.read_plate_map(write(tmp_path / "map.csv", text), 96)


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16-le"])
def test_other_encodings_name_their_line(tmp_path, encoding):
    text = "well,dose\nA1,5 \u00b5M\n" if encoding == "cp1252" else "well,dose\nA1,5\n"
    path = write(tmp_path / "map.csv", text, encoding)
    line = 2 if encoding == "cp1252" else 1
    with pytest.raises(SheetError, match=rf"map\.csv: line {line}: not a UTF-8 text file: .* 'CSV UTF-8'"):
        sheets.read_plate_map(path, 96)


@pytest.mark.parametrize("masks", ["masks/{weel}.png", "masks/{}.png", "masks/{well.png", "masks/one.png"])
def test_masks_are_one_file_a_well(tmp_path, masks):
    for text in ("{well}.png", "{well}_{field}_{timepoint}.png"):
        good = write(tmp_path / "plates.tsv", f"plate\traw\tpixel_size_um\tmasks\na\tx\t1\t{text}\n")
        assert sheets.read_plates(good).at["a", "masks"] == text
    bad = write(tmp_path / "plates.tsv", f"plate\traw\tpixel_size_um\tmasks\na\tx\t1\t{masks}\n")
    with pytest.raises(SheetError, match=r"line 2, column 'masks': .*; allowed: a path with \{well\}"):
        sheets.read_plates(bad)


def test_plates_share_neither_folders_nor_ids(tmp_path):
    text = HEADER + "a\tx/y\t1\nb\t./x//y/\t1\nA\tz\t1\n"
    with pytest.raises(SheetError) as error:
        sheets.read_plates(write(tmp_path / "plates.tsv", text))
    assert "line 3, column 'raw': './x//y/' twice, as in line 2" in str(error.value)
    assert "line 4, column 'plate': 'A' twice, as in line 2" in str(error.value)


def test_maps_of_all_plates_are_checked_at_once(tmp_path):
    for name, header, row in (
        ("a", "drug", "A1,x"),
        ("b", "drug", "I9,x"),
        ("c", "plate", "A1,x"),
        ("e", "dose", 'A1,"0,5"'),
    ):
        write(tmp_path / f"{name}.csv", f"well,{header}\n{row}\n")
    rows = "".join(f"{name}\t{name}\t1\t{tmp_path}/{name}.csv\n" for name in "abcde")
    text = f"plate\traw\tpixel_size_um\tplatemap\n{rows}"
    with pytest.raises(SheetError) as error:
        sheets.check_plate_maps(
            sheets.read_plates(write(tmp_path / "plates.tsv", text)), sheets.MapColumns(dose_column="dose")
        )
    assert [line.partition(": ")[0] for line in str(error.value).split("\n")] == [
        f"{tmp_path}/{name}.csv" for name in "bce"
    ]
    assert "e.csv: well A01, column 'dose': '0,5'; allowed: a number" in str(error.value)


@pytest.mark.parametrize("dose", ["0,5", "10 uM", "-1", "nan", "inf", "1.000,5"])
def test_doses_are_finite_numbers(dose):
    table = pd.DataFrame({"well": ["A01", "A02", "A03"], "dose": ["", "1e-3", dose]})
    assert sheets.read_doses(table[:2], "dose").tolist() == pytest.approx([math.nan, 0.001], nan_ok=True)
    with pytest.raises(SheetError, match=f"^well A03, column 'dose': {dose!r}; allowed"):
        sheets.read_doses(table, "dose")


def test_rows_and_columns_that_repeat_the_well_are_left_out(tmp_path):
    text = "well\trow\tcolumn\tdrug\na1\tA\t01\tx\nAF48\t32\t48\ty\nH12\th\t12\tz\nB3\t\t\t\n"
    table = sheets.read_plate_map(write(tmp_path / "map.tsv", text), 1536)
    assert table.to_dict("list") == {"well": ["A01", "B03", "H12", "AF48"], "drug": ["x", "", "z", "y"]}


@pytest.mark.parametrize(("row", "column", "wrong"), [("B", "2", "row"), ("A", "1", "column")])
def test_rows_and_columns_of_another_well(tmp_path, row, column, wrong):
    path = write(tmp_path / "map.tsv", f"well\trow\tcolumn\nA1\tA\t1\nA2\t{row}\t{column}\n")
    with pytest.raises(SheetError, match=rf"map\.tsv: line 3, column '{wrong}': .*A2 is in {wrong} [A2];"):
        sheets.read_plate_map(path, 96)


def test_a_map_column_must_not_shadow_a_result(tmp_path):
    path = write(tmp_path / "map.tsv", "well\tdrug\tn_live\nA1\tx\t3\n")
    with pytest.raises(SheetError, match=r"map\.tsv: column\(s\) n_live are columns of the result; rename"):
        sheets.read_plate_map(path, 96)


def test_two_spellings_of_a_well_and_greek_letters(tmp_path):
    text = "well\tdrug\nA1\tx\na01\ty\n\u0391 2\tz\n\u03912\tz\n"
    with pytest.raises(SheetError) as error:
        sheets.read_plate_map(write(tmp_path / "map.tsv", text), 96)
    assert "line 3, column 'well': 'a01' is well A01 of line 2 again" in str(error.value)
    assert "line 5, column 'well': 'Α2' is not a well name (GREEK CAPITAL LETTER ALPHA" in str(error.value)


def test_maps_by_barcode(tmp_path):
    maps = write(tmp_path / "maps.csv", "barcode,map,batch\nBC1,a b.csv,1\n007,$(c).csv,1\n")
    text = (
        HEADER.strip()
        + "\tbarcode\tplatemap\np\ta\t1\tBC1\t\n007\tb\t1\t\t\nq\tc\t1\tBC1\town.csv\nr\td\t1\t\t\n"
    )
    table = sheets.read_plates(write(tmp_path / "plates.tsv", text), maps)
    assert table["platemap"].to_dict() == {"p": "a b.csv", "007": "$(c).csv", "q": "own.csv", "r": ""}
    with pytest.raises(SheetError, match=r"maps\.csv: line 3, column 'barcode': 'BC1' is in line 2"):
        sheets.read_barcodes(write(tmp_path / "maps.csv", "barcode,map\nBC1,a\nBC1,b\n"))
    with pytest.raises(SheetError, match="needs columns 'barcode' and 'map'"):
        sheets.read_barcodes(write(tmp_path / "maps.csv", "plate,map\nBC1,a\n"))


@pytest.mark.parametrize(("control", "message"), [("z", "none of a, b"), ("a", "must be another plate")])
def test_control_plates(tmp_path, control, message):
    text = f"plate\traw\tpixel_size_um\tcontrol_plate\na\tx\t1\t{control}\nb\tx\t1\t\n"
    with pytest.raises(SheetError, match=rf"line 2, column 'control_plate': .*{message}"):
        sheets.read_plates(write(tmp_path / "plates.tsv", text))


@pytest.mark.parametrize(
    ("masks", "found"),
    [
        ("{well}.png", ["A01.png"]),
        ("{well}_{field:02d}.png", ["A01_01.png", "A01_10.png", "B02_01.png"]),
        ("[old] {well}_{field:02d}_{timepoint}.png", ["[old] A01_01_7.png"]),
        ("{well[0]}/{well}_{field:>2}.png", ["A/A01_ 1.png"]),
        ("{well}*.png", []),
        ("", []),
    ],
)
def test_masks_that_are_there(tmp_path, masks, found):
    """Of the dyed wells A01 and B02, for any field and timepoint."""
    (tmp_path / "A").mkdir()
    others = ["C03_01.png", "B02_01.tif", "o A01_01_7.png", "A01_01"]
    for name in [*others, "A01.png", "A01_01.png", "A01_10.png", "B02_01.png", "[old] A01_01_7.png"]:
        (tmp_path / name).touch()
    (tmp_path / "A/A01_ 1.png").touch()
    template = f"{tmp_path}/{masks}" if masks else ""
    assert sheets.mask_files(template, ["A01", "B02"]) == [f"{tmp_path}/{name}" for name in found]
