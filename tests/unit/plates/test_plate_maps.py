import pytest

from livedead.errors import SheetError
from livedead.plates import plate_maps, plate_sheet
from livedead.plates.doses import read_doses


def test_plate_map_errors_name_the_file(write):
    path = write("map.tsv", "well\tdrug\nI09\tx\n")
    with pytest.raises(SheetError, match=r"map\.tsv: line 2, column 'well': well 'I09' is not on a 96-well"):
        plate_maps.read_plate_map(path, 96)


def test_utf16_empty_columns_and_invisible_marks(tmp_path):
    path = tmp_path / "map.txt"
    path.write_bytes("well\tdrug\t\r\n\u200bA1\tx\t\r\n".encode("utf-16"))
    table = plate_maps.read_plate_map(path, 96)
    assert table.to_dict("list") == {"well": ["A01"], "drug": ["x"]}


@pytest.mark.parametrize(
    "text",
    [
        "well;drug, name;dose\nA1;x;0,5\n",  # a European Excel, whose header has a comma
        '"drug, name";well;dose\nx;A1;0,5\n',
        "sep=;\r\nwell;drug, name;dose\r\nA1;x;0,5\r\n",
        'well,"drug, name",dose\nA1,x,"0,5"\n',
        "well\tdrug, name\tdose\nA1\tx\t0,5\n",
        "well;drug, name;dose\nA1\u00a0;x;\u202f0,5\n",
        "drug, name;well;dose\nx;A1;0,5\n",
    ],
)
def test_separators_as_spreadsheets_choose_them(write, text):
    table = plate_maps.read_plate_map(write("map.csv", text), 96)
    assert table[["well", "drug, name", "dose"]].to_numpy().tolist() == [["A01", "x", "0,5"]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('well,drug\nA1,x\nA2,"y\nA3,z\nA4,z\n', "line 3: unexpected end of data; is a quotation mark not"),
        ('well,drug\nA1,"two\nlines"\nI9,x\n', "line 4, column 'well': well 'I9'"),
        ("well,dose\nA1,1\nA2,#N/A\n", "line 3, column 2: '#N/A' is a spreadsheet error; fix the formula"),
        (",1,2\nA,x,#REF!\n", "line 2, column 3: '#REF!' is a spreadsheet error; fix the formula"),
        (
            "well,control\nA1,negative\nA2,Neg\n",
            "line 3, column 'control': 'Neg'; allowed: negative, positive",
        ),
        ("well,drug,dose\nA1,x\n", r"line 2: 2 values .* need their separators"),
        ("well,drug\n", "it lists no well"),
        ("drug,1,3\nA,x,y\n", "neither a column 'well', nor columns 'row' and 'column', nor a grid"),
        ("wel,drug\nA1,x\n", r"neither .* the columns are wel, drug \(did you mean 'wel'\?\)"),
        ("row,column,drug\nA,1,x\n,2,y\n", "line 3, column 'row': ''; allowed: letters or a number"),
        ("row,column,drug\nA,1.5,x\n", "line 2, column 'column': '1.5'; allowed: a number"),
        ("row,column,drug\n99,1,x\n", "line 2, column 'row': '99'; allowed: letters or a number"),
        ("row,column,drug\nB,2,x\n2,02,y\n", "line 3, column 'well': 'B2' repeats well B02 of line 2"),
        ("row,column,drug\nI,2,x\n", "line 2, column 'well': well 'I2' is not on a 96-well plate"),
        ("Control,control\n,\n", "line 1: each column needs its own name"),
        ("Well,1,2\nA,x,y\n", "each column needs its own name; found .'well', 'Well'."),
    ],
)
def test_mistakes_in_plate_maps_name_their_line(write, text, message):
    with pytest.raises(SheetError, match=rf"map\.csv: {message}"):
        plate_maps.read_plate_map(write("map.csv", text), 96)


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16-le"])
def test_other_encodings_name_their_line(write, encoding):
    text = "well,dose\nA1,5 \u00b5M\n" if encoding == "cp1252" else "well,dose\nA1,5\n"
    path = write("map.csv", text, encoding)
    line = 2 if encoding == "cp1252" else 1
    with pytest.raises(SheetError, match=rf"map\.csv: line {line}: not a UTF-8 text file: .* 'CSV UTF-8'"):
        plate_maps.read_plate_map(path, 96)


