"""Tables against Python's csv module and a hash written down here, not against themselves."""

import csv
import hashlib
import io
import json

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livedead import tables
from livedead.errors import StoreError
from livedead.tables import NUMBER, ROW_SHA256, TEXT, Table, as_text, from_text

KIND = Table(("plate", "field", "*", "n_live", "viability", "touches_edge"), ("plate", "field"), TEXT)
WHOLE = Table((*KIND.columns, ROW_SHA256), KIND.key, TEXT)
HASHED = Table(WHOLE.columns, KIND.key, TEXT, joined=True)
SPELLINGS = ["007", "0042", "1E5", "2E10", "1.10", "00", "5280961", "NA", "nan", "None", "TRUE", "-0", ""]


def table(others=("x", "y"), **columns):
    rows = pd.DataFrame(
        {
            "plate": ["007", "1E5"],
            "field": [1, 2],
            "n_live": [1_234_567, None],
            "viability": [1 / 3, None],
            "touches_edge": [True, False],
            "compound": others,
        }
    )
    return rows.assign(**columns)


def read(text, separator=","):
    """The cells of a file by Python's csv module alone."""
    header, *rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    return [dict(zip(header, row, strict=True)) for row in rows]


@pytest.mark.parametrize("separator", [",", "\t"])
def test_columns_stand_in_order_and_values_as_declared(separator):
    text = as_text(table(), KIND, separator)
    assert text.splitlines()[0].split(separator) == [
        "plate", "field", "compound", "n_live", "viability", "touches_edge"
    ]  # fmt: skip
    first, second = read(text, separator)
    # A count has all its digits, a number six; what is not known is NA.
    assert list(first.values()) == ["007", "1", "x", "1234567", "0.333333", "True"]
    assert list(second.values()) == ["1E5", "2", "y", "NA", "NA", "False"]


printable = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), max_size=12)


@given(st.tuples(*[printable | st.sampled_from(SPELLINGS)] * 2))
def test_texts_come_out_as_they_went_in(texts):
    written = as_text(table(texts), HASHED)
    assert [row["compound"] for row in read(written)] == list(texts)
    again = from_text(written, HASHED)
    assert list(again["compound"]) == list(texts)
    assert list(again["plate"]) == ["007", "1E5"]
    assert again["n_live"].tolist() == [1_234_567, pd.NA]
    assert as_text(again, HASHED) == written


def test_a_text_that_is_not_known_is_empty():
    found = from_text(as_text(table([None, float("nan")]), KIND), KIND)
    assert list(found["compound"]) == ["", ""]


def test_row_sha256_is_what_the_documentation_says():
    first, second = read(as_text(table(["", 'é,"']), HASHED))
    for row in (first, second):
        texts = {name: text for name, text in row.items() if text and name != ROW_SHA256}
        canonical = json.dumps(texts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert row[ROW_SHA256] == hashlib.sha256(canonical.encode()).hexdigest()
    # A column more that says nothing of a row does not change its hash.
    wider = read(as_text(table(["", 'é,"'], dose=""), HASHED))
    assert [row[ROW_SHA256] for row in wider] == [first[ROW_SHA256], second[ROW_SHA256]]


def test_a_row_that_is_lost_from_a_whole_table_is_noticed():
    text = as_text(table(), WHOLE)
    assert list(from_text(text, WHOLE)["plate"]) == ["007", "1E5"]
    header, *rows = text.splitlines(keepends=True)
    for kept in rows:
        with pytest.raises(StoreError, match="rows were lost or added"):
            from_text(header + kept, WHOLE)
    first = read(text)[0]
    texts = {name: text for name, text in first.items() if text and name != ROW_SHA256}
    canonical = json.dumps({**texts, "rows": "2"}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert first[ROW_SHA256] == hashlib.sha256(canonical.encode()).hexdigest()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("1234567", "1234568"), r"line 2 \(plate 007, field 1\) was changed"),
        (lambda text: text.replace("007", "7"), "plate 7, field 1. was changed"),
        (lambda text: text + text.splitlines()[-1] + "\n", "plate 1E5, field 2. is there twice"),
        (lambda text: text[:-30], "plate 1E5, field 2. was changed"),
        (lambda text: text.replace("touches_edge", "edge"), "missing: touches_edge"),
        (lambda text: text.replace("0.333333", "a third"), "a third"),
        (lambda text: "", "not a table"),
    ],
)
def test_rows_that_are_not_what_was_written(change, message):
    text = as_text(table(), HASHED)
    assert len(from_text(text, HASHED)) == 2
    with pytest.raises(StoreError, match=message):
        from_text(change(text), HASHED)


def test_a_column_that_does_not_belong_is_named():
    with pytest.raises(StoreError, match="unknown: compound"):
        as_text(table(), Table(("plate", "field", "n_live", "viability", "touches_edge")))


def test_every_column_of_every_table_has_a_type():
    kinds = {name: kind for name, kind in vars(tables).items() if isinstance(kind, Table)}
    listed = {column for kind in kinds.values() for column in kind.columns} - {tables.OTHERS}
    assert listed == set(tables.TYPES)
    for name, kind in kinds.items():
        assert set(kind.key) <= set(kind.columns), name
        assert (tables.OTHERS in kind.columns) == (kind.others is not None), name
    assert {kind.others for kind in kinds.values()} == {None, TEXT, NUMBER}
