import dataclasses
import itertools
import math

import numpy as np
import pandas as pd
import pytest
import tifffile
from drawn_fields import CLASSES, discs, measure_drawn, random_blobs
from scipy import ndimage
from skimage.io import imread
from skimage.measure import label as skimage_label
from skimage.morphology import local_maxima, reconstruction
from whole_field_splitting import split_whole_field

from livedead.cells.counting import count_states
from livedead.cells.labels import label_cells
from livedead.cells.measures import measure_cells
from livedead.cells.rules import CountingRules
from livedead.cells.splitting import divide_by_area, split_by_depth, split_cells


def test_touching_discs_are_split_and_single_ones_are_not():
    rules = CountingRules(min_area_um2=0, split_depth_um=1.0)
    pair = discs((30, 20), (30, 37))
    assert len(measure_cells(pair, CLASSES, CountingRules(), 1.0)) == 1
    split = measure_cells(pair, CLASSES, rules, 1.0)
    assert len(split) == 2
    assert split["area_px"].sum() == pair.sum()
    assert abs(split["area_px"].iloc[0] - split["area_px"].iloc[1]) <= 0.1 * split["area_px"].max()
    assert split["touches_cell"].all()
    assert (split["component_area_um2"] == pair.sum()).all()
    for single in (discs((30, 20)), discs((5, 5))):
        found = measure_cells(single, CLASSES, rules, 1.0)
        assert len(found) == 1
        assert not found["touches_cell"].any()


def test_splitting_is_in_micrometres():
    # The neck between discs of radius 30 px, 50 px apart, is sqrt(900 - 625) = 16.6 px half wide,
    # so the distance from the edge dips by 13.4 px, give or take a pixel.
    pair = discs((40, 35), (40, 85), radius=30, side=120)
    for pixel_size_um in (0.5, 2.0):
        for depth_px, n in ((12.4, 2), (14.4, 1)):
            rules = CountingRules(min_area_um2=0, split_depth_um=depth_px * pixel_size_um)
            assert len(measure_cells(pair, CLASSES, rules, pixel_size_um)) == n


@pytest.mark.parametrize("depth_px", [0.3, 0.75, 1.5])
def test_splitting_is_the_watershed_from_the_h_maxima(depth_px):
    nuclei = random_blobs(5, side=150) > 0
    distance = ndimage.distance_transform_edt(np.pad(nuclei, 1))[1:-1, 1:-1]
    raised = reconstruction(np.maximum(distance - depth_px, 0), distance)
    # A component lower than h has no h-maximum, but it is a cell all the same.
    components = skimage_label(nuclei, connectivity=2)
    maxima = skimage_label(local_maxima(raised) & (raised > 0), connectivity=2)
    expected = np.bincount(
        [components.ravel()[np.flatnonzero(maxima == k)[0]] for k in range(1, maxima.max() + 1)],
        minlength=components.max() + 1,
    )[1:]
    whole = label_cells(nuclei.astype(np.uint8), CLASSES)
    labels = split_by_depth(whole, depth_px)
    assert (labels > 0).sum() == nuclei.sum()
    pairs = np.unique(np.stack([components[nuclei], labels[nuclei]]), axis=1)
    found = np.bincount(pairs[0], minlength=components.max() + 1)[1:]
    np.testing.assert_array_equal(found, np.maximum(expected, 1))
    assert found.max() > 1
    assert whole.max() == components.max()
    # Numbers run in raster order, and no cell is in two pieces.
    first = [np.flatnonzero(labels == k)[0] for k in range(1, labels.max() + 1)]
    assert first == sorted(first)
    for k in range(1, labels.max() + 1):
        assert skimage_label(labels == k, connectivity=2).max() == 1


def ring_around_a_pair():
    """Nuclei inside a ring, which has a gap in one of two drawings side by side."""
    y, x = np.mgrid[0:90, 0:90]
    ring = np.abs(np.hypot(y - 45, x - 45) - 38) <= 4
    pair = np.any([np.hypot(y - 45, x - a) <= 11 for a in (36, 53)], axis=0)
    opened = ring & ~((np.abs(y - 45) < 5) & (x > 45))
    return np.hstack([ring | pair, opened | pair])


def combs():
    """Two combs with their teeth between each other: neither is left of the other."""
    field = np.zeros((41, 61), bool)
    field[2:5, 2:59] = field[36:39, 2:59] = True
    field[2:33, 3:59:12] = field[9:39, 9:59:12] = True
    return field


