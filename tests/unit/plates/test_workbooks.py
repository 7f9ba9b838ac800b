import datetime
import io
import sys
import zipfile

import openpyxl
import pytest

from livedead.errors import SheetError
from livedead.plates import plate_maps, plate_sheet


@pytest.fixture
def book():
    """A workbook whose first sheet is that of a plate map."""
    workbook = openpyxl.Workbook()
    workbook.active.append(["Well", "drug", "dose_um"])
    return workbook


def saved(workbook, tmp_path):
    workbook.save(tmp_path / "map.xlsx")
    return tmp_path / "map.xlsx"


def rewrite(path, old, new):
    """Replace bytes in the files of a workbook."""
    content = io.BytesIO()
    with zipfile.ZipFile(path) as was, zipfile.ZipFile(content, "w") as becomes:
        for name in was.namelist():
            becomes.writestr(name, was.read(name).replace(old, new))
    path.write_bytes(content.getvalue())


@pytest.mark.parametrize(
    ("value", "number_format", "text"),
    [
        (1, "General", "1"),
        (0.5, "General", "0.5"),
        (1e5, "General", "100000"),
        (0.1 + 0.2, "General", "0.3"),
        (1e-7, "0.00E+00", "1e-07"),
        (0.126, "0.00", "0.126"),
        (1234, "#,##0", "1234"),
        (7, "000", "007"),
        (5280961, "General", "5280961"),
        ("007", "@", "007"),
        (" 1E5 ", "General", "1E5"),
        (True, "General", "TRUE"),
        (datetime.datetime(2024, 1, 5), "yyyy-mm-dd", "2024-01-05"),
        (datetime.datetime(2024, 1, 5, 12, 30), "dd/mm/yyyy hh:mm", "2024-01-05 12:30:00"),
        (datetime.time(12, 30), "hh:mm", "12:30:00"),
        (None, "General", ""),
    ],
)
def test_cells_are_the_text_that_excel_shows(book, tmp_path, value, number_format, text):
    book.active.append(["A1", value, 0])
    book.active["B2"].number_format = number_format
    table = plate_maps.read_plate_map(saved(book, tmp_path), 96)
    assert table["drug"].tolist() == [text]


@pytest.mark.parametrize("line_end", [b"&#13;&#10;", b"&#13;", b"&#10;"])
def test_a_line_end_within_a_cell_is_a_line_feed(book, tmp_path, line_end):
    book.active.append(["A1", "first LINE second", 0])
    path = saved(book, tmp_path)
    rewrite(path, b" LINE ", line_end)
    assert plate_maps.read_plate_map(path, 96)["drug"].tolist() == ["first\nsecond"]


def test_a_workbook_says_what_its_csv_says(book, tmp_path):
    book.active.append(["A1", "x", 0.5])
    book.active.append([])
    book.active.append(["b02", "y, z", None])
    text = 'Well,drug,dose_um\nA1,x,0.5\n\nb02,"y, z",\n'
    (tmp_path / "map.csv").write_text(text)
    read = [plate_maps.read_plate_map(path, 96) for path in (saved(book, tmp_path), tmp_path / "map.csv")]
    assert read[0].equals(read[1])
    assert read[0].to_dict("list") == {"well": ["A01", "B02"], "drug": ["x", "y, z"], "dose_um": ["0.5", ""]}


def test_grids_sheets_of_plates_and_of_barcodes(tmp_path):
    for name, rows in {
        "plates": [["Plate", "raw", "pixel_size_um", "wells"], [101, "x", 0.65, 384]],
        "barcodes": [["barcode", "map"], [101, "grid.xlsx"]],
        "grid": [["drug", 1, 2.0], ["A", "x", None], ["B", None, "y"]],
    }.items():
        workbook = openpyxl.Workbook()
        for row in rows:
            workbook.active.append(row)
        workbook.save(tmp_path / f"{name}.xlsx")
    table = plate_sheet.read_plates(tmp_path / "plates.xlsx", tmp_path / "barcodes.xlsx")
    assert table.loc["101", ["wells", "pixel_size_um", "platemap"]].tolist() == [384, 0.65, "grid.xlsx"]
    grid = plate_maps.read_plate_map(tmp_path / "grid.xlsx", 384)
    assert grid.to_dict("list") == {"well": ["A01", "B02"], "drug": ["x", "y"]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda sheet: sheet.merge_cells("B2:B3"), "cells B2:B3 are merged: only the first holds 'x'"),
        (lambda sheet: sheet.__setitem__("C3", "=1/2"), "cell C3: a formula without a stored value; open"),
        (
            lambda sheet: sheet.__setitem__("C3", "#DIV/0!"),
            "line 3, column 3: '#DIV/0!' is a spreadsheet error",
        ),
        (lambda sheet: setattr(sheet["C2"], "number_format", "0%"), "cell C2: 0.5 in the format '0%', which"),
        (lambda sheet: setattr(sheet["C2"], "number_format", '0" nM"'), "cell C2: 0.5 in the format"),
        (lambda sheet: sheet.__setitem__("A3", "I9"), "line 3, column 'well': well 'I9' is not on a 96-well"),
        (
            lambda sheet: sheet.parent.create_sheet("notes").append(["y"]),
            "2 sheets are not empty .'Sheet', 'not",
        ),
    ],
)
def test_what_a_workbook_may_not_hold(book, tmp_path, change, message):
    book.active.append(["A1", "x", 0.5])
    book.active.append(["A2", "y", 1])
    change(book.active)
    with pytest.raises(SheetError, match=rf"map\.xlsx: .*{message}"):
        plate_maps.read_plate_map(saved(book, tmp_path), 96)


def test_empty_and_hidden_sheets_and_empty_merged_cells_are_left_alone(book, tmp_path):
    book.active.append(["A1", "x", 0.5])
    book.active.merge_cells("E1:F1")
    book.create_sheet("empty", 0)
    hidden = book.create_sheet("lists")
    hidden.append(["negative"])
    hidden.sheet_state = "hidden"
    assert plate_maps.read_plate_map(saved(book, tmp_path), 96)["drug"].tolist() == ["x"]


@pytest.mark.parametrize(
    ("kept", "text"),
    [
        (b'<c r="C2"><f>1/2</f><v>0.5</v></c>', "0.5"),
        (b'<c r="C2" t="str"><f>1/2</f><v></v></c>', ""),  # of =IF(A1="", "", 1)
        (b'<c r="C2" t="str"><f>1/2</f><v>007</v></c>', "007"),
    ],
)
def test_formulas_are_their_values(book, tmp_path, kept, text):
    book.active.append(["A1", "x", "=1/2"])
    path = saved(book, tmp_path)
    # As Excel saves it: the formula and what it gave.
    rewrite(path, b'<c r="C2"><f>1/2</f><v /></c>', kept)
    assert plate_maps.read_plate_map(path, 96)["dose_um"].tolist() == [text]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04torn", r"not a readable workbook \(BadZipFile"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", r"\(\.xls\), or one with a password; save it as \.xlsx"),
    ],
)
def test_other_workbooks(tmp_path, content, message):
    (tmp_path / "map.xlsx").write_bytes(content)
    with pytest.raises(SheetError, match=rf"map\.xlsx: .*{message}"):
        plate_maps.read_plate_map(tmp_path / "map.xlsx", 96)


def test_without_openpyxl_its_install_line_is_told(book, tmp_path, monkeypatch):
    path = saved(book, tmp_path)
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(
        SheetError, match=r"map\.xlsx: .* pip install -r requirements-formats\.txt; or save it"
    ):
        plate_maps.read_plate_map(path, 96)
