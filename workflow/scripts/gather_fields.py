"""Join the shards of one plate, and the quality of its fields."""

from pathlib import Path
from typing import Any

import pandas as pd

from livedead import stores
from livedead.cells.counting import join_cells
from livedead.cells.tallies import check_cells
from livedead.job import run
from livedead.plates.corrections import check_known, read_corrections
from livedead.tables import CELLS, FIELDS, SHARD_FIELDS
from livedead.wells.fields import finish_fields, judge_fields


def gather_fields(
    shard_fields: list[Path],
    shard_cells: list[Path],
    normalization: Path,
    corrections: list[Path],
    fields: Path,
    cells: Path,
    *,
    min_range: int | None,
    qc: dict[str, Any],
) -> None:
    """Write all fields, with the quality of their first channel and their QC flags, and all cells.

    Shards of another count, from before it was changed, are deleted.
    """
    _, quality = stores.read_normalization(normalization)
    counted = pd.concat([stores.read_table(path, SHARD_FIELDS) for path in shard_fields])
    of_shards = join_cells([stores.read_table(path, CELLS) for path in shard_cells])
    folder = shard_fields[0].parent.parent
    check_cells(of_shards, counted, f"cells.csv.gz and fields.csv of the shards in {folder}")
    check_known(read_corrections(corrections), counted)
    judged = judge_fields(counted, quality, {**qc, "min_range": min_range}, f"{folder} and {normalization}")
    of_fields, of_cells = finish_fields(counted, of_shards, judged, qc["exclude_flags"])
    check_cells(of_cells, of_fields, f"{cells} and {fields}")
    stores.write_table(fields, of_fields, FIELDS)
    stores.write_table(cells, of_cells, CELLS)
    stores.sweep_shards(folder, n_shards=int(shard_fields[0].parent.name.split("-of-")[1]))


if __name__ == "__main__":
    run(gather_fields, snakemake)
