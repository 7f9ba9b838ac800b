"""Labels, measurements and vote against the plain scikit-image way, in one process."""

import logging
import time

import numpy as np
import pandas as pd
import pytest
from skimage.measure import label, regionprops_table

from livedead.cells.measures import measure_cells
from livedead.cells.rules import CountingRules
from livedead.network.classes import Classes

CLASSES = Classes(background=(0,), live=(1,), dead=(2,))
SIDE_PX, N_CELLS, RADIUS_PX = 2048, 3000, 8.3


@pytest.fixture(scope="module")
def class_map():
    """3,000 nuclei on a jittered grid; a third is dead, and a tenth of their pixels is wrong."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[-9:10, -9:10]
    disc = np.hypot(y, x) <= RADIUS_PX
    field = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
    pitch = SIDE_PX // 55
    for k in range(N_CELLS):
        top, left = np.array(divmod(k, 55)) * pitch + rng.integers(0, pitch - 18, 2)
        wrong = rng.random(disc.shape) < 0.1
        state = 1 + (k % 3 == 0)
        field[top : top + 19, left : left + 19][disc] = np.where(wrong, 3 - state, state)[disc]
    return field


def plain(class_map):
    """What one would write first."""
    names = ("area", "centroid", "bbox", "mean_intensity")
    table = regionprops_table(label(class_map > 0, connectivity=2), class_map == 1, names)
    return pd.DataFrame(table)


def best_of_each(repeats, *functions):
    """Least seconds of each function, called in turns so that other load meets all alike."""
    seconds = [[] for _ in functions]
    for _ in range(repeats):
        for function, taken in zip(functions, seconds, strict=True):
            start = time.perf_counter()
            function()
            taken.append(time.perf_counter() - start)
    return [min(taken) for taken in seconds]


def test_five_times_as_fast_with_equal_results(class_map, caplog):
    rules = CountingRules(min_area_um2=0)
    splitting = CountingRules(min_area_um2=0, split_depth_um=1.0)
    ours = measure_cells(class_map, CLASSES, rules, 1.0)
    theirs = plain(class_map)
    assert len(ours) == len(theirs) == N_CELLS
    ours = ours.sort_values(["y_px", "x_px"])
    theirs = theirs.sort_values(["centroid-0", "centroid-1"])
    np.testing.assert_allclose(ours[["y_px", "x_px"]], theirs[["centroid-0", "centroid-1"]], atol=1e-9)
    np.testing.assert_array_equal(ours["area_px"], theirs["area"])
    np.testing.assert_array_equal(ours["state"] == "live", theirs["mean_intensity"] > 0.5)
    edge = (theirs[["bbox-0", "bbox-1"]] == 0).any(axis=1) | (theirs[["bbox-2", "bbox-3"]] == SIDE_PX).any(
        axis=1
    )
    np.testing.assert_array_equal(ours["touches_edge"], edge)
    fast, split, slow = best_of_each(
        7,
        lambda: measure_cells(class_map, CLASSES, rules, 1.0),
        lambda: measure_cells(class_map, CLASSES, splitting, 1.0),
        lambda: plain(class_map),
    )
    with caplog.at_level(logging.INFO):
        logging.getLogger("benchmark").info(
            "per field: ours %.0f ms, with splitting %.0f ms, scikit-image %.0f ms (%.1f times)",
            1e3 * fast,
            1e3 * split,
            1e3 * slow,
            slow / fast,
        )
    assert slow / fast >= 5
