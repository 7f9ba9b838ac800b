"""Join the shards of one plate, and the quality of its fields."""

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from livedead import stores
from livedead.cells import CELL_KEYS, COUNTS, check_counts, join_cells, tally_cells
from livedead.logs import log_to

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

FIELD = ["well", "field", "timepoint"]


def gather_fields(
    shard_fields: list[Path],
    shard_cells: list[Path],
    normalization: Path,
    fields: Path,
    cells: Path,
) -> None:
    """Write all fields, with the focus and saturation of their first channel, and all cells."""
    quality = stores.read_normalization(normalization)[1]
    first = quality[quality["channel"] == quality["channel"].iloc[0]]
    gathered = pd.concat([stores.read_table(path) for path in shard_fields])
    joined = gathered.merge(
        first[[*FIELD, "focus", "saturated_fraction", "median_counts"]],
        on=FIELD,
        how="left",
        validate="one_to_one",
    )
    joined = joined.astype(dict.fromkeys(COUNTS, "Int64"))
    all_cells = join_cells([stores.read_table(path) for path in shard_cells])
    check_counts(tally_cells(all_cells, CELL_KEYS), joined, CELL_KEYS, f"{cells}: cells and {fields}")
    stores.write_table(fields, joined)
    stores.write_table(cells, all_cells)


if __name__ == "__main__":
    with log_to(snakemake.log[0]):
        gather_fields(
            [Path(path) for path in snakemake.input.fields],
            [Path(path) for path in snakemake.input.cells],
            Path(snakemake.input.normalization),
            Path(snakemake.output.fields),
            Path(snakemake.output.cells),
        )
