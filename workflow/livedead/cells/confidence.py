"""How sure the state of each cell is, and how many live and dead cells that makes."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from livedead.network.calibration import Calibration
from livedead.tables import EXPECTED

CONFIDENCE_DIGITS, COUNT_DIGITS = 4, 2
"""Digits that are kept: what rounding in the network changes should be seen in none of them."""


class LogOdds(NamedTuple):
    """A network's log odds of live over dead in one field, and what they are worth.

    Attributes
    ----------
    of_pixels : ndarray, (n_pixels,), int8
        Of each pixel of a live or dead class, in raster order, as
        `livedead.network.calibration.encode_log_odds` gives them.
    calibration : Calibration
    """

    of_pixels: np.ndarray
    calibration: Calibration


def confidence_of(states: np.ndarray, log_odds: np.ndarray, calibration: Calibration) -> np.ndarray:
    """Probability that each cell has the state that it is given; NaN for a cell that is given neither.

    Parameters
    ----------
    states : ndarray, (n_cells,), object
    log_odds : ndarray, (n_cells,)
        Mean over the pixels of each cell.
    calibration : Calibration

    Examples
    --------
    >>> states = np.array(["live", "dead", "dead", "ambiguous"])
    >>> confidence_of(states, np.array([3.0, -1.0, 0.5, 0.0]), Calibration(slope=1.0, offset=0.0)).tolist()
    [0.9526, 0.7311, 0.3775, nan]
    """
    p_live = calibration.p_live(log_odds)
    confidence = np.select([states == "live", states == "dead"], [p_live, 1 - p_live], np.nan)
    return confidence.round(CONFIDENCE_DIGITS)


def p_live(cells: pd.DataFrame) -> np.ndarray:
    """Probability that each cell lives, from its ``state`` and ``confidence``; NaN where not known.

    Examples
    --------
    >>> cells = pd.DataFrame({"state": ["live", "dead", "ambiguous"], "confidence": [0.9, 0.7, np.nan]})
    >>> p_live(cells).round(2)
    array([0.9, 0.3, nan])
    """
    confidence, state = cells["confidence"].to_numpy(float), cells["state"].to_numpy()
    return np.select([state == "live", state == "dead"], [confidence, 1 - confidence], np.nan)


def expected_counts(cells: pd.DataFrame) -> dict[str, float]:
    """Sums of probabilities instead of decisions: `livedead.tables.EXPECTED`, and their viability.

    Ambiguous cells are left out, as they are of the viability, so both sum to ``n_live + n_dead``.

    Parameters
    ----------
    cells : DataFrame
        A cell: ``state``, ``confidence``.

    Examples
    --------
    >>> expected_counts(pd.DataFrame({"state": ["live", "live", "dead"], "confidence": [0.9, 0.8, 0.7]}))
    {'n_live_expected': 2.0, 'n_dead_expected': 1.0, 'viability_expected': 0.6666666666666666}
    """
    of_cells = p_live(cells)
    n_live, n_dead = (round(float(np.nansum(p)), COUNT_DIGITS) for p in (of_cells, 1 - of_cells))
    viability = n_live / (n_live + n_dead) if n_live + n_dead else float("nan")
    return {**dict(zip(EXPECTED, (n_live, n_dead), strict=True)), "viability_expected": viability}
