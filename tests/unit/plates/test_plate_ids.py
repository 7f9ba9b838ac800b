import re

import pytest

from livedead.errors import SheetError
from livedead.plates import plate_ids


def test_no_plate_is_called_like_what_the_rules_write_beside_the_plates(repository):
    rules = "".join(path.read_text() for path in (repository / "workflow/rules").glob("*.smk"))
    written = set(re.findall(r"\bresults/([\w.-]+)", rules))
    assert written == set(plate_ids.WRITTEN_TOGETHER)


@pytest.mark.parametrize("plate", ["007", "1E5", "a.b_c-d", "a" * 100, "wells", "console", "com10", "-"])
def test_plate_ids(plate):
    assert plate_ids.check_plate_id(plate) == plate


@pytest.mark.parametrize(
    "plate",
    [
        "",
        "a b",
        "a/b",
        "..",
        ".a",
        "a.",
        "a\n",
        "é",
        "１",
        "a" * 101,
        "weights",
        "Weights",
        "wells.csv",
        "SUMMARY.TXT",
        "con",
        "NUL.tif",
        "lpt1",
    ],
)
def test_refused_plate_ids(plate):
    with pytest.raises(SheetError):
        plate_ids.check_plate_id(plate)
