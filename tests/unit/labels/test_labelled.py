"""Fields of a plate, labelled or left out."""

from types import MappingProxyType

import numpy as np
import pytest
import tifffile

from livedead.errors import FieldError, LivedeadError, SheetError
from livedead.fields.plate_images import PlateImages
from livedead.labels.labelled import (
    known_by_boxes,
    known_by_states,
    label_fields,
    labels_of_boxes,
    labels_of_masks,
)
from livedead.labels.of_boxes import BoxSettings
from livedead.labels.of_masks import MaskSettings
from livedead.network.classes import Classes
from livedead.plates.boxes import DrawnCells
from livedead.plates.masks import mask_paths

CLASSES = Classes(background=(0,), live=(1,), dead=(2,))
MASKS = MaskSettings(dead_offset=100, boundary_px=1)


class Plate:
    """Three fields of one object each, dead in the second; the third cannot be read."""

    plate = "p"
    hours = MappingProxyType({})
    crop_px = (1, 0)
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
        return array[1:-1]


@pytest.fixture
def masks(tmp_path):
    drawn = np.zeros((32, 40), np.uint8)
    drawn[10:20, 10:20] = 1
    for field in (1, 2):
        tifffile.imwrite(tmp_path / f"A01_{field:02d}.tif", drawn)
    return str(tmp_path / "{well}_{field:02d}.tif")


def labelled(wells, masks, states=None):
    plate = Plate()
    paths = mask_paths(masks, plate.keys(["A01", "B01"]))
    label = labels_of_masks(plate, paths, "draq7", states, CLASSES, MASKS)
    return list(label_fields(plate, plate.keys(wells), label))


def test_drawn_objects_are_live_or_dead_by_the_dye_and_cropped_like_the_field(masks):
    (first, live), (second, dead) = labelled(["A01"], masks)
    assert [(row["plate"], row["well"], row["field"], row["status"]) for row in (first, second)] == [
        ("p", "A01", 1, "ok"),
        ("p", "A01", 2, "ok"),
    ]
    for arrays, number in ((live, 1), (dead, 2)):
        assert arrays["maps"].shape == arrays["instances"].shape == (30, 40)
        assert (arrays["maps"][10:18, 11:19] == number).all()
        assert (arrays["maps"][arrays["instances"] == 0] == 0).all()


def test_a_field_that_cannot_be_labelled_is_left_out_and_said(masks, caplog):
    assert [row["field"] for row, _ in labelled(["A01", "B01"], masks)] == [1, 2]
    assert "B01 field 1 timepoint 1: truncated: B01.tif: cut off" in caplog.text
    assert "1 of 3 dyed fields are left out" in caplog.text


def test_objects_of_another_size_are_named(masks, caplog, tmp_path):
    tifffile.imwrite(tmp_path / "A01_02.tif", np.ones((32, 20), np.uint8))
    assert [row["field"] for row, _ in labelled(["A01"], masks)] == [1]
    assert "A01_02.tif: (32, 20) px, but the field (32, 40)" in caplog.text


def test_states_of_a_table_stand_whatever_the_dye_says(masks):
    one, two = (masks.format(well="A01", field=field) for field in (1, 2))
    [(_, first), (_, second)] = labelled(["A01"], masks, {one: {1: "dead"}, two: {1: "live"}})
    assert [np.unique(arrays["maps"]).tolist() for arrays in (first, second)] == [[0, 2], [0, 1]]


def test_an_image_without_states_ends_the_job_with_its_name(masks):
    with pytest.raises(SheetError, match=r"A01_02\.tif: labels of the image without a row .*: 1"):
        labelled(["A01"], masks, {masks.format(well="A01", field=1): {1: "dead"}})


@pytest.mark.parametrize("state", ["ambiguous", "unknown"])
def test_fields_with_a_cell_that_nobody_could_judge_are_left_out(masks, state, caplog):
    keys = Plate().keys(["A01", "B01"])
    paths = mask_paths(masks, keys)
    states = {paths[keys[0]]: {1: "live", 2: state}, paths[keys[1]]: {1: "dead"}}
    assert known_by_states(keys, paths, states) == keys[1:]
    assert "1 of 3 dyed fields, the first A01 field 1 timepoint 1 (label 2), are left out" in caplog.text


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


DRAWN = {
    ("A01", 1, 1): DrawnCells(np.array([[4.0, 6, 12, 14], [20, 20, 30, 32]]), np.array([False, True])),
    ("A01", 2, 1): DrawnCells(np.empty((0, 4)), np.empty(0, bool)),
}


def test_boxes_are_cropped_like_the_field():
    plate = Plate()
    label = labels_of_boxes(plate, DRAWN, "brightfield", CLASSES, BoxSettings(), pixel_size_um=1.0)
    (_, first), (_, none) = label_fields(plate, plate.keys(["A01"]), label)
    assert first["maps"].shape == first["instances"].shape == (30, 40)
    # A row is gone at the upper side.
    assert first["boxes"].tolist() == [[3, 6, 11, 14], [19, 20, 29, 32]]
    rows, columns = np.nonzero(first["instances"] == 2)
    assert (rows.min(), rows.max() + 1, columns.min(), columns.max() + 1) == (19, 29, 20, 32)
    assert [first["maps"][7, 10], first["maps"][24, 26], first["maps"][0, 0]] == [1, 2, 0]
    assert not none["maps"].any() and none["boxes"].shape == (0, 4)


@pytest.mark.parametrize(("unlisted", "known"), [("left_out", 2), ("empty", 3)])
def test_fields_that_a_sheet_does_not_list(caplog, unlisted, known):
    keys = Plate().keys(["A01", "B01"])
    assert known_by_boxes(keys, DRAWN, BoxSettings(unlisted=unlisted)) == keys[:known]
    assert "1 of 3 dyed fields, the first B01 field 1 timepoint 1" in caplog.text