def test_maps_of_all_plates_are_checked_at_once(write, tmp_path):
    for name, header, row in (
        ("a", "drug", "A1,x"),
        ("b", "drug", "I9,x"),
        ("c", "plate", "A1,x"),
        ("e", "dose", 'A1,"1,500"'),
        ("f", "drug", "A1,caf\u00e9\nA2,cafe\u0301"),
    ):
        write(f"{name}.csv", f"well,{header}\n{row}\n")
    rows = "".join(f"{name}\t{name}\t1\t{tmp_path}/{name}.csv\n" for name in "abcdef")
    text = f"plate\traw\tpixel_size_um\tplatemap\n{rows}"
    with pytest.raises(SheetError) as error:
        plate_maps.check_plate_maps(
            plate_sheet.read_plates(write("plates.tsv", text)),
            plate_maps.MapColumns(agent_column="drug", dose_column="dose"),
        )
    assert [line.partition(": ")[0] for line in str(error.value).split("\n")] == [
        f"{tmp_path}/{name}.csv" for name in "bcef"
    ]
    assert "e.csv: well A01, column 'dose': '1,500' may be 1500 or 1.500" in str(error.value)
    assert "f.csv: well A02, column 'drug': 'cafe\u0301' looks like 'caf\u00e9' of well A01" in str(
        error.value
    )


@pytest.mark.parametrize(
    ("text", "places"),
    [
        (
            "well,control\nA13,neg\nA1,\nI9,positive\nA2,pos\n",
            [
                f"line {k}, column {c!r}"
                for k, c in ((2, "well"), (4, "well"), (2, "control"), (5, "control"))
            ],
        ),
        (
            "well,treatment,dose_um\nA1,caf\u00e9,x\nA2,cafe\u0301,-1\nA3,a b,x\nA4,a\u00a0b,1\n",
            [
                *[f"well A0{k}, column 'treatment'" for k in (2, 4)],
                *[f"well A0{k}, column 'dose_um'" for k in (1, 2)],
            ],
        ),
    ],
)
def test_all_mistakes_of_a_map_at_once(write, text, places):
    path = write("map.csv", text)
    sheet = write("plates.tsv", f"plate\traw\tpixel_size_um\tplatemap\np\tr\t1\t{path}\n")
    with pytest.raises(SheetError) as error:
        plate_maps.check_plate_maps(plate_sheet.read_plates(sheet), plate_maps.MapColumns())
    assert [line.split(": ")[:2] for line in str(error.value).split("\n")] == [[str(path), p] for p in places]


def test_rows_and_columns_that_repeat_the_well_are_left_out(write):
    text = "well\trow\tcolumn\tdrug\na1\tA\t01\tx\nAF48\t32\t48\ty\nH12\th\t12\tz\nB3\t\t\t\n"
    table = plate_maps.read_plate_map(write("map.tsv", text), 1536)
    assert table.to_dict("list") == {"well": ["A01", "B03", "H12", "AF48"], "drug": ["x", "", "z", "y"]}


@pytest.mark.parametrize(("row", "column", "wrong"), [("B", "2", "row"), ("A", "1", "column")])
def test_rows_and_columns_of_another_well(write, row, column, wrong):
    path = write("map.tsv", f"well\trow\tcolumn\nA1\tA\t1\nA2\t{row}\t{column}\n")
    with pytest.raises(SheetError, match=rf"map\.tsv: line 3, column '{wrong}': .*A2 is in {wrong} [A2];"):
        plate_maps.read_plate_map(path, 96)


def test_a_map_column_must_not_shadow_a_result(write):
    path = write("map.tsv", "well\tdrug\tn_live\nA1\tx\t3\n")
    with pytest.raises(SheetError, match=r"map\.tsv: column\(s\) n_live are columns of the results; rename"):
        plate_maps.read_plate_map(path, 96)


def test_two_spellings_of_a_well_and_greek_letters(write):
    text = "well\tdrug\nA1\tx\na01\ty\n\u0391 2\tz\n\u03912\tz\n"
    with pytest.raises(SheetError) as error:
        plate_maps.read_plate_map(write("map.tsv", text), 96)
    assert "line 3, column 'well': 'a01' repeats well A01 of line 2" in str(error.value)
    assert "line 5, column 'well': 'Α2' is not a well name (GREEK CAPITAL LETTER ALPHA" in str(error.value)


