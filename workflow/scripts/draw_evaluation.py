"""Compare what the networks of all folds read with the dye, on one page."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from livedead import stores
from livedead.job import run
from livedead.network.classes import Classes
from livedead.pictures import evaluation
from livedead.statistics import agreement
from livedead.tables import DETECTED, EVALUATION, FIELD_KEY, READ_CELLS, READ_WELLS


def draw_evaluation(
    cells: list[Path],
    wells: list[Path],
    detected: list[Path],
    worst: list[Path],
    page: Path,
    summary: Path,
    *,
    classes: Classes,
) -> None:
    """Write the page, and its figures for each fold and for all wells together as a table.

    Folders of folds are deleted if `training.folds` has been changed since they were made.
    """
    of_folds = [
        tuple(map(stores.read_table, tables, (READ_CELLS, READ_WELLS, DETECTED)))
        for tables in zip(cells, wells, detected, strict=True)
    ]
    whole = tuple(pd.concat(tables, ignore_index=True) for tables in zip(*of_folds, strict=True))
    folds = agreement.summaries(of_folds, whole)
    pictured = _pictured(agreement.worst_fields(whole[0], agreement.N_WORST), worst)
    stores.write_table(summary, folds, EVALUATION)
    stores.write_bytes(page, evaluation.draw(*whole, folds, pictured, classes))
    if len(cells) > 1:
        stores.sweep_shards(page.parent, n_shards=len(cells))


def _pictured(
    ranked: pd.DataFrame, worst: list[Path]
) -> Iterator[tuple[str, np.ndarray, np.ndarray, np.ndarray]]:
    """Heading, field, and class maps of the dye and the network, of the worst fields of all folds."""
    places = {
        field: (path, k)
        for path in worst
        # Without a field that was read wrongly, the file has no columns.
        for k, field in enumerate(stores.list_class_maps(path).reindex(columns=FIELD_KEY).itertuples(False))
    }
    for row in ranked.to_dict("records"):
        arrays = stores.read_segmentation(*places[tuple(row[name] for name in FIELD_KEY)])
        heading = "{plate}/{well}/{field}: {n_wrong} of {n_cells} cells wrong".format(**row)
        yield heading, arrays["field"], arrays["truth"], arrays["maps"]


if __name__ == "__main__":
    run(draw_evaluation, snakemake)
