import itertools
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livedead.errors import SheetError
from livedead.plates import geometry


@pytest.mark.parametrize("text", ["A1", "a1", "A01", "a01", " A001 "])
def test_spellings_of_one_well(text):
    assert geometry.parse_well(text) == "A01"


@pytest.mark.parametrize(
    ("n_wells", "last"),
    # 1 is a dish; chamber slides of 4 and 8 wells are 1 x 4 and 2 x 4 (Nunc Lab-Tek, ibidi).
    [
        (1, "A01"),
        (4, "A04"),
        (6, "B03"),
        (8, "B04"),
        (12, "C04"),
        (24, "D06"),
        (48, "F08"),
        (96, "H12"),
        (384, "P24"),
        (1536, "AF48"),
    ],
)
def test_last_well_of_each_format(n_wells, last):
    wells = geometry.all_wells(n_wells)
    assert len(wells) == n_wells == len(set(wells))
    assert wells[-1] == last
    assert geometry.parse_well(last, n_wells) == last


@pytest.mark.parametrize(
    "text", ["", "1A", "A", "A0", "A00", "I09", "H13", "Α1", "AG01", "A1B", "A-1", "A 1", "A:1", "A1.0"]
)
def test_no_well_of_a_96_well_plate(text):
    with pytest.raises(SheetError, match="well"):
        geometry.parse_well(text, 96)


@given(st.integers(0, 31), st.integers(0, 47))
def test_position_is_the_inverse_of_name(row, column):
    name = geometry.well_name(row, column)
    assert geometry.well_position(name) == (row, column)
    assert geometry.parse_well(name.lower()) == name


def test_rows_beyond_z():
    expected = [*string.ascii_uppercase, "AA", "AB", "AC", "AD", "AE", "AF"]
    assert [geometry.row_letters(row) for row in range(32)] == expected
    for row in (-1, 32):
        with pytest.raises(SheetError, match=rf"row {row + 1} is on no plate; .* 32 rows"):
            geometry.row_letters(row)
    assert geometry.sort_wells(["AA01", "B01", "A10", "A02"]) == ["A02", "A10", "B01", "AA01"]


def test_well_lists():
    assert geometry.parse_well_list("A1, b2-C3", 96) == ["A01", "B02", "B03", "C02", "C03"]
    assert geometry.parse_well_list("A1 - A3", 96) == ["A01", "A02", "A03"]
    assert geometry.parse_well_list("", 96) == []
    with pytest.raises(SheetError, match="backwards"):
        geometry.parse_well_list("C3-B2", 96)


@pytest.mark.parametrize(
    ("wells", "text"),
    [
        ([], ""),
        (["B03"], "B03"),
        (["A02", "A01"], "A01-A02"),
        # Two columns of controls at either side of a plate.
        ([f"{row}{column:02d}" for row in "ABCDEFGH" for column in (1, 2, 11, 12)], "A01-H02, A11-H12"),
        # A row of a plate, and one well under it.
        ([*(f"A{k:02d}" for k in range(1, 25)), "B03"], "A01-A24, B03"),
        (["Z48", "AA48", "A01", "A01"], "A01, Z48-AA48"),
    ],
)
def test_many_wells_are_named_by_ranges(wells, text):
    assert geometry.format_wells(wells) == text


@given(st.sets(st.sampled_from(geometry.all_wells(1536))))
def test_a_list_of_wells_reads_back(wells):
    assert geometry.parse_well_list(geometry.format_wells(wells), 1536) == geometry.sort_wells(wells)


@given(st.integers(0, 31), st.integers(0, 31), st.integers(0, 47), st.integers(0, 47))
def test_a_rectangle_of_wells_is_one_range(row, other_row, column, other_column):
    rows, columns = sorted((row, other_row)), sorted((column, other_column))
    wells = [
        geometry.well_name(y, x)
        for x in range(columns[0], columns[1] + 1)
        for y in range(rows[0], rows[1] + 1)
    ]
    text = geometry.format_wells(wells)
    assert "," not in text
    assert text.partition("-")[0] == geometry.well_name(rows[0], columns[0])


@given(st.integers(1, 60), st.integers(1, 20))
def test_shards_cut_the_plate_into_runs(n_wells, n_shards):
    wells = geometry.all_wells(96)[:n_wells]
    shards = [geometry.shard_wells(wells, k, n_shards) for k in range(1, n_shards + 1)]
    assert [well for shard in shards for well in shard] == wells
    sizes = [len(shard) for shard in shards]
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize(
    ("text", "row", "number"),
    [("b", "B", None), ("2", "B", 2), ("02", "B", 2), ("2.0", "B", 2), ("2,0", "B", 2), ("27", "AA", 27)]
    + [(text, None, None) for text in ("", "0", "2.5", "２", "2_0", "ABC", "-1", "é")]
    + [("33", None, 33)],
)
def test_rows_and_columns_by_letter_and_number(text, row, number):
    assert geometry.parse_row(text) == row
    assert geometry.ordinal(text) == number


COUNTED = {
    # Drawn by hand: 8 rows of 12, and 16 rows of 24.
    (96, "rows"): {1: "A01", 12: "A12", 13: "B01", 24: "B12", 25: "C01", 96: "H12"},
    (96, "columns"): {1: "A01", 8: "H01", 9: "A02", 13: "E02", 16: "H02", 96: "H12"},
    (96, "row-snake"): {1: "A01", 12: "A12", 13: "B12", 24: "B01", 25: "C01", 96: "H01"},
    (96, "column-snake"): {1: "A01", 8: "H01", 9: "H02", 16: "A02", 17: "A03", 96: "A12"},
    (384, "rows"): {1: "A01", 24: "A24", 25: "B01", 48: "B24", 49: "C01", 384: "P24"},
    (384, "columns"): {1: "A01", 16: "P01", 17: "A02", 32: "P02", 33: "A03", 384: "P24"},
    (384, "row-snake"): {1: "A01", 24: "A24", 25: "B24", 48: "B01", 49: "C01", 384: "P01"},
    (384, "column-snake"): {1: "A01", 16: "P01", 17: "P02", 32: "A02", 33: "A03", 384: "A24"},
}


@pytest.mark.parametrize(("n_wells", "way"), COUNTED)
def test_wells_that_are_counted(n_wells, way):
    numbers = COUNTED[n_wells, way]
    assert {number: geometry.numbered_well(number, n_wells, way) for number in numbers} == numbers
    for number in (0, n_wells + 1):
        with pytest.raises(SheetError, match=f"well number {number} is not on .*; allowed: 1 to {n_wells}"):
            geometry.numbered_well(number, n_wells, way)


@pytest.mark.parametrize("n_wells", geometry.FORMATS)
@pytest.mark.parametrize("way", geometry.WELL_NUMBERS)
def test_every_well_has_one_number_and_a_snake_makes_no_jump(n_wells, way):
    wells = [geometry.numbered_well(number, n_wells, way) for number in range(1, n_wells + 1)]
    assert sorted(wells) == sorted(geometry.all_wells(n_wells))
    places = [geometry.well_position(well) for well in wells]
    steps = {abs(a - c) + abs(b - d) for (a, b), (c, d) in itertools.pairwise(places)}
    assert not way.endswith("snake") or steps <= {1}
