"""Dyed fields of a plate, labelled or left out."""

import numpy as np
import pytest
import tifffile

from livedead.dyes.dyed_fields import label_fields
from livedead.errors import FieldError, LivedeadError
from livedead.fields.plate_images import PlateImages
from livedead.network.classes import Classes

CLASSES = Classes(background=(0,), live=(1,), dead=(2,))
LABELS = {"live_dye": "hoechst", "dead_dye": "draq7", "masks": {"dead_offset": 100, "boundary_px": 1}}


class Plate:
    """Three fields of one object each, dead in the second; the third cannot be read."""

    plate = "p"
    describe = PlateImages.describe

    def keys(self, wells):
        return [key for key in [("A01", 1, 1), ("A01", 2, 1), ("B01", 1, 1)] if key[0] in wells]

    def plane(self, key, channel):
        if key == ("B01", 1, 1):
            raise FieldError("truncated", "B01.tif: cut off")
        plane = np.full((32, 40), 200, np.uint16)
        if channel == "draq7" and key[1] == 2:
            plane[10:20, 10:20] = 900
        return plane

    def cropped(self, array):
        return array[:30]


@pytest.fixture
def masks(tmp_path):
    drawn = np.zeros((32, 40), np.uint8)
    drawn[10:20, 10:20] = 1
    for field in (1, 2):
        tifffile.imwrite(tmp_path / f"A01_{field:02d}.tif", drawn)
    return str(tmp_path / "{well}_{field:02d}.tif")


def labelled(wells, masks):
    return list(label_fields(Plate(), wells, masks, "brightfield", CLASSES, LABELS))


def test_drawn_objects_are_live_or_dead_by_the_dye_and_cropped_like_the_field(masks):
    (first, live), (second, dead) = labelled(["A01"], masks)
    assert [(row["plate"], row["well"], row["field"], row["status"]) for row in (first, second)] == [
        ("p", "A01", 1, "ok"),
        ("p", "A01", 2, "ok"),
    ]
    for arrays, number in ((live, 1), (dead, 2)):
        assert arrays["maps"].shape == arrays["instances"].shape == (30, 40)
        assert (arrays["maps"][11:19, 11:19] == number).all()
        assert (arrays["maps"][arrays["instances"] == 0] == 0).all()


def test_a_field_that_cannot_be_labelled_is_left_out_and_said(masks, caplog):
    assert [row["field"] for row, _ in labelled(["A01", "B01"], masks)] == [1, 2]
    assert "B01 field 1 timepoint 1: truncated: B01.tif: cut off" in caplog.text
    assert "1 of 3 dyed fields are left out" in caplog.text


def test_objects_of_another_size_are_named(masks, caplog, tmp_path):
    tifffile.imwrite(tmp_path / "A01_02.tif", np.ones((32, 20), np.uint8))
    assert [row["field"] for row, _ in labelled(["A01"], masks)] == [1]
    assert "A01_02.tif: (32, 20) px, but the field (32, 40)" in caplog.text


@pytest.mark.parametrize(
    ("wells", "said"),
    [
        (["B01"], "plate p: none of 1 dyed fields could be labelled, the first because: B01.tif: cut off"),
        (["C01"], "plate p: none of 0 dyed fields could be labelled: the dyed wells have no images"),
    ],
)
def test_nothing_labelled_is_an_error(masks, wells, said):
    with pytest.raises(LivedeadError, match=said):
        labelled(wells, masks)
