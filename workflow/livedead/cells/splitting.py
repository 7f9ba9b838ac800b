"""Cells that touch, cut apart: by their shape (round ones) or by their area (long ones that cross)."""

import numpy as np
import pandas as pd
from scipy import ndimage
from scipy.cluster.hierarchy import DisjointSet
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from skimage.morphology import local_maxima
from skimage.segmentation import watershed

from livedead.cells.labels import connected_parts, in_raster_order, of_classes
from livedead.cells.rules import CountingRules
from livedead.network.classes import Classes


def split_cells(
    components: np.ndarray,
    class_map: np.ndarray,
    classes: Classes,
    rules: CountingRules,
    pixel_size_um: float,
) -> np.ndarray:
    """Cut components into cells, as the rules say.

    Parameters
    ----------
    components : ndarray, (H, W), int32
        From `livedead.cells.labels.label_cells`.
    class_map : ndarray, (H, W), uint8
    classes, rules, pixel_size_um
        See `livedead.cells.measures.measure_cells`.

    Returns
    -------
    ndarray, (H, W), int32
        Cells, numbered in raster order of first pixels; the very same array if the rules cut nothing.
    """
    labels = components
    if rules.split_depth_um > 0:
        labels = split_by_depth(labels, rules.split_depth_um / pixel_size_um)
    if rules.cell_area_um2 > 0:
        live = of_classes(class_map, classes.live)
        labels = divide_by_area(labels, live, rules.cell_area_um2 / pixel_size_um**2)
    return labels


def split_by_depth(labels: np.ndarray, depth_px: float) -> np.ndarray:
    """Cut components between the h-maxima of the distance from their edge (h = `depth_px`).

    All maxima of the distance are flooded at once; then basins are joined over the highest
    passes first, and a basin is a cell of its own only if its maximum rises by more than
    h over the pass. That is the watershed from the h-maxima (Meyer & Beucher 1990, J. Vis.
    Commun. Image Repr. 1:21, https://doi.org/10.1016/1047-3203(90)90014-M; Grimaud 1992,
    Proc. SPIE 1769:292, on the dynamics of maxima), without the morphological reconstruction,
    which takes 10 s for a 2048² field.

    Parameters
    ----------
    labels : ndarray, (H, W), int32
        Components, numbered from 1; 0 outside.
    depth_px : float
        By how much the distance from the edge must dip between two cells.

    Returns
    -------
    ndarray, (H, W), int32
        Numbered in raster order of first pixels.
    """
    nuclei = labels > 0
    if not nuclei.any():
        return labels
    # One pixel of background around the field: its border is an edge like any other.
    distance = ndimage.distance_transform_edt(np.pad(nuclei, 1))[1:-1, 1:-1]
    peaks = connected_parts(local_maxima(distance) & nuclei)
    at = np.flatnonzero(peaks)
    peak, first = np.unique(peaks.ravel()[at], return_index=True)
    height = np.zeros(len(peak) + 1)
    height[peak] = distance.ravel()[at[first]]
    home = labels.ravel()[at[first]]
    shared = np.bincount(home, minlength=int(labels.max()) + 1) > 1
    basins = watershed(-distance, peaks, connectivity=2, mask=shared[labels])
    cell = _join_basins(basins, distance, height, depth_px)
    # Components with one maximum are whole cells; their number must not meet a basin's.
    return in_raster_order(np.where(nuclei & ~shared[labels], labels + len(cell), cell[basins]))


