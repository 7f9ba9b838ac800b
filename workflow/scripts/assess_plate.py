"""Judge one plate by its control wells and by its layout."""

from pathlib import Path

from livedead import stores
from livedead.job import run
from livedead.plates.plate_maps import MapColumns
from livedead.tables import PLATE_QUALITY, RESIDUALS, WELLS
from livedead.wells.analysis import assess_plate as assess


def assess_plate(wells: Path, quality: Path, residuals: Path, *, n_wells: int, plate_map: MapColumns) -> None:
    """Write Z', SSMD and the edge effect, and the residual of every well."""
    found, of_wells = assess(stores.read_table(wells, WELLS), plate_map, n_wells)
    stores.write_table(quality, found, PLATE_QUALITY)
    stores.write_table(residuals, of_wells, RESIDUALS)


if __name__ == "__main__":
    run(assess_plate, snakemake)
