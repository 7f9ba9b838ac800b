"""Wells that were treated alike, joined within a plate and over all plates."""

from typing import Any

import numpy as np
import pandas as pd

from livedead.plates.plate_maps import MapColumns
from livedead.statistics.replicates import mean_of
from livedead.tables import REPLICATES
from livedead.wells.analysis import designed

TREATMENT = ["agent", "dose", "cell_line", "control"]


def join_replicates(wells: pd.DataFrame, columns: MapColumns) -> pd.DataFrame:
    """Mean viability of wells that were treated alike.

    Parameters
    ----------
    wells : DataFrame
        The well table of all plates.
    columns : MapColumns

    Returns
    -------
    DataFrame
        `livedead.tables.REPLICATES`. By ``level``: ``control``, the wells of one kind of control of a
        plate; ``treatment``, the wells of a treatment of a plate; ``plates``, the means of a treatment's
        plates, each of the same weight, where ``plate`` is empty. Mean, interval and standard deviation are
        those of the wells, or of these means, and ``hours`` is the mean of theirs. Wells that no plate map
        describes, or without viability, are left out.
    """
    table = designed(wells, columns)
    described = (table[["agent", "cell_line", "control"]] != "").any(axis=1) | table["dose"].notna()
    known = table[table["viability"].notna() & described].assign(n_wells=1)
    of_plates = _joined("treatment", known, ["plate", *TREATMENT, "timepoint"])
    means = pd.DataFrame(of_plates, columns=[*REPLICATES.columns]).rename(
        columns={"mean_viability": "viability"}
    )
    rows = [
        *_joined("control", known[known["control"] != ""], ["plate", "control", "timepoint"]),
        *of_plates,
        *_joined("plates", means, [*TREATMENT, "timepoint"]),
    ]
    return REPLICATES.rows(rows)


def _joined(level: str, table: pd.DataFrame, key: list[str]) -> list[dict[str, Any]]:
    """Rows of one key, each with the ``viability`` of a well or of a plate, as one."""
    rows = []
    for values, group in table.groupby(key, dropna=False):
        found = mean_of(group["viability"].to_numpy(float))
        row = {
            "level": level,
            **dict(zip(key, values, strict=True)),
            "hours": group["hours"].mean(),
            "n_plates": group["plate"].nunique(),
            "n_wells": group["n_wells"].sum(),
            "mean_viability": found.mean,
            # A share is never outside, whatever Student's interval of few wells says.
            "mean_viability_low": np.maximum(found.low, 0),
            "mean_viability_high": np.minimum(found.high, 1),
            "sd_viability": found.sd,
        }
        rows.append(row)
    return rows