def _join_basins(basins: np.ndarray, distance: np.ndarray, height: np.ndarray, depth_px: float) -> np.ndarray:
    """The cell of each basin, (n_basins + 1,) int32; the outside, 0, stays 0.

    Parameters
    ----------
    height : ndarray, (n_basins + 1,)
        Distance from the edge at the maximum of each basin.
    """
    lower, upper, level = _passes(basins, distance)
    ridges, summit = DisjointSet(range(len(height))), height.tolist()
    joined = np.zeros(len(level), bool)
    for k in np.argsort(-level, kind="stable"):
        one, other = ridges[lower[k]], ridges[upper[k]]
        if one == other:
            continue
        joined[k] = min(summit[one], summit[other]) - level[k] <= depth_px
        ridges.merge(one, other)
        summit[ridges[one]] = max(summit[one], summit[other])
    pairs = coo_array((joined[joined], (lower[joined], upper[joined])), shape=(len(height), len(height)))
    return connected_components(pairs, directed=False)[1]


def _passes(basins: np.ndarray, distance: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of touching basins, in order, and the greatest distance at which one can pass between them."""
    pairs, levels = [], []
    n = int(basins.max()) + 1
    height, width = basins.shape
    for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
        here = slice(0, height - dy), slice(max(-dx, 0), width - max(dx, 0))
        there = slice(dy, height), slice(max(dx, 0), width + min(dx, 0))
        a, b = basins[here], basins[there]
        meet = np.nonzero((a != b) & (a > 0) & (b > 0))
        a, b = a[meet].astype(np.int64), b[meet].astype(np.int64)
        pairs.append(np.minimum(a, b) * n + np.maximum(a, b))
        levels.append(np.minimum(distance[here][meet], distance[there][meet]))
    greatest = pd.Series(np.concatenate(levels)).groupby(np.concatenate(pairs)).max()
    return *np.divmod(greatest.index.to_numpy(), n), greatest.to_numpy()


def divide_by_area(labels: np.ndarray, live: np.ndarray, cell_area_px: float) -> np.ndarray:
    """Divide clumps of cells that are all about equally large, such as worms that cross.

    An object of n times the area of one cell, rounded to the nearest, becomes n parts of equal
    area. Its live pixels fill the parts one after another, those of the left or upper side first,
    and then the dead pixels: each whole cell's worth of live area is a live cell, the rest of it
    a live cell if it is more than half a cell, and all others are dead. So a clump has as many
    live cells as its live area makes, however its cells lie over each other. Parts need not be
    connected: they stand for cells, but do not outline them.

    Parameters
    ----------
    labels : ndarray, (H, W), int32
        Objects, numbered from 1; 0 outside.
    live : ndarray, (H, W), bool
        Pixels of live classes; all others of the objects are dead.
    cell_area_px : float
        Area of one cell.

    Returns
    -------
    ndarray, (H, W), int32
        The same array if nothing was to be divided; else numbered in raster order of first pixels.

    Examples
    --------
    >>> clump = np.array([[1, 1, 1, 1, 0, 2, 2]], np.int32)
    >>> divide_by_area(clump, live=np.array([[0, 0, 1, 1, 0, 1, 1]], bool), cell_area_px=2)
    array([[1, 1, 2, 2, 0, 3, 3]], dtype=int32)
    """
    inside = np.flatnonzero(labels)
    owner = labels.ravel()[inside]
    area = np.bincount(owner)
    n_cells = np.floor(area / cell_area_px + 0.5).astype(np.int64)
    of_clumps = n_cells[owner] > 1
    if not of_clumps.any():
        return labels
    at, clump = inside[of_clumps], owner[of_clumps]
    place = pd.DataFrame(dict(zip(("y", "x"), np.divmod(at, labels.shape[1]), strict=True)))
    of_clump = place.groupby(clump)
    extent = of_clump.transform("max") - of_clump.transform("min")
    along = np.where(extent["y"] > extent["x"], place["y"], place["x"])
    order = np.lexsort((at, along, ~live.ravel()[at], clump))
    at, clump = at[order], clump[order]
    # Within its clump, pixel k of A is in part n k / A.
    start = np.searchsorted(clump, clump)
    part = n_cells[clump] * (np.arange(len(at)) - start) // area[clump]
    divided = labels.copy()
    divided.ravel()[at] = len(area) + (np.cumsum(n_cells) - n_cells)[clump] + part
    return in_raster_order(divided)