def spiral():
    """One line of varying width, rolled up."""
    turn = np.linspace(0.5, 9 * np.pi, 4000)
    field = np.zeros((131, 127), bool)
    y, x = np.mgrid[0:131, 0:127]
    for at in turn[::40]:
        field |= np.hypot(y - 65 - 2 * at * np.sin(at), x - 63 - 2 * at * np.cos(at)) <= 2.5 + np.sin(3 * at)
    return field


@pytest.mark.parametrize("depth_px", [0.0001, 0.5, 1.0, 2.0])
@pytest.mark.parametrize(
    "nuclei",
    [
        *(random_blobs(seed, side=97, sigma=sigma) > 0 for seed, sigma in ((0, 0.8), (1, 1.5), (2, 4.0))),
        random_blobs(3, side=150, sigma=3.0)[:, :61] > 0,
        random_blobs(4, side=150, sigma=3.0)[:34] > 0,
        random_blobs(5, side=120, sigma=4.0) == 0,
        np.any([discs((y, x), radius=8) for y in range(0, 80, 14) for x in range(0, 80, 13)], axis=0),
        np.random.default_rng(6).random((57, 64)) < 0.3,
        np.random.default_rng(7).random((1, 200)) < 0.8,
        np.random.default_rng(8).random((200, 2)) < 0.8,
        ring_around_a_pair(),
        combs(),
        combs().T,
        spiral(),
        np.ones((33, 47), bool),
        np.ones((1, 1), bool),
        np.zeros((5, 7), bool),
    ],
    ids=[
        *("specks", "small", "large", "narrow", "flat", "sheet", "touching", "noise", "row", "column"),
        *("ring", "combs", "combs on end", "spiral", "full", "pixel", "empty"),
    ],
)
def test_splitting_is_that_of_the_whole_field(nuclei, depth_px):
    found = split_by_depth(label_cells(nuclei.astype(np.uint8), CLASSES), depth_px)
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, split_whole_field(nuclei, depth_px))


def test_splitting_is_that_of_the_whole_field_where_maxima_are_equally_high():
    """Equal discs: every line between two is drawn by the order of maxima, in a field full of them."""
    rng = np.random.default_rng(9)
    nuclei = np.zeros((300, 411), bool)
    y, x = np.mgrid[-6:7, -6:7]
    disc = np.hypot(y, x) <= 6
    for top, left in zip(rng.integers(0, 287, 250), rng.integers(0, 398, 250), strict=True):
        nuclei[top : top + 13, left : left + 13] |= disc
    whole = label_cells(nuclei.astype(np.uint8), CLASSES)
    found = split_by_depth(whole, 1.0)
    assert found.max() > whole.max()
    np.testing.assert_array_equal(found, split_whole_field(nuclei, 1.0))


@pytest.mark.parametrize(
    ("text", "states"),
    [
        ("LLLLDDDD", {"live": 1, "dead": 1}),
        ("DDDDLLLL", {"live": 1, "dead": 1}),
        ("LDLDLDLD", {"live": 1, "dead": 1}),
        ("LLLDDDDDDDDD", {"live": 1, "dead": 2}),
        ("LLLLLLDDDDDD", {"live": 1, "ambiguous": 1, "dead": 1}),
        ("DDDLLLLLLLDD", {"live": 2, "dead": 1}),
        ("DDDDDLDDDDDD", {"dead": 3}),
        # 5 px are one cell, 6 px are two (1.5, rounded); 9 and 13 px are two and three.
        ("LLLLL", {"live": 1}),
        ("LLLLLL", {"live": 2}),
        ("LLLLL.DDDDDD.DDDDDDDDD.LLLLLLLLLLLLL", {"live": 4, "dead": 4}),
        ("L", {"live": 1}),
    ],
)
def test_clumps_are_divided_into_cells_of_four_pixels(text, states):
    found = measure_drawn(text, cell_area_um2=4)
    assert found["state"].value_counts().to_dict() == states
    assert found["area_px"].sum() == len(text.replace(".", ""))


def test_worms_that_cross_are_counted_by_their_area():
    """Two bars of 40 x 4 px in a cross, the upright one dead: 304 px are 1.9 cells of 160."""
    field = np.zeros((50, 60), np.uint8)
    field[20:24, 5:45] = 1
    field[2:42, 23:27] = 2
    field[30:34, 35:58] = 1
    rules = CountingRules(min_area_um2=50)
    whole = measure_cells(field, CLASSES, rules, 1.0)
    assert len(whole) == 2
    found = measure_cells(field, CLASSES, dataclasses.replace(rules, cell_area_um2=160), 1.0)
    assert found[found["touches_cell"]]["state"].tolist() == ["live", "dead"]
    assert found[found["touches_cell"]]["area_px"].tolist() == [152, 152]
    assert found[found["touches_cell"]]["component_area_um2"].tolist() == [304, 304]
    # The third lies alone; its row is the same as without the division.
    alone = ~found["touches_cell"]
    pd.testing.assert_frame_equal(
        found[alone].drop(columns="cell").reset_index(drop=True),
        whole[whole["area_px"] == 92].drop(columns="cell").reset_index(drop=True),
    )
    # The areas are micrometres, not pixels.
    finer = dataclasses.replace(rules, min_area_um2=50 / 4, cell_area_um2=160 / 4)
    assert len(measure_cells(field, CLASSES, finer, 0.5)) == 3


