"""What evaluations of networks wrote: the tables of all folds, and the fields that were read worst."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from livedead import stores
from livedead.statistics import agreement
from livedead.tables import DETECTED, FIELD_KEY, READ_CELLS, READ_WELLS


def read_folds(
    cells: list[Path], wells: list[Path], detected: list[Path]
) -> tuple[list[agreement.Tables], agreement.Tables]:
    """Cells, wells and detected cells of every fold, and of all folds together."""
    of_folds = [
        tuple(map(stores.read_table, tables, (READ_CELLS, READ_WELLS, DETECTED)))
        for tables in zip(cells, wells, detected, strict=True)
    ]
    whole = tuple(pd.concat(tables, ignore_index=True) for tables in zip(*of_folds, strict=True))
    return of_folds, whole


def read_worst_fields(
    cells: pd.DataFrame, worst: list[Path]
) -> Iterator[tuple[str, np.ndarray, np.ndarray, np.ndarray]]:
    """Heading, field, and class maps of the dye and the network, of the worst fields of all folds, if any.

    Parameters
    ----------
    cells : DataFrame
        Of all folds.
    worst : list of Path
        What `livedead.training.evaluate.read_worst` gave, of each fold.
    """
    places = {
        field: (path, k)
        for path in worst
        for k, field in enumerate(stores.list_class_maps(path).reindex(columns=FIELD_KEY).itertuples(False))
    }
    for row in agreement.worst_fields(cells, agreement.N_WORST).to_dict("records"):
        arrays = stores.read_segmentation(*places[tuple(row[name] for name in FIELD_KEY)])
        heading = "{plate}/{well}/{field}: {n_wrong} of {n_cells} cells wrong".format(**row)
        yield heading, arrays["field"], arrays["truth"], arrays["maps"]
