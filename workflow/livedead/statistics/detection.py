"""How well cells are found: counted cells against drawn ones, one to one, by their centre in a box."""

from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

STATES = ("live", "dead")


def pair_cells(boxes: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Which found cell each drawn one is, at most one each: the centre of the found one lies in its box.

    Of all pairings with the most pairs, that is taken whose centres are nearest to the boxes' middles.

    Parameters
    ----------
    boxes : ndarray, (n, 4)
        Upper, left, lower and right side of the drawn cells, in px.
    centres : ndarray, (m, 2)
        Row and column of the found cells, in the same px.

    Returns
    -------
    ndarray, (n,), int
        Number of the found cell, -1 for none.

    Examples
    --------
    The first centre lies in both boxes, the second in the first box only:

    >>> boxes = np.array([[0, 0, 10, 10], [0, 6, 10, 16]])
    >>> pair_cells(boxes, np.array([[5, 7], [5, 5], [30, 30]]))
    array([1, 0])
    """
    corner, other = boxes[:, None, :2], boxes[:, None, 2:]
    inside = np.all((corner <= centres) & (centres <= other), axis=2)
    away = np.linalg.norm((corner + other) / 2 - centres, axis=2)
    # No sum of distances makes up for a pair that is lost.
    lost = 1 + 2 * away.max(initial=0) * (len(boxes) + 1)
    drawn, found = linear_sum_assignment(np.where(inside, away, lost))
    paired = np.full(len(boxes), -1)
    is_pair = inside[drawn, found]
    paired[drawn[is_pair]] = found[is_pair]
    return paired


def detection(cells: pd.DataFrame) -> dict[str, Any]:
    """Precision, recall and F1 of finding cells, and how often the state of those that were found is right.

    Parameters
    ----------
    cells : DataFrame
        A drawn or found cell: ``true`` (``none`` if it was not drawn) and ``found`` (``missed`` if it was
        not found).

    Returns
    -------
    dict
        ``n_drawn, n_found``; ``detection_precision, detection_recall, detection_f1``; of the drawn cells
        that were found, the share whose state is right: ``state_of_detected``, and among those truly
        live and truly dead ``state_of_detected_live`` and ``state_of_detected_dead``. NaN without cells.
    """
    drawn, found = cells["true"] != "none", cells["found"] != "missed"
    both = cells[drawn & found]
    is_right = both["true"] == both["found"]
    n_drawn, n_found = int(drawn.sum()), int(found.sum())
    of_state = {f"state_of_detected_{state}": is_right[both["true"] == state].mean() for state in STATES}
    return {
        "n_drawn": n_drawn,
        "n_found": n_found,
        "detection_precision": _share(len(both), n_found),
        "detection_recall": _share(len(both), n_drawn),
        "detection_f1": _share(2 * len(both), n_drawn + n_found),
        "state_of_detected": is_right.mean(),
        **of_state,
    }


def detection_by_well(cells: pd.DataFrame) -> pd.DataFrame:
    """`detection` of every well, ``plate/well``, with its ``count_error``: found over drawn, less 1."""
    rows = []
    for (plate, well), of_well in cells.groupby(["plate", "well"], sort=True):
        told = detection(of_well)
        error = _share(told["n_found"], told["n_drawn"]) - 1
        rows.append({"well": f"{plate}/{well}", **told, "count_error": error})
    return pd.DataFrame(rows)


def _share(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")
