"""From the class map of a field to its row and the rows of its cells."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from livedead.cells.confidence import LogOdds, expected_counts
from livedead.cells.corrections import correct_field
from livedead.cells.finding import FoundCells, find_cells
from livedead.cells.measures import measure_cells, measure_found
from livedead.cells.rules import CountingRules
from livedead.cells.signals import Signal
from livedead.cells.tallies import STATES
from livedead.network.classes import Classes
from livedead.plates.corrections import FieldCorrections
from livedead.tables import COUNTS, FIELD_KEY


class CountedField(NamedTuple):
    """A field, counted.

    Attributes
    ----------
    row : dict
        The field's row of `livedead.tables.SHARD_FIELDS`.
    cells : DataFrame
        Its cells, with the field's key.
    labels : ndarray, (H, W), int32
        Where each of them is: the value k is ``cell`` k of the table.
    class_map : ndarray, (H, W), uint8
    """

    row: dict[str, Any]
    cells: pd.DataFrame
    labels: np.ndarray
    class_map: np.ndarray


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
    corrections: Sequence[FieldCorrections] = (),
) -> CountedField:
    """Count one field.

    Parameters
    ----------
    row : dict
        The field's first columns: its key, and how reading it went.
    unstable, runners_up : ndarray
        Flat indices of the pixels that rounding could decide otherwise, and their other class;
        ``n_total_alt`` and ``viability_alt`` count the field with all of them decided so.
    class_map, classes, rules, pixel_size_um, planes, signals, log_odds
        See `livedead.cells.measures.measure_cells`.
    corrections : sequence of FieldCorrections
        What people changed of the field, see `livedead.cells.corrections.correct_field`; then there is no
        other count than theirs.
    """

    def measure(cells: FoundCells) -> pd.DataFrame:
        return measure_found(cells, class_map, classes, rules, pixel_size_um, planes, signals, log_odds)

    def states_of(cells: FoundCells) -> list[str]:
        return list(measure(cells)["state"])

    cells = find_cells(class_map, classes, rules, pixel_size_um)
    if corrections:
        cells = correct_field(cells, states_of, corrections, classes.states)
    found = alternative = measure(cells)
    if unstable.size and not corrections:
        other_map = class_map.copy()
        other_map.flat[unstable] = runners_up
        alternative = measure_cells(other_map, classes, rules, pixel_size_um, signals=signals)
    counts = count_states(alternative, classes.known)
    expected = {} if log_odds is None else expected_counts(found)
    decided = counts["n_live"] + counts["n_dead"]
    counted_row = {
        **row,
        **count_states(found, classes.known),
        **expected,
        "area_mm2": rules.counted_area_mm2(class_map.shape, pixel_size_um),
        "n_unstable_px": unstable.size,
        "n_total_alt": counts["n_total"],
        "viability_alt": counts["n_live"] / decided if decided else np.nan,
        "edge_rule": rules.edge_rule,
        "n_by_hand": cells.n_by_hand,
    }
    table = found.assign(**{name: row[name] for name in FIELD_KEY})
    return CountedField(counted_row, table, cells.labels, class_map)


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
