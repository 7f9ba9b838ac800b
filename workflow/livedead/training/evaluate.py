"""How good the counts are, against a truth that the chain never saw."""

from typing import Any

import numpy as np
import pandas as pd


def compare_counts(fields: pd.DataFrame, truth_cells: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Compare counted with true cells, on the fields that were counted.

    Parameters
    ----------
    fields : DataFrame
        The chain's fields.
    truth_cells : DataFrame
        A true cell: ``well, field, state``.

    Returns
    -------
    wells : DataFrame
        A well: counted and true ``n_live``, ``n_dead``, ``n_total``, ``viability``.
    errors : dict
        ``total_relative_error`` over the plate, ``viability_mean_absolute_error`` over wells.
    """
    used = fields[fields["status"] == "ok"]
    key = ["well", "field"]
    true = truth_cells.groupby(key)["state"].value_counts().unstack(fill_value=0)
    true = true.reindex(pd.MultiIndex.from_frame(used[key]), fill_value=0)
    for state in ("live", "dead"):
        if state not in true:
            true[state] = 0
    true = true.groupby("well")[["live", "dead"]].sum()
    found = used.groupby("well")[["n_live", "n_dead", "n_total"]].sum()
    wells = found.assign(
        true_live=true["live"], true_dead=true["dead"], true_total=true["live"] + true["dead"]
    )
    decided = wells["n_live"] + wells["n_dead"]
    wells["viability"] = wells["n_live"] / decided.replace(0, np.nan)
    wells["true_viability"] = wells["true_live"] / wells["true_total"].replace(0, np.nan)
    error = (wells["viability"] - wells["true_viability"]).abs()
    total = float(wells["true_total"].sum())
    errors = {
        "n_wells": len(wells),
        "n_cells_true": int(total),
        "n_cells_counted": int(wells["n_total"].sum()),
        "total_relative_error": float(wells["n_total"].sum() / total - 1),
        "viability_mean_absolute_error": float(error.mean()),
        "viability_largest_error": float(error.max()),
    }
    return wells.reset_index(), errors
