import dataclasses
import itertools
import math

import numpy as np
import pandas as pd
import pytest
import tifffile
from scipy import ndimage
from skimage.io import imread
from skimage.measure import label as skimage_label
from skimage.measure import regionprops_table
from skimage.morphology import local_maxima, reconstruction

from livedead.cells import counting
from livedead.errors import ConfigError
from livedead.network.classes import Classes, CountingRules, check_rules
from livedead.tables import FIELD_KEY

CLASSES = [
    {"name": "background", "role": "background"},
    {"name": "live", "role": "live"},
    {"name": "dead", "role": "dead"},
    {"name": "boundary", "role": "boundary"},
]
NUMBERS = Classes.from_config(CLASSES)
SYMBOLS = {".": 0, "L": 1, "D": 2, "b": 3}


def drawn(text):
    rows = text.split()
    return np.array([[SYMBOLS[mark] for mark in row] for row in rows], np.uint8)


def measure(text, **rules):
    return counting.measure_cells(drawn(text), NUMBERS, CountingRules(**{"min_area_um2": 0, **rules}), 1.0)


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
    rules = CountingRules(min_area_um2=0.5, max_area_um2=2)
    found = counting.measure_cells(drawn(text), NUMBERS, rules, pixel_size_um=0.5)
    assert list(found["area_um2"]) == [1.5]
    rules = CountingRules(min_area_um2=0.2, max_area_um2=1)
    assert list(counting.measure_cells(drawn(text), NUMBERS, rules, 0.5)["state"]) == ["dead"]


def test_no_cells_and_one_pixel():
    empty = measure("... ...")
    assert len(empty) == 0
    assert counting.count_states(empty) == {"n_live": 0, "n_dead": 0, "n_ambiguous": 0, "n_total": 0}
    assert counting.count_states(measure("L"))["n_live"] == 1


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
    ours = counting.measure_cells(class_map, NUMBERS, CountingRules(min_area_um2=0), 1.0)
    assert len(ours) == len(theirs) > 50
    key = ["y_px", "x_px"]
    theirs = theirs.rename(columns={"centroid-0": "y_px", "centroid-1": "x_px"}).sort_values(key)
    ours = ours.sort_values(key)
    np.testing.assert_allclose(ours[key], theirs[key], atol=1e-9)
    np.testing.assert_array_equal(ours["area_px"], theirs["area"])
    share = theirs["mean_intensity"].to_numpy()
    expected = np.select([share == 0.5, share > 0.5], ["ambiguous", "live"], "dead")
    np.testing.assert_array_equal(ours["state"], expected)


