"""Write the page that shows all plates of a run together."""

from pathlib import Path

from livedead import stores
from livedead.job import run
from livedead.pictures import experiment_page
from livedead.pictures.experiment_page import PlateTables
from livedead.plates.plate_maps import MapColumns
from livedead.tables import DOSE_RESPONSE, FIELDS, PLATE_QUALITY, REPLICATES, RESIDUALS, WELLS
from livedead.wells.analysis import designed


def write_experiment(
    plate_wells: list[Path],
    plate_fields: list[Path],
    quality: list[Path],
    residuals: list[Path],
    replicates: Path,
    curves: Path,
    page: Path,
    *,
    plates: list[str],
    n_wells: list[int],
    plate_map: MapColumns,
    max_failed_fraction: float,
    min_z_prime: float | None,
) -> None:
    """Write HTML; `n_wells` are the sizes of the `plates`."""
    files = zip(plates, n_wells, plate_wells, plate_fields, quality, residuals, strict=True)
    tables = {
        plate: PlateTables(
            size,
            designed(stores.read_table(wells, WELLS), plate_map),
            stores.read_table(fields, FIELDS),
            stores.read_table(its_quality, PLATE_QUALITY),
            stores.read_table(its_residuals, RESIDUALS),
        )
        for plate, size, wells, fields, its_quality, its_residuals in files
    }
    drawn = experiment_page.draw(
        tables,
        stores.read_table(replicates, REPLICATES),
        stores.read_table(curves, DOSE_RESPONSE),
        max_failed_fraction=max_failed_fraction,
        min_z_prime=min_z_prime,
    )
    stores.write_bytes(page, drawn)


if __name__ == "__main__":
    run(write_experiment, snakemake)
