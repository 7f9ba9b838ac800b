"""From the class map of a field to its row and the rows of its cells."""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pandas as pd

from livedead.cells.confidence import LogOdds, expected_counts
from livedead.cells.measures import measure_cells
from livedead.cells.rules import CountingRules
from livedead.cells.signals import Signal
from livedead.cells.tallies import STATES
from livedead.network.classes import Classes
from livedead.tables import COUNTS, FIELD_KEY


def count_field(
    row: dict[str, Any],
    class_map: np.ndarray,
    unstable: np.ndarray,
    runners_up: np.ndarray,
    classes: Classes,
    rules: CountingRules,
    pixel_size_um: float,
    planes: Mapping[str, np.ndarray] | None = None,
    signals: Mapping[str, Signal] | None = None,
    log_odds: LogOdds | None = None,
) -> tuple[dict[str, Any], pd.DataFrame]:
    """The row of one field, counted, and the rows of its cells with their keys.

    Parameters
    ----------
    row : dict
        The field's first columns: its key, and how reading it went.
    unstable, runners_up : ndarray
        Flat indices of the pixels that rounding could decide otherwise, and their other class;
        ``n_total_alt`` and ``viability_alt`` count the field with all of them decided so.
    class_map, classes, rules, pixel_size_um, planes, signals, log_odds
        See `livedead.cells.measures.measure_cells`.
    """
    found = measure_cells(class_map, classes, rules, pixel_size_um, planes, signals, log_odds)
    alternative = found
    if unstable.size:
        other_map = class_map.copy()
        other_map.flat[unstable] = runners_up
        alternative = measure_cells(other_map, classes, rules, pixel_size_um, signals=signals)
    counts = count_states(alternative, classes.known)
    expected = {} if log_odds is None else expected_counts(found)
    decided = counts["n_live"] + counts["n_dead"]
    counted = {
        **row,
        **count_states(found, classes.known),
        **expected,
        "area_mm2": rules.counted_area_mm2(class_map.shape, pixel_size_um),
        "n_unstable_px": unstable.size,
        "n_total_alt": counts["n_total"],
        "viability_alt": counts["n_live"] / decided if decided else np.nan,
        "edge_rule": rules.edge_rule,
    }
    return counted, found.assign(**{name: row[name] for name in FIELD_KEY})


def count_states(cells: pd.DataFrame, known: Collection[str] = COUNTS) -> dict[str, float]:
    """``n_live, n_dead, n_ambiguous, n_total`` of a table of cells; NaN for those that are not `known`.

    Examples
    --------
    >>> count_states(pd.DataFrame({"state": ["live", "dead", "live"]}))
    {'n_live': 2, 'n_dead': 1, 'n_ambiguous': 0, 'n_total': 3}
    >>> count_states(pd.DataFrame({"state": ["dead", "dead"]}), known=["n_dead"])
    {'n_live': nan, 'n_dead': 2, 'n_ambiguous': nan, 'n_total': nan}
    """
    counts = {f"n_{state}": int((cells["state"] == state).sum()) for state in STATES}
    counts["n_total"] = len(cells)
    return {name: n if name in known else np.nan for name, n in counts.items()}


def join_cells(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Tables of cells one below the other; fields without cells add nothing, not even a dtype."""
    filled = [table for table in tables if len(table)]
    return pd.concat(filled, ignore_index=True) if filled else tables[0]
