"""Labels, measurements, vote and splitting against the plain scikit-image way, in one process."""

import logging
import time

import numpy as np
import pandas as pd
import pytest
from skimage.measure import label, regionprops_table
from whole_field_splitting import split_whole_field

from livedead.cells.labels import label_cells
from livedead.cells.measures import measure_cells
from livedead.cells.rules import CountingRules
from livedead.cells.splitting import split_by_depth
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


def nuclei(n_nuclei):
    """Ellipses of random size and direction, anywhere: half axes of 6 to 20 px, and 0.7 to 1 times that."""
    rng = np.random.default_rng(0)
    field = np.zeros((SIDE_PX, SIDE_PX), bool)
    for _ in range(n_nuclei):
        centre, radius = rng.uniform(0, SIDE_PX, 2), rng.uniform(6, 20)
        shorter, turn = radius * rng.uniform(0.7, 1), rng.uniform(0, np.pi)
        top, left = np.maximum(centre - radius - 1, 0).astype(int)
        bottom, right = np.minimum(centre + radius + 2, SIDE_PX).astype(int)
        y, x = np.mgrid[top:bottom, left:right] - centre[:, None, None]
        along, across = y * np.cos(turn) + x * np.sin(turn), x * np.cos(turn) - y * np.sin(turn)
        field[top:bottom, left:right] |= np.hypot(along / radius, across / shorter) <= 1
    return field


@pytest.mark.parametrize(("n_nuclei", "times"), [(100, 10), (500, 4), (2000, 1.3)])
def test_splitting_is_faster_than_on_the_whole_field_with_equal_results(n_nuclei, times, caplog):
    """The more nuclei touch, the more of the time is the watershed of clumps, which both have."""
    field = nuclei(n_nuclei)
    components = label_cells(field.astype(np.uint8), CLASSES)
    np.testing.assert_array_equal(split_by_depth(components, 1.0), split_whole_field(field, 1.0))
    fast, slow = best_of_each(
        5, lambda: split_by_depth(components, 1.0), lambda: split_whole_field(field, 1.0)
    )
    with caplog.at_level(logging.INFO):
        logging.getLogger("benchmark").info(
            "%d nuclei: split in %.0f ms, on the whole field in %.0f ms (%.1f times)",
            n_nuclei,
            1e3 * fast,
            1e3 * slow,
            slow / fast,
        )
    assert slow / fast >= times
