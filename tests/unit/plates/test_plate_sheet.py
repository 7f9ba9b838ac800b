import os
import re

import pytest

from livedead.errors import SheetError
from livedead.plates import plate_sheet

HEADER = "plate\traw\tpixel_size_um\n"


def test_plates_have_types_and_defaults(write):
    text = "plate\traw\twells\tpixel_size_um\tdyed_wells\n007\tmy raw\t384\t0.65\tA1-A3\n1E5\tx\t\t2\t\n"
    table = plate_sheet.read_plates(write("plates.tsv", text))
    assert list(table.index) == ["007", "1E5"]
    assert table.at["007", "raw"] == "my raw"
    assert table.at["007", "wells"] == 384
    assert table.at["007", "dyed_wells"] == ["A01", "A02", "A03"]
    assert table.at["1E5", "wells"] == 96
    assert table.at["1E5", "bit_depth"] == 16


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("a b\ty\t1", "plate"),
        ("a\u00a0b\ty\t1", "plate"),
        ("Wells.csv\ty\t1", "plate"),
        ("a\t\t1", "raw"),
        ("a\tx{y}\t1", "raw"),
        ("a\ty\t-1", "pixel_size_um"),
        ("a\ty\tnan", "pixel_size_um"),
        ("a\ty\t6_5", "pixel_size_um"),
        ("a\ty\t１", "pixel_size_um"),
        ("a\ty\t0.0199", "pixel_size_um"),
        ("a\ty\t50.1", "pixel_size_um"),
        ("a\ty\t1.299,5", "pixel_size_um"),
        ("a\ty\t1\t96²", "wells"),
        ("a\ty\t1\t９６", "wells"),
        ("a\ty\t1\t9_6", "wells"),
        ("a\ty\t1\t\t１６", "bit_depth"),
    ],
)
def test_errors_name_file_line_and_column(write, row, column):
    values = row.split("\t")
    header = ["plate", "raw", "pixel_size_um", "wells", "bit_depth"][: len(values)]
    good = ["ok", "x", "1", "96", "16"][: len(values)]
    path = write("plates.tsv", "".join("\t".join(cells) + "\n" for cells in (header, good, values)))
    with pytest.raises(SheetError, match=rf"plates\.tsv: line 3, column '{column}'"):
        plate_sheet.read_plates(path)


@pytest.mark.parametrize(
    ("written", "size", "unit"),
    [("0.00065", None, "millimetres"), ("650", None, "nanometres"), ("0,65", 0.65, ""), ("1,299", 1.299, "")],
)
def test_pixel_sizes_are_micrometres(write, written, size, unit):
    path = write("plates.csv", f"plate;raw;pixel_size_um\na;x;{written}\n")
    if size is not None:
        assert plate_sheet.read_plates(path).at["a", "pixel_size_um"] == size
        return
    with pytest.raises(
        SheetError, match=rf"'{re.escape(written)}'; is it in {unit}\?; allowed: 0\.02 to 50 mic"
    ):
        plate_sheet.read_plates(path)


@pytest.mark.parametrize(("wells", "last"), [("1", "A01"), ("4", "A04"), ("8", "B04")])
def test_dishes_and_chamber_slides(write, wells, last):
    text = f"plate\traw\tpixel_size_um\twells\tdyed_wells\na\tx\t1\t{wells}\tA1-{last}\n"
    assert len(plate_sheet.read_plates(write("plates.tsv", text)).at["a", "dyed_wells"]) == int(wells)


def test_columns_whatever_their_case(write):
    table = plate_sheet.read_plates(write("p.tsv", "Plate\tRAW\tPixel_Size_um\nA\tb\t1\n"))
    assert table.at["A", "raw"] == "b"


def test_unknown_and_missing_columns(write):
    with pytest.raises(
        SheetError, match=r"pixel_size_um; unknown: pixelsize \(did you mean 'pixel_size_um'\?\);"
    ):
        plate_sheet.read_plates(write("p.tsv", "plate\traw\tpixelsize\na\tb\t1\n"))


def test_all_mistakes_of_a_row_at_once(write):
    header = "plate\traw\twells\tpixel_size_um\tbit_depth\tdyed_wells\n"
    with pytest.raises(SheetError) as error:
        plate_sheet.read_plates(
            write("plates.tsv", header + "a/b\t\t96\t650\t99\tA13\nq\tr{}\t7\t0.65\t16\tA01\n")
        )
    found = [line.split(": ")[1] for line in str(error.value).splitlines()]
    assert found == [
        *[f"line 2, column {c!r}" for c in ("plate", "raw", "pixel_size_um", "bit_depth", "dyed_wells")],
        *[f"line 3, column {c!r}" for c in ("raw", "wells")],
    ]


