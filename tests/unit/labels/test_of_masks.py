"""Class maps of drawn objects and a dead dye, by hand and against published states."""

import numpy as np
import pandas as pd
import pytest
import tifffile
from skimage.io import imread

from livedead.errors import SheetError
from livedead.labels.of_masks import MaskSettings, dead_by_dye, dead_by_table, inner_parts, label_from_masks
from livedead.network.classes import Classes


def test_states_from_masks_by_hand():
    masks = np.zeros((20, 30), np.int32)
    masks[2:8, 2:10] = 3
    masks[2:8, 10:18] = 7
    masks[12:18, 2:10] = 9
    dye = np.full((20, 30), 100, np.uint16)
    dye[masks == 7] = 400
    dye[masks == 9] = 155
    classes = Classes(background=(0,), live=(1,), dead=(2,), boundary=(3,))
    settings = MaskSettings(dead_offset=60, boundary_px=1)
    found = label_from_masks(masks, dead_by_dye(masks, dye, settings.dead_offset), classes, settings)
    assert found[5, 5] == 1
    assert found[5, 15] == 2
    assert found[15, 5] == 1
    # The two touch between columns 9 and 10: one pixel on either side is boundary.
    np.testing.assert_array_equal(np.flatnonzero(found[5] == 3), [9, 10])
    assert not (found[10:] == 3).any()


def test_states_of_real_worms(shared):
    """The published rule, median dye over the background > 60, applied by hand in the truth."""
    folder = shared / "bbbc010"
    truth = pd.read_csv(folder / "worms_truth.csv")
    agree = 0
    wells = ["A02", "A05", "A18", "C09", "C24"]
    for well in wells:
        masks = imread(folder / "labels" / f"{well}_worms.png").astype(np.int32)
        dye = tifffile.imread(next((folder / "raw").glob(f"*_{well}_w1_*.tif")))
        classes = Classes(background=(0,), live=(1,), dead=(2,))
        settings = MaskSettings(dead_offset=60, boundary_px=1)
        found = label_from_masks(masks, dead_by_dye(masks, dye, settings.dead_offset), classes, settings)
        for worm in truth[truth["well"] == well].itertuples():
            state = np.bincount(found[masks == worm.label]).argmax()
            agree += state == (1 if worm.state == "live" else 2)
    assert agree == truth["well"].isin(wells).sum()


def test_states_from_a_table_by_hand():
    masks = np.array([[3, 3, 0, 7, 7, 9]])
    is_dead = dead_by_table(masks, {3: "live", 7: "dead", 9: "live"})
    assert np.flatnonzero(is_dead).tolist() == [7]
    assert len(is_dead) == 10
    assert dead_by_table(np.zeros((2, 2), int), {}).tolist() == [False]


@pytest.mark.parametrize(
    ("states", "message"),
    [
        ({1: "live"}, r"labels of the image without a row in the table of states: 2, 3$"),
        (
            {1: "live", 2: "dead", 3: "dead", 4: "live"},
            r"labels in the table of states that the image has not: 4",
        ),
        ({8: "live"}, r"without a row in the table of states: 1, 2, 3; .* that the image has not: 8"),
    ],
)
def test_image_and_table_of_two_makes_are_refused(states, message):
    with pytest.raises(SheetError, match=message):
        dead_by_table(np.array([[1, 2, 3]]), states)


def test_the_rim_of_an_object_is_context():
    y, x = np.mgrid[0:60, 0:60]
    masks = np.where(np.hypot(y - 30, x - 30) <= 20, 5, 0)
    masks[0:2, 0:2] = 6
    inner = inner_parts(masks, 0.5)
    # A disc of half the radius; pixels are counted by their middles.
    assert (inner == 5).sum() == pytest.approx(np.pi * 10**2, rel=0.06)
    assert (inner[masks != 5] != 5).all()
    assert (inner == 6).any()
    classes = Classes(background=(0,), live=(1,), dead=(2,), context=(3,))
    states = dead_by_table(masks, {5: "dead", 6: "live"})
    found = label_from_masks(masks, states, classes, MaskSettings(60, 1, shrink=0.5))
    np.testing.assert_array_equal(found == 2, inner == 5)
    np.testing.assert_array_equal(found == 3, (masks > 0) & (inner == 0))
    whole = label_from_masks(masks, states, classes, MaskSettings(60, 1))
    np.testing.assert_array_equal(whole == 2, masks == 5)


def test_an_object_that_is_all_boundary_keeps_its_state():
    masks = np.array([[1, 1, 1, 1, 1, 2, 3, 3, 3, 3, 3]])
    classes = Classes(background=(0,), live=(1,), dead=(2,), boundary=(4,))
    states = dead_by_table(masks, {1: "live", 2: "dead", 3: "live"})
    found = label_from_masks(masks, states, classes, MaskSettings(60, 1))
    assert found.tolist() == [[1, 1, 1, 1, 4, 2, 4, 1, 1, 1, 1]]


def test_settings_of_the_configuration():
    settings = {"boundary_px": 7, "dead_offset": 6, "shrink": 0.9}
    assert MaskSettings.from_config(settings) == MaskSettings(6, 7, 0.9)
