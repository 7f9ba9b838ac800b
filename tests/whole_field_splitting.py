"""Splitting by depth as one would write it: distance, maxima and watershed of the whole field."""

import numpy as np
from scipy import ndimage
from skimage.measure import label
from skimage.morphology import local_maxima
from skimage.segmentation import watershed


def split_whole_field(nuclei, depth_px):
    """Cells of a mask, (H, W) bool, numbered in raster order, int32."""
    distance = ndimage.distance_transform_edt(np.pad(nuclei, 1))[1:-1, 1:-1]
    components = label(nuclei, connectivity=2)
    peaks = label(local_maxima(distance) & nuclei, connectivity=2)
    summit, home = np.zeros(peaks.max() + 1), np.zeros(peaks.max() + 1, int)
    summit[peaks], home[peaks] = distance, components
    # The watershed floods only where there are basins to tell apart; its ties depend on all that it floods.
    shared = np.bincount(home[1:], minlength=components.max() + 1) > 1
    basins = watershed(-distance, peaks, connectivity=2, mask=shared[components] & nuclei)
    cell_of_basin = _cells_of_basins(_passes(basins, distance), summit, depth_px)
    cells = np.where(basins > 0, cell_of_basin[basins], components + len(summit))
    _, first, number = np.unique(cells[nuclei], return_index=True, return_inverse=True)
    split = np.zeros(nuclei.shape, np.int32)
    split[nuclei] = np.argsort(np.argsort(first))[number] + 1
    return split


def _passes(basins, distance):
    """The greatest distance at which one can pass between two basins, by pair of basins."""
    level = {}
    height, width = basins.shape
    for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
        here = slice(0, height - dy), slice(max(-dx, 0), width - max(dx, 0))
        there = slice(dy, height), slice(max(dx, 0), width + min(dx, 0))
        a, b = basins[here], basins[there]
        meet = (a != b) & (a > 0) & (b > 0)
        least = np.minimum(distance[here], distance[there])[meet]
        for pair, height_px in zip(zip(a[meet], b[meet], strict=True), least, strict=True):
            pair = min(pair), max(pair)
            level[pair] = max(level.get(pair, 0), height_px)
    return level


def _cells_of_basins(level, summit, depth_px):
    """The cell of each basin: the highest passes are crossed first, from each to all that are reached."""
    ridge, cell = np.arange(len(summit)), np.arange(len(summit))
    highest = summit.copy()
    for one, other in sorted(level, key=lambda pair: (-level[pair], pair)):
        a, b = ridge[one], ridge[other]
        if a == b:
            continue
        if min(highest[a], highest[b]) - level[one, other] <= depth_px:
            cell[cell == cell[other]] = cell[one]
        highest[a] = max(highest[a], highest[b])
        ridge[ridge == b] = a
    return cell
