"""Cells of one field that two readings found: which of them are the same."""

import numpy as np
import pandas as pd
from scipy.sparse import coo_array, eye_array, hstack
from scipy.sparse.csgraph import min_weight_full_bipartite_matching
from scipy.spatial import cKDTree

PLACE = ["y_px", "x_px"]


def radii_px(cells: pd.DataFrame) -> np.ndarray:
    """Radius of the disc with the area of each cell, (n_cells,) px."""
    return np.sqrt(cells["area_px"].to_numpy(float) / np.pi)


def match_cells(first: pd.DataFrame, second: pd.DataFrame) -> np.ndarray:
    """Pair the cells of two readings of a field, each with at most one of the other.

    Two cells may be the same if their centroids are nearer than the radius of the larger one, so not if
    they only touch: then they are at least both radii apart. Of all ways to pair them, that one is taken
    whose pairs are nearest: the sum of ``1 - distance / radius`` over the pairs is the largest.

    Parameters
    ----------
    first, second : DataFrame
        ``y_px, x_px, area_px`` of each cell.

    Returns
    -------
    ndarray, (n_pairs, 2), int
        Places in `first` and in `second`, in the order of `first`.

    Examples
    --------
    Two cells that touch, and one of a reading that saw but the right one:

    >>> both = pd.DataFrame({"y_px": [5.0, 5.0], "x_px": [5.0, 15.0], "area_px": [78, 78]})
    >>> right = pd.DataFrame({"y_px": [5.5], "x_px": [14.0], "area_px": [70]})
    >>> match_cells(both, right).tolist()
    [[1, 0]]
    """
    none = np.empty((0, 2), np.intp)
    if first.empty or second.empty:
        return none
    radius, other = radii_px(first), radii_px(second)
    reach = max(radius.max(), other.max())
    places = [cKDTree(cells[PLACE].to_numpy(float)) for cells in (first, second)]
    near = places[0].sparse_distance_matrix(places[1], reach, output_type="ndarray")
    distance = near["v"] / np.maximum(radius[near["i"]], other[near["j"]])
    near, distance = near[distance < 1], distance[distance < 1]
    # A cell that stays alone is paired with itself, at the cost of the farthest that may be the same. A
    # matrix holds no cost of 0, so all are one more.
    pairs = coo_array((1 + distance, (near["i"], near["j"])), (len(first), len(second)))
    costs = hstack([pairs, 2 * eye_array(len(first))]).tocsr()
    rows, columns = min_weight_full_bipartite_matching(costs)
    found = np.column_stack([rows, columns])[columns < len(second)]
    return found[np.argsort(found[:, 0])] if len(found) else none
