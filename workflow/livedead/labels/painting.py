"""What class maps of every origin share: cells painted in the class of their state, and where they touch."""

import numpy as np
from scipy import ndimage

from livedead.network.classes import Classes


def paint(class_map: np.ndarray, cells: np.ndarray, is_dead: np.ndarray, classes: Classes) -> None:
    """Lay live and dead cells over a class map, in place.

    Parameters
    ----------
    class_map : ndarray, (H, W), uint8
    cells : ndarray, (H, W), int
        0 background, then a number for each cell.
    is_dead : ndarray, (largest number + 1,), bool
        By number; that of the background means nothing.
    classes : Classes
        The first class of either state is painted.
    """
    inside = cells > 0
    state = np.where(is_dead, classes.dead[0], classes.live[0])
    class_map[inside] = state[cells[inside]]


def paint_cells(
    cells: np.ndarray,
    is_dead: np.ndarray,
    classes: Classes,
    boundary_px: int,
    extents: np.ndarray | None = None,
) -> np.ndarray:
    """Class map of cells whose states are known, the first class of each role, (H, W) uint8.

    Parameters
    ----------
    cells : ndarray, (H, W), int
        0 background, then a number for each cell.
    is_dead : ndarray, (largest number + 1,), bool
        See `paint`.
    classes : Classes
    boundary_px : int
        Pixels within this distance of two cells are boundary, if there is such a class.
    extents : ndarray, (H, W), bool, optional
        Pixels of whole cells, where `cells` are their inner parts; what is left of them is context, if there
        is such a class.
    """
    class_map = np.full(cells.shape, classes.background[0], np.uint8)
    if classes.context and extents is not None:
        class_map[extents] = classes.context[0]
    paint(class_map, cells, is_dead, classes)
    if classes.boundary:
        class_map[between(cells, boundary_px)] = classes.boundary[0]
        # A cell so small that all of it is near others would have no state.
        has_state = np.zeros(len(is_dead), bool)
        has_state[cells[np.isin(class_map, classes.nuclei)]] = True
        paint(class_map, np.where(has_state[cells], 0, cells), is_dead, classes)
    return class_map


def between(cells: np.ndarray, distance_px: int) -> np.ndarray:
    """Pixels within a distance of two cells, (H, W) bool."""
    size = 2 * distance_px + 1
    highest = ndimage.maximum_filter(cells, size)
    lowest = ndimage.minimum_filter(np.where(cells > 0, cells, highest.max() + 1), size)
    return (highest > 0) & (lowest < highest)
