import numpy as np
import pandas as pd
import pytest
from scipy import ndimage
from skimage.measure import label as skimage_label
from skimage.measure import regionprops_table

from livedead import cells
from livedead.errors import ConfigError

CLASSES = [
    {"name": "background", "role": "background"},
    {"name": "live", "role": "live"},
    {"name": "dead", "role": "dead"},
    {"name": "boundary", "role": "boundary"},
]
NUMBERS = cells.class_numbers(CLASSES)
SYMBOLS = {".": 0, "L": 1, "D": 2, "b": 3}


def drawn(text):
    rows = text.split()
    return np.array([[SYMBOLS[mark] for mark in row] for row in rows], np.uint8)


def measure(text, **rules):
    return cells.measure_cells(drawn(text), NUMBERS, cells.CountingRules(**{"min_area_um2": 0, **rules}), 1.0)


def test_a_hand_drawn_field():
    found = measure(
        """
        LL......DD
        LL......DD
        ..........
        ...LLD....
        ...LDD....
        ...LLL....
        ..........
        D.........
        .D...L....
        ..........
        """
    )
    # By hand: a live square, a dead square, one half-and-half cell with 6 of 9 live, two dead
    # pixels that touch at a corner (one cell, 8-connected), one live pixel.
    expected = pd.DataFrame(
        {
            "y_px": [0.5, 0.5, 4.0, 7.5, 8.0],
            "x_px": [0.5, 8.5, 4.0, 0.5, 5.0],
            "area_px": [4, 4, 9, 2, 1],
            "state": ["live", "dead", "live", "dead", "live"],
            "confidence": [1, 1, 6 / 9, 1, 1],
            "touches_edge": [True, True, False, True, False],
        }
    )
    found = found.sort_values(["y_px", "x_px"], ignore_index=True)[list(expected)]
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)


def test_a_boundary_cuts_touching_cells():
    assert len(measure("LLbLL LLbLL")) == 2
    assert len(measure("LLLLL LLLLL")) == 1


def test_ties_and_close_votes_are_ambiguous():
    assert list(measure("LD")["state"]) == ["ambiguous"]
    assert list(measure("LLLDD")["state"]) == ["live"]
    assert list(measure("LLLDD", ambiguous_margin=0.21)["state"]) == ["ambiguous"]
    assert list(measure("LLLDD", ambiguous_margin=0.19)["state"]) == ["live"]


def test_areas_are_limited_in_square_micrometres():
    text = "LLL.D LLL.."
    rules = cells.CountingRules(min_area_um2=0.5, max_area_um2=2)
    found = cells.measure_cells(drawn(text), NUMBERS, rules, pixel_size_um=0.5)
    assert list(found["area_um2"]) == [1.5]
    rules = cells.CountingRules(min_area_um2=0.2, max_area_um2=1)
    assert list(cells.measure_cells(drawn(text), NUMBERS, rules, 0.5)["state"]) == ["dead"]


def test_no_cells_and_one_pixel():
    empty = measure("... ...")
    assert len(empty) == 0
    assert cells.count_states(empty) == {"n_live": 0, "n_dead": 0, "n_ambiguous": 0, "n_total": 0}
    assert cells.count_states(measure("L"))["n_live"] == 1


def random_blobs(seed, side=200, sigma=2.5):
    rng = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(rng.normal(size=(side, side)), sigma)
    states = ndimage.gaussian_filter(rng.normal(size=(side, side)), sigma) > 0
    return np.where(smooth > smooth.std(), np.where(states, 1, 2), 0).astype(np.uint8)


@pytest.mark.parametrize("seed", range(3))
def test_against_scikit_image(seed):
    class_map = random_blobs(seed)
    labels = skimage_label(class_map > 0, connectivity=2)
    theirs = pd.DataFrame(
        regionprops_table(labels, (class_map == 1).astype(float), ("area", "centroid", "mean_intensity"))
    )
    ours = cells.measure_cells(class_map, NUMBERS, cells.CountingRules(min_area_um2=0), 1.0)
    assert len(ours) == len(theirs) > 50
    key = ["y_px", "x_px"]
    theirs = theirs.rename(columns={"centroid-0": "y_px", "centroid-1": "x_px"}).sort_values(key)
    ours = ours.sort_values(key)
    np.testing.assert_allclose(ours[key], theirs[key], atol=1e-9)
    np.testing.assert_array_equal(ours["area_px"], theirs["area"])
    share = theirs["mean_intensity"].to_numpy()
    expected = np.select([share == 0.5, share > 0.5], ["ambiguous", "live"], "dead")
    np.testing.assert_array_equal(ours["state"], expected)


def discs(*centres, radius=10, side=80):
    y, x = np.mgrid[0:side, 0:side]
    return np.any([np.hypot(y - a, x - b) <= radius for a, b in centres], axis=0).astype(np.uint8)


def test_touching_discs_are_split_and_single_ones_are_not():
    rules = cells.CountingRules(min_area_um2=0, split_depth_um=1.0)
    pair = discs((30, 20), (30, 37))
    assert len(cells.measure_cells(pair, NUMBERS, cells.CountingRules(), 1.0)) == 1
    split = cells.measure_cells(pair, NUMBERS, rules, 1.0)
    assert len(split) == 2
    assert split["area_px"].sum() == pair.sum()
    assert abs(split["area_px"].iloc[0] - split["area_px"].iloc[1]) <= 0.1 * split["area_px"].max()
    assert len(cells.measure_cells(discs((30, 20)), NUMBERS, rules, 1.0)) == 1
    assert len(cells.measure_cells(discs((5, 5)), NUMBERS, rules, 1.0)) == 1


def test_more_cells_than_sixteen_bits():
    class_map = np.zeros((600, 600), np.uint8)
    class_map[::2, ::2] = 1
    found = cells.measure_cells(class_map, NUMBERS, cells.CountingRules(min_area_um2=0), 1.0)
    assert len(found) == 300 * 300 > 65_536


def test_roles_are_checked():
    with pytest.raises(ConfigError, match="no class of role dead"):
        cells.class_numbers(CLASSES[:2])
    with pytest.raises(ConfigError, match="'nucleus'"):
        cells.class_numbers([*CLASSES, {"name": "x", "role": "nucleus"}])
