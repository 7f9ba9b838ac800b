"""Join wells that were treated alike, within their plate and over all plates."""

from pathlib import Path

from livedead import stores
from livedead.job import run
from livedead.plates.plate_maps import MapColumns
from livedead.tables import REPLICATES, WELLS
from livedead.wells import replicates as joined


def join_replicates(wells: Path, replicates: Path, *, plate_map: MapColumns) -> None:
    """Write mean viability, its interval and spread, by treatment."""
    table = joined.join_replicates(stores.read_table(wells, WELLS), plate_map)
    stores.write_table(replicates, table, REPLICATES)


if __name__ == "__main__":
    run(join_replicates, snakemake)
