"""How well one readout agrees with another: label-free with the dye, per cell and per well."""

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from livedead.statistics.bootstrap import SEED, percentile_interval, resampled
from livedead.statistics.controls import separation
from livedead.statistics.detection import STATES, detection
from livedead.statistics.reliability import expected_calibration_error, reliability
from livedead.tables import FIELD_KEY

Tables = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]
N_WORST = 10
"""Fields shown on a page of evaluation."""


def confusion(cells: pd.DataFrame) -> pd.DataFrame:
    """Numbers of cells by true state (live, dead, none) and by found state (live, dead, missed).

    Parameters
    ----------
    cells : DataFrame
        A cell: ``true`` and ``found``.

    Examples
    --------
    >>> cells = pd.DataFrame(
    ...     {"true": ["live", "live", "live", "dead"], "found": ["live", "live", "dead", "dead"]}
    ... )
    >>> accuracy(confusion(cells))
    0.75
    >>> per_class(confusion(cells)).round(3)
      state  precision  recall     f1
    0  live        1.0   0.667  0.800
    1  dead        0.5   1.000  0.667
    """
    table = pd.crosstab(cells["true"], cells["found"])
    return table.reindex(index=[*STATES, "none"], columns=[*STATES, "missed"], fill_value=0)


def per_class(table: pd.DataFrame) -> pd.DataFrame:
    """Precision, recall and their harmonic mean (F1) of each state, from `confusion`; NaN without cells."""
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


