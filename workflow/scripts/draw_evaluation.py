"""Put what the networks of all folds read on one page, beside the dye."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from livedead import stores
from livedead.logs import log_to
from livedead.network.classes import Classes
from livedead.pictures import evaluation
from livedead.statistics import agreement
from livedead.tables import EVALUATION, FIELD_KEY, READ_CELLS, READ_WELLS


def draw_evaluation(
    cells: list[Path],
    wells: list[Path],
    worst: list[Path],
    page: Path,
    summary: Path,
    *,
    classes: Classes,
) -> None:
    """Write the page, and its figures for each fold and for all wells together as a table.

    Folds of another count, from before it was changed, are deleted.
    """
    of_folds = [
        (stores.read_table(judged, READ_CELLS), stores.read_table(counted, READ_WELLS))
        for judged, counted in zip(cells, wells, strict=True)
    ]
    whole = tuple(pd.concat(tables, ignore_index=True) for tables in zip(*of_folds, strict=True))
    folds = agreement.summaries(of_folds, whole)
    ranked = agreement.worst_fields(whole[0], agreement.N_WORST)

    def pictured() -> Iterator[tuple[str, np.ndarray, np.ndarray, np.ndarray]]:
        for row in ranked.itertuples():
            for path in worst:
                listed = stores.list_class_maps(path)
                for k in np.flatnonzero((listed[FIELD_KEY] == list(row[1:5])).all(axis=1)):
                    name = f"{row.plate}/{row.well}/{row.field}: {row.n_wrong} of {row.n_cells} cells wrong"
                    arrays = stores.read_segmentation(path, int(k))
                    yield name, arrays["field"], arrays["truth"], arrays["maps"]

    stores.write_table(summary, folds, EVALUATION)
    stores.write_bytes(page, evaluation.draw(*whole, folds, pictured(), classes))
    if len(cells) > 1:
        stores.sweep_shards(page.parent, n_shards=len(cells))


if __name__ == "__main__":
    with log_to(snakemake.log[0], snakemake.input):
        draw_evaluation(
            [Path(path) for path in snakemake.input.cells],
            [Path(path) for path in snakemake.input.wells],
            [Path(path) for path in snakemake.input.worst],
            Path(snakemake.output.page),
            Path(snakemake.output.summary),
            classes=Classes.from_config(snakemake.params.classes),
        )