def test_whole_numbers_as_a_spreadsheet_leaves_them(write):
    text = "plate;raw;wells;pixel_size_um;bit_depth\np;r;{};0,65;{}\n"
    for wells, depth in (("8.0", "12.0"), ("8,0", "12,0"), ("8", "12")):
        row = plate_sheet.read_plates(write("plates.tsv", text.format(wells, depth))).loc["p"]
        assert (row["wells"], row["bit_depth"]) == (8, 12)
    for wells in ("8.5", "8,5", "8.0e0", "-8", "384,000"):
        with pytest.raises(SheetError, match="column 'wells'"):
            plate_sheet.read_plates(write("plates.tsv", text.format(wells, "16")))


def test_a_plate_twice(write):
    text = HEADER + "a\tx\t1\na\ty\t1\nA\tz\t1\n"
    with pytest.raises(SheetError) as error:
        plate_sheet.read_plates(write("plates.tsv", text))
    assert "line 3, column 'plate': 'a' is in line 2 already" in str(error.value)
    assert "line 4, column 'plate': 'A' is in line 2 already" in str(error.value)


def folders(write, tmp_path, monkeypatch, *raw):
    """The mistakes of a sheet of these raw folders, read in a folder that has some, and links to them."""
    monkeypatch.chdir(tmp_path)
    for folder in ("data/x/y", "data/xy", "results/simulated/p1/raw", "results/p2"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "link").symlink_to("data/x")
    (tmp_path / "away").symlink_to(tmp_path / "results/p2")
    rows = "".join(f"p{k}\t{path}\t1\n" for k, path in enumerate(raw, start=1))
    try:
        return plate_sheet.read_plates(write("plates.tsv", HEADER + rows))["raw"].tolist()
    except SheetError as error:
        return str(error)


@pytest.mark.parametrize("second", ["link", "./data//x/", "{here}/data/x", "data/xy/../x", "link/"])
def test_one_folder_as_two_plates(write, tmp_path, monkeypatch, second):
    second = second.format(here=tmp_path)
    text = folders(write, tmp_path, monkeypatch, "data/x", second)
    assert f"line 3, column 'raw': {second!r} is the folder of plate p1 (line 2: 'data/x')" in text


@pytest.mark.parametrize(("outer", "inner"), [("data/x", "link/y"), ("data", "data/xy"), ("gone", "gone/y")])
def test_a_folder_within_another_plate(write, tmp_path, monkeypatch, outer, inner):
    text = folders(write, tmp_path, monkeypatch, inner, outer)
    assert f"line 2, column 'raw': {inner!r} lies in the folder of plate p2 (line 3: {outer!r})" in text


@pytest.mark.parametrize(
    "raw", ["results", "results/p2", "away", "results/simulated/p2/raw", "results/new/raw"]
)
def test_raw_within_results(write, tmp_path, monkeypatch, raw):
    text = folders(write, tmp_path, monkeypatch, raw)
    assert f"line 2, column 'raw': {raw!r} lies in results/" in text


def test_raw_around_results(write, tmp_path, monkeypatch):
    assert "line 2, column 'raw': '.' holds results/" in folders(write, tmp_path, monkeypatch, ".")


def test_folders_that_only_begin_alike_and_simulated_ones(write, tmp_path, monkeypatch):
    raw = ["results/simulated/p1/raw", "data/x", "data/xy", "gone/x", "gone/xy"]
    assert folders(write, tmp_path, monkeypatch, *raw) == raw


def test_one_folder_under_two_names_of_the_file_system(write, tmp_path, monkeypatch):
    """As where case does not count: the same inode at two paths that no link joins."""
    inode = os.stat_result([0o40755, 7, 8, *[0] * 7])
    stat = os.stat
    monkeypatch.setattr(
        "pathlib.Path.stat", lambda path, **how: inode if path.name in ("RAW", "raw") else stat(path, **how)
    )
    with pytest.raises(
        SheetError, match=r"line 3, column 'raw': 'raw' is the folder of plate a \(line 2: 'RAW'\)"
    ):
        plate_sheet.read_plates(write("plates.tsv", HEADER + "a\tRAW\t1\nb\traw\t1\n"))


def test_cells_are_drawn_as_masks_or_as_boxes(write):
    header = "plate\traw\tpixel_size_um\tboxes\tmasks\n"
    good = write("plates.tsv", header + "a\tx\t1\tboxes.csv\t\n")
    assert plate_sheet.read_plates(good).at["a", "boxes"] == "boxes.csv"
    bad = write("plates.tsv", header + "a\tx\t1\tboxes.csv\t{well}.png\n")
    with pytest.raises(SheetError, match=r"line 2, columns 'masks' and 'boxes': .*; remove one"):
        plate_sheet.read_plates(bad)


