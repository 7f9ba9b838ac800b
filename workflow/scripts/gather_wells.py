"""Join the well tables of all plates."""

from pathlib import Path

from livedead import stores
from livedead.cells.tallies import check_wells
from livedead.job import run
from livedead.plates.plate_maps import read_plate_map
from livedead.tables import FIELDS, WELLS
from livedead.wells.table import join_plates


def gather_wells(
    plate_wells: list[Path],
    plate_fields: list[Path],
    platemaps: list[Path],
    wells: Path,
    *,
    has_map: list[bool],
    n_wells: list[int],
) -> None:
    """Write all wells; plate-map columns that a plate lacks are empty there.

    Parameters
    ----------
    platemaps : list of Path
        Of those plates that have one, in their order.
    """
    tables = [stores.read_table(path, WELLS) for path in plate_wells]
    maps = iter(platemaps)
    plates = zip(tables, plate_wells, plate_fields, has_map, n_wells, strict=True)
    for table, of_wells, of_fields, is_mapped, size in plates:
        mapped = list(read_plate_map(next(maps), size)["well"]) if is_mapped else []
        check_wells(stores.read_table(of_fields, FIELDS), table, f"{of_fields} and {of_wells}", mapped)
    stores.write_table(wells, join_plates(tables), WELLS)


if __name__ == "__main__":
    run(gather_wells, snakemake)
