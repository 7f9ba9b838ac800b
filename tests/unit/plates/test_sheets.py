import csv

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from livedead.errors import SheetError
from livedead.plates import sheets


def read(path, known=()):
    return sheets.read_sheet(path, known)


@pytest.mark.parametrize("separator", ["\t", ",", ";"])
def test_what_excel_leaves_is_harmless(write, separator):
    text = f"\ufeffwell{separator}drug\r\nA1{separator}\u00a0 caffe\u0301 \u200b\r\n\r\nB2{separator}b\r\n"
    table = read(write("map.csv", text))
    assert list(table.columns) == ["well", "drug"]
    assert list(table["drug"]) == ["caffe\u0301", "b"], "only what surrounds a value is left out"
    assert list(table.index) == [2, 4]


printable = st.characters(exclude_categories=["Cc", "Cs"], exclude_characters=sheets.INVISIBLE)


@given(st.lists(st.text(printable), min_size=1, max_size=5), st.sampled_from("\t,;"), st.booleans())
def test_any_text_comes_back_but_for_the_space_around_it(tmp_path_factory, texts, separator, quoted):
    assume(not any(text.strip().startswith("#") for text in texts))
    path = tmp_path_factory.mktemp("sheet") / "map.csv"
    with open(path, "w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(
            stream, delimiter=separator, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
        )
        writer.writerows([["well", "drug"], *(["A1", text] for text in texts)])
    assert read(path, ["well", "drug"])["drug"].tolist() == [text.strip() for text in texts]


def test_within_a_value_nothing_changes(write):
    texts = ["a\u00a0b", "x  y", "n\u200bo", "ﬁ１²", "Å", "a\u202fb", "007", "1E5", "-0", "=A1", "#1"]
    table = read(write("map.csv", "well,drug\n" + "".join(f"A{k},{text}\n" for k, text in enumerate(texts))))
    assert list(table["drug"]) == texts


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("\n , \n", "empty"),
        ("a\ta\n1\t2\n", "each column needs its own name"),
        ("a\tb\n1\n", "line 2: 1 values for 2 columns"),
        (
            "a,dose\nx,0,5\n",
            "line 2: 3 values for 2 columns .* decimal commas in a comma-separated file need quotation",
        ),
        ("a,b\nx,\0\n", "line 1: not a UTF-8 text file: it holds NUL bytes"),
    ],
)
def test_broken_sheets(write, text, message):
    with pytest.raises(SheetError, match=rf"sheet\.tsv: .*{message}"):
        read(write("sheet.tsv", text))


def test_not_utf8_names_the_file(tmp_path):
    path = tmp_path / "sheet.tsv"
    path.write_bytes(b"well\tdrug\nA1\t\xff\xfe\n")
    with pytest.raises(SheetError, match=r"sheet\.tsv.*UTF-8"):
        read(path)
    with pytest.raises(SheetError, match=r"no\.tsv: no such file"):
        read(tmp_path / "no.tsv")
    with pytest.raises(SheetError, match="directory"):
        read(tmp_path)


@pytest.mark.parametrize(
    "error", ["#N/A", "#DIV/0!", "#SPILL!", "#WERT!", "#NV", "#N/D", "#¡VALOR!", "#¿NOMBRE?", "########"]
)
def test_errors_of_spreadsheets_in_every_language(write, error):
    with pytest.raises(SheetError, match=r"line 3, column 2: .* is a spreadsheet error; fix the formula"):
        read(write("map.csv", f"well,dose\nA1,#\nA2,{error}\n"))


def test_known_columns_take_their_name_and_others_keep_theirs(write):
    path = write("map.tsv", "WELL\tDose\u00a0µM\tNote\ndrug\tx\ty\n")
    # The micro sign of a keyboard (U+00B5) and the Greek letter (U+03BC) look alike.
    assert list(read(path, ["well", "dose \u03bcM", "note2"])) == ["well", "dose \u03bcM", "Note"]


@pytest.mark.parametrize("header", ["well\tWell", "Dose\tdose", "dose\tdose"])
def test_two_columns_that_become_one(write, header):
    with pytest.raises(SheetError, match="line 1: each column needs its own name"):
        read(write("map.tsv", f"{header}\n1\t2\n"), ["well", "dose"])


def test_the_separator_is_the_one_under_which_columns_are_known(write):
    text = "drug, name;Well;dose\nx;A1;0,5\n"
    assert read(write("map.csv", text), ["well", "dose"]).to_dict("list") == {
        "drug, name": ["x"],
        "well": ["A1"],
        "dose": ["0,5"],
    }
