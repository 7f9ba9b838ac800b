"""Compare the counts of a simulated plate with its truth."""

from pathlib import Path

from livedead import stores
from livedead.job import run
from livedead.tables import AGREEMENT, FIELDS, TRUE_CELLS
from livedead.training import evaluate


def compare_with_truth(fields: Path, truth_cells: Path, wells: Path, summary: Path) -> None:
    """Write counted and true numbers per well, and their errors."""
    table, errors = evaluate.compare_counts(
        stores.read_table(fields, FIELDS), stores.read_table(truth_cells, TRUE_CELLS)
    )
    stores.write_table(wells, table, AGREEMENT)
    stores.write_json(summary, errors)


if __name__ == "__main__":
    run(compare_with_truth, snakemake)
