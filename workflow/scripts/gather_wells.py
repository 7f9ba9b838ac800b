"""Join the well tables of all plates."""

from pathlib import Path
from typing import TYPE_CHECKING

from livedead import stores, wells
from livedead.logs import log_to

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def gather_wells(plate_tables: list[Path], output: Path) -> None:
    """Write all wells; plate-map columns that a plate lacks are missing there."""
    stores.write_table(output, wells.join_plates([stores.read_table(path) for path in plate_tables]))


if __name__ == "__main__":
    with log_to(snakemake.log[0], snakemake.input):
        gather_wells([Path(path) for path in snakemake.input.wells], Path(snakemake.output.wells))
