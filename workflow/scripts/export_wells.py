"""Write the well table of one plate as other tools want it."""

from pathlib import Path

from livedead import stores
from livedead.job import run
from livedead.plates.plate_maps import MapColumns
from livedead.tables import CYTOMINING, DRC, GRMETRICS, WELLS
from livedead.wells import interchange


def export_wells(wells: Path, cytomining: Path, drc: Path, grmetrics: Path, *, plate_map: MapColumns) -> None:
    """Write profiles for pycytominer, and the input of R's drc and GRmetrics."""
    table = stores.read_table(wells, WELLS)
    stores.write_table(cytomining, interchange.cytomining(table), CYTOMINING)
    stores.write_table(drc, interchange.drc(table, plate_map), DRC)
    stores.write_table(grmetrics, interchange.grmetrics(table, plate_map), GRMETRICS)


if __name__ == "__main__":
    run(export_wells, snakemake)
