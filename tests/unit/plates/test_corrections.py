"""Files of corrections, written by hand here as the page writes them."""

import json

import pandas as pd
import pytest

from livedead.errors import CorrectionError
from livedead.plates.corrections import (
    Add,
    Delete,
    Merge,
    SetState,
    Split,
    check_known,
    correction_files,
    read_corrections,
)

FIELD = {"well": "B03", "field": 1, "timepoint": 0, "cells_sha256": "abc", "usable": True, "actions": []}
RECORD = {"livedead": "corrections", "version": 1, "plate": "p1", "reviewer": "", "fields": [FIELD]}


@pytest.fixture
def put(write):
    """Writes a record, and gives its path."""
    return lambda record, name="one.json": write(name, json.dumps(record))


def with_field(**changes):
    return {**RECORD, "fields": [{**FIELD, **changes}]}


def with_action(**action):
    return with_field(actions=[action])


def without(record, name):
    return {key: value for key, value in record.items() if key != name}


def test_every_action_is_read(put):
    actions = [
        {"action": "state", "cell": 5, "state": "dead"},
        {"action": "delete", "cell": 7},
        {"action": "add", "state": "live", "outline_px": [[10, 20], [10, 30.5], [20, 25]]},
        {"action": "split", "cell": 9, "line_px": [[5, 5], [20, 30]]},
        {"action": "merge", "cells": [3, 4]},
    ]
    path = put(with_field(actions=actions))
    [(key, [found])] = read_corrections([path]).items()
    assert key == ("B03", 1, 0)
    assert (found.file, found.cells_sha256, found.usable) == (str(path), "abc", True)
    assert found.actions == (
        SetState(5, "dead"),
        Delete(7),
        Add("live", ((10, 20), (10, 30.5), (20, 25))),
        Split(9, ((5, 5), (20, 30))),
        Merge((3, 4)),
    )


def test_a_field_that_was_only_looked_at_and_one_that_cannot_be_used(put):
    record = {**RECORD, "fields": [FIELD, {**FIELD, "well": "b4", "usable": False}]}
    found = read_corrections([put(record)])
    assert [(key[0], one.usable, one.actions) for key, [one] in found.items()] == [
        ("B03", True, ()),
        ("B04", False, ()),
    ]


def test_several_files_for_one_field_stay_in_their_order(put):
    paths = [put(with_field(cells_sha256=name), f"{name}.json") for name in ("one", "two")]
    [(_, found)] = read_corrections(paths).items()
    assert [one.cells_sha256 for one in found] == ["one", "two"]


def test_files_of_a_folder_by_plate(put, tmp_path):
    put({**RECORD, "plate": "p2"}, "b.json")
    put(RECORD, "a.json")
    put({"livedead": "judgements", "plate": "p1"}, "judged.json")
    put(RECORD, "left.txt")
    assert correction_files(str(tmp_path)) == {
        "p1": [tmp_path / "a.json"],
        "p2": [tmp_path / "b.json"],
    }


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"version": 1}, r"one\.json: not a file of corrections"),
        ([1], r"one\.json: not a file of corrections"),
        (without(RECORD, "plate"), r"one\.json: 'plate' is None; needed: the plate's name"),
    ],
)
def test_a_folder_with_a_file_that_is_no_record_is_refused(put, tmp_path, record, message):
    put(record)
    with pytest.raises(CorrectionError, match=message):
        correction_files(str(tmp_path))


def test_a_folder_that_is_not_there_and_a_file_that_is_cut_off(write, tmp_path):
    with pytest.raises(CorrectionError, match=r"counting\.corrections: .*lost is not a folder"):
        correction_files(str(tmp_path / "lost"))
    write("cut.json", json.dumps(RECORD)[:-9])
    with pytest.raises(
        CorrectionError, match=r"cut\.json: cannot be read: .*download it from the page again"
    ):
        correction_files(str(tmp_path))


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({**RECORD, "version": 2}, "version 2 of the format; this release reads 1"),
        (without(RECORD, "fields"), "no list 'fields'"),
        ({**RECORD, "fields": {}}, "no list 'fields'"),
        ({**RECORD, "fields": [FIELD, 7]}, r"fields\[1\]: not a field's corrections"),
        *(
            ({**RECORD, "fields": [without(FIELD, name)]}, rf"fields\[0\]: .*KeyError\('{name}'\)")
            for name in FIELD
        ),
        (with_field(well="Q99x"), r"fields\[0\]: .*Q99x"),
        (with_field(field="1"), r"'1'; allowed: a whole number"),
        (with_field(timepoint=0.5), r"0\.5; allowed: a whole number"),
        (with_field(usable="false"), "usable 'false'; allowed: true, false"),
        (with_field(actions=[3]), r"fields\[0\]: not a field's corrections"),
        (with_action(action="paint"), "action 'paint'; allowed: state, delete, add, split, merge"),
        (
            with_action(action="state", cell=1, state="ill"),
            "state 'ill'; allowed: live, dead, ambiguous, unknown",
        ),
        (with_action(action="state", cell=1.0, state="live"), r"1\.0; allowed: a whole number"),
        (with_action(action="delete"), r"KeyError\('cell'\)"),
        (with_action(action="delete", cell=True), "True; allowed: a whole number"),
        (
            with_action(action="add", state="live", outline_px=[[1, 2], [3, 4]]),
            "2 points; needed: at least 3",
        ),
        (
            with_action(action="add", state="live", outline_px=[[1, 2], [3, 4], [5, float("nan")]]),
            "allowed: numbers, in px",
        ),
        (with_action(action="add", state="live", outline_px=[[1, 2, 3]] * 3), "not a field's corrections"),
        (with_action(action="split", cell=1, line_px=[[1, 2]]), "1 points; needed: at least 2"),
        (with_action(action="split", cell=1, line_px=[[1, 2]] * 3), "not a field's corrections"),
        (with_action(action="merge", cells=["1", 2]), "'1'; allowed: a whole number"),
    ],
)
def test_what_is_not_the_format_is_refused_with_its_place(put, record, message):
    with pytest.raises(CorrectionError, match=rf"one\.json: .*{message}"):
        read_corrections([put(record)])


def test_a_field_that_the_plate_does_not_have_is_refused(put):
    corrections = read_corrections([put(RECORD)])
    fields = pd.DataFrame({"well": ["B03", "B04"], "field": [1, 1], "timepoint": [0, 0]})
    check_known(corrections, fields)
    with pytest.raises(
        CorrectionError, match=r"one\.json: well B03 field 1 timepoint 0: the plate has no such"
    ):
        check_known(corrections, fields[1:])
