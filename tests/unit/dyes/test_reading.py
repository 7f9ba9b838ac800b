"""Class maps of drawn fields, in every logic: cells are counted by hand."""

import numpy as np
import pytest
from dyed_plate import COUNTING, count, known_dyes
from scipy import ndimage

from livedead.cells.measures import measure_cells
from livedead.cells.signals import Signal
from livedead.dyes.reading import class_map
from livedead.wells.counting import dye_rules

CHANNELS = {"total": "hoechst", "live": "calcein", "dead": "pi"}
SHAPE = 140, 200
RADIUS = 6
CELLS = {
    "live": [(20, 20), (20, 60), (60, 20), (60, 60), (100, 20)],
    "dead": [(20, 140), (60, 140), (100, 140)],
    "both": [(100, 60), (130, 180)],
    "neither": [(20, 100)],
}
"""Kind of a cell, by what its live and its dead dye show -> centres."""


def discs(centres, radius, shape=SHAPE, soft_px=1.0):
    """Discs of height 1, as blurred as an image."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    drawn = np.zeros(shape)
    for a, b in centres:
        drawn = np.maximum(drawn, np.hypot(y - a, x - b) <= radius)
    return ndimage.gaussian_filter(drawn, soft_px)


def signals(live_px=RADIUS):
    """Signals of `CELLS`; the live dye fills discs of `live_px`."""
    centres = [centre for centres in CELLS.values() for centre in centres]
    drawn = {
        "total": discs(centres, RADIUS),
        "live": discs(CELLS["live"] + CELLS["both"], live_px),
        "dead": discs(CELLS["dead"] + CELLS["both"], RADIUS),
    }
    return {role: (1000 * image).astype(np.float32) for role, image in drawn.items()}


def states(roles, live_px=RADIUS, **settings):
    """State -> cells, as the dyes `roles` tell them."""
    dyes = known_dyes(SHAPE, **{role: CHANNELS[role] for role in roles}, **settings)
    drawn = signals(live_px)
    cells = count({role: drawn[role] for role in roles}, dyes)
    return cells["state"].value_counts().to_dict()


LOGICS = [
    # By the drawing: 5 live, 3 dead, 2 of both (dead by default), 1 of neither.
    (("total", "dead"), {"live": 6, "dead": 5}),
    (("total", "live"), {"live": 7, "dead": 4}),
    (("total", "live", "dead"), {"live": 5, "dead": 5, "ambiguous": 1}),
    (("live", "dead"), {"live": 5, "dead": 5}),
    (("total",), {"unknown": 11}),
    (("live",), {"live": 7}),
    (("dead",), {"dead": 5}),
]


@pytest.mark.parametrize(("roles", "expected"), LOGICS)
def test_every_logic_counts_what_was_drawn(roles, expected):
    assert states(roles) == expected


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        (("total", "live", "dead"), {"live": 7, "dead": 3, "ambiguous": 1}),
        (("live", "dead"), {"live": 7, "dead": 3}),
    ],
)
def test_a_cell_of_both_dyes_is_live_if_so_configured(roles, expected):
    assert states(roles, both="live") == expected


def test_a_dead_nucleus_in_a_cell_that_the_live_dye_fills_is_one_dead_cell():
    # Twelve pixels around a nucleus of six: it is a quarter of its cell.
    assert states(("live", "dead"), live_px=12) == {"live": 5, "dead": 5}


@pytest.mark.parametrize("distance", [13, 14, 15, 16, 17, 18])
def test_a_dead_nucleus_beside_a_living_cell_is_a_cell_of_its_own(distance):
    drawn = {"live": discs([(50, 50)], 10), "dead": discs([(50, 50 + distance)], 5)}
    drawn = {role: (1000 * image).astype(np.float32) for role, image in drawn.items()}
    dyes = known_dyes(SHAPE, live="calcein", dead="pi")
    found = count(drawn, dyes).sort_values("x_px")
    assert list(found["state"]) == ["live", "dead"]


@pytest.mark.parametrize("dead_by", ["fraction", "mean"])
@pytest.mark.parametrize(("rows", "state"), [(0, "live"), (3, "live"), (9, "dead"), (12, "dead")])
def test_a_nucleus_is_dead_by_the_stained_share_of_it_or_by_its_mean(dead_by, rows, state):
    nucleus = np.zeros((40, 40), np.float32)
    nucleus[10:22, 10:22] = 1000
    dead = np.zeros_like(nucleus)
    dead[10 : 10 + rows, 10:22] = 200
    dyes = known_dyes(nucleus.shape, np.nan, total="hoechst", dead="pi", dead_by=dead_by)
    # By the mean: 200 of 3 of 12 rows are 50 counts, of 9 are 150; the threshold is 100.
    drawn = {"total": nucleus, "dead": dead}
    signals = {"pi": Signal(dead, 100.0, "dead")}
    rules = dye_rules(COUNTING, dyes, 1.0)
    counted = measure_cells(class_map(drawn, dyes), dyes.classes, rules, 1.0, signals=signals)
    assert list(counted["state"]) == [state]


@pytest.mark.parametrize("gap", [12, 13, 14, 16])
def test_nuclei_that_touch_are_two(gap):
    drawn = (1000 * discs([(50, 50), (50, 50 + gap)], RADIUS)).astype(np.float32)
    assert len(count({"total": drawn}, known_dyes(SHAPE, 12.0, total="hoechst"))) == 2


def test_dark_spots_within_a_nucleus_are_part_of_it():
    drawn = 1000 * discs([(50, 50)], 10)
    drawn *= 1 - 0.7 * discs([(50, 50), (46, 53)], 2)
    dyes = known_dyes(SHAPE, 20.0, total="hoechst")
    found = class_map({"total": drawn.astype(np.float32)}, dyes) > 0
    assert found.any()
    np.testing.assert_array_equal(found, ndimage.binary_fill_holes(found))


def test_an_unstained_hole_is_not_filled():
    y, x = np.mgrid[:60, :60]
    radius = np.hypot(y - 30, x - 30)
    ring = np.where((radius > 8) & (radius < 14), 1000, 0).astype(np.float32)
    assert class_map({"total": ring}, known_dyes(ring.shape, 12.0, total="hoechst"))[30, 30] == 0


def test_glow_of_another_focal_plane_is_no_nucleus():
    sharp, blurred = discs([(50, 50)], RADIUS), discs([(50, 130)], 40, soft_px=15)
    drawn = (1000 * np.maximum(sharp, 0.4 * blurred)).astype(np.float32)
    assert (drawn[:, 120:140] > 100).any()
    found = count({"total": drawn}, known_dyes(SHAPE, 12.0, total="hoechst"), min_area_um2=20)
    assert found[["y_px", "x_px"]].round().to_numpy().tolist() == [[50, 50]]


@pytest.mark.parametrize("roles", [roles for roles, _ in LOGICS])
@pytest.mark.parametrize("shape", [(31, 38), (1, 9), (9, 1), (1, 1), (2, 300)])
def test_an_empty_field_has_no_cells_however_small(roles, shape):
    dyes = known_dyes(shape, **{role: CHANNELS[role] for role in roles})
    nothing = {role: np.zeros(shape, np.float32) for role in roles}
    assert not class_map(nothing, dyes).any()
    everything = {role: np.full(shape, 500, np.float32) for role in roles}
    assert class_map(everything, dyes).shape == shape


def test_a_threshold_is_scaled_for_one_dye_alone():
    drawn = signals()
    drawn["dead"] *= 0.11
    dyes = known_dyes(SHAPE, total="hoechst", dead="pi")
    dead = [(class_map(drawn, dyes, {"dead": scale}) == 3).sum() for scale in (0.8, 1.0, 1.25)]
    assert dead[0] > dead[1] > 0 == dead[2]
    nuclei = [(class_map(drawn, dyes, {"dead": scale}) > 0).sum() for scale in (0.8, 1.25)]
    assert nuclei[0] == nuclei[1]
