"""How far the answer hangs on the thresholds: cells and viability at 0.8 and 1.25 times of each."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from livedead.dyes.nuclei import stained_cells, states
from livedead.dyes.plate_dyes import SCALES, PlateDyes


def measure_dependence(fields: Iterable[Mapping[str, np.ndarray]], dyes: PlateDyes) -> pd.DataFrame:
    """Count the cells of fields at other thresholds, one dye at a time.

    Cells that touch count as one here, so `n_cells` is less than what is counted in the end.

    Parameters
    ----------
    fields : iterable
        Signals of each field, see `livedead.dyes.reading.class_map`.
    dyes : PlateDyes

    Returns
    -------
    DataFrame
        A row a dye: ``n_cells, n_cells_080, n_cells_125`` and ``viability``, ``viability_080``,
        ``viability_125``, NaN where the dyes do not tell it.
    """
    index = pd.MultiIndex.from_product([dyes.used or ("",), SCALES])
    counts = pd.DataFrame(0, index, columns=["n_cells", "live", "dead"])
    for signals in fields:
        if not dyes.used:
            break
        counts.loc[(slice(None), ""), :] += _count(signals, dyes, {})
        for role, end in index[index.get_level_values(1) != ""]:
            counts.loc[(role, end)] += _count(signals, dyes, {role: SCALES[end]})
    decided = (counts["live"] + counts["dead"]).where(lambda n: (n > 0) & (len(dyes.used) > 1))
    counts["viability"] = counts["live"] / decided
    table = counts[["n_cells", "viability"]].unstack()
    table.columns = [f"{name}{end}" for name, end in table.columns]
    return table.reindex(index=list(dyes.dyes))


def _count(signals: Mapping[str, np.ndarray], dyes: PlateDyes, scales: Mapping[str, float]) -> list[int]:
    cells = stained_cells(signals, dyes, scales)
    live, dead = states(cells, signals, dyes, scales)
    return [cells.n_cells, int(live.sum()), int(dead.sum())]