def test_wells_by_row_and_column(write):
    text = "Row;Column;drug\nb;2.0;x\n1;12,0;y\nH;01;z\n"
    table = plate_maps.read_plate_map(write("map.csv", text), 96)
    assert table.to_dict("list") == {"well": ["A12", "B02", "H01"], "drug": ["y", "x", "z"]}


def test_decimal_commas_stay_as_they_are_written(write):
    table = plate_maps.read_plate_map(write("map.csv", "dose_um;1;2;3\nA;0;0,1;1\n"), 96)
    assert table["dose_um"].tolist() == ["0", "0,1", "1"]
    assert read_doses(table, "dose_um").tolist() == [0, 0.1, 1]


def test_configured_columns_and_grids_whatever_their_case(write):
    named = ["Drug", "dose_um"]
    table = plate_maps.read_plate_map(
        write("a.csv", "WELL,drug,Dose_uM,CONTROL,Note\nA1,x,1,positive,n\n"), 96, named
    )
    assert list(table) == ["well", "Drug", "dose_um", "control", "Note"]
    grid = plate_maps.read_plate_map(write("b.csv", "DOSE_UM,1\nA,0.5\n\nNote,1\nA,n\n"), 96, named)
    assert list(grid) == ["well", "dose_um", "Note"]
    with pytest.raises(SheetError, match=r"a\.csv: line 1: each column .* 'Dose_uM', 'dose_UM'"):
        plate_maps.read_plate_map(write("a.csv", "well,Dose_uM,dose_UM\nA1,1,2\n"), 96, named)


@pytest.mark.parametrize(
    ("columns", "remarks"),
    [
        ({}, ["plate_map.agent_column: no plate map has a column 'treatment' (did you mean 'treatments'?)"]),
        ({"agent_column": "treatments"}, []),
        ({"agent_column": "TREATMENTS"}, []),
        (
            {"agent_column": "treatments", "dose_column": "conc"},
            ["plate_map.dose_column: no plate map has a column 'conc'"],
        ),
    ],
)
def test_configured_columns_that_no_map_has(write, tmp_path, columns, remarks):
    write("map.csv", "well,treatments,batch\nA1,x,1\n")
    rows = f"a\tx\t1\t{tmp_path}/map.csv\nb\ty\t1\tgone.csv\n"
    table = plate_sheet.read_plates(write("plates.tsv", f"plate\traw\tpixel_size_um\tplatemap\n{rows}"))
    assert plate_maps.check_plate_maps(table, plate_maps.MapColumns(**columns)) == remarks


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("well,Drug,Conc", ["'treatment' or 'dose_um'", "one of Conc, Drug is meant"]),
        ("well,treatment,Conc", []),
        ("well,control", []),
    ],
)
def test_a_map_whose_treatments_have_other_names_is_told(write, tmp_path, header, told):
    write("map.csv", f"{header}\nA1{',' * header.count(',')}\n")
    rows = f"a\tx\t1\t{tmp_path}/map.csv\n"
    table = plate_sheet.read_plates(write("plates.tsv", f"plate\traw\tpixel_size_um\tplatemap\n{rows}"))
    remarks = plate_maps.check_plate_maps(table, plate_maps.MapColumns())
    assert len(remarks) == bool(told)
    for part in told:
        assert part in remarks[0]


def test_a_map_names_line_and_value_of_every_bad_well(write):
    path = write("map.tsv", "well\tdrug\nA1\tx\nZ9\ty\na01\tz\n")
    with pytest.raises(SheetError) as error:
        plate_maps.read_plate_map(path, 96)
    assert "line 3" in str(error.value)
    assert "'Z9'" in str(error.value)
    assert "line 4" in str(error.value)
    assert "line 2" in str(error.value)


def test_a_map_is_in_plate_order(write):
    table = plate_maps.read_plate_map(write("map.tsv", "drug\twell\nx\tB1\ny\tA2\n"), 96)
    assert table.to_dict("list") == {"well": ["A02", "B01"], "drug": ["y", "x"]}


def test_control_wells_are_those_that_the_map_calls_so(tmp_path):
    path = tmp_path / "map.csv"
    path.write_text("well,control\nB02,positive\nA10,negative\nA02,negative\nC01,\n")
    assert plate_maps.read_controls(path, 96) == {"negative": ["A02", "A10"], "positive": ["B02"]}
    path.write_text("well,control\nB02,positive\n")
    assert plate_maps.read_controls(path, 96) == {"positive": ["B02"]}
    path.write_text("well,drug\nB02,x\n")
    assert plate_maps.read_controls(path, 96) == {}
