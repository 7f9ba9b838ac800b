"""How well one readout agrees with another: the undyed with the dyed, per cell and per well."""

from typing import Any

import numpy as np
import pandas as pd

from livedead.tables import FIELD_KEY

STATES = ("live", "dead")
N_WORST = 10
"""Fields that are shown of a reading."""


def confusion(cells: pd.DataFrame) -> pd.DataFrame:
    """Numbers of cells by true state (live, dead, none) and found one (live, dead, missed).

    Parameters
    ----------
    cells : DataFrame
        A cell: ``true`` and ``found``.
    """
    table = pd.crosstab(cells["true"], cells["found"])
    return table.reindex(index=[*STATES, "none"], columns=[*STATES, "missed"], fill_value=0)


def per_class(table: pd.DataFrame) -> pd.DataFrame:
    """Precision, recall and their harmonic mean of each state, from `confusion`; NaN without cells."""
    rows = []
    for state in STATES:
        hits, n_found, n_true = table.at[state, state], table[state].sum(), table.loc[state].sum()
        precision, recall = _share(hits, n_found), _share(hits, n_true)
        rows.append((state, precision, recall, _share(2 * hits, n_found + n_true)))
    return pd.DataFrame(rows, columns=["state", "precision", "recall", "f1"])


def accuracy(table: pd.DataFrame) -> float:
    """Share of the true cells that were found in their state, from `confusion`."""
    hits = sum(table.at[state, state] for state in STATES)
    return _share(hits, table.loc[list(STATES)].to_numpy().sum())


def calibration(cells: pd.DataFrame, n_bins: int = 5) -> tuple[pd.DataFrame, float]:
    """Whether cells are as often live as their live share says.

    Parameters
    ----------
    cells : DataFrame
        A true cell: ``true``, and ``live_share`` of its pixels, 0 to 1; missing where the cell was missed.

    Returns
    -------
    bins : DataFrame
        ``live_share`` (mean), ``live`` (share of truly live cells), ``n``; empty bins are left out.
    error : float
        Expected calibration error: the mean distance of the two, weighted by `n`.

    References
    ----------
    Guo et al. (2017), On calibration of modern neural networks, https://arxiv.org/abs/1706.04599.
    """
    judged = cells[cells["true"].isin(STATES) & cells["live_share"].notna()]
    number = np.minimum((judged["live_share"] * n_bins).astype(int), n_bins - 1)
    groups = judged.assign(live=judged["true"] == "live").groupby(number)
    bins = groups.agg(live_share=("live_share", "mean"), live=("live", "mean"), n=("live", "size"))
    error = _share(((bins["live_share"] - bins["live"]).abs() * bins["n"]).sum(), bins["n"].sum())
    return bins.reset_index(drop=True), error


def agreement_of_wells(wells: pd.DataFrame) -> dict[str, float]:
    """Errors of count and viability over wells.

    Parameters
    ----------
    wells : DataFrame
        A well: ``n_total, viability`` and the same of the reference, ``true_total, true_viability``.

    Returns
    -------
    dict
        ``count_error`` (mean absolute, relative to the truth), ``count_bias`` (of the sum),
        ``viability_error`` (mean absolute), and of the differences of viability ``bias`` and limits of
        agreement, ``low`` and ``high``: bias -+ 1.96 standard deviations.

    References
    ----------
    Bland & Altman (1986), Lancet 327:307, https://doi.org/10.1016/S0140-6736(86)90837-8.
    """
    true = wells["true_total"].replace(0, np.nan)
    difference = wells["viability"] - wells["true_viability"]
    bias, spread = float(difference.mean()), 1.96 * float(difference.std(ddof=1))
    return {
        "count_error": float(((wells["n_total"] - true).abs() / true).mean()),
        "count_bias": _share(wells["n_total"].sum(), wells["true_total"].sum()) - 1,
        "viability_error": float(difference.abs().mean()),
        "bias": bias,
        "low": bias - spread,
        "high": bias + spread,
    }


def worst_fields(cells: pd.DataFrame, n: int) -> pd.DataFrame:
    """The fields with most cells read wrongly, the worst first.

    Parameters
    ----------
    cells : DataFrame
        A cell: the key of its field, ``true, found``.

    Returns
    -------
    DataFrame
        A field: its key, ``n_wrong, n_cells``; at most `n` rows, none of fields without a mistake.
    """
    wrong = cells.assign(wrong=cells["true"] != cells["found"]).groupby(FIELD_KEY, sort=True)["wrong"]
    counts = wrong.agg(n_wrong="sum", n_cells="size").reset_index()
    ranked = counts[counts["n_wrong"] > 0].sort_values("n_wrong", ascending=False, kind="stable")
    return ranked.head(n).reset_index(drop=True)


def bootstrap_interval(
    cells: pd.DataFrame, level: float = 0.95, n_resamples: int = 2000
) -> tuple[float, float]:
    """Percentile interval of the accuracy when wells, not cells, are drawn again.

    Cells of one well share light, medium and treatment, so they are no independent draws.

    Parameters
    ----------
    cells : DataFrame
        A cell: ``well, true, found``.
    """
    true = cells[cells["true"].isin(STATES)]
    groups = (true["true"] == true["found"]).groupby(true["well"]).agg(["sum", "size"]).to_numpy()
    drawn = np.random.default_rng(0).integers(0, len(groups), (n_resamples, len(groups)))
    hits, sizes = np.moveaxis(groups[drawn].sum(axis=1), -1, 0)
    low, high = np.quantile(hits / sizes, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def summary(cells: pd.DataFrame, wells: pd.DataFrame) -> dict[str, Any]:
    """Everything above in one flat record; ``n_wells`` and ``n_cells`` say on how much it rests."""
    table = confusion(cells)
    low, high = bootstrap_interval(cells)
    states = per_class(table).set_index("state")
    return {
        "n_wells": len(wells),
        "n_cells": int(table.loc[list(STATES)].to_numpy().sum()),
        "accuracy": accuracy(table),
        "accuracy_low": low,
        "accuracy_high": high,
        **{f"{name}_{state}": states.at[state, name] for name in ("precision", "recall") for state in STATES},
        "calibration_error": calibration(cells)[1],
        **agreement_of_wells(wells),
    }


def _share(part: float, whole: float) -> float:
    return float(part) / float(whole) if whole else float("nan")
