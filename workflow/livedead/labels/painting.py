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


def between(cells: np.ndarray, distance_px: int) -> np.ndarray:
    """Pixels within a distance of two cells, (H, W) bool."""
    size = 2 * distance_px + 1
    highest = ndimage.maximum_filter(cells, size)
    lowest = ndimage.minimum_filter(np.where(cells > 0, cells, highest.max() + 1), size)
    return (highest > 0) & (lowest < highest)
