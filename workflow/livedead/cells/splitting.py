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
from livedead.cells.packing import Pixels, on_shelves, slid_left
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
        Components, numbered from 1; 0 outside. No two touch, not even at a corner.
    depth_px : float
        By how much the distance from the edge must dip between two cells.

    Returns
    -------
    ndarray, (H, W), int32
        Numbered in raster order of first pixels.
    """
    pixels = Pixels.of_labels(labels)
    if not pixels.at.size:
        return labels
    squared, peak = _distances_and_maxima(pixels)
    home = np.zeros(peak.max() + 1, np.int32)
    home[peak] = pixels.owner
    clumped = (np.bincount(home[1:], minlength=pixels.owner.max() + 1) > 1)[pixels.owner]
    # Components with one maximum are whole cells; their number must not meet a basin's.
    cell = pixels.owner + len(home)
    if clumped.any():
        cell[clumped] = _cells_of_clumps(pixels[clumped], squared[clumped], peak[clumped], depth_px)
    return pixels.image((pd.factorize(cell)[0] + 1).astype(np.int32))


def _distances_and_maxima(pixels: Pixels) -> tuple[np.ndarray, np.ndarray]:
    """The squared distance of each pixel from the edge, and which maximum it is part of (0: none).

    Both (N,) int32, as squares of distances between pixels are whole numbers.
    """
    # The border of the field is an edge like any other: on shelves, background is around everything.
    shelved = on_shelves(pixels)
    distance = ndimage.distance_transform_edt(shelved.image(np.ones(len(pixels.at), bool)))
    maxima = connected_parts(local_maxima(distance))
    return np.rint(shelved.values(distance) ** 2).astype(np.int32), shelved.values(maxima)


def _cells_of_clumps(pixels: Pixels, squared: np.ndarray, peak: np.ndarray, depth_px: float) -> np.ndarray:
    """The cell, (N,) int32, of each pixel of components with several maxima.

    Parameters
    ----------
    pixels : Pixels, N of them
    squared, peak : ndarray, (N,), int32
        From `_distances_and_maxima`.
    """
    summit = np.zeros(peak.max() + 1)
    summit[peak] = np.sqrt(squared)
    # Slid, not on shelves: where maxima are equally high, the watershed goes by the order of all of them.
    slid = slid_left(pixels)
    relief = slid.image(-squared)
    basins = watershed(relief, slid.image(peak), connectivity=2, mask=relief < 0)
    cell = _cells_of_basins(*_passes(slid, basins, relief), summit, depth_px)
    return cell[slid.values(basins)]


def _cells_of_basins(
    lower: np.ndarray, upper: np.ndarray, level: np.ndarray, summit: np.ndarray, depth_px: float
) -> np.ndarray:
    """The cell of each basin, (n_basins + 1,) int32.

    Parameters
    ----------
    lower, upper, level : ndarray, (n_passes,)
        From `_passes`.
    summit : ndarray, (n_basins + 1,)
        Distance from the edge at the maximum of each basin.
    """
    ridges, highest = DisjointSet(range(len(summit))), summit.tolist()
    joined = np.zeros(len(level), bool)
    for k in np.argsort(-level, kind="stable"):
        one, other = ridges[lower[k]], ridges[upper[k]]
        if one == other:
            continue
        joined[k] = min(highest[one], highest[other]) - level[k] <= depth_px
        ridges.merge(one, other)
        highest[ridges[one]] = max(highest[one], highest[other])
    pairs = coo_array((joined[joined], (lower[joined], upper[joined])), shape=(len(summit), len(summit)))
    return connected_components(pairs, directed=False)[1]


def _passes(
    pixels: Pixels, basins: np.ndarray, relief: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of touching basins, in order, and the greatest distance at which one can pass between them."""
    pairs, reliefs = [], []
    n = int(basins.max()) + 1
    here, width = pixels.values(basins), pixels.shape[1]
    for step in (1, width - 1, width, width + 1):
        there = basins.ravel()[pixels.at + step]
        meet = np.flatnonzero((here != there) & (there > 0))
        at, a, b = pixels.at[meet], here[meet].astype(np.int64), there[meet]
        pairs.append(np.minimum(a, b) * n + np.maximum(a, b))
        reliefs.append(np.maximum(relief.ravel()[at], relief.ravel()[at + step]))
    lowest = pd.Series(np.concatenate(reliefs)).groupby(np.concatenate(pairs)).min()
    return *np.divmod(lowest.index.to_numpy(), n), np.sqrt(-lowest.to_numpy())


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
