"""Join the shards of one plate, and the quality of its fields."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from livedead import stores
from livedead.cells import CELL_KEYS, COUNTED, FIELD_TYPES, check_counts, join_cells, tally_cells
from livedead.fields import exclude_flagged
from livedead.flags import flag_counted, flag_fields
from livedead.logs import log_to
from livedead.normalization import QUALITY

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

FIELD = ["well", "field", "timepoint"]


def gather_fields(
    shard_fields: list[Path],
    shard_cells: list[Path],
    normalization: Path,
    fields: Path,
    cells: Path,
    *,
    min_range: int,
    qc: dict[str, Any],
) -> None:
    """Write all fields, with the quality of their first channel and their marks, and all cells.

    Shards of another count, from before it was changed, are deleted.
    """
    quality = stores.read_normalization(normalization)[1]
    first = quality[quality["channel"] == quality["channel"].iloc[0]]
    gathered = pd.concat([stores.read_table(path) for path in shard_fields])
    joined = gathered.merge(first[[*FIELD, *QUALITY]], on=FIELD, how="left", validate="one_to_one")
    flags = flag_fields(quality, {**qc, "min_range": min_range})
    joined = joined.merge(flags, on=FIELD, how="left", validate="one_to_one")
    joined, counted = exclude_flagged(
        flag_counted(joined.astype(FIELD_TYPES)),
        join_cells([stores.read_table(path) for path in shard_cells]),
        qc["exclude_flags"],
        COUNTED,
    )
    check_counts(tally_cells(counted, CELL_KEYS), joined, CELL_KEYS, f"{cells}: cells and {fields}")
    stores.write_table(fields, joined)
    stores.write_table(cells, counted)
    shard = shard_fields[0].parent
    stores.sweep_shards(shard.parent, n_shards=int(shard.name.split("-of-")[1]))


if __name__ == "__main__":
    with log_to(snakemake.log[0], snakemake.input):
        gather_fields(
            [Path(path) for path in snakemake.input.fields],
            [Path(path) for path in snakemake.input.cells],
            Path(snakemake.input.normalization),
            Path(snakemake.output.fields),
            Path(snakemake.output.cells),
            min_range=snakemake.params.min_range,
            qc=snakemake.params.qc,
        )
