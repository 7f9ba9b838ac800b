import json
from pathlib import Path

import pytest

from livedead.errors import CorrectionError
from livedead.plates.corrections import correction_files
from livedead.plates.judgements import Judgements, judgement_files, read_judgements

WRITTEN = {
    "livedead": "judgements",
    "version": 1,
    "reviewer": " Anna ",
    "plate": "p1",
    "cells_sha256": "abc",
    "cells": 200,
    "seed": 3,
    "judgements": [{"cell": 2, "judged": "dead"}, {"cell": 1, "judged": "none"}],
}


@pytest.fixture
def file(tmp_path):
    """Writes a file of judgements that differs from `WRITTEN`."""

    def to_file(name="p1-judgements.json", **other):
        (tmp_path / name).write_text(json.dumps({**WRITTEN, **other}))
        return str(tmp_path / name)

    return to_file


def test_what_the_page_gives_is_read(file):
    path = file()
    assert read_judgements([path]) == [Judgements(path, "Anna", "abc", 200, 3, {2: "dead", 1: "none"})]


def test_judgements_are_found_by_plate_beside_other_records(file, tmp_path):
    first, second = file("b.json"), file("a.json", reviewer="Bo")
    file("c.json", plate="p2")
    file("d.json", livedead="corrections", fields=[])
    assert judgement_files(str(tmp_path)) == {
        "p1": [Path(second), Path(first)],
        "p2": [tmp_path / "c.json"],
    }
    assert correction_files(str(tmp_path)) == {"p1": [tmp_path / "d.json"]}
    assert judgement_files(str(tmp_path / "none")) == {}


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"version": 2}, "version 2 of the format; this release reads 1"),
        ({"judgements": {}}, "no list 'judgements'"),
        (
            {"judgements": [{"cell": 4, "judged": "alive"}]},
            "cell 4: judged 'alive'; allowed: live, dead, ambiguous, none",
        ),
        ({"judgements": [{"judged": "live"}]}, "not judgements: KeyError.*download it from the page again"),
        ({"seed": None}, "not judgements: TypeError"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_file(file, other, message):
    path = file(**other)
    with pytest.raises(CorrectionError, match=message) as refused:
        read_judgements([path])
    assert path in str(refused.value)


def test_one_reviewer_has_one_file(file):
    with pytest.raises(
        CorrectionError, match=r"two.json and .*one.json: both are of the reviewer 'Anna'; keep"
    ):
        read_judgements([file("one.json"), file("two.json")])


@pytest.mark.parametrize("text", ["{", "[]", "{}"])
def test_another_file_in_the_folder_is_refused(tmp_path, text):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(
        CorrectionError, match=r"x\.json: (cannot be read|not a file of corrections or judgements)"
    ):
        judgement_files(str(tmp_path))
