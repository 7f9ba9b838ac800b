"""Compare what the networks of all folds read with the dye, on one page."""

from pathlib import Path

import pandas as pd

from livedead import stores
from livedead.cells.confidence import calibrate
from livedead.job import run
from livedead.network.classes import Classes
from livedead.pictures import evaluation
from livedead.statistics import agreement
from livedead.tables import EVALUATION
from livedead.training.evaluated import read_folds, read_worst_fields


def draw_evaluation(
    cells: list[Path],
    wells: list[Path],
    detected: list[Path],
    worst: list[Path],
    start_cells: list[Path],
    start_wells: list[Path],
    start_detected: list[Path],
    page: Path,
    summary: Path,
    experience: Path,
    *,
    classes: Classes,
) -> None:
    """Write the page, its figures, and a calibration; delete folders of folds that are not configured.

    The tables that begin with `start` are those of the network that the training started from, if any.
    """
    of_folds, whole = read_folds(cells, wells, detected)
    folds = agreement.summaries(of_folds, whole)
    if start_cells:
        _, before = read_folds(start_cells, start_wells, start_detected)
        folds = pd.concat([folds, agreement.summaries([before], before).assign(fold="before")])
    stores.write_table(summary, folds, EVALUATION)
    known = calibrate(whole[0])
    stores.write_json(experience, {"calibration": known.as_dict()} if known else {})
    pictured = read_worst_fields(whole[0], worst)
    stores.write_bytes(page, evaluation.draw(*whole, folds, pictured, classes))
    if len(cells) > 1:
        stores.sweep_shards(page.parent, n_shards=len(cells))


if __name__ == "__main__":
    run(draw_evaluation, snakemake)
