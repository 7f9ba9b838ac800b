"""Join the shards of one plate, and the quality of its fields."""

from pathlib import Path
from typing import Any

import pandas as pd

from livedead import stores
from livedead.cells.counting import join_cells
from livedead.cells.tallies import check_cells
from livedead.errors import CountError
from livedead.logs import log_to
from livedead.tables import CELLS, COUNTED, FIELD_KEY, FIELDS, QUALITY, SHARD_FIELDS
from livedead.wells.flags import exclude_flagged, flag_counted, flag_fields

FIELD = FIELD_KEY[1:]


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
    gathered = pd.concat([stores.read_table(path, SHARD_FIELDS) for path in shard_fields])
    of_shards = join_cells([stores.read_table(path, CELLS) for path in shard_cells])
    folder = shard_fields[0].parent.parent
    check_cells(of_shards, gathered, f"cells.csv.gz and fields.csv of the shards in {folder}")
    apart = _keys(gathered).symmetric_difference(_keys(first))
    if len(apart):
        raise CountError(
            f"{folder} and {normalization} do not list the same fields: {len(apart)} in one only, first "
            f"{apart[0]}; delete both and start the same command again"
        )
    flags = flag_fields(quality, {**qc, "min_range": min_range})
    joined = gathered.merge(first[[*FIELD, *QUALITY]], on=FIELD, validate="one_to_one")
    joined = joined.merge(flags, on=FIELD, validate="one_to_one")
    joined, counted = exclude_flagged(flag_counted(joined), of_shards, qc["exclude_flags"], COUNTED)
    check_cells(counted, joined, f"{cells} and {fields}")
    stores.write_table(fields, joined, FIELDS)
    stores.write_table(cells, counted, CELLS)
    stores.sweep_shards(folder, n_shards=int(shard_fields[0].parent.name.split("-of-")[1]))


def _keys(fields: pd.DataFrame) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(fields[FIELD])


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