@pytest.mark.parametrize("odd", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_components_are_scipys_whatever_the_shape(odd):
    rng = np.random.default_rng(odd)
    for _ in range(100):
        shape = 2 * rng.integers(1, 20, 2) + odd
        nuclei = rng.random(shape) > rng.uniform(0.3, 0.95)
        expected, n = ndimage.label(nuclei, np.ones((3, 3)))
        labels, _ = counting.label_cells(nuclei.astype(np.uint8), NUMBERS, 0)
        assert len(np.unique(np.stack([expected, labels]).reshape(2, -1), axis=1).T) in (n, n + 1)
        assert labels.max() == n
        np.testing.assert_array_equal(labels > 0, nuclei)


def discs(*centres, radius=10, side=80):
    y, x = np.mgrid[0:side, 0:side]
    return np.any([np.hypot(y - a, x - b) <= radius for a, b in centres], axis=0).astype(np.uint8)


def test_touching_discs_are_split_and_single_ones_are_not():
    rules = CountingRules(min_area_um2=0, split_depth_um=1.0)
    pair = discs((30, 20), (30, 37))
    assert len(counting.measure_cells(pair, NUMBERS, CountingRules(), 1.0)) == 1
    split = counting.measure_cells(pair, NUMBERS, rules, 1.0)
    assert len(split) == 2
    assert split["area_px"].sum() == pair.sum()
    assert abs(split["area_px"].iloc[0] - split["area_px"].iloc[1]) <= 0.1 * split["area_px"].max()
    assert split["touches_cell"].all()
    assert (split["component_area_um2"] == pair.sum()).all()
    for single in (discs((30, 20)), discs((5, 5))):
        found = counting.measure_cells(single, NUMBERS, rules, 1.0)
        assert len(found) == 1
        assert not found["touches_cell"].any()


def test_splitting_is_in_micrometres():
    # The neck between discs of radius 30 px, 50 px apart, is sqrt(900 - 625) = 16.6 px half wide,
    # so the distance from the edge dips by 13.4 px, give or take a pixel.
    pair = discs((40, 35), (40, 85), radius=30, side=120)
    for pixel_size_um in (0.5, 2.0):
        for depth_px, n in ((12.4, 2), (14.4, 1)):
            rules = CountingRules(min_area_um2=0, split_depth_um=depth_px * pixel_size_um)
            assert len(counting.measure_cells(pair, NUMBERS, rules, pixel_size_um)) == n


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
    labels, whole = counting.label_cells(nuclei.astype(np.uint8), NUMBERS, depth_px)
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
    found = measure(text, cell_area_um2=4)
    assert found["state"].value_counts().to_dict() == states
    assert found["area_px"].sum() == len(text.replace(".", ""))


def test_worms_that_cross_are_counted_by_their_area():
    """Two bars of 40 x 4 px in a cross, the upright one dead: 304 px are 1.9 cells of 160."""
    field = np.zeros((50, 60), np.uint8)
    field[20:24, 5:45] = 1
    field[2:42, 23:27] = 2
    field[30:34, 35:58] = 1
    rules = CountingRules(min_area_um2=50)
    whole = counting.measure_cells(field, NUMBERS, rules, 1.0)
    assert len(whole) == 2
    found = counting.measure_cells(field, NUMBERS, dataclasses.replace(rules, cell_area_um2=160), 1.0)
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
    assert len(counting.measure_cells(field, NUMBERS, finer, 0.5)) == 3


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
    found = counting.measure_cells(class_map, NUMBERS, rules, 1.0)
    assert {state: int((found["state"] == state).sum()) for state in expected} == expected
    assert found["area_px"].sum() == (class_map > 0).sum()


def test_division_by_area_after_splitting():
    """Two discs are cut apart by their waist; the one that is twice as large as a cell is two."""
    pair = discs((30, 20), (30, 37))
    rules = CountingRules(min_area_um2=0, split_depth_um=1.0, cell_area_um2=pair.sum() / 4)
    assert len(counting.measure_cells(pair, NUMBERS, rules, 1.0)) == 4


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
        found = counting.count_states(counting.measure_cells(classes[masks], NUMBERS, rules, 1.0))
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
    found = counting.measure_cells((truth > 0).astype(np.uint8), NUMBERS, rules, 1.0)
    centres = np.rint(found[["y_px", "x_px"]].to_numpy()).astype(int)
    hits = np.bincount(truth[centres[:, 0], centres[:, 1]], minlength=truth.max() + 1)
    hits = hits[np.unique(truth[truth > 0])]
    assert len(hits) == 125
    assert (hits > 0).sum() >= 120
    assert (hits > 1).sum() <= 1


EDGES = """
    LL..D..DD
    .........
    L...LL..D
    .........
    L..LL...D
"""


@pytest.mark.parametrize(("rule", "expected"), [("keep", 9), ("exclude", 1), ("counting_frame", 4)])
def test_edge_rules_by_hand(rule, expected):
    # Above three, one of them in the right corner; left one, and one in the lower corner; right
    # one, and one in the lower corner; below one; inside one. The frame counts two of those
    # above, the one on the left, and the one inside.
    assert len(measure(EDGES, edge_rule=rule)) == expected


def test_the_counting_frame_counts_each_cell_of_a_plane_once():
    plane = random_blobs(9, side=331, sigma=2)
    rules = CountingRules(min_area_um2=0, edge_rule="counting_frame")
    step, side = 66, 67
    counted = sum(
        len(counting.measure_cells(plane[y : y + side, x : x + side], NUMBERS, rules, 1.0))
        for y in range(0, 331 - step, step)
        for x in range(0, 331 - step, step)
    )
    naive = sum(
        len(counting.measure_cells(plane[y : y + side, x : x + side], NUMBERS, CountingRules(0), 1.0))
        for y in range(0, 331 - step, step)
        for x in range(0, 331 - step, step)
    )
    frame = counting.measure_cells(plane, NUMBERS, rules, 1.0)
    assert abs(counted - len(frame)) <= 0.03 * len(frame)
    assert naive > 1.1 * len(frame)
    assert rules.counted_area_mm2((side, side), 1000.0) == step**2
    assert CountingRules().counted_area_mm2((10, 20), 100.0) == 2.0


def test_unknown_edge_rule():
    with pytest.raises(ConfigError, match="keep, exclude, counting_frame"):
        CountingRules(edge_rule="drop")


def test_a_nucleus_outside_any_cell_can_be_dropped():
    numbers = Classes(background=(0,), live=(1,), dead=(2,), context=(3,))
    class_map = drawn(
        """
        .bbb......
        .bLb...L..
        .bbb......
        ..........
        ......b...
        .....bL...
        """
    )
    count = {
        share: len(
            counting.measure_cells(class_map, numbers, CountingRules(0, min_context_fraction=share), 1.0)
        )
        for share in (0, 0.3, 0.34, 1.0)
    }
    # Sides on context: 4 of 4, 0 of 4, and 2 of 3 at the lower edge.
    assert count == {0: 3, 0.3: 2, 0.34: 2, 1.0: 1}
    with pytest.raises(ConfigError, match="role context"):
        check_rules(NUMBERS, CountingRules(min_context_fraction=0.5))
    check_rules(numbers, CountingRules(min_context_fraction=0.5))


def test_limits_in_pixels_and_of_shape():
    text = "LLLL. ..... LL... LL..D"
    assert sorted(measure(text)["area_px"]) == [1, 4, 4]
    assert sorted(measure(text, min_area_px=2)["area_px"]) == [4, 4]
    assert sorted(measure(text, max_area_px=3)["area_px"]) == [1]
    # Four pixels in a row: variances (16 - 1) / 12 + 1 / 12 and 1 / 12, so 4 to 1.
    assert sorted(measure(text, max_aspect_ratio=3.99)["area_px"]) == [1, 4]
    assert sorted(measure(text, max_aspect_ratio=4.01)["area_px"]) == [1, 4, 4]


def test_shapes_and_intensities_are_scikit_images():
    class_map = random_blobs(2)
    plane = np.random.default_rng(0).integers(0, 65536, class_map.shape).astype(np.uint16)
    rules = CountingRules(min_area_um2=5, shape_descriptors=True)
    ours = counting.measure_cells(class_map, NUMBERS, rules, 0.5, {"dye": plane})
    names = ("area", "centroid", "perimeter", "axis_major_length", "axis_minor_length", "solidity")
    theirs = pd.DataFrame(
        regionprops_table(
            skimage_label(class_map > 0, connectivity=2), plane, (*names, "eccentricity", "mean_intensity")
        )
    )
    theirs = theirs[theirs["area"] * 0.25 >= 5].sort_values(["centroid-0", "centroid-1"])
    ours = ours.sort_values(["y_px", "x_px"])
    assert list(ours.columns) == [
        name for name in counting.cell_columns(["dye"], True) if name not in FIELD_KEY
    ]
    for name, other, scale in [
        ("mean_dye", "mean_intensity", 1),
        ("perimeter_um", "perimeter", 0.5),
        ("major_axis_um", "axis_major_length", 0.5),
        ("minor_axis_um", "axis_minor_length", 0.5),
        ("eccentricity", "eccentricity", 1),
        ("solidity", "solidity", 1),
    ]:
        np.testing.assert_allclose(ours[name], scale * theirs[other], rtol=1e-9, err_msg=name)
    np.testing.assert_allclose(ours["y_um"], (ours["y_px"] + 0.5) * 0.5)
    limited = CountingRules(min_area_um2=5, max_aspect_ratio=1.5)
    kept = counting.measure_cells(class_map, NUMBERS, limited, 0.5)
    labels = skimage_label(class_map > 0, connectivity=2)
    ratios = []
    for k in theirs.index + 1:
        spread = np.linalg.eigvalsh(np.cov(np.nonzero(labels == k), ddof=0) + np.eye(2) / 12)
        ratios.append(np.sqrt(spread[1] / spread[0]))
    assert 0 < len(kept) == (np.array(ratios) <= 1.5).sum() < len(theirs)


def test_more_cells_than_sixteen_bits():
    class_map = np.zeros((600, 600), np.uint8)
    class_map[::2, ::2] = 1
    found = counting.measure_cells(class_map, NUMBERS, CountingRules(min_area_um2=0), 1.0)
    assert len(found) == 300 * 300 > 65_536


def test_roles_are_checked():
    with pytest.raises(ConfigError, match="no class of role dead"):
        Classes.from_config(CLASSES[:2])
    with pytest.raises(ConfigError, match="'nucleus'"):
        Classes.from_config([*CLASSES, {"name": "x", "role": "nucleus"}])
    with pytest.raises(ConfigError, match="classes: background is given twice"):
        Classes.from_config([*CLASSES, {"name": "background", "role": "context"}])


def test_unstable_pixels_decided_the_other_way():
    row = {"plate": "p", "well": "A01", "field": 1, "timepoint": 1}
    rules = CountingRules(min_area_um2=4)
    class_map = np.zeros((12, 12), np.uint8)
    class_map[1:4, 1:4] = 1
    class_map[1:4, 5:8] = 2
    class_map[8:10, 2:4] = 2
    # A bridge between the first two, and one pixel of the smallest cell.
    bridge, corner = np.array([2 * 12 + 4]), np.array([8 * 12 + 2])
    none = np.array([], np.int64)

    def counted(unstable, runners_up):
        numbers = Classes(background=(0,), live=(1,), dead=(2,))
        return counting.count_field(row, class_map, unstable, runners_up, numbers, rules, 1.0)[0]

    stable = counted(none, none.astype(np.uint8))
    assert (stable["n_unstable_px"], stable["n_total_alt"]) == (0, stable["n_total"]) == (0, 3)
    assert stable["viability_alt"] == pytest.approx(1 / 3)
    joined = counted(bridge, np.array([1], np.uint8))
    assert (joined["n_total"], joined["n_total_alt"], joined["viability_alt"]) == (3, 2, 0.5)
    smaller = counted(np.append(bridge, corner), np.array([0, 0], np.uint8))
    assert (smaller["n_unstable_px"], smaller["n_total_alt"], smaller["viability_alt"]) == (2, 2, 0.5)