@pytest.mark.parametrize("cell_area_px", [7.5, 40])
def test_division_by_area_is_that_of_the_sum(cell_area_px):
    """Counts of random clumps, from nothing but the pixels of each that scikit-image finds."""
    class_map = random_blobs(4)
    labels = skimage_label(class_map > 0, connectivity=2)
    expected = {"live": 0, "dead": 0, "ambiguous": 0}
    for k in range(1, labels.max() + 1):
        inside = class_map[labels == k]
        n = max(1, math.floor(len(inside) / cell_area_px + 0.5))
        ends = [math.ceil(j * len(inside) / n) for j in range(n + 1)]
        n_live = int((inside == 1).sum())
        for first, last in itertools.pairwise(ends):
            alive, size = min(max(n_live - first, 0), last - first), last - first
            state = "ambiguous" if 2 * alive == size else "live" if 2 * alive > size else "dead"
            expected[state] += 1
    rules = CountingRules(min_area_um2=0, cell_area_um2=cell_area_px)
    found = measure_cells(class_map, CLASSES, rules, 1.0)
    assert {state: int((found["state"] == state).sum()) for state in expected} == expected
    assert found["area_px"].sum() == (class_map > 0).sum()


def test_division_by_area_after_splitting():
    """Two discs are cut apart by their waist; the one that is twice as large as a cell is two."""
    pair = discs((30, 20), (30, 37))
    rules = CountingRules(min_area_um2=0, split_depth_um=1.0, cell_area_um2=pair.sum() / 4)
    assert len(measure_cells(pair, CLASSES, rules, 1.0)) == 4


def test_real_worms_that_touch_are_counted_by_their_area(shared):
    """Foreground and states of the published masks, without any line between worms."""
    folder = shared / "bbbc010"
    truth = pd.read_csv(folder / "wells_truth.csv").set_index("well")
    states = pd.read_csv(folder / "worms_truth.csv")
    rules = CountingRules(min_area_um2=200, cell_area_um2=float(states["area_px"].median()))
    relative, viability, joined = [], [], 0
    for well in truth.index:
        masks = imread(folder / "labels" / f"{well}_worms.png").astype(int)
        of_well = states[states["well"] == well]
        classes = np.zeros(256, np.uint8)
        classes[of_well["label"]] = np.where(of_well["state"] == "live", 1, 2)
        found = count_states(measure_cells(classes[masks], CLASSES, rules, 1.0))
        relative.append(abs(found["n_total"] / truth.loc[well, "n_total"] - 1))
        alive = found["n_live"] / (found["n_live"] + found["n_dead"])
        viability.append(abs(alive - truth.loc[well, "n_live"] / truth.loc[well, "n_total"]))
        joined += truth.loc[well, "n_total"] - skimage_label(classes[masks] > 0, connectivity=2).max()
    assert joined > 100
    assert np.mean(relative) < 0.03
    assert np.mean(viability) < 0.01


def test_real_nuclei_are_told_apart_from_the_foreground_alone(shared):
    truth = tifffile.imread(shared / "stardist_nuclei/mask2d.tif")
    rules = CountingRules(min_area_um2=0, split_depth_um=1.0)
    found = measure_cells((truth > 0).astype(np.uint8), CLASSES, rules, 1.0)
    centres = np.rint(found[["y_px", "x_px"]].to_numpy()).astype(int)
    hits = np.bincount(truth[centres[:, 0], centres[:, 1]], minlength=truth.max() + 1)
    hits = hits[np.unique(truth[truth > 0])]
    assert len(hits) == 125
    assert (hits > 0).sum() >= 120
    assert (hits > 1).sum() <= 1


def test_what_is_not_to_be_cut_is_the_very_same_array():
    class_map = random_blobs(3, side=60)
    components = label_cells(class_map, CLASSES)
    assert split_cells(components, class_map, CLASSES, CountingRules(), 1.0) is components
    assert divide_by_area(components, class_map == 1, cell_area_px=60**2) is components
    empty = np.zeros_like(components)
    assert split_by_depth(empty, 1.0) is empty
