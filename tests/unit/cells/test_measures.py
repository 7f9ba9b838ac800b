import numpy as np
import pandas as pd
import pytest
from drawn_fields import CLASSES, drawn, measure_drawn, random_blobs
from skimage.measure import label as skimage_label
from skimage.measure import regionprops_table

from livedead.cells.counting import count_states
from livedead.cells.measures import cell_columns, measure_cells
from livedead.cells.rules import CountingRules
from livedead.network.classes import Classes
from livedead.tables import FIELD_KEY


def test_a_hand_drawn_field():
    found = measure_drawn(
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
            "vote": [1, 1, 6 / 9, 1, 1],
            "touches_edge": [True, True, False, True, False],
        }
    )
    found = found.sort_values(["y_px", "x_px"], ignore_index=True)[list(expected)]
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)


def test_no_cells_and_one_pixel():
    empty = measure_drawn("... ...")
    assert len(empty) == 0
    assert count_states(empty) == {"n_live": 0, "n_dead": 0, "n_ambiguous": 0, "n_total": 0}
    assert count_states(measure_drawn("L"))["n_live"] == 1


@pytest.mark.parametrize("seed", range(3))
def test_against_scikit_image(seed):
    class_map = random_blobs(seed)
    labels = skimage_label(class_map > 0, connectivity=2)
    theirs = pd.DataFrame(
        regionprops_table(labels, (class_map == 1).astype(float), ("area", "centroid", "mean_intensity"))
    )
    ours = measure_cells(class_map, CLASSES, CountingRules(min_area_um2=0), 1.0)
    assert len(ours) == len(theirs) > 50
    key = ["y_px", "x_px"]
    theirs = theirs.rename(columns={"centroid-0": "y_px", "centroid-1": "x_px"}).sort_values(key)
    ours = ours.sort_values(key)
    np.testing.assert_allclose(ours[key], theirs[key], atol=1e-9)
    np.testing.assert_array_equal(ours["area_px"], theirs["area"])
    share = theirs["mean_intensity"].to_numpy()
    expected = np.select([share == 0.5, share > 0.5], ["ambiguous", "live"], "dead")
    np.testing.assert_array_equal(ours["state"], expected)


def test_shapes_and_intensities_are_scikit_images():
    class_map = random_blobs(2)
    plane = np.random.default_rng(0).integers(0, 65536, class_map.shape).astype(np.uint16)
    rules = CountingRules(min_area_um2=5, shape_descriptors=True)
    ours = measure_cells(class_map, CLASSES, rules, 0.5, {"dye": plane})
    names = ("area", "centroid", "perimeter", "axis_major_length", "axis_minor_length", "solidity")
    theirs = pd.DataFrame(
        regionprops_table(
            skimage_label(class_map > 0, connectivity=2), plane, (*names, "eccentricity", "mean_intensity")
        )
    )
    theirs = theirs[theirs["area"] * 0.25 >= 5].sort_values(["centroid-0", "centroid-1"])
    ours = ours.sort_values(["y_px", "x_px"])
    assert list(ours.columns) == [name for name in cell_columns(["dye"], True) if name not in FIELD_KEY]
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
    kept = measure_cells(class_map, CLASSES, limited, 0.5)
    labels = skimage_label(class_map > 0, connectivity=2)
    ratios = []
    for k in theirs.index + 1:
        spread = np.linalg.eigvalsh(np.cov(np.nonzero(labels == k), ddof=0) + np.eye(2) / 12)
        ratios.append(np.sqrt(spread[1] / spread[0]))
    assert 0 < len(kept) == (np.array(ratios) <= 1.5).sum() < len(theirs)


def test_more_cells_than_sixteen_bits():
    class_map = np.zeros((600, 600), np.uint8)
    class_map[::2, ::2] = 1
    found = measure_cells(class_map, CLASSES, CountingRules(min_area_um2=0), 1.0)
    assert len(found) == 300 * 300 > 65_536


@pytest.mark.parametrize(
    ("text", "live", "dead", "states", "votes"),
    [
        # Pixels of neither state do not vote: 3 of 5 are live; 2 of 5 are; none is.
        ("LLLUU.LLUUU.UU", (1,), (2,), ["live", "ambiguous", "ambiguous"], [0.6, 0.4, np.nan]),
        ("DDDUU.LDDUU.LLDDU", (1,), (2,), ["dead", "ambiguous", "ambiguous"], [0.6, 0.4, 0.4]),
        ("UUU.U", (), (), ["unknown", "unknown"], [np.nan, np.nan]),
        ("LL.L", (1,), (), ["live", "live"], [1, 1]),
        ("DD.D", (), (2,), ["dead", "dead"], [1, 1]),
    ],
)
def test_cells_of_readings_that_do_not_tell_all(text, live, dead, states, votes):
    classes = Classes(background=(0,), live=live, dead=dead, unknown=(4,))
    found = measure_cells(drawn(text), classes, CountingRules(min_area_um2=0), 1.0)
    assert list(found["state"]) == states
    np.testing.assert_allclose(found["vote"], votes)