def reliabilities(cells: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Whether cells are as often right as they say: by their confidence, and by the bare softmax.

    Parameters
    ----------
    cells : DataFrame
        A cell: ``true, found``, the ``confidence`` that `found` is right, and the mean ``log_odds`` of live
        over dead of its pixels; both NaN where it was missed, or none is known.

    Returns
    -------
    dict of str -> DataFrame
        ``confidence`` and ``softmax`` -> `livedead.statistics.reliability.reliability` of the true cells
        that were found.
    """
    judged = cells[cells["true"].isin(STATES) & cells["found"].isin(STATES)]
    is_right = (judged["true"] == judged["found"]).to_numpy()
    towards_found = judged["log_odds"].where(judged["found"] == "live", -judged["log_odds"])
    claims = {"confidence": judged["confidence"], "softmax": pd.Series(expit(towards_found.astype(float)))}
    return {name: reliability(claim.to_numpy(float), is_right) for name, claim in claims.items()}


def agreement_of_wells(wells: pd.DataFrame) -> dict[str, float]:
    """Errors of count and viability over wells.

    Parameters
    ----------
    wells : DataFrame
        A well: ``n_total, viability``, and those of the reference, ``true_total, true_viability``.

    Returns
    -------
    dict
        ``count_error`` (mean absolute, relative to the truth), ``count_bias`` (of the sum),
        ``viability_error`` (mean absolute), and for the differences of viability their mean, ``bias``,
        and the limits of agreement, ``low`` and ``high``: bias -+ 1.96 standard deviations.

    References
    ----------
    Bland & Altman (1986), Lancet 327:307, https://doi.org/10.1016/S0140-6736(86)90837-8.

    Examples
    --------
    >>> wells = pd.DataFrame(
    ...     {
    ...         "n_total": [90, 110, 100],
    ...         "viability": [0.90, 0.50, 0.10],
    ...         "true_total": [100, 100, 100],
    ...         "true_viability": [0.95, 0.50, 0.05],
    ...     }
    ... )
    >>> found = agreement_of_wells(wells)
    >>> {name: round(value, 3) for name, value in found.items() if name not in ("low", "high")}
    {'count_error': 0.067, 'count_bias': 0.0, 'viability_error': 0.033, 'bias': 0.0}
    """
    true = wells["true_total"].replace(0, np.nan)
    difference = wells["viability"] - wells["true_viability"]
    return {
        "count_error": float(((wells["n_total"] - true).abs() / true).mean()),
        "count_bias": _share(wells["n_total"].sum(), wells["true_total"].sum()) - 1,
        "viability_error": float(difference.abs().mean()),
        **limits_of_agreement(difference),
    }


def limits_of_agreement(difference: pd.Series) -> dict[str, float]:
    """Of the differences of two readings their mean, ``bias``, and ``low`` and ``high``.

    See `agreement_of_wells`.

    Examples
    --------
    >>> limits = limits_of_agreement(pd.Series([-0.1, 0.0, 0.1]))
    >>> {name: round(value, 3) for name, value in limits.items()}
    {'bias': 0.0, 'low': -0.196, 'high': 0.196}
    """
    bias, spread = float(difference.mean()), 1.96 * float(difference.std(ddof=1))
    return {"bias": bias, "low": bias - spread, "high": bias + spread}


def worst_fields(cells: pd.DataFrame, n: int) -> pd.DataFrame:
    """The fields with the most cells read wrongly, the worst first.

    Parameters
    ----------
    cells : DataFrame
        A cell: the key of its field, ``true, found``.

    Returns
    -------
    DataFrame
        A field: its key, ``n_wrong, n_cells``; at most `n` rows, only of fields with a mistake.
    """
    wrong = cells.assign(wrong=cells["true"] != cells["found"]).groupby(FIELD_KEY, sort=True)["wrong"]
    counts = wrong.agg(n_wrong="sum", n_cells="size").reset_index()
    ranked = counts[counts["n_wrong"] > 0].sort_values("n_wrong", ascending=False, kind="stable")
    return ranked.head(n).reset_index(drop=True)


def accuracy_interval(cells: pd.DataFrame, level: float = 0.95) -> tuple[float, float]:
    """Percentile interval of the accuracy, by resampling wells and not cells.

    Cells of one well share light, medium and treatment, so they are not independent draws.

    Parameters
    ----------
    cells : DataFrame
        A cell: ``well, true, found``.
    """
    true = cells[cells["true"].isin(STATES)]
    wells = (true["true"] == true["found"]).groupby(true["well"]).agg(["sum", "size"]).to_numpy()
    hits, sizes = resampled(wells, np.random.default_rng(SEED)).sum(axis=1).T
    return percentile_interval(hits / sizes, level)


def summary(cells: pd.DataFrame, wells: pd.DataFrame) -> dict[str, Any]:
    """Everything above in one flat record, with ``n_wells`` and ``n_cells`` that it was computed from."""
    table = confusion(cells)
    low, high = accuracy_interval(cells)
    states = per_class(table).set_index("state")
    bins = reliabilities(cells)
    return {
        "n_wells": len(wells),
        "n_cells": int(table.loc[list(STATES)].to_numpy().sum()),
        "accuracy": accuracy(table),
        "accuracy_low": low,
        "accuracy_high": high,
        **{f"{name}_{state}": states.at[state, name] for name in ("precision", "recall") for state in STATES},
        "calibration_error": expected_calibration_error(bins["confidence"]),
        "calibration_error_softmax": expected_calibration_error(bins["softmax"]),
        **agreement_of_wells(wells),
    }


def summaries(of_folds: list[Tables], whole: Tables) -> pd.DataFrame:
    """`summary` of every fold's cells and wells, and of all together, a row each.

    Parameters
    ----------
    of_folds : list of (cells, wells, detected)
        A single fold gets no row of its own. For `detected` see `livedead.statistics.detection.detection`.
    whole : (cells, wells, detected)

    Returns
    -------
    DataFrame
        ``fold`` (1, 2, ... or ``all``), `summary`, `detection`, and ``z_prime`` of both readouts with its
        interval where the plate map names controls.
    """
    named = [(str(k + 1), *tables) for k, tables in enumerate(of_folds)] if len(of_folds) > 1 else []
    rows = []
    for fold, cells, wells, detected in [*named, ("all", *whole)]:
        z = {
            f"{name}_{readout}": found[name]
            for readout, found in separations(wells).items()
            for name in ("z_prime", "z_prime_low", "z_prime_high")
        }
        rows.append({"fold": fold, **summary(cells, wells), **detection(detected), **z})
    return pd.DataFrame(rows)


def separations(wells: pd.DataFrame) -> dict[str, dict[str, float]]:
    """`livedead.statistics.controls.separation` of the controls, by each readout.

    Parameters
    ----------
    wells : DataFrame
        A well: ``viability, true_viability`` and, where the plate map has it, ``control``.

    Returns
    -------
    dict of str -> dict
        ``undyed`` and ``dye``; empty without wells of both kinds of control.
    """
    if "control" not in wells or not {"negative", "positive"} <= set(wells["control"]):
        return {}
    return {
        readout: separation(
            *(
                wells.loc[wells["control"] == kind, column].to_numpy(float)
                for kind in ("negative", "positive")
            )
        )
        for readout, column in (("undyed", "viability"), ("dye", "true_viability"))
    }


def _share(part: float, whole: float) -> float:
    return float(part) / float(whole) if whole else float("nan")