def test_states_are_those_of_label_images(write):
    header = "plate\traw\tpixel_size_um\tmasks\tstates\n"
    good = write("plates.tsv", header + "a\tx\t1\tresults/a/labels\tresults/a/labels/states.csv\n")
    table = plate_sheet.read_plates(good)
    assert table.loc["a", ["masks", "states"]].tolist() == ["results/a/labels", "results/a/labels/states.csv"]
    bad = write("plates.tsv", header + "a\tx\t1\t\tstates.csv\n")
    with pytest.raises(SheetError, match=r"line 2, column 'states': needs the label images"):
        plate_sheet.read_plates(bad)


@pytest.mark.parametrize("masks", ["masks/{weel}.png", "masks/{}.png", "masks/{well.png", "masks/one.png"])
def test_masks_are_one_file_a_well(write, masks):
    for text in ("{well}.png", "{well}_{field}_{timepoint}.png"):
        good = write("plates.tsv", f"plate\traw\tpixel_size_um\tmasks\na\tx\t1\t{text}\n")
        assert plate_sheet.read_plates(good).at["a", "masks"] == text
    bad = write("plates.tsv", f"plate\traw\tpixel_size_um\tmasks\na\tx\t1\t{masks}\n")
    with pytest.raises(
        SheetError, match=r"line 2, column 'masks': .*; allowed: a path with \{well\}.*, or a f"
    ):
        plate_sheet.read_plates(bad)


def test_maps_by_barcode(write):
    maps = write("maps.csv", "Barcode,map,batch\nBC1,a b.csv,1\n007,$(c).csv,1\n")
    text = (
        HEADER.strip()
        + "\tbarcode\tplatemap\np\ta\t1\tBC1\t\n007\tb\t1\t\t\nq\tc\t1\tBC1\town.csv\nr\td\t1\t\t\n"
    )
    table = plate_sheet.read_plates(write("plates.tsv", text), maps)
    assert table["platemap"].to_dict() == {"p": "a b.csv", "007": "$(c).csv", "q": "own.csv", "r": ""}
    with pytest.raises(SheetError, match=r"maps\.csv: line 3, column 'barcode': 'BC1' is in line 2"):
        plate_sheet.read_barcodes(write("maps.csv", "barcode,map\nBC1,a\nBC1,b\n"))
    with pytest.raises(SheetError, match="needs columns 'barcode' and 'map'"):
        plate_sheet.read_barcodes(write("maps.csv", "plate,map\nBC1,a\n"))


@pytest.mark.parametrize(
    ("control", "message"),
    [("plat2", r"none of plate1, plate2 \(did you mean 'plate2'\?\)"), ("plate1", "must be")],
)
def test_control_plates(write, control, message):
    text = f"plate\traw\tpixel_size_um\tcontrol_plate\nplate1\tx\t1\t{control}\nplate2\ty\t1\t\n"
    with pytest.raises(SheetError, match=rf"line 2, column 'control_plate': .*{message}"):
        plate_sheet.read_plates(write("plates.tsv", text))


AUDITED = "plate\traw\tpixel_size_um\twells\tdyed_wells\taudit_wells\taudit_plate\n"


def test_audited_wells_and_the_plate_that_lends_its_audit(write):
    text = AUDITED + "a\tx\t1\t96\tA1\tB2, B1\t\nb\ty\t1\t96\t\t\ta\nc\tz\t1\t96\t\t\t\n"
    table = plate_sheet.read_plates(write("plates.tsv", text))
    assert table["audit_wells"].to_dict() == {"a": ["B01", "B02"], "b": [], "c": []}
    assert table["audit_plate"].to_dict() == {"a": "", "b": "a", "c": ""}


@pytest.mark.parametrize(
    ("row", "column", "wrong"),
    [
        ("96\tA1-A4\tA3,A4,B1\t", "audit_wells", "A03-A04: in dyed_wells, too, which are to train on"),
        ("96\t\tA13\t", "audit_wells", "well 'A13' is not on a 96-well plate"),
        ("96\t\tA1\tlender", "audit_plate", "'lender', but the plate has audit_wells of its own"),
        ("96\t\t\tlendr", "audit_plate", r"'lendr' is none of lender, none, p (did you mean 'lender'?)"),
        ("96\t\t\tnone", "audit_plate", "'none' has no audit_wells"),
        ("96\t\t\tp", "audit_plate", "'p' has no audit_wells"),
        ("384\t\t\tlender", "audit_plate", "'lender' has 96 wells, this plate 384"),
    ],
)
def test_an_audit_that_would_test_nothing(write, row, column, wrong):
    text = AUDITED + f"lender\tx\t1\t96\t\tA1\t\nnone\ty\t1\t96\t\t\t\np\tz\t1\t{row}\n"
    with pytest.raises(SheetError) as error:
        plate_sheet.read_plates(write("plates.tsv", text))
    assert f"line 4, column '{column}': {wrong}" in str(error.value)
