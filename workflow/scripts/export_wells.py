"""Write the well table of one plate as other tools want it."""

from pathlib import Path
from typing import Any

from livedead import stores
from livedead.logs import log_to
from livedead.plates.plate_maps import MapColumns
from livedead.tables import CYTOMINING, DRC, GRMETRICS, WELLS
from livedead.wells import interchange


def export_wells(
    wells: Path, cytomining: Path, drc: Path, grmetrics: Path, *, plate_map: dict[str, Any]
) -> None:
    """Write profiles for pycytominer, and the input of R's drc and GRmetrics."""
    table, columns = stores.read_table(wells, WELLS), MapColumns(**plate_map)
    stores.write_table(cytomining, interchange.cytomining(table), CYTOMINING)
    stores.write_table(drc, interchange.drc(table, columns), DRC)
    stores.write_table(grmetrics, interchange.grmetrics(table, columns), GRMETRICS)


if __name__ == "__main__":
    with log_to(snakemake.log[0], snakemake.input):
        export_wells(
            Path(snakemake.input.wells),
            Path(snakemake.output.cytomining),
            Path(snakemake.output.drc),
            Path(snakemake.output.grmetrics),
            plate_map=snakemake.params.plate_map,
        )
