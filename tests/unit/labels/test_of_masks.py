"""Class maps of drawn objects and a dead dye, by hand and against published states."""

import numpy as np
import pandas as pd
import tifffile
from skimage.io import imread

from livedead.labels.of_masks import MaskSettings, label_from_masks
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
    found = label_from_masks(masks, dye, classes, MaskSettings(dead_offset=60, boundary_px=1))
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
        found = label_from_masks(masks, dye, classes, MaskSettings(dead_offset=60, boundary_px=1))
        for worm in truth[truth["well"] == well].itertuples():
            state = np.bincount(found[masks == worm.label]).argmax()
            agree += state == (1 if worm.state == "live" else 2)
    assert agree == truth["well"].isin(wells).sum()


def test_settings_of_the_configuration():
    assert MaskSettings.from_config({"boundary_px": 7, "dead_offset": 6}) == MaskSettings(6, 7)
