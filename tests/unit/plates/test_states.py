"""Tables of states: what is read, and that every mistake is told with its line."""

import pytest

from livedead.errors import SheetError
from livedead.plates.states import read_states

IMAGES = ["labels/B03_f1.tif", "labels/B03_f2.tif", "other/B03_f2.tif"]


def test_states_by_image_and_label(write):
    text = "label;image;state;note\n1;B03_f1.tif;live;\n12;labels\\B03_f2.tif;Dead ;sure\n"
    text += "2;B03_f1.tif;ambiguous;\n"
    assert read_states(write("states.csv", text), IMAGES) == {
        "labels/B03_f1.tif": {1: "live", 2: "ambiguous"},
        "labels/B03_f2.tif": {12: "dead"},
    }


def test_an_image_that_is_not_listed_has_no_states(write):
    assert read_states(write("states.csv", "image,label,state\n"), IMAGES) == {}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            "B03_f3.tif,1,live",
            r"column 'image': no field of the plate has a label image 'B03_f3\.tif' \(did you",
        ),
        (",1,live", "column 'image': no field of the plate has a label image ''"),
        ("B03_f2.tif,1,live", "column 'image': 'B03_f2.tif' is 2 images; give more of its path"),
        ("B03_f1.tif,0,live", "column 'label': '0'; allowed: a whole number from 1"),
        ("B03_f1.tif,1.5,live", "column 'label': '1.5'; allowed: a whole number from 1"),
        ("B03_f1.tif,,live", "column 'label': ''; allowed: a whole number from 1"),
        ("B03_f1.tif,7,dead", "label 7 of the same image is in line 2 already"),
        (
            "B03_f1.tif,1,alive",
            r"column 'state': 'alive' \(did you mean 'live'\?\); allowed: live, dead, ambig",
        ),
        ("B03_f1.tif,1,", "column 'state': ''; allowed"),
    ],
)
def test_a_mistake_is_told_with_its_line(write, row, message):
    path = write("states.csv", f"image,label,state\nB03_f1.tif,7,live\n{row}\n")
    with pytest.raises(SheetError, match=rf"states\.csv: line 3: {message}"):
        read_states(path, IMAGES)


def test_missing_columns_are_told(write):
    with pytest.raises(SheetError, match=r"states\.csv: line 1: missing columns: label"):
        read_states(write("states.csv", "image,state\nB03_f1.tif,live\n"), IMAGES)
