"""Counts that must agree: cells sum to fields, fields to wells, live, dead and ambiguous to the total.

So do expected counts, within what is lost by writing them with six digits.

A count that a reading cannot tell is missing in every table.
"""

from collections.abc import Collection

import numpy as np
import pandas as pd

from livedead.cells.confidence import COUNT_DIGITS, p_live
from livedead.errors import CountError
from livedead.tables import COUNTS, EXPECTED, FIELD_KEY

STATES = ("live", "dead", "ambiguous")

MAIN_COUNTS = {"n_total": "cells", "n_live": "live cells", "n_dead": "dead cells"}
"""Counts that a reading may tell alone, the most telling first, and what they count."""


def main_count(table: pd.DataFrame) -> str:
    """The first of `MAIN_COUNTS` that a table of fields or wells tells."""
    return next((name for name in MAIN_COUNTS if table[name].notna().any()), "n_total")


def tells_viability(table: pd.DataFrame) -> bool:
    """Whether a table of fields or wells tells live from dead cells, or has no count at all."""
    told = table[COUNTS].notna().any()
    return bool(told.all() or not told.any())


def check_cells(cells: pd.DataFrame, sums: pd.DataFrame, what: str, by: list[str] = FIELD_KEY) -> None:
    """Make sure that the cells of every field, or well, are as many as its row says; see `check_counts`.

    A state whose count is missing must have no cell.
    """
    _check_total(sums, by, what)
    states = pd.get_dummies(pd.Categorical(cells["state"], STATES)).astype("int64")
    states.columns = [f"n_{state}" for state in STATES]
    of_cells = pd.concat([cells[by].reset_index(drop=True), states.assign(n_total=1)], axis=1)
    added = of_cells.groupby(by)[COUNTS].sum()
    given = sums.set_index(by)[COUNTS].astype("Int64")
    # Where the total is missing, all cells are of the states that are told.
    given["n_total"] = given["n_total"].fillna(given[COUNTS[:-1]].sum(axis=1))
    places = added.index.union(given.index)
    _check_equal(added.reindex(places, fill_value=0), given.reindex(places).fillna(0), what)
    probable = pd.DataFrame(dict(zip(EXPECTED, (p_live(cells), 1 - p_live(cells)), strict=True)))
    probable = pd.concat([cells[by].reset_index(drop=True), probable], axis=1)
    n_fields = cells.groupby(by)["field"].nunique()
    _check_expected(probable.groupby(by)[EXPECTED].sum(), sums.set_index(by)[EXPECTED], what, n_fields)


def check_wells(fields: pd.DataFrame, wells: pd.DataFrame, what: str, mapped: Collection[str] = ()) -> None:
    """Make sure that the fields sum to the wells, and that every imaged or mapped well has its rows.

    Raises
    ------
    CountError
        Beginning with `what`.
    """
    key = ["plate", "well", "timepoint"]
    needed = set(fields[key].itertuples(index=False, name=None))
    needed |= {(plate, well, time) for plate, _, time in tuple(needed) for well in mapped}
    lost = needed - set(wells[key].itertuples(index=False, name=None))
    if lost:
        raise CountError(
            f"{what}: {len(lost)} well(s) have no row, first {min(lost)}; delete the table and start the "
            "same command again"
        )
    check_counts(fields[fields["status"] == "ok"], wells, key, what)


def check_same_fields(one: pd.DataFrame, other: pd.DataFrame, what: str) -> None:
    """Make sure that two tables of one plate list the same fields.

    Raises
    ------
    CountError
        Beginning with `what`, the files that both come from.
    """
    keys = [pd.MultiIndex.from_frame(table[FIELD_KEY[1:]]) for table in (one, other)]
    apart = keys[0].symmetric_difference(keys[1])
    if len(apart):
        raise CountError(
            f"{what} do not list the same fields: {len(apart)} in one only, first {apart[0]}; delete both "
            "and start the same command again"
        )


def check_counts(parts: pd.DataFrame, sums: pd.DataFrame, by: list[str], what: str) -> None:
    """Make sure that no cell was lost or counted twice between two tables.

    Parameters
    ----------
    parts : DataFrame
        Rows with `COUNTS` and the columns `by`.
    sums : DataFrame
        One row per group of `by` with `COUNTS`; missing where they are missing in a part.
    what : str
        For the message, such as ``"cells and fields of plate p"``.

    Raises
    ------
    CountError
        If the parts do not sum to the sums, or live, dead and ambiguous not to the total.
    """
    for table in (parts, sums):
        _check_total(table, by, what)
    groups = parts.groupby(by)[COUNTS]
    added = groups.sum().where(groups.count().eq(groups.size(), axis=0))
    given = sums.set_index(by)[COUNTS]
    places = added.index.union(given.index)
    _check_equal(added.reindex(places), given.reindex(places), what)
    _check_expected(parts.groupby(by)[EXPECTED].sum(), sums.set_index(by)[EXPECTED], what)


def _check_total(table: pd.DataFrame, by: list[str], what: str) -> None:
    """Raise a `CountError` for a row that tells all counts, and whose states do not sum to the total."""
    complete = table.dropna(subset=COUNTS)
    wrong = complete[COUNTS[:-1]].sum(axis=1) != complete["n_total"]
    if wrong.any():
        row = complete[wrong].iloc[0]
        raise CountError(f"{what}: live, dead and ambiguous do not sum to the total in {row[by].to_dict()}")


def _check_equal(added: pd.DataFrame, given: pd.DataFrame, what: str) -> None:
    """Raise a `CountError` for a place whose counts differ, or are missing in one table only."""
    added, given = added.astype("Int64"), given.astype("Int64")
    unequal = (added.ne(given).fillna(False) | (added.isna() ^ given.isna())).any(axis=1)
    if unequal.any():
        key = unequal.index[unequal.to_numpy()][0]
        raise CountError(
            f"{what} do not agree in {int(unequal.sum())} place(s), first {key}: "
            f"{added.loc[key].to_dict()} counted, {given.loc[key].to_dict()} in the table; "
            "a table was damaged or edited by hand: delete it and run again"
        )


def _check_expected(
    added: pd.DataFrame, given: pd.DataFrame, what: str, n_rounded: pd.Series | None = None
) -> None:
    """The same for expected counts; what is not known counts as 0.

    `n_rounded`: how many rounded numbers each of `given` is the sum of, if not one.
    """
    places = added.index.union(given.index)
    added, given = (table.reindex(places).astype(float).fillna(0) for table in (added, given))
    numbers = np.ones(len(places)) if n_rounded is None else n_rounded.reindex(places).fillna(1).to_numpy()
    allowed = numbers[:, None] * 10.0**-COUNT_DIGITS + 1e-5 * given.abs()
    apart = ((added - given).abs() > allowed).any(axis=1).to_numpy()
    if apart.any():
        key = places[apart][0]
        raise CountError(
            f"{what}: expected counts do not agree in {int(apart.sum())} place(s), first {key}: "
            f"{added.loc[key].to_dict()} of the parts, {given.loc[key].to_dict()} in the table; "
            "a table was damaged or edited by hand: delete it and run again"
        )
