import pytest

from livedead.errors import SheetError
from livedead.plates import plate_maps

GRIDS = """\ufeffdrug,1,2,3,,
A,DMSO,stauro,,,
B,DMSO,,digitonin,,
,,,,,
dose_um,,,,,
,1,2,3,,
A,0,0.1,,,
""".replace("\n", "\r\n")


def test_grids_as_excel_keeps_them(write):
    table = plate_maps.read_plate_map(write("map.csv", GRIDS), 96)
    assert table.to_dict("list") == {
        "well": ["A01", "A02", "B01", "B03"],
        "drug": ["DMSO", "stauro", "DMSO", "digitonin"],
        "dose_um": ["0", "0.1", "", ""],
    }


@pytest.mark.parametrize("separator", ["\t", ";"])
def test_a_nameless_grid_from_some_column_on(write, separator):
    text = ",5,6\nC,0.5,x\nD,,y\n".replace(",", separator)
    table = plate_maps.read_plate_map(write("map.csv", text), 96)
    assert table.to_dict("list") == {"well": ["C05", "C06", "D06"], "value": ["0.5", "x", "y"]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (",1,2\nI,x,y\n", r"map\.csv: line 2, column 1: 'x': well 'I1' is not on a 96-well plate"),
        ("a,1,2\nA,x,y\n\na,1,2\nA,x,y\n", r"line 4: a grid named 'a'; each of several"),
        (",1,2\nA,x,y\n\n,1,2\nA,x,y\n", r"line 1: a grid named ''"),
        ("a,1,2\nA,x,y\nA,x,y\n", r"line 3: row 'A' appears twice in this grid"),
        ("a,1,2\nA,x,y,z\n", r"line 2, column 4: 'z': there is no column number above it"),
        ("a,1,2\nA,x,y\n7,8,9\n", r"line 3: '7, 8, 9' is neither"),
    ],
)
def test_broken_grids(write, text, message):
    with pytest.raises(SheetError, match=message):
        plate_maps.read_plate_map(write("map.csv", text), 96)


def test_a_list_of_numbered_wells_is_no_grid(write):
    table = plate_maps.read_plate_map(write("map.csv", "well,1,2\nA1,x,y\n"), 96)
    assert list(table.columns) == ["well", "1", "2"]


def test_the_first_line_of_excel_is_no_name_of_a_grid(write):
    table = plate_maps.read_plate_map(write("map.csv", "sep=;\n;1;2\nA;0,5;y\n"), 96)
    assert table.to_dict("list") == {"well": ["A01", "A02"], "value": ["0,5", "y"]}


def test_grids_as_excel_numbers_their_columns(write):
    expected = {"well": ["A01", "A02"], "drug": ["x", "y"]}
    for text in ("drug,1.0,2.0\nA,x,y\n", "drug;1,0;2,0\nA;x;y\n"):
        assert plate_maps.read_plate_map(write("map.csv", text), 96).to_dict("list") == expected


@pytest.mark.parametrize(("n_wells", "far"), [(1, "A2"), (4, "B1"), (8, "C1")])
def test_maps_of_dishes_and_chamber_slides(write, n_wells, far):
    text = "drug,1,2,3,4\nA,a,b,c,d\nB,e,f,g,h\n" if n_wells == 8 else ",1,2,3,4\nA,a,b,c,d\n"
    text = ",1\nA,a\n" if n_wells == 1 else text
    assert len(plate_maps.read_plate_map(write("map.csv", text), n_wells)) == n_wells
    with pytest.raises(SheetError, match=f"well '{far}' is not on a {n_wells}-well plate of"):
        plate_maps.read_plate_map(write("map.csv", f"well\n{far}\n"), n_wells)
